//! The consumer's side of the line: take what is ready, help, or sleep.
//!
//! When the front's lane is empty, [`refill`](Back::refill) looks under the lock where the head is:
//!
//! - in another lane, or it panicked, or the line has ended: that is the answer;
//! - in the hands of a worker, or not even pulled: then the consumer *helps* if it may (see `help.rs`), and
//!   else sleeps.
//!
//! **Sleeping.** Under the lock it makes the parker remember calls, sets the bell of the lane that it waits
//! for, looks once more, and sleeps. If the head is in nobody's hands yet, whoever opens a lane for it under
//! the lock sees `sleeping_at` and sets the bell. Whoever finds a bell set calls the parker.
//!
//! **Unordered**, any result is as good as the head: the front takes whichever lane has one, and a sleeping
//! consumer sets the bells of all.

use super::alone::Alone;
use super::chunk::Pace;
use super::crowd::Helper;
use super::front::{Arrival, Back, Front, Settings, Wait};
use super::function::Function;
use super::line::{Line, Locked, NOT_STALLED};
use super::local::Supply;
use super::outer::{self, Outer};
use super::recall::{keep, were_short};
use super::state::{Hand, Output, State};
use super::stats::ImapStats;
use crate::Executor;
use crate::executor::is_worker;
use crate::sync::atomic::Ordering;
use crate::unwind::{Payload, catch, drop_quietly};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// For how long a consumer that has helped looks for more before it sleeps. It takes no core from anybody
/// meanwhile, since a worker has made room for it; see `crowd.rs`.
#[cfg(not(loom))]
const PATIENCE: Duration = Duration::from_micros(100);
#[cfg(loom)]
const PATIENCE: Duration = Duration::ZERO;

pub(crate) struct LineBack<'p, I: Iterator, F, T, S> {
    pub(crate) line: Arc<Line<I, F, T>>,
    pub(crate) executor: &'p dyn Executor,
    pub(crate) own: Own<I, T>,
    /// The input, if it is with the consumer.
    pub(crate) supply: S,
    /// The input of the line, while the consumer does everything itself.
    pub(crate) alone: Option<Alone<I, T>>,
    /// It was started before the first call, so that others go on while the consumer is away: never alone.
    pub(crate) eager: bool,
}

/// What a consumer that helps has of its own.
pub(crate) struct Own<I: Iterator, T> {
    /// Items that it has taken and not finished.
    pub(crate) hand: Hand<I, T>,
    /// For whom its thread works meanwhile.
    pub(crate) outer: Option<Outer>,
}

/// Where the head is.
pub(super) enum Place {
    Arrived(Arrival),
    /// A result that was given up has come.
    GivenUp(Option<Payload>),
    /// A worker has it.
    Taken,
    /// Nobody has taken it yet.
    Untaken,
}

impl<I, F, T, S> Back<T> for LineBack<'_, I, F, T, S>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    S: Supply<I::Item>,
{
    fn start(&mut self, settings: &Settings, wait: Wait<'_>) {
        self.eager = settings.eager;
        let hint = self.supply.size_hint();
        let mut state = self.line.lock();
        if S::HERE {
            state.hint = hint;
        }
        state.window = settings.window;
        state.unordered = settings.unordered;
        state.pace = Pace::new(settings.window, self.line.threads, settings.chunk, settings.unordered);
        state.probably_short = !settings.unordered && were_short(self.line.key());
        // A task must not have to run what its pool's only thread has left behind.
        let alone = matches!(wait, Wait::Task(_)) && self.line.threads == 1;
        if alone || matches!(wait, Wait::AtMost(_)) {
            state.pace.one_by_one();
        }
    }

    fn refill(&mut self, front: &mut Front<T>, wait: Wait<'_>) -> Arrival {
        let forever = matches!(wait, Wait::Forever);
        if !forever {
            self.end_alone(None);
        }
        if let Some(arrival) = self.continue_alone(front) {
            return arrival;
        }
        let LineBack { line, executor, own, supply, alone, eager } = self;
        let (line, executor) = (&*line, *executor);
        if forever && line.continue_with_head(own, front) {
            return Arrival::Ready;
        }
        front.drop_given_up();
        let started = Instant::now();
        let mut state = line.lock();
        state.sleeping_at = None;
        if let Wait::AtMost(_) = wait {
            state.pace.one_by_one();
            line.lay_down(&mut own.hand, &mut state);
        }
        loop {
            let untaken = match state.find(front) {
                Place::Arrived(arrival) => {
                    line.leave(state, executor);
                    return arrival;
                }
                Place::GivenUp(payload) => {
                    drop(state);
                    drop_quietly(payload);
                    front.drop_given_up();
                    state = line.lock();
                    continue;
                }
                Place::Taken => false,
                Place::Untaken => true,
            };
            if line.gauge.is_cancelled() {
                return Arrival::Cancelled;
            }
            if forever && untaken && own.hand.is_none() && !*eager && outer::is_busy(executor) {
                *alone = state.go_alone(front);
                if alone.is_some() {
                    drop(state);
                    return self.refill(front, wait);
                }
            }
            if state.abandoned && state.tickets == 0 {
                return Arrival::Terminated;
            }
            if S::HERE && line.wants_items(&state) {
                let len = state.lane_len(line.room(&state), line.threads);
                drop(state);
                line.pull_here(executor, supply, front, len);
                state = line.lock();
                continue;
            }
            // What was pulled before the first call with a limit, and nobody else can come for.
            let left_over = matches!(wait, Wait::AtMost(_)) && line.takes_items(&state, untaken, wait);
            let leaves = !untaken && !is_worker(executor) && line.consumer_leaves(&state);
            if leaves && own.hand.is_some() {
                line.lay_down(&mut own.hand, &mut state);
                // The head may have been in it.
                continue;
            }
            if (forever || left_over) && !leaves {
                let helped;
                (helped, state) = line.help(executor, own, state, front, untaken, forever);
                if helped {
                    continue;
                }
            }
            if !leaves && !matches!(state.helper, Helper::No) {
                // This consumer is one of the threads at work, and soon there will be something for it.
                if forever && !state.pace.input_is_slow() && started.elapsed() < PATIENCE {
                    drop(state);
                    front.look_for_a_moment();
                    // The worker that has the head may wait for this very core.
                    std::thread::yield_now();
                    state = line.lock();
                    continue;
                }
            }
            // Somebody else must come in its place.
            state.helper = Helper::No;
            let left = match wait {
                Wait::AtMost(limit) => Some(limit.saturating_sub(started.elapsed())),
                _ => None,
            };
            if left == Some(Duration::ZERO) {
                line.leave(state, executor);
                return Arrival::Late;
            }
            state = match line.sleep(executor, state, front, untaken, wait, left) {
                Some(state) => state,
                None => return Arrival::Late,
            };
        }
    }

    fn make_room(&mut self) {
        let state = self.line.lock();
        self.line.gauge.resume_at.0.store(NOT_STALLED, Ordering::Relaxed);
        self.line.leave(state, self.executor);
    }

    fn hint(&self) -> (u64, (usize, Option<usize>)) {
        let state = self.line.lock();
        if let Some(Alone { input, pulled, .. }) = &self.alone {
            let pulled = state.pulled + pulled;
            drop(state);
            return (pulled, catch(|| input.size_hint()).unwrap_or((0, None)));
        }
        if S::HERE && state.end.is_none() {
            let pulled = state.pulled;
            drop(state);
            return (pulled, self.supply.size_hint());
        }
        (state.pulled, state.hint)
    }

    fn input_has_panicked(&self) -> bool {
        self.line.lock().input_panic.is_some()
    }

    fn stats(&self, front: &Front<T>) -> ImapStats {
        let mut state = self.line.lock();
        let ready = |output: &Output<T>| match output {
            Output::Lane(lane) => lane.len() as u64,
            Output::Panicked(_) => 1,
        };
        let blocked = state.reorder.values().map(ready).sum::<u64>()
            + front.lane.as_ref().map_or(0, |lane| lane.len() as u64);
        let waiting = state.staged.iter().map(|staged| staged.items.len() as u64).sum::<u64>();
        let last = state.staged.back().map_or(0, |staged| staged.first + staged.items.len() as u64);
        // The feeder counts when it comes back; what a worker took from under it can be seen before.
        let pulled = state.pulled.max(last).max(front.head + waiting + blocked).max(state.counts.pulled);
        state.counts.pulled = pulled;
        ImapStats {
            pulled,
            waiting,
            running: pulled - (front.head + waiting + blocked),
            blocked,
            delivered: front.head,
            chunk: state.pace.len(None, self.line.threads),
            helped: front.helped,
            waited: state.counts.waited,
            head_blocked: state.counts.head_blocked,
        }
    }

    fn desert(&mut self) {
        self.line.gauge.cancel();
        let mut state = self.line.lock();
        state.deserted = true;
        if state.pace.is_measured() {
            keep(self.line.key(), state.pace.is_short());
        }
        self.line.clear(state);
        if let Some(slot) = self.line.slot.get() {
            slot.close();
        }
        drop_quietly(self.own.hand.take());
        drop_quietly(self.alone.take());
        self.supply.close();
    }
}

impl<I, F, T> Line<I, F, T>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    /// Whether a consumer that has the input should pull: the head is not there, and there is room. With
    /// short items it should rather work when there is enough to take.
    fn wants_items(&self, state: &State<I, T>) -> bool {
        let enough = state.pace.is_short() && state.staged.len() > 2;
        state.end.is_none() && !enough && self.room(state) > 0
    }

    /// Whether this call takes an item that nobody has: what `refill` does and what `sleep` waits for must be
    /// the same, or it would go round for ever.
    fn takes_items(&self, state: &State<I, T>, untaken: bool, wait: Wait<'_>) -> bool {
        untaken
            && match wait {
                Wait::Forever => true,
                // Nobody else can come for it.
                Wait::AtMost(_) => state.abandoned || (state.queued == 0 && state.tickets >= self.threads),
                Wait::Task(_) => false,
            }
    }

    /// Sleeps until something has happened to the head, unless it has already. A task does not sleep: it
    /// gets `None`, and will be woken.
    fn sleep<'a>(
        self: &'a Arc<Self>,
        executor: &dyn Executor,
        mut state: Locked<'a, I, T>,
        front: &Front<T>,
        untaken: bool,
        wait: Wait<'_>,
        left: Option<Duration>,
    ) -> Option<Locked<'a, I, T>> {
        match wait {
            #[cfg(feature = "stream")]
            Wait::Task(waker) => self.gauge.parker.prepare_task(waker),
            _ => self.gauge.parker.prepare(),
        }
        // Else the bell would be that of a lane into which nothing comes any more.
        state.clear_exhausted();
        let takes_items = self.takes_items(&state, untaken, wait);
        if state.is_ready_with_bells(front, takes_items) || self.gauge.is_cancelled() {
            return Some(state);
        }
        // Whoever could be called must be, before nobody is awake to call. Not earlier: an item that comes
        // into a lane before its bell is set is seen here.
        self.gauge.resume_at.0.store(NOT_STALLED, Ordering::Relaxed);
        if self.call(&mut state) {
            drop(state);
            self.spawn_ticket(executor);
            return Some(self.lock());
        }
        state.sleeping_at = Some(front.head);
        drop(state);
        if let Wait::Task(_) = wait {
            return None;
        }
        let began = Instant::now();
        self.gauge.parker.park(left);
        let mut state = self.lock();
        state.sleeping_at = None;
        state.slept(began.elapsed());
        Some(state)
    }
}

impl<I: Iterator, T> State<I, T> {
    /// Looks for the head, and sets the bell of whatever it may come from.
    fn is_ready_with_bells(&self, front: &Front<T>, wants_items: bool) -> bool {
        if self.unordered {
            let rings = |output: &Output<T>| match output {
                Output::Lane(lane) => !lane.is_empty_with_bell(),
                Output::Panicked(_) => true,
            };
            if self.reorder.values().any(rings) {
                return true;
            }
        }
        let late = front.late.as_ref().map(|(lane, _)| lane);
        match (front.lane.as_ref().or(late), self.staged.front()) {
            (Some(lane), _) => !lane.is_empty_with_bell(),
            // The head may be pulled at any moment, and the feeder may not come back to it.
            (None, Some(staged)) if self.is_feeding() => !staged.items.is_empty_with_bell() && wants_items,
            _ => false,
        }
    }

    fn slept(&mut self, time: Duration) {
        self.counts.waited += time;
        // The first is the head, which has just come.
        if self.reorder.values().skip(1).any(Output::is_ready) {
            self.counts.head_blocked += time;
        }
    }
}
