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
//! [`Reorder`](super::reorder::Reorder), and goes through the items without a lock. Each result can be seen as soon as it is
//! there (P5).
//!
//! **The lock** is taken two or three times per chunk. No code of the user runs under it, and no value of
//! the user is dropped under it.
//!
//! **Tickets.** A worker comes with a ticket: a job that points to the line. Whoever leaves the lock and
//! sees more work than it takes itself calls one more ticket, up to one per thread ([`Line::call`]). A
//! ticket that finds nothing ends. Work never appears without somebody leaving the lock, so no ticket is
//! missed.
//!
//! **The window.** `delivered` counts what the consumer has got, and is written without the lock, since
//! it changes with every item. A feeder that finds the window full writes down at which count it should
//! be called again, and looks once more. The consumer compares at each `next`, and once more under the
//! lock before it sleeps, so a stale look costs time but never a wake-up.
//!
//! **Ending early.** Cancelling sets a flag, and every bell, so that whoever is at work looks up after the
//! present item. A consumer that stays takes what is finished before the first gap. One that goes leaves the
//! line *deserted*: it drops what is there, and each worker that comes back later does the same again, so
//! that nothing of the user's waits for a ticket that is still queued somewhere.

use super::lane::{Bells, Sender};
use super::parker::Parker;
use super::state::{State, Step};
use crate::job::Job;
use crate::slot::Slot;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::{Mutex, MutexGuard, Stamp, lock};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// For how long a line that had more to do than threads is taken to have so.
const BUSY: Duration = Duration::from_millis(2);

/// Written by the consumer for every item, read by the feeder: alone in its cache lines.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Padded<A>(pub(crate) A);

/// What is shared without the lock, and has none of the line's types.
pub struct Gauge {
    /// How many results the consumer has been handed.
    pub(crate) delivered: Padded<AtomicU64>,
    /// The count of delivered results at which the feeder wants to be called again.
    pub(crate) resume_at: Padded<AtomicU64>,
    /// Begin nothing. Looked at before every chunk, and when a bell is set.
    cancelled: AtomicBool,
    bells: Arc<Bells>,
    /// Until when there is more to do than threads to do it, in nanoseconds since the line was made.
    busy_until: Padded<AtomicU64>,
    made: Stamp,
    /// Where the consumer sleeps.
    pub(crate) parker: Parker,
}

/// No feeder waits for the window.
pub(crate) const NOT_STALLED: u64 = u64::MAX;

impl Gauge {
    fn new() -> Gauge {
        Gauge {
            delivered: Padded::default(),
            resume_at: Padded(AtomicU64::new(NOT_STALLED)),
            cancelled: AtomicBool::new(false),
            bells: Arc::default(),
            busy_until: Padded::default(),
            made: Stamp::now(),
            parker: Parker::new(),
        }
    }

    #[inline(always)]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Whether there is more to do than threads to do it: see [`outer`](super::outer).
    pub(super) fn is_busy(&self, now: Stamp) -> bool {
        (now.since(self.made).as_nanos() as u64) < self.busy_until.0.load(Ordering::Relaxed)
    }

    /// Somebody looked for work in vain.
    pub(super) fn note_idle(&self) {
        self.busy_until.0.store(0, Ordering::Relaxed);
    }

    fn note_busy(&self, busy: bool, now: Stamp) {
        let until = if busy { now.since(self.made) + BUSY } else { Duration::ZERO };
        self.busy_until.0.store(until.as_nanos() as u64, Ordering::Relaxed);
    }

    /// Nothing begins any more, and the consumer looks up.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        for bell in lock(&self.bells).iter() {
            bell.store(true, Ordering::Release);
        }
        self.parker.unpark();
    }
}

pub(crate) struct Line<I: Iterator, F, T> {
    pub(crate) function: F,
    pub(crate) threads: usize,
    pub(crate) ticket: fn(&Arc<Line<I, F, T>>) -> Job,
    pub(crate) gauge: Arc<Gauge>,
    /// What its tickets go through, if the line borrows.
    pub(crate) slot: OnceLock<Arc<Slot>>,
    state: Mutex<State<I, T>>,
}

/// The state, under the lock. The consumer is called after the lock has been left: else it would wake up
/// only to wait for it.
pub(crate) struct Locked<'a, I: Iterator, T> {
    // Dropped in this order.
    state: MutexGuard<'a, State<I, T>>,
    call: Call<'a>,
}

struct Call<'a> {
    parker: &'a Parker,
    wanted: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if self.wanted {
            self.parker.unpark();
        }
    }
}

impl<I: Iterator, T> Locked<'_, I, T> {
    /// Wakes the consumer if it sleeps. It looks for itself whether that was worth it.
    pub(crate) fn wake(&mut self) {
        self.call.wanted |= self.state.sleeping_at.take().is_some();
    }
}

impl<I: Iterator, T> Deref for Locked<'_, I, T> {
    type Target = State<I, T>;
    fn deref(&self) -> &State<I, T> {
        &self.state
    }
}

impl<I: Iterator, T> DerefMut for Locked<'_, I, T> {
    fn deref_mut(&mut self) -> &mut State<I, T> {
        &mut self.state
    }
}

impl<I: Iterator, F, T> Line<I, F, T> {
    /// A line for this input; `None` if the consumer will stage the items itself.
    pub(crate) fn new(
        input: Option<I>,
        function: F,
        threads: usize,
        ticket: fn(&Arc<Line<I, F, T>>) -> Job,
    ) -> Line<I, F, T> {
        let gauge = Arc::new(Gauge::new());
        let state = Mutex::new(State::new(input, &gauge.bells));
        Line { function, threads: threads.max(1), ticket, gauge, slot: OnceLock::new(), state }
    }

    pub(crate) fn lock(&self) -> Locked<'_, I, T> {
        Locked { state: lock(&self.state), call: Call { parker: &self.gauge.parker, wanted: false } }
    }

    /// The same for all lines of these types.
    pub(crate) fn key(&self) -> usize {
        self.ticket as usize
    }

    /// For a sender whose bell was set.
    #[cold]
    pub(crate) fn answer_bell<A>(&self, sender: &Sender<A>) {
        sender.silence();
        self.gauge.parker.unpark();
    }

    /// What to do next, for a worker.
    pub(crate) fn step(&self, state: &mut State<I, T>) -> Step<I, T> {
        if self.gauge.is_cancelled() {
            return Step::Nothing;
        }
        state.clear_exhausted();
        // With short items the consumer helps, and should find a lane when it comes.
        let reserve = state.pace.reserve(self.threads);
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
        if room > 0 || state.feeder.is_none() {
            return room;
        }
        let full_at = state.pulled.saturating_sub(state.window);
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
    pub(crate) fn room(&self, state: &State<I, T>) -> u64 {
        let delivered = self.gauge.delivered.0.load(Ordering::Acquire);
        delivered.saturating_add(state.window).saturating_sub(state.pulled)
    }

    /// Whether one more ticket should come: there is work that nobody has taken. Counts the ticket; the
    /// caller must spawn it, after it has left the lock.
    pub(crate) fn call(&self, state: &mut State<I, T>) -> bool {
        let enough = state.tickets >= self.most_tickets(state);
        let more = state.feeder.is_some() || !state.staged.is_empty();
        self.gauge.note_busy(enough && more, state.now);
        if enough || state.abandoned || self.gauge.is_cancelled() {
            return false;
        }
        let can_feed =
            state.feeder.is_some() && state.end.is_none() && self.room(state) > 0 && !self.is_stalled();
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
