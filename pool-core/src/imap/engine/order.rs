//! P1, P6, P10: what the workers have told the consumer, in the order in which it is handed out.
//!
//! **Promise.** The consumer is given the result of the head and no other, or its panic; without order, any result once.
//! What was given up is dropped when it comes.
//!
//! The order belongs to the consumer: plain sequential code, without lock, clock or threads. Workers append what they tell
//! ([`Output`]) to a list under the imap's lock. The consumer takes that list ([`receive`](Order::receive)), leaves the lock,
//! and sorts. So ordered results are an adapter over results as they come: [`by_index`], or nearly nothing, [`as_ready`].

mod as_ready;
mod by_index;
mod output;

use super::ring::Receiver;
use crate::error::Panic;
use crate::unwind::drop_quietly;
use as_ready::AsReady;
use by_index::ByIndex;
use output::{Entries, Run};
pub(super) use output::{Output, Outputs, ring_or_drop};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

enum Kind<T> {
    ByIndex(ByIndex<T>),
    AsReady(AsReady<T>),
}

impl<T> Kind<T> {
    /// Where the next result is at the front, if it is in no ring.
    #[inline]
    pub(super) fn entries(&mut self, head: u64) -> Option<&mut Entries<T>> {
        match self {
            Kind::ByIndex(order) => {
                let entries = order.entries();
                entries.front().is_some_and(|first| first.0 == head).then_some(entries)
            }
            Kind::AsReady(order) => Some(order.entries()),
        }
    }

    /// Where what is to be delivered next is put.
    pub(super) fn front(&mut self) -> &mut Entries<T> {
        match self {
            Kind::ByIndex(order) => order.entries(),
            Kind::AsReady(order) => order.entries(),
        }
    }
}

/// Where the consumer is among the results.
pub struct Order<T> {
    /// The ring that results are taken from now.
    ring: Option<Run<T>>,
    /// The head, if the consumer has run it itself. The call that has run it takes it.
    own: Option<T>,
    /// How many items were delivered or given up. In order, that is the index of the next one.
    head: u64,
    /// The item that was delivered last.
    last: u64,
    /// How many items were given up whose results have not come.
    missing: u64,
    /// When the consumer should go to the lock again, though it finds results here.
    visit_at: u64,
    kind: Kind<T>,
    /// What has been taken from the lock, and is not sorted in.
    received: Outputs<T>,
    /// When items began that were not delivered: only where items have a limit.
    began: BTreeMap<u64, Instant>,
    /// Which items were delivered or given up since the consumer was at the lock: only where that is asked for.
    delivered: Option<Vec<u64>>,
    /// Since when the head is waited for, and which that was.
    asked: Option<(u64, Instant)>,
}

/// No result is pinned here.
impl<T> Unpin for Order<T> {}

impl<T> Order<T> {
    pub(in crate::imap) fn new() -> Order<T> {
        Order {
            ring: None,
            own: None,
            head: 0,
            last: 0,
            missing: 0,
            visit_at: u64::MAX,
            kind: Kind::ByIndex(ByIndex::new()),
            received: Vec::new(),
            began: BTreeMap::new(),
            delivered: None,
            asked: None,
        }
    }

    /// Results as they come, from now on. To be called before the first.
    pub(in crate::imap) fn set_unordered(&mut self) {
        self.kind = Kind::AsReady(AsReady::new());
    }

    pub(in crate::imap) fn is_unordered(&self) -> bool {
        matches!(self.kind, Kind::AsReady(_))
    }

    /// How many items were delivered or given up: in order, the index of the head.
    pub(in crate::imap) fn head(&self) -> u64 {
        self.head
    }

    /// The index of the item that was delivered last.
    pub(in crate::imap) fn last(&self) -> u64 {
        self.last
    }

    /// How many items were given up whose results have not come.
    pub(super) fn missing(&self) -> u64 {
        self.missing
    }

    /// How many jobs can only be in items that were given up; `not_begun` of these items have not begun.
    pub(super) fn given_up_jobs(&self, not_begun: u64) -> u64 {
        let missing = self.missing.saturating_sub(not_begun);
        match &self.kind {
            Kind::ByIndex(order) => order.given_up_jobs(missing, self.head),
            Kind::AsReady(_) => missing,
        }
    }

    /// Whether the consumer has taken so much since it was at the lock that it should go there.
    #[inline(always)]
    pub(in crate::imap) fn is_visit_due(&self) -> bool {
        self.head >= self.visit_at
    }

    pub(super) fn visit_at(&mut self, head: u64) {
        self.visit_at = head;
    }

    /// The next result, if [`find`](Order::find) has found it or it lies in the ring that was found.
    #[inline]
    pub(in crate::imap) fn pop(&mut self) -> Option<T> {
        if let Some(run) = &mut self.ring
            && let Some(value) = run.pop()
        {
            self.last = run.next - 1;
            self.head += 1;
            return Some(value);
        }
        if let Some(value) = self.own.take() {
            self.deliver(self.head);
            return Some(value);
        }
        let entries = self.kind.entries(self.head)?;
        let (_, Output::Value(_)) = entries.front()? else { return None };
        let (index, output) = entries.pop_front()?;
        self.deliver(index);
        if let Output::Value(value) = output { Some(value) } else { None }
    }

    /// The panic that stands in the place of the next result, if there is one.
    pub(in crate::imap) fn pop_panic(&mut self) -> Option<Panic> {
        let entries = self.kind.entries(self.head)?;
        let (_, Output::Panicked(_) | Output::InputPanicked(_)) = entries.front()? else { return None };
        match entries.pop_front()? {
            (index, Output::Panicked(payload)) => {
                self.deliver(index);
                Some(Panic::of_item(payload, index))
            }
            // It takes no item's place.
            (_, Output::InputPanicked(payload)) => Some(Panic::new(payload)),
            _ => None,
        }
    }

    fn deliver(&mut self, index: u64) {
        (self.head, self.last) = (self.head + 1, index);
        self.delivered.iter_mut().for_each(|delivered| delivered.push(index));
    }

    /// Which items were delivered or given up since the last call of this. The first call comes before the first of them. Only
    /// without order, and where none is in a ring.
    pub(super) fn take_delivered(&mut self) -> impl Iterator<Item = u64> {
        std::mem::take(self.delivered.get_or_insert_default()).into_iter()
    }

    /// Looks for the next result, or its panic. Drops what was given up on the way.
    pub(super) fn find(&mut self) -> bool {
        self.missing -= match &mut self.kind {
            Kind::ByIndex(order) => order.find(&mut self.ring, self.head),
            Kind::AsReady(order) => order.find(&mut self.ring),
        };
        self.is_ready()
    }

    /// Whether the next result lies where [`find`](Order::find) has found it, or would find it.
    pub(super) fn is_ready(&self) -> bool {
        self.ring.as_ref().is_some_and(|run| !run.ring.is_empty())
            || match &self.kind {
                Kind::ByIndex(order) => order.is_ready(self.head),
                Kind::AsReady(order) => order.is_ready(),
            }
    }

    /// The rings that the next result may come from.
    fn watched(&self) -> impl Iterator<Item = &Receiver<T>> {
        let (covering, all) = match &self.kind {
            Kind::ByIndex(order) => (order.covering(), None),
            Kind::AsReady(order) => (None, Some(order.runs())),
        };
        self.ring.iter().chain(covering).chain(all.into_iter().flatten()).map(|run| &run.ring)
    }

    /// After a signal was set: makes sure that a push into any ring here sees it, or that its value can be seen here. One
    /// barrier is enough for all. Returns whether that can be relied on.
    pub(super) fn settle(&self) -> bool {
        let unfenced = self.watched().find(|ring| !ring.is_fenced());
        unfenced.or_else(|| self.watched().next()).is_none_or(Receiver::settle)
    }

    /// Takes what workers have told. Called under the lock, so nothing is sorted here.
    pub(super) fn receive(&mut self, told: &mut Outputs<T>) {
        debug_assert!(self.received.is_empty());
        std::mem::swap(&mut self.received, told);
    }

    /// Puts in its place what was received.
    pub(super) fn sort(&mut self) {
        let mut received = std::mem::take(&mut self.received);
        received.drain(..).for_each(|(index, output)| self.insert(index, output));
        self.received = received;
    }

    fn insert(&mut self, index: u64, output: Output<T>) {
        if let Output::Began(at) = output {
            self.began.insert(index, at);
            return;
        }
        let unwanted = match &mut self.kind {
            Kind::ByIndex(order) => order.insert(index, output, self.head),
            Kind::AsReady(order) => {
                self.began.remove(&index);
                order.insert(index, output)
            }
        };
        if let Some(unwanted) = unwanted {
            self.missing -= 1;
            drop_quietly(unwanted);
        }
    }

    /// The consumer has run the head itself, and delivers it next: cheaper than to [put](Order::put) it.
    #[inline]
    pub(super) fn put_own(&mut self, value: T) {
        self.own = Some(value);
    }

    /// The consumer has run the head itself.
    pub(super) fn put(&mut self, output: Output<T>) {
        self.kind.front().push_front((self.head, output));
    }

    /// This many items were given up before they were pulled, and have been dropped since.
    pub(super) fn note_skipped(&mut self, count: u64) {
        self.missing -= count;
    }

    /// Goes on to the item behind the head, whose result is to be dropped when it comes. Only in order.
    pub(in crate::imap) fn give_up_head(&mut self) {
        if let Kind::ByIndex(order) = &mut self.kind {
            order.put_back(self.ring.take());
        }
        self.began.remove(&self.head);
        (self.head, self.missing) = (self.head + 1, self.missing + 1);
    }

    /// Gives up the item whose limit has passed: see [`next_late`](Order::next_late).
    pub(super) fn give_up_item(&mut self, index: u64) {
        self.last = index;
        match &mut self.kind {
            Kind::ByIndex(_) => self.give_up_head(),
            Kind::AsReady(order) => {
                order.give_up(index);
                self.began.remove(&index);
                self.missing += 1;
                self.deliver(index);
            }
        }
    }

    /// The item that will be late next, and when it began: the head, or without order the one that has run for the
    /// longest time. `None` if that has not begun, since it has no limit yet.
    pub(super) fn next_late(&mut self) -> Option<(u64, Instant)> {
        if self.is_unordered() {
            return self.began.iter().min_by_key(|began| *began.1).map(|(index, at)| (*index, *at));
        }
        while let Some(first) = self.began.first_entry()
            && *first.key() < self.head
        {
            first.remove();
        }
        self.began.get_key_value(&self.head).map(|(index, at)| (*index, *at))
    }

    /// The head is waited for, and it is now so late.
    pub(super) fn note_asked(&mut self, now: Instant) {
        if self.asked.is_none_or(|(head, _)| head != self.head) {
            self.asked = Some((self.head, now));
        }
    }

    /// How long ago the head was first asked for in vain.
    pub(super) fn head_age(&self) -> Duration {
        let asked = self.asked.filter(|(head, _)| *head == self.head);
        asked.map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// How many results can be seen here.
    pub(super) fn ready_len(&self) -> u64 {
        let current = self.ring.as_ref().map_or(0, |run| run.ring.len());
        let (entries, runs) = match &self.kind {
            Kind::ByIndex(order) => order.ready_len(),
            Kind::AsReady(order) => order.ready_len(),
        };
        current + entries + runs
    }

    /// For each ring here, the index behind the last result that can be seen in it.
    pub(super) fn ring_ends(&self) -> Vec<u64> {
        let mut ends = match &self.kind {
            Kind::ByIndex(order) => order.ring_ends(),
            Kind::AsReady(order) => order.ring_ends(),
        };
        ends.extend(self.ring.as_ref().map(Run::visible_end));
        ends
    }

    /// For a consumer that leaves: drops what is here, and gives the rings whose senders may still push.
    pub(super) fn drain(&mut self) -> Vec<Receiver<T>> {
        drop_quietly(self.own.take());
        let (entries, runs) = match &mut self.kind {
            Kind::ByIndex(order) => order.drain(),
            Kind::AsReady(order) => order.drain(),
        };
        let outputs = std::mem::take(&mut self.received).into_iter().chain(entries);
        let rings = outputs.filter_map(|(_, output)| ring_or_drop(output));
        let mut rings: Vec<_> =
            rings.chain(runs.into_iter().chain(self.ring.take()).map(|run| run.ring)).collect();
        rings.iter_mut().for_each(Receiver::drop_values);
        rings
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
