//! What an imap keeps under its lock: the input, items that wait to be taken, and what has been taken.
//!
//! No code of the user runs here, and no value of the user is dropped here.

use super::begun::ItemLimit;
use super::control::Control;
use super::input::Input;
use super::reorder::Reorder;
use super::ring::{Receiver, Rings, Sender};
use super::window::Window;
use super::workers::Workers;
use crate::imap::policy::{Policy, Task};
use crate::sync::fence;
use crate::unwind::Payload;
use std::collections::VecDeque;
use std::time::Duration;

/// Items that wait to be taken, from this index on.
pub(crate) struct Lot<A> {
    pub(crate) first: u64,
    pub(crate) items: Receiver<A>,
}

/// What the consumer finds at an index.
pub(crate) enum Output<T> {
    Ring(Receiver<T>),
    Panicked(Payload),
}

impl<T> Output<T> {
    /// Whether there is something to deliver.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Output::Ring(ring) => !ring.is_empty(),
            Output::Panicked(_) => true,
        }
    }
}

/// Items in the hands of a worker.
pub(crate) enum Items<A> {
    One(Option<A>),
    Ring(Receiver<A>),
}

/// What a worker has taken, and where its results go.
pub(crate) struct Chunk<A, T> {
    /// The index of the first result in `results`.
    pub(crate) first: u64,
    pub(crate) items: Items<A>,
    pub(crate) results: Sender<T>,
    /// How many results there may be.
    pub(crate) most: usize,
    /// After how long idle threads get what is left of it, and whether there were some when it began.
    pub(crate) hand_back_after: Duration,
    pub(crate) threads_idle: bool,
}

impl<A, T> Chunk<A, T> {
    /// The index of the next item to begin, while none is being worked on.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.results.pushed() as u64
    }
}

/// What the consumer does, as far as those who could wake it must know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asleep {
    /// Nothing of the kind: it looks for itself.
    No,
    /// It naps, and has asked for no wake-up.
    Nap,
    /// It waits for the result with this index.
    At(u64),
}

pub(crate) struct State<I: Iterator, T> {
    pub(super) input: Input<I>,
    /// The consumer has the input.
    pub(super) local: bool,
    pub(super) workers: Workers,
    /// The ring that a feeder fills, seen from the other end.
    pub(super) filling: Option<Lot<I::Item>>,
    /// Sorted by index, and before what is filling.
    pub(super) waiting: VecDeque<Lot<I::Item>>,
    pub(super) item_rings: Rings<I::Item>,
    pub(super) result_rings: Rings<T>,
    pub(super) reorder: Reorder<Output<T>>,
    pub(super) policy: Policy,
    /// Every item begins before the next is pulled, and is alone in its worker's hands.
    pub(super) strict: bool,
    /// Any result will do.
    pub(super) unordered: bool,
    /// Where to note when each item begins, if there is a limit from then on. Then it is strict, too.
    pub(super) item_limit: Option<ItemLimit>,
    pub(super) asleep: Asleep,
    /// The sleeping consumer could work, since it is on a thread that its pool needs.
    pub(super) sleeper_works: bool,
    /// A worker that comes back drops what it brings.
    pub(super) consumer_gone: bool,
    pub(super) counts: Counts,
}

/// What only the statistics are interested in.
#[derive(Default)]
pub(crate) struct Counts {
    /// How many pulled items were told of before. A feeder counts when it comes back.
    pub(crate) pulled: u64,
    /// How long the consumer slept, and for how much of that a finished result waited for the head.
    pub(crate) waited: Duration,
    pub(crate) head_blocked: Duration,
}

impl<I: Iterator, T> State<I, T> {
    pub(super) fn new(source: Option<I>, threads: usize, control: &Control) -> State<I, T> {
        State {
            local: source.is_none(),
            input: Input::new(source),
            workers: Workers::new(threads),
            filling: None,
            waiting: VecDeque::new(),
            item_rings: Rings::new(control.flags.clone()),
            result_rings: Rings::new(control.flags.clone()),
            reorder: Reorder::new(),
            policy: Policy::new(Task { threads, window: None, chunk: None, unordered: false }),
            strict: false,
            unordered: false,
            item_limit: None,
            asleep: Asleep::No,
            sleeper_works: false,
            consumer_gone: false,
            counts: Counts::default(),
        }
    }

    pub(super) fn window<'a>(&self, control: &'a Control) -> Window<'a> {
        Window::new(control, self.policy.window(), self.input.pulled())
    }

    /// How many items to take at a time.
    pub(super) fn chunk_len(&mut self) -> usize {
        if self.strict {
            return 1;
        }
        let pulled = || self.waiting.iter().map(|lot| lot.items.len() as u64).sum::<u64>();
        let left = self.input.left().map(|left| left.saturating_add(pulled()));
        self.policy.chunk_len(left)
    }

    /// How many items to pull at a time.
    pub(super) fn batch_len(&mut self) -> usize {
        if self.strict { 1 } else { self.policy.batch_len() }
    }

    /// Whether items may be pulled before those pulled before have begun: only where another worker is sure to come
    /// back for them. Queued jobs are not, nor is the consumer. In an ordered imap one is enough: what it has in hand
    /// comes before what is being pulled, so until it has come back no result of these can be delivered. Without order
    /// each result counts, so no thread of the pool may be away.
    pub(super) fn may_pull_ahead(&self) -> bool {
        let active = self.workers.active();
        if self.unordered { active >= self.workers.most().max(2) } else { active >= 2 }
    }

    fn fenced(&mut self) -> bool {
        !(fence::is_asymmetric() && self.policy.is_tiny())
    }

    /// Opens a ring for items that are pulled from here on.
    pub(super) fn begin_filling(&mut self, len: usize) -> Sender<I::Item> {
        let fenced = self.fenced();
        let (sender, items) = self.item_rings.open(len, fenced);
        self.filling = Some(Lot { first: self.input.pulled(), items });
        sender
    }

    /// The feeder has come back: what is left in its ring, if anything.
    pub(super) fn end_filling(&mut self, sender: Sender<I::Item>) -> Option<Lot<I::Item>> {
        self.input.count(sender.pushed() as u64);
        self.item_rings.close(sender);
        let lot = self.filling.take()?;
        if lot.items.is_empty() {
            self.item_rings.give_back(lot.items);
            return None;
        }
        Some(lot)
    }

    /// Whether an item waits to be taken, and cannot be taken by the thread that is to come for it.
    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether items can be seen in the ring that is being filled.
    pub(super) fn has_visible(&self) -> bool {
        self.filling.as_ref().is_some_and(|lot| !lot.items.is_empty())
    }

    /// Puts items where every thread can take them.
    pub(super) fn offer(&mut self, lot: Lot<I::Item>) {
        let at = self.waiting.partition_point(|waiting| waiting.first <= lot.first);
        self.waiting.insert(at, lot);
    }

    /// Takes up to `len` items that wait, the oldest first; or else of those that can be seen in the ring that is being
    /// filled. That ring stays its feeder's, so nothing is added to what was taken.
    pub(super) fn take(&mut self, len: usize) -> Option<Chunk<I::Item, T>> {
        if let Some(mut lot) = self.waiting.pop_front() {
            if lot.items.len() <= len {
                return Some(self.begin(lot));
            }
            let chunk = self.take_some(&mut lot, len);
            self.waiting.push_front(lot);
            return chunk;
        }
        let mut lot = self.filling.take()?;
        let chunk = self.take_some(&mut lot, len);
        self.filling = Some(lot);
        chunk
    }

    fn take_some(&mut self, lot: &mut Lot<I::Item>, len: usize) -> Option<Chunk<I::Item, T>> {
        let len = len.min(lot.items.len());
        let first = lot.first;
        lot.first += len as u64;
        match len {
            0 => None,
            1 => lot.items.pop().map(|item| self.begin_one(first, item)),
            _ => {
                // Only this thread sees these.
                let (mut sender, items) = self.item_rings.open(len, false);
                for item in std::iter::from_fn(|| lot.items.pop()).take(len) {
                    sender.push(item);
                }
                self.item_rings.close(sender);
                Some(self.begin(Lot { first, items }))
            }
        }
    }

    /// Opens the way for the results of these items.
    pub(super) fn begin(&mut self, lot: Lot<I::Item>) -> Chunk<I::Item, T> {
        let most = lot.items.len();
        self.chunk(lot.first, Items::Ring(lot.items), most)
    }

    pub(super) fn begin_one(&mut self, first: u64, item: I::Item) -> Chunk<I::Item, T> {
        self.chunk(first, Items::One(Some(item)), 1)
    }

    /// For as many items, which the worker pulls itself while it works on them.
    pub(super) fn begin_solo(&mut self, most: usize) -> Chunk<I::Item, T> {
        self.chunk(self.input.pulled(), Items::One(None), most)
    }

    fn chunk(&mut self, first: u64, items: Items<I::Item>, most: usize) -> Chunk<I::Item, T> {
        if let Some(limit) = &self.item_limit {
            limit.begin(first);
        }
        let results = self.open_results(first, most);
        let hand_back_after = self.policy.hand_back_after();
        let threads_idle = most > 1 && !self.workers.is_full();
        Chunk { first, items, results, most, hand_back_after, threads_idle }
    }

    pub(super) fn open_results(&mut self, first: u64, most: usize) -> Sender<T> {
        let fenced = self.fenced();
        let (sender, receiver) = self.result_rings.open(most, fenced);
        if let Asleep::At(head) = self.asleep
            && (self.unordered || head == first)
        {
            receiver.set_waiting();
        }
        self.reorder.insert(first, Output::Ring(receiver));
        sender
    }

    /// Takes a chunk back from a worker that has done with it, or hands back what is left. Returns whether the
    /// consumer waits for it.
    #[must_use]
    pub(super) fn put_back(&mut self, chunk: Chunk<I::Item, T>) -> bool {
        let next = chunk.next();
        let Chunk { items, results, .. } = chunk;
        let waited_for = results.flag_is_set();
        self.result_rings.close(results);
        match items {
            Items::One(None) => {}
            Items::One(Some(item)) => {
                let (mut sender, items) = self.item_rings.open(1, true);
                sender.push(item);
                self.item_rings.close(sender);
                self.offer(Lot { first: next, items });
            }
            Items::Ring(ring) if ring.is_empty() => self.item_rings.give_back(ring),
            Items::Ring(items) => self.offer(Lot { first: next, items }),
        }
        waited_for
    }
}
