//! The line: the state that one `imap` shares between its workers and its consumer.
//!
//! ```text
//!            feeder                    worker                     consumer
//!   input ───────────▶ staged lanes ───────────▶ result lanes ───────────────▶ next()
//!          one by one                one by one    in `Reorder`   one by one
//! ```
//!
//! **Feeding.** The input is in a box; whoever has taken the box out of the state is the feeder. It fills
//! a lane, and each item can be seen by others as soon as it is there. So an input that blocks holds up
//! one thread, and nothing that was pulled before: another worker, or else the waiting consumer, takes
//! the lane from under the feeder (P4). A chunk of one item does not go through a lane at all: the feeder
//! gives the input back and works on the item itself.
//!
//! **Working.** A worker takes a whole lane of items, opens a lane for the results, enters that into
//! [`Reorder`], and goes through the items without a lock. Each result can be seen as soon as it is
//! there (P5).
//!
//! **The lock** is taken two or three times per chunk. No code of the user runs under it, and no value of
//! the user is dropped under it.
//!
//! **Tickets.** A worker comes with a ticket: a job that points to the line. Whoever leaves the lock and
//! sees more work than it takes itself calls one more ticket, up to one per thread ([`State::call`]). A
//! ticket that finds nothing ends. Work never appears without somebody leaving the lock, so no ticket is
//! missed.
//!
//! **The window.** `delivered` counts what the consumer has got, and is written without the lock, since
//! it changes with every item. A feeder that finds the window full writes down at which count it should
//! be called again, and looks once more. The consumer compares at each `next`, and once more under the
//! lock before it sleeps, so a stale look costs time but never a wake-up.

use super::chunk::Pace;
use super::lane::{Lanes, Receiver, Sender};
use super::reorder::Reorder;
use crate::barrier;
use crate::job::Job;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::{Condvar, Mutex, MutexGuard, Stamp, lock};
use crate::unwind::Payload;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// How many lanes are kept filled for a consumer that helps.
const RESERVE: usize = 2;

/// For how long a consumer that has helped is expected to go on.
const HELPING: Duration = Duration::from_millis(2);

/// Written by the consumer for every item, read by the feeder: alone in its cache lines.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Padded<A>(pub(crate) A);

/// What is shared without the lock.
pub(crate) struct Gauge {
    /// How many results the consumer has been handed.
    pub(crate) delivered: Padded<AtomicU64>,
    /// The count of delivered results at which the feeder wants to be called again.
    pub(crate) resume_at: Padded<AtomicU64>,
    /// The consumer is gone: begin nothing. Whoever is at work sees it when the bell rings.
    pub(crate) cancelled: AtomicBool,
}

/// No feeder waits for the window.
pub(crate) const NOT_STALLED: u64 = u64::MAX;

impl Gauge {
    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

/// The input, and how far it has been pulled.
pub(crate) struct Feeder<I> {
    pub(crate) input: I,
    pub(crate) pulled: u64,
}

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

/// The state, under the lock.
pub(crate) type Locked<'a, I, T> = MutexGuard<'a, State<I, T>>;

/// What a look under the lock gives a worker to do.
pub(crate) enum Step<I: Iterator, T> {
    Work(Chunk<I::Item, T>),
    /// Pull one item and work on it.
    PullOne(Box<Feeder<I>>),
    /// Fill the lane with so many items.
    Fill(Box<Feeder<I>>, Sender<I::Item>, usize),
    Nothing,
}

pub(crate) struct State<I: Iterator, T> {
    pub(crate) feeder: Option<Box<Feeder<I>>>,
    /// The input's size hint, and how many items had been pulled when it gave it.
    pub(crate) hint: (u64, (usize, Option<usize>)),
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
    /// When the consumer last helped, and when a worker last looked.
    pub(crate) helped: Option<Stamp>,
    pub(crate) now: Stamp,
    /// A ticket was dropped by its pool.
    pub(crate) abandoned: bool,
    /// The index that the sleeping consumer waits for.
    pub(crate) sleeping_at: Option<u64>,
    asymmetric: bool,
}

pub(crate) struct Line<I: Iterator, F, T> {
    pub(crate) function: F,
    pub(crate) threads: usize,
    pub(crate) ticket: fn(Arc<Line<I, F, T>>) -> Job,
    pub(crate) gauge: Arc<Gauge>,
    pub(crate) state: Mutex<State<I, T>>,
    pub(crate) arrival: Condvar,
}

impl<I: Iterator, F, T> Line<I, F, T> {
    pub(crate) fn new(
        input: I,
        function: F,
        threads: usize,
        ticket: fn(Arc<Line<I, F, T>>) -> Job,
    ) -> Line<I, F, T> {
        let hint = (0, input.size_hint());
        Line {
            function,
            threads: threads.max(1),
            ticket,
            gauge: Arc::new(Gauge {
                delivered: Padded::default(),
                resume_at: Padded(AtomicU64::new(NOT_STALLED)),
                cancelled: AtomicBool::new(false),
            }),
            state: Mutex::new(State {
                feeder: Some(Box::new(Feeder { input, pulled: 0 })),
                hint,
                end: None,
                input_panic: None,
                staged: VecDeque::new(),
                item_lanes: Lanes::new(),
                result_lanes: Lanes::new(),
                reorder: Reorder::new(),
                pace: Pace::new(1, 1, None),
                window: 1,
                tickets: 0,
                queued: 0,
                helped: None,
                now: Stamp::now(),
                abandoned: false,
                sleeping_at: None,
                asymmetric: barrier::is_asymmetric(),
            }),
            arrival: Condvar::new(),
        }
    }

    pub(crate) fn lock(&self) -> Locked<'_, I, T> {
        lock(&self.state)
    }

    /// Wakes the consumer if it sleeps. It looks for itself whether that was worth it.
    pub(crate) fn wake(&self, state: &mut State<I, T>) {
        if state.sleeping_at.take().is_some() {
            self.arrival.notify_one();
        }
    }

    /// For a sender whose bell was set.
    #[cold]
    pub(crate) fn answer_bell<A>(&self, sender: &Sender<A>) {
        let mut state = self.lock();
        sender.silence();
        self.wake(&mut state);
    }

    /// What to do next, for a worker.
    pub(crate) fn step(&self, state: &mut State<I, T>) -> Step<I, T> {
        if self.gauge.is_cancelled() {
            return Step::Nothing;
        }
        state.clear_exhausted();
        // With short items the consumer helps, and should find a lane when it comes.
        let reserve = if state.pace.is_short() { RESERVE } else { 0 };
        if state.staged.len() <= reserve && state.feeder.is_some() && state.end.is_none() {
            let room = self.room_or_stall(state);
            if room > 0 {
                return state.feed(room, self.threads);
            }
        }
        match state.take_chunk() {
            Some(chunk) => Step::Work(chunk),
            None => Step::Nothing,
        }
    }

    /// How many items may be pulled. If none, the consumer knows when to call again.
    fn room_or_stall(&self, state: &State<I, T>) -> u64 {
        let room = self.room(state);
        if room > 0 {
            return room;
        }
        let Some(feeder) = &state.feeder else { return 0 };
        let full_at = feeder.pulled.saturating_sub(state.window);
        let batch = (state.pace.len(None, self.threads) as u64).min(state.window.div_ceil(2));
        self.gauge.resume_at.0.store(full_at + batch, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        let room = self.room(state);
        if room > 0 {
            self.gauge.resume_at.0.store(NOT_STALLED, Ordering::Relaxed);
        }
        room
    }

    /// Whether a feeder waits for more room than there is.
    fn is_stalled(&self) -> bool {
        let resume_at = self.gauge.resume_at.0.load(Ordering::Relaxed);
        resume_at != NOT_STALLED && self.gauge.delivered.0.load(Ordering::Relaxed) < resume_at
    }

    /// How many items may be pulled now.
    fn room(&self, state: &State<I, T>) -> u64 {
        let Some(feeder) = &state.feeder else { return 0 };
        let delivered = self.gauge.delivered.0.load(Ordering::Acquire);
        delivered.saturating_add(state.window).saturating_sub(feeder.pulled)
    }

    /// How many tickets may be out. A consumer that helps is one of the threads: one more than there are
    /// cores would have to be switched out, and half of the time that is the one with the head of line.
    pub(crate) fn most_tickets(&self, state: &State<I, T>) -> usize {
        match state.helped {
            Some(helped) if state.now.since(helped) < HELPING => (self.threads - 1).max(1),
            _ => self.threads,
        }
    }

    /// Whether one more ticket should come: there is work that nobody has taken. Counts the ticket; the
    /// caller must spawn it, after it has left the lock.
    pub(crate) fn call(&self, state: &mut State<I, T>) -> bool {
        if state.abandoned || self.gauge.is_cancelled() || state.tickets >= self.most_tickets(state) {
            return false;
        }
        let can_feed = state.end.is_none() && self.room(state) > 0 && !self.is_stalled();
        let can_take = state.staged.iter().any(|staged| !staged.items.is_empty());
        if can_feed || can_take {
            self.gauge.resume_at.0.store(NOT_STALLED, Ordering::Relaxed);
            state.tickets += 1;
            state.queued += 1;
            return true;
        }
        false
    }
}

impl<I: Iterator, T> State<I, T> {
    fn feed(&mut self, room: u64, threads: usize) -> Step<I, T> {
        let Some(feeder) = self.feeder.take() else { return Step::Nothing };
        let len = self.pace.lane_len(self.left(feeder.pulled), threads) as u64;
        let len = usize::try_from(len.min(room)).unwrap_or(usize::MAX);
        if len == 1 && self.staged.is_empty() {
            return Step::PullOne(feeder);
        }
        let (sender, items) = self.item_lanes.open(len, self.fenced());
        if self.sleeping_at == Some(feeder.pulled) {
            items.set_bell();
        }
        self.staged.push_back(Staged { first: feeder.pulled, items });
        Step::Fill(feeder, sender, len)
    }

    /// How many items are still to be pulled, if the input knows.
    fn left(&self, pulled: u64) -> Option<u64> {
        let (at, (least, most)) = self.hint;
        (Some(least) == most).then(|| at.saturating_add(least as u64).saturating_sub(pulled))
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
    fn clear_exhausted(&mut self) {
        while let Some(front) = self.staged.front() {
            // In this order: what is closed stays empty.
            if !(self.item_lanes.is_closed(front.items.id()) && front.items.is_empty()) {
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
        if self.sleeping_at == Some(first) {
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
                let closed = self.item_lanes.is_closed(lane.id());
                if closed && lane.is_empty() {
                    self.item_lanes.give_back(lane);
                } else {
                    self.stage(next, lane);
                }
            }
        }
        bell
    }

    fn stage(&mut self, first: u64, items: Receiver<I::Item>) {
        if self.sleeping_at == Some(first) {
            items.set_bell();
        }
        let at = self.staged.partition_point(|staged| staged.first <= first);
        self.staged.insert(at, Staged { first, items });
    }
}
