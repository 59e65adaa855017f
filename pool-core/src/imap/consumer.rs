//! The consumer's side of the line: take what is ready, help, or sleep.
//!
//! [`Front`] is what `next` touches for every item: the lane that holds the head of line, and nothing
//! with a lock. When that lane is empty, [`Back::refill`] looks under the lock where the head is:
//!
//! - in another lane, or it panicked, or the line has ended: that is the answer;
//! - in the hands of a worker, or not even pulled: then the consumer *helps* if it may, and else sleeps.
//!
//! **Helping** means to take a lane of items like a worker, but to stop after any item at which the head
//! has become ready (P5). The rest stays in the consumer's hand for the next time. It never pulls from
//! the input while a result is under way, since the input may block (P4); when everything that was pulled
//! has been delivered there is nothing to be late for, and it pulls a single item.
//!
//! It helps when items are measured to be short, since a sleep and a wake-up cost more than they do, and
//! always on a thread that a pool needs for its jobs (P8): there it must not rely on any other thread. It
//! runs items of its own line only, never another job, so stacks stay flat and no lock is met twice. In
//! one more case it takes just the head: when that was pulled, but the feeder has not come back from the
//! input, in which it may be blocked for ever (P4).
//!
//! **Sleeping.** Under the lock it sets the bell of the lane that it waits for, looks once more, and
//! sleeps on the condition variable. If the head is in nobody's hands yet, whoever opens a lane for it
//! under the lock sees `sleeping_at` and sets the bell. Whoever rings takes the lock first, so no ring
//! falls between the look and the sleep.
//!
//! Why two nested consumers never wait for each other: a consumer sleeps only while another thread holds
//! an item of its line. What that thread waits for in turn are items of lines that this item created.
//! So waiting goes from a line to lines inside it, and cannot come back. (A function that waits in
//! `rayon::join` on a `RayonPool` is outside of this argument: rayon may put another job on top of it.)

use super::chunk::Pace;
use super::lane::Receiver;
use super::line::{Chunk, Gauge, Hand, Line, Locked, NOT_STALLED, Output, State};
use crate::Executor;
use crate::job::Inside;
use crate::sync::atomic::Ordering;
use crate::sync::{Stamp, wait};
use crate::unwind::{Payload, drop_quietly};
use std::cell::Cell;
use std::hint;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a helping consumer looks for the head. To look is to take a cache line from the worker that
/// has the head, so it is not done every few nanoseconds.
#[cfg(not(loom))]
const LOOK: Duration = Duration::from_micros(5);
#[cfg(loom)]
const LOOK: Duration = Duration::ZERO;

/// For how long a consumer that has helped looks for more before it sleeps. It takes no core from anybody
/// meanwhile, since a worker has made room for it; see [`Line::most_tickets`].
#[cfg(not(loom))]
const PATIENCE: Duration = Duration::from_micros(100);
#[cfg(loom)]
const PATIENCE: Duration = Duration::ZERO;

/// What `next` touches for every item.
pub(crate) struct Front<T> {
    pub(crate) lane: Option<Receiver<T>>,
    /// The index of the next result.
    pub(crate) head: u64,
    /// After how many items a helping consumer looks at the clock.
    pub(crate) every: usize,
    pub(crate) gauge: Arc<Gauge>,
}

impl<T> Front<T> {
    fn is_ready(&self) -> bool {
        self.lane.as_ref().is_some_and(|lane| !lane.is_empty())
    }

    /// Looks a few times, for about a microsecond, whether the head is ready.
    fn look_for_a_moment(&self) {
        for _ in 0..4 {
            if self.is_ready() {
                return;
            }
            for _ in 0..16 {
                hint::spin_loop();
            }
        }
    }
}

/// How a refill ended.
pub(crate) enum Arrival {
    /// The head is in the front's lane.
    Ready,
    /// The head panicked.
    Panicked(Payload),
    /// The input panicked, and every result has been delivered.
    InputPanicked(Payload),
    /// Every result has been delivered.
    End,
    /// The limit has passed.
    Late,
    /// The pool has dropped the line's tickets.
    Cancelled,
}

/// The line, without the types of its input and function.
pub(crate) trait Back<T> {
    fn start(&mut self, window: u64, chunk: Option<usize>, timed: bool);
    fn refill(&mut self, front: &mut Front<T>, limit: Option<Duration>) -> Arrival;
    /// The consumer has made the room that a feeder waits for.
    fn make_room(&mut self);
    /// The input's size hint, as if nothing had been pulled.
    fn hint(&self) -> (u64, (usize, Option<usize>));
    fn cancel(&mut self, lane: Option<Receiver<T>>);
}

pub(crate) struct LineBack<'p, I: Iterator, F, T> {
    pub(crate) line: Arc<Line<I, F, T>>,
    pub(crate) executor: &'p dyn Executor,
    /// Items that the consumer has taken and not finished.
    pub(crate) hand: Hand<I, T>,
}

/// Where the head is.
enum Place {
    Arrived(Arrival),
    /// A worker has it.
    Taken,
    /// Nobody has taken it yet.
    Untaken,
}

impl<I, F, T> Back<T> for LineBack<'_, I, F, T>
where
    I: Iterator,
    F: Fn(I::Item) -> T,
{
    fn start(&mut self, window: u64, chunk: Option<usize>, timed: bool) {
        let mut state = self.line.lock();
        state.window = window;
        state.pace = Pace::new(window, self.line.threads, chunk);
        if timed {
            state.pace.one_by_one();
        }
        self.line.leave(state, self.executor);
    }

    fn refill(&mut self, front: &mut Front<T>, limit: Option<Duration>) -> Arrival {
        let LineBack { line, executor, hand } = self;
        let (line, executor) = (&*line, *executor);
        if limit.is_none() && line.continue_with_head(hand, front) {
            return Arrival::Ready;
        }
        let started = Instant::now();
        let mut state = line.lock();
        if limit.is_some() {
            state.pace.one_by_one();
            line.lay_down(hand, &mut state);
        }
        loop {
            let place = state.find_head(front);
            if let Place::Arrived(arrival) = place {
                line.leave(state, executor);
                return arrival;
            }
            if state.abandoned && state.tickets == 0 {
                return Arrival::Cancelled;
            }
            let untaken = matches!(place, Place::Untaken);
            // What was pulled before the first call with a limit, and nobody else can come for.
            let left_over =
                untaken && (state.abandoned || (state.queued == 0 && state.tickets >= line.threads));
            if limit.is_none() || left_over {
                let helped;
                (helped, state) = line.help(executor, hand, state, front, untaken, limit.is_some());
                if helped {
                    continue;
                }
            }
            if state.helped.is_some() {
                // This consumer is one of the threads at work, and soon there will be something for it.
                if limit.is_none() && started.elapsed() < PATIENCE {
                    drop(state);
                    front.look_for_a_moment();
                    state = line.lock();
                    continue;
                }
                // Somebody else must come in its place.
                state.helped = None;
            }
            let left = limit.map(|limit| limit.saturating_sub(started.elapsed()));
            if left == Some(Duration::ZERO) {
                line.leave(state, executor);
                return Arrival::Late;
            }
            state = line.sleep(executor, state, front, left);
        }
    }

    fn make_room(&mut self) {
        let state = self.line.lock();
        self.line.gauge.resume_at.0.store(NOT_STALLED, Ordering::Relaxed);
        self.line.leave(state, self.executor);
    }

    fn hint(&self) -> (u64, (usize, Option<usize>)) {
        self.line.lock().hint
    }

    fn cancel(&mut self, lane: Option<Receiver<T>>) {
        self.line.gauge.cancelled.store(true, Ordering::SeqCst);
        let mut state = self.line.lock();
        let feeder = state.feeder.take();
        let staged = std::mem::take(&mut state.staged);
        let finished = state.reorder.take_all();
        // Whoever works on one of these lanes sees the bell after its present item.
        let running = finished.iter().filter_map(|(_, output)| match output {
            Output::Lane(lane) => Some(lane),
            Output::Panicked(_) => None,
        });
        running.chain(&lane).for_each(Receiver::set_bell);
        let panic = state.input_panic.take();
        drop(state);
        drop_quietly(self.hand.take());
        drop_quietly(lane);
        drop_quietly(staged);
        drop_quietly(finished);
        drop_quietly(panic);
        drop_quietly(feeder);
    }
}

impl<I, F, T> Line<I, F, T>
where
    I: Iterator,
    F: Fn(I::Item) -> T,
{
    /// If the head is in the consumer's own hand: runs it, without a look under the lock.
    fn continue_with_head(&self, hand: &mut Hand<I, T>, front: &Front<T>) -> bool {
        let (Some(chunk), Some(lane)) = (hand.as_ref(), &front.lane) else { return false };
        if chunk.results.id() != lane.id() {
            return false;
        }
        if let Some(chunk) = hand.take() {
            *hand = Some(self.work_until_ready(chunk, front, front.every));
        }
        front.is_ready()
    }

    /// Works on a chunk, and looks after `every` so many items whether it is time to look for the head.
    fn work_until_ready(
        &self,
        chunk: Chunk<I::Item, T>,
        front: &Front<T>,
        every: usize,
    ) -> Chunk<I::Item, T> {
        // What the function waits for in a pool must not need this thread's own line to move on.
        let _inside = Inside::enter();
        let left = Cell::new(every);
        let looked = Cell::new(Stamp::now());
        self.work(chunk, || {
            left.set(left.get() - 1);
            if left.get() > 0 {
                return false;
            }
            left.set(every);
            let now = Stamp::now();
            if every > 1 && now.since(looked.get()) < LOOK {
                return false;
            }
            looked.set(now);
            front.is_ready() || front.lane.as_ref().is_some_and(Receiver::has_ended)
        })
    }

    /// Works on something, or says that there is nothing that it may do.
    fn help<'a>(
        self: &'a Arc<Self>,
        executor: &dyn Executor,
        hand: &mut Hand<I, T>,
        mut state: Locked<'a, I, T>,
        front: &mut Front<T>,
        untaken: bool,
        timed: bool,
    ) -> (bool, Locked<'a, I, T>) {
        let may = !timed && (executor.is_worker() || state.pace.is_short());
        // In nobody's hands, and the feeder does not come back.
        let stuck = untaken && state.is_feeding();
        if !may && hand.is_some() {
            self.lay_down(hand, &mut state);
            // The head may have been in it: look again.
            return (true, state);
        }
        if hand.is_none() && (may || stuck) {
            *hand = state.take_chunk();
            if hand.is_none()
                && may
                && untaken
                && let Some(feeder) = state.feeder.take()
            {
                drop(state);
                (*hand, state) = self.pull_one(feeder);
                if hand.is_none() {
                    // The input has ended: look again.
                    return (true, state);
                }
            }
            if untaken && hand.is_some() {
                // The head is in the hand: the front looks at the hand's results.
                let place = state.find_head(front);
                debug_assert!(matches!(place, Place::Taken));
            }
        }
        let Some(chunk) = hand.take() else { return (false, state) };
        front.every = if may { state.pace.items_per_look() } else { 1 };
        state.helped = may.then(Stamp::now);
        self.leave(state, executor);
        let chunk = self.work_until_ready(chunk, front, front.every);
        let mut state = self.lock();
        if may && !chunk.items.is_empty() {
            *hand = Some(chunk);
        } else {
            let _ = state.put_back(chunk);
        }
        (true, state)
    }

    /// Gives back what is in the consumer's hand, so that others can take it.
    fn lay_down(&self, hand: &mut Hand<I, T>, state: &mut State<I, T>) {
        if let Some(chunk) = hand.take() {
            let _ = state.put_back(chunk);
        }
    }

    /// Sleeps until something has happened to the head, unless it has already.
    fn sleep<'a>(
        self: &'a Arc<Self>,
        executor: &dyn Executor,
        mut state: Locked<'a, I, T>,
        front: &Front<T>,
        left: Option<Duration>,
    ) -> Locked<'a, I, T> {
        // Whoever could be called must be, before nobody is awake to call.
        self.gauge.resume_at.0.store(NOT_STALLED, Ordering::Relaxed);
        if self.call(&mut state) {
            drop(state);
            self.spawn_ticket(executor);
            return self.lock();
        }
        let ready = match (&front.lane, state.staged.front()) {
            (Some(lane), _) => !lane.is_empty_with_bell(),
            // The head may be pulled at any moment, and this consumer may have to take it.
            (None, Some(staged)) if state.is_feeding() => {
                let empty = staged.items.is_empty_with_bell();
                !empty && (left.is_none() || state.queued == 0)
            }
            _ => false,
        };
        if !ready {
            state.sleeping_at = Some(front.head);
            state = wait(&self.arrival, state, left);
            state.sleeping_at = None;
        }
        state
    }
}

impl<I: Iterator, T> State<I, T> {
    /// Whether somebody is in the input.
    fn is_feeding(&self) -> bool {
        self.feeder.is_none() && self.end.is_none()
    }

    /// Finds the head, and makes the front's lane the one that it is in, or will be in.
    fn find_head(&mut self, front: &mut Front<T>) -> Place {
        loop {
            if let Some(lane) = front.lane.take() {
                // In this order: what is closed stays empty.
                let closed = self.result_lanes.is_closed(lane.id());
                if !lane.is_empty() {
                    front.lane = Some(lane);
                    return Place::Arrived(Arrival::Ready);
                }
                if !closed {
                    front.lane = Some(lane);
                    return Place::Taken;
                }
                self.result_lanes.give_back(lane);
            }
            match self.reorder.take(front.head) {
                Some(Output::Lane(lane)) => front.lane = Some(lane),
                Some(Output::Panicked(payload)) => {
                    return Place::Arrived(Arrival::Panicked(payload));
                }
                None if self.end == Some(front.head) => {
                    return Place::Arrived(match self.input_panic.take() {
                        Some(payload) => Arrival::InputPanicked(payload),
                        None => Arrival::End,
                    });
                }
                None => return Place::Untaken,
            }
        }
    }
}
