//! What an imap keeps under its lock: one field for each part, and what needs more than one of them.
//!
//! No user code runs here, and no value of the user is dropped here. A thread that comes to the lock brings what it has
//! done and is told what to do next: a worker by [`step`](State::step), a consumer by [`ask`](State::ask), which waits where a
//! worker leaves. What they are told to do, they do after the lock has been left.

mod step;
mod wait;

use super::backlog::{Backlog, TakenRun};
use super::budget::{Charged, Weights};
use super::chunk::{Chunk, Hand, HandBackTimer, Many};
use super::control::Control;
use super::ending::Leftovers;
use super::input::{Hint, Input, InputEnd};
use super::order::{Order, Output, Outputs};
use super::ring::{self, Receiver, Sender};
use super::running::Running;
use super::source::Settings;
use super::stats::{ImapStats, ItemTime};
use super::wakeup::Wakeup;
use super::window::Window;
use super::workers::Workers;
use crate::imap::policy::{Policy, Request};
use crate::sync::Instant;
use crate::sync::fence;
use crate::unwind::{Payload, drop_quietly};
use std::sync::Arc;
use std::time::Duration;
pub(super) use step::{Done, Step};
pub(super) use wait::{Answer, Call};

pub(super) struct State<I: Iterator, T> {
    control: Arc<Control>,
    /// The consumer has the input.
    local: bool,
    input: Input<I>,
    /// An input that has come to its end. Its `drop` may take long, so it is dropped by a worker that finds nothing to do, or
    /// kept by the consumer.
    ended: Option<Box<I>>,
    backlog: Backlog<I::Item>,
    /// What the consumer has not taken.
    told: Outputs<T>,
    window: Window,
    /// What is under way, in bytes, if that is bounded.
    charged: Option<Charged>,
    workers: Workers,
    wakeup: Wakeup,
    policy: Policy,
    unordered: bool,
    /// Every item begins before the next is pulled, and is alone in its worker's hand.
    one_at_a_time: bool,
    /// A thread pulls an item to begin with it.
    pulls_one: bool,
    /// The lowest index of an item that has failed, behind which nothing is to begin.
    failed: Option<u64>,
    /// How long an item may take. Then items go one at a time, too.
    item_limit: Option<Duration>,
    /// The consumer's last call came from a thread that its pool needs, so it takes whatever has not begun.
    consumer_works: bool,
    /// For statistics, with the time at which a thread came to the lock last.
    running: Running,
    now: Instant,
    /// How many items have been dropped since they were given up before they had begun.
    skipped: u64,
    /// How many items have been dropped since they were not to begin behind a failure.
    dropped: u64,
    /// Rings of a consumer that has left, whose senders may still push.
    orphans: Vec<Receiver<T>>,
}

/// A job whose lease was closed does not come to drop the input.
impl<I: Iterator, T> Drop for State<I, T> {
    fn drop(&mut self) {
        drop_quietly(self.ended.take());
    }
}

impl<I: Iterator, T> State<I, T> {
    /// Of an imap over this input; without one, the consumer has it.
    pub(super) fn new(input: Option<I>, threads: usize, control: Arc<Control>) -> State<I, T> {
        State {
            local: input.is_none(),
            input: Input::new(input),
            ended: None,
            backlog: Backlog::new(),
            told: Vec::new(),
            window: Window::new(),
            charged: None,
            workers: Workers::new(threads),
            wakeup: Wakeup::new(),
            policy: Policy::new(Request { threads, window: None, chunk: None, unordered: false }),
            unordered: false,
            one_at_a_time: false,
            pulls_one: false,
            failed: None,
            item_limit: None,
            consumer_works: false,
            running: Running::default(),
            now: Instant::now(),
            skipped: 0,
            dropped: 0,
            orphans: Vec::new(),
            control,
        }
    }

    /// Takes over what was set before the iteration began.
    pub(super) fn configure(&mut self, settings: &Settings) {
        self.unordered = settings.unordered;
        // Without order, sizes are given back by index, and a ring has none.
        let by_index = settings.unordered && settings.budget.is_some();
        self.one_at_a_time = settings.item_limit.is_some() || by_index;
        self.charged = settings.budget.clone().map(Charged::new);
        self.item_limit = settings.item_limit;
        settings.threads.into_iter().for_each(|most| self.workers.limit(most));
        self.policy.configure(Request {
            threads: self.workers.most(),
            window: settings.window,
            chunk: settings.chunk,
            unordered: settings.unordered,
        });
    }

    /// How many items may be pulled now.
    fn room(&self) -> usize {
        let mut room = self.window.room(self.policy.window(), self.input.pulled());
        if self.charged.as_ref().is_some_and(Charged::is_full) {
            // The head passes in any case.
            room = room.min(u64::from(self.input.pulled() <= self.window.delivered()));
        }
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// How many items to take at a time.
    fn chunk_len(&mut self) -> usize {
        if self.one_at_a_time {
            return 1;
        }
        let left = self.input.left().map(|left| left.saturating_add(self.backlog.waiting_len()));
        self.policy.chunk_len(left)
    }

    /// How many items to pull at a time. A consumer that works takes its share of them.
    fn batch_len(&mut self) -> usize {
        if self.one_at_a_time {
            return 1;
        }
        let batch = self.policy.batch_len();
        if self.consumer_works { batch.max(self.chunk_len().saturating_mul(2)) } else { batch }
    }

    /// Whether the rings that are opened now need a fence with each push.
    fn fenced(&mut self) -> bool {
        !(fence::is_asymmetric() && self.policy.is_tiny())
    }

    /// Whether one more job should come: there is work that no thread has taken. Counts the job; the caller must spawn
    /// it, after it has left the lock. `any_room`: the input is to be entered for a single item, too.
    pub(super) fn try_reserve_worker(&mut self, any_room: bool) -> bool {
        let full = self.workers.is_full() || !self.workers.may_begin();
        let waiting = self.backlog.has_waiting();
        // A consumer that waits behind all that was pulled needs the end, whatever the input says of itself.
        let pulled = self.input.pulled();
        let wanted = self.wakeup.waits_behind(pulled)
            || self.workers.is_empty()
            || (any_room && self.window.delivered() >= pulled);
        let can_pull = self.input.is_here() && (wanted || !self.input.seems_empty());
        self.control.note_busy(full && !self.workers.is_limited() && (waiting || can_pull));
        if self.control.is_cancelled() {
            return false;
        }
        if waiting {
            self.wake_consumer_that_works();
        }
        if full {
            return false;
        }
        // A feeder may be blocked in the input beside these, with no other worker to come back for them.
        let is_for_others = self.local || self.backlog.is_filled_for_others() || self.workers.active() <= 1;
        let can_take = is_for_others && self.backlog.has_visible();
        (waiting || can_take || (can_pull && self.has_room(any_room))) && self.workers.try_reserve()
    }

    /// Whether there is a job for each thread of the pool.
    pub(super) fn has_every_job(&self) -> bool {
        self.workers.is_full()
    }

    /// Whether there is room for a batch, or for half of the window; or for any item, if that is enough.
    fn has_room(&mut self, any_room: bool) -> bool {
        let room = self.room();
        let half = usize::try_from(self.policy.window() / 2).unwrap_or(usize::MAX);
        room > 0 && (any_room || room >= self.batch_len().min(half))
    }

    /// The consumer tells how far it is. Returns whether a job was reserved.
    pub(super) fn visit(&mut self, order: &mut Order<T>) -> bool {
        self.note_delivered(order);
        self.try_reserve_worker(false)
    }

    /// Notes how far the consumer is, and tells it when to come again.
    fn note_delivered(&mut self, order: &mut Order<T>) {
        self.window.deliver(order.head());
        order.visit_at(self.window.next_visit(self.policy.window()));
        let Some(charged) = &mut self.charged else { return };
        if self.unordered {
            charged.deliver(order.take_delivered());
        } else {
            charged.deliver_below(order.head());
        }
        order.visit_at(order.head() + 1);
    }

    /// Whether a notification is to be given, now that the lock is being left.
    pub(super) fn take_due_notification(&mut self) -> bool {
        self.wakeup.take_due()
    }

    /// Tells the consumer what has come of an item.
    fn tell(&mut self, index: u64, output: Output<T>) {
        self.told.push((index, output));
        self.control.unwanted().forget(index);
        self.control.set_news(true);
        self.wakeup.tell(index);
    }

    fn take_chunk(&mut self, hand: &mut Hand<I, T>, len: usize) -> bool {
        let Some(taken) = self.backlog.take(len, hand.slot()) else { return false };
        self.begin(hand, taken);
        true
    }

    /// Opens the way for the results of these items.
    fn begin(&mut self, hand: &mut Hand<I, T>, taken: TakenRun<I::Item>) {
        let TakenRun { first, len, .. } = taken;
        if let Some(items) = taken.into_items() {
            return self.begin_many(hand, first, len, Some(items));
        }
        if !self.unordered && first < self.window.delivered() {
            // It was given up, so it stays without a chunk, and is dropped.
            self.skipped += 1;
            return;
        }
        if self.item_limit.is_some() {
            self.told.push((first, Output::Began(std::time::Instant::now())));
            self.control.set_news(true);
            self.wakeup.tell_begin(first);
        }
        hand.begin(Chunk::One(first), self.running.begin(first, 1, self.now));
    }

    fn begin_many(
        &mut self,
        hand: &mut Hand<I, T>,
        first: u64,
        most: usize,
        items: Option<Receiver<I::Item>>,
    ) {
        let results = self.open_results(first, most);
        let timer = HandBackTimer::new(self.policy.hand_back_after(), !self.workers.is_full());
        let many = Many::new(first, items, results, most, &self.control, timer);
        hand.begin(Chunk::Many(many), self.running.begin(first, most, self.now));
    }

    /// Tells the consumer of a ring before the first result is pushed into it.
    fn open_results(&mut self, first: u64, most: usize) -> Sender<T> {
        let (sender, receiver) = ring::open(most, self.fenced());
        self.told.push((first, Output::Ring(receiver, most)));
        self.control.set_news(true);
        sender
    }

    /// The next item of the chunk has panicked: its results go on behind it.
    pub(super) fn note_panic(&mut self, many: &mut Many<I::Item, T>, payload: Payload) {
        let panicked = many.next();
        self.tell(panicked, Output::Panicked(payload));
        let results = self.open_results(panicked + 1, many.left() - 1);
        many.go_on_behind_panic(results);
    }

    /// Takes back a chunk, with its result if that is in no ring, and what is left of it.
    fn release(&mut self, hand: &mut Hand<I, T>) {
        hand.take_slot().into_iter().for_each(|slot| self.running.end(slot));
        match hand.take() {
            (Chunk::One(index), Some(output)) => self.tell(index, output),
            // It was not wanted any more.
            (Chunk::One(_), None) => self.dropped += 1,
            (Chunk::Many(many), _) => {
                let next = many.next();
                if let Some(items) = many.into_rest() {
                    self.backlog.hand_back(next, items);
                }
            }
            _ => {}
        }
    }

    /// The pool has dropped a queued job. Returns whether the consumer has left.
    pub(super) fn discard_job(&mut self) -> bool {
        self.workers.discard();
        self.wakeup.wake();
        self.wakeup.consumer_gone()
    }

    /// An input that has ended, for a consumer that keeps it.
    pub(super) fn take_ended(&mut self) -> Option<Box<I>> {
        self.ended.take()
    }

    /// A turn has not come to its end.
    pub(super) fn lose_worker(&mut self) {
        self.workers.lose();
        self.wakeup.wake();
    }

    /// How many items the consumer may pull now from its own input.
    pub(super) fn offer_len(&mut self) -> usize {
        if self.control.failed().is_some() { 0 } else { self.batch_len().min(self.room()) }
    }

    /// Opens a ring for items that the consumer pulls from its own input, and puts the first into it.
    pub(super) fn begin_offer(&mut self, len: usize, item: I::Item) -> Sender<I::Item> {
        let fenced = self.fenced();
        let mut sender = self.backlog.open(self.input.pulled(), len, fenced, true);
        sender.push(item);
        sender
    }

    /// The consumer has pulled what is in its ring.
    pub(super) fn end_offer(&mut self, sender: Sender<I::Item>, weights: Option<Box<Weights>>) {
        self.charge(weights);
        self.input.count(sender.pushed());
        self.backlog.close(sender);
    }

    /// Notes the sizes of what has just been pulled, before it is counted.
    pub(super) fn charge(&mut self, weights: Option<Box<Weights>>) {
        if let (Some(charged), Some(mut weights)) = (&mut self.charged, weights) {
            charged.take_over(self.input.pulled(), &mut weights);
        }
    }

    /// A consumer that has the input has got this hint from it.
    pub(super) fn set_hint(&mut self, hint: Hint) {
        self.input.set_hint(hint);
    }

    /// A consumer that has the input has come to its end.
    pub(super) fn finish_input(&mut self, end: InputEnd) {
        self.input.finish(end);
    }

    /// How many items were pulled, and the input's hint after that.
    pub(super) fn input_figures(&self) -> (u64, Hint) {
        (self.input.pulled(), self.input.hint())
    }

    pub(super) fn input_has_panicked(&self) -> bool {
        self.input.has_panicked()
    }

    /// `in_hand` is what the consumer has pulled and not told of.
    pub(super) fn stats(&self, order: &Order<T>, in_hand: u64) -> ImapStats {
        let told = self.told.iter().map(|(_, output)| output.ready_len());
        let blocked = order.ready_len() + told.sum::<u64>();
        let (waiting, visible_end) = self.backlog.seen();
        let delivered = order.head();
        // A feeder counts when it comes back. What can be seen of its items was pulled.
        let seen = (delivered - order.missing()).saturating_add(waiting + blocked);
        let pulled = (self.input.pulled() + in_hand).max(visible_end).max(seen);
        ImapStats {
            pulled,
            waiting,
            running: pulled.saturating_sub(delivered + waiting + blocked + self.dropped),
            blocked,
            delivered,
            head_age: order.head_age(),
            oldest: self.oldest(order),
            slowest: self.running.slowest().to_vec(),
        }
    }

    /// The item that runs for the longest time. In a chunk it is the one behind those whose results can be seen.
    fn oldest(&self, order: &Order<T>) -> Option<ItemTime> {
        let (begun, time) = self.running.oldest(Instant::now())?;
        let told = self.told.iter().filter_map(|(first, output)| output.ring_end(*first));
        let in_chunk = |index: &u64| (begun.first..begun.first + begun.len as u64).contains(index);
        let index = told.chain(order.ring_ends()).filter(in_chunk).max().unwrap_or(begun.first);
        Some(ItemTime { index, time })
    }

    /// The consumer has left. These rings may still be pushed into.
    pub(super) fn consumer_gone(&mut self, rings: Vec<Receiver<T>>) {
        self.wakeup.leave();
        self.charged = None;
        self.orphans.extend(rings);
    }

    /// Takes everything that has no owner left, for a consumer that has left, and takes back rings that are open. `all`: the
    /// open ones are taken out as well, once, to be emptied.
    pub(super) fn take_leftovers(&mut self, open: Vec<Receiver<T>>, all: bool) -> Leftovers<I, T> {
        self.orphans.extend(open);
        let orphans = std::mem::take(&mut self.orphans);
        let (taken, kept) = orphans.into_iter().partition(|ring| all || ring.is_closed());
        self.orphans = kept;
        // A job that there is still finds nothing to do, and drops it.
        let ended = if self.workers.is_empty() { self.ended.take() } else { None };
        Leftovers::new(
            self.input.take().or(ended),
            self.input.take_panic(),
            self.backlog.take_all(),
            std::mem::take(&mut self.told),
            taken,
        )
    }
}
