//! What a line keeps under its lock: the input, what waits to be taken, and what has been taken.
//!
//! No code of the user runs here, and no value of the user is dropped here.

use super::chunk::Pace;
use super::crowd::Helper;
use super::lane::{Bells, Lanes, Receiver, Sender};
use super::reorder::Reorder;
use crate::barrier;
use crate::sync::Stamp;
use crate::unwind::Payload;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Items that wait to be taken.
pub(crate) struct Staged<A> {
    pub(crate) first: u64,
    pub(crate) items: Receiver<A>,
}

/// What the consumer finds at an index.
pub(crate) enum Output<T> {
    Lane(Receiver<T>),
    Panicked(Payload),
}

impl<T> Output<T> {
    /// Whether there is something to deliver.
    pub(crate) fn is_ready(&self) -> bool {
        match self {
            Output::Lane(lane) => !lane.is_empty(),
            Output::Panicked(_) => true,
        }
    }
}

/// Items in the hand of a worker.
pub(crate) enum Items<A> {
    One(Option<A>),
    Lane(Receiver<A>),
}

impl<A> Items<A> {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Items::One(item) => item.is_none(),
            Items::Lane(lane) => lane.is_empty(),
        }
    }

    pub(crate) fn most(&self) -> usize {
        match self {
            Items::One(_) => 1,
            Items::Lane(lane) => lane.capacity(),
        }
    }
}

/// What a worker has taken, and where its results go.
pub(crate) struct Chunk<A, T> {
    /// The index of the first result in `results`.
    pub(crate) first: u64,
    pub(crate) items: Items<A>,
    pub(crate) results: Sender<T>,
}

impl<A, T> Chunk<A, T> {
    /// The index of the next item to begin, while none is being worked on.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.results.pushed() as u64
    }
}

/// A chunk, if there is one.
pub(crate) type Hand<I, T> = Option<Chunk<<I as Iterator>::Item, T>>;

/// What a look under the lock gives a worker to do.
pub(crate) enum Step<I: Iterator, T> {
    Work(Chunk<I::Item, T>),
    /// Pull one item and work on it.
    PullOne(Box<I>),
    /// Fill the lane with so many items.
    Fill(Box<I>, Sender<I::Item>, usize),
    Nothing,
}

pub(crate) struct State<I: Iterator, T> {
    /// The input, while nobody pulls from it. Whoever takes it out is the feeder.
    pub(crate) feeder: Option<Box<I>>,
    /// How many items had been pulled when the input was last here, and what its size hint was then.
    pub(crate) pulled: u64,
    pub(crate) hint: (usize, Option<usize>),
    /// How many items there were, once the input has ended.
    pub(crate) end: Option<u64>,
    pub(crate) input_panic: Option<Payload>,
    /// Sorted by index; only the last one can still be filling.
    pub(crate) staged: VecDeque<Staged<I::Item>>,
    pub(crate) item_lanes: Lanes<I::Item>,
    pub(crate) result_lanes: Lanes<T>,
    pub(crate) reorder: Reorder<Output<T>>,
    pub(crate) pace: Pace,
    pub(crate) window: u64,
    /// Jobs of this line that are queued or running.
    pub(crate) tickets: usize,
    /// Those of them that have not begun.
    pub(crate) queued: usize,
    pub(crate) helper: Helper,
    /// Since when there is one thread too many at work.
    pub(crate) crowded_since: Option<Stamp>,
    /// When somebody last looked.
    pub(crate) now: Stamp,
    /// A ticket was dropped by its pool.
    pub(crate) abandoned: bool,
    /// The consumer is gone: whoever comes last empties this.
    pub(crate) deserted: bool,
    /// The index that the sleeping consumer waits for.
    pub(crate) sleeping_at: Option<u64>,
    /// The consumer pulls from the input, which is not here.
    pub(crate) local: bool,
    /// So were the items of the lines before; none of this one has been measured.
    pub(crate) probably_short: bool,
    /// Any result will do.
    pub(crate) unordered: bool,
    pub(crate) counts: Counts,
    asymmetric: bool,
}

/// What only the statistics are interested in.
#[derive(Default)]
pub(crate) struct Counts {
    /// How many pulled items were told of before: what a worker took from under the feeder is not seen any more
    /// until the feeder comes back.
    pub(crate) pulled: u64,
    /// How long the consumer slept, and for how much of that a finished result waited for the head.
    pub(crate) waited: Duration,
    pub(crate) head_blocked: Duration,
}

impl<I: Iterator, T> State<I, T> {
    pub(crate) fn new(input: Option<I>, bells: &Arc<Bells>) -> State<I, T> {
        State {
            pulled: 0,
            local: input.is_none(),
            hint: input.as_ref().map_or((0, None), I::size_hint),
            feeder: input.map(Box::new),
            end: None,
            input_panic: None,
            staged: VecDeque::new(),
            item_lanes: Lanes::new(bells.clone()),
            result_lanes: Lanes::new(bells.clone()),
            reorder: Reorder::new(),
            pace: Pace::new(1, 1, None, false),
            window: 1,
            tickets: 0,
            queued: 0,
            helper: Helper::No,
            crowded_since: None,
            now: Stamp::now(),
            abandoned: false,
            deserted: false,
            sleeping_at: None,
            probably_short: false,
            unordered: false,
            counts: Counts::default(),
            asymmetric: barrier::is_asymmetric(),
        }
    }

    pub(crate) fn feed(&mut self, room: u64, threads: usize) -> Step<I, T> {
        let Some(feeder) = self.feeder.take() else { return Step::Nothing };
        let len = self.lane_len(room, threads);
        if len == 1 && self.staged.is_empty() {
            return Step::PullOne(feeder);
        }
        Step::Fill(feeder, self.open_items(len), len)
    }

    /// How many items to pull into a lane.
    pub(crate) fn lane_len(&self, room: u64, threads: usize) -> usize {
        let (least, most) = self.hint;
        let left = (Some(least) == most).then_some(least as u64);
        let len = self.pace.lane_len(left, threads) as u64;
        usize::try_from(len.min(room)).unwrap_or(usize::MAX)
    }

    /// Opens a lane behind all that are staged.
    pub(crate) fn open_items(&mut self, len: usize) -> Sender<I::Item> {
        let fenced = self.fenced();
        let (sender, items) = self.item_lanes.open(len, fenced);
        if self.is_awaited(self.pulled) {
            items.set_bell();
        }
        self.staged.push_back(Staged { first: self.pulled, items });
        sender
    }

    /// Whether the consumer sleeps and waits for this item.
    fn is_awaited(&self, index: u64) -> bool {
        self.sleeping_at.is_some_and(|at| self.unordered || at == index)
    }

    /// Whether somebody is in the input.
    pub(crate) fn is_feeding(&self) -> bool {
        self.feeder.is_none() && self.end.is_none() && !self.local
    }

    /// Notes that the input has ended, and the panic that ended it, if any.
    pub(crate) fn finish(&mut self, panic: Option<Payload>) {
        self.end = Some(self.pulled);
        self.hint = (0, Some(0));
        self.input_panic = panic;
    }

    fn fenced(&self) -> bool {
        !(self.asymmetric && self.pace.is_tiny())
    }

    /// Takes the oldest lane that has an item, or an item of it if items are to be taken one by one.
    pub(crate) fn take_chunk(&mut self) -> Hand<I, T> {
        self.clear_exhausted();
        let front = self.staged.front_mut()?;
        if self.pace.takes_one() {
            let item = front.items.pop()?;
            let first = front.first;
            front.first += 1;
            return Some(self.begin(first, Items::One(Some(item))));
        }
        if front.items.is_empty() {
            return None;
        }
        let Staged { first, items } = self.staged.pop_front()?;
        Some(self.begin(first, Items::Lane(items)))
    }

    /// Puts lanes away into which nothing more will come.
    pub(crate) fn clear_exhausted(&mut self) {
        while let Some(front) = self.staged.front() {
            if !self.item_lanes.is_exhausted(&front.items) {
                return;
            }
            if let Some(exhausted) = self.staged.pop_front() {
                self.item_lanes.give_back(exhausted.items);
            }
        }
    }

    /// Opens the way for the results of these items.
    pub(crate) fn begin(&mut self, first: u64, items: Items<I::Item>) -> Chunk<I::Item, T> {
        let results = self.open_results(first, items.most());
        Chunk { first, items, results }
    }

    pub(crate) fn open_results(&mut self, first: u64, most: usize) -> Sender<T> {
        let fenced = self.fenced();
        let (sender, receiver) = self.result_lanes.open(most, fenced);
        if self.is_awaited(first) {
            receiver.set_bell();
        }
        self.reorder.insert(first, Output::Lane(receiver));
        sender
    }

    /// Takes a chunk back from a worker that found no more items in it, or has no time for the rest.
    /// Returns whether the consumer slept beside it.
    #[must_use]
    pub(crate) fn put_back(&mut self, chunk: Chunk<I::Item, T>) -> bool {
        let next = chunk.next();
        let Chunk { items, results, .. } = chunk;
        let bell = results.bell_is_set();
        self.result_lanes.close(results);
        match items {
            Items::One(None) => {}
            Items::One(Some(item)) => {
                // Only the consumer stops early, and it never stops before its first item.
                let (mut sender, receiver) = self.item_lanes.open(1, true);
                sender.push(item);
                self.item_lanes.close(sender);
                self.stage(next, receiver);
            }
            Items::Lane(lane) => {
                if self.item_lanes.is_exhausted(&lane) {
                    self.item_lanes.give_back(lane);
                } else {
                    self.stage(next, lane);
                }
            }
        }
        bell
    }

    fn stage(&mut self, first: u64, items: Receiver<I::Item>) {
        if self.is_awaited(first) {
            items.set_bell();
        }
        let at = self.staged.partition_point(|staged| staged.first <= first);
        self.staged.insert(at, Staged { first, items });
    }
}
