//! What a job does when its turn comes: feed, take, work, publish, and again, for a slice of time.
//!
//! A worker brings to the lock what it has [done](Done), and takes from it the next [step](Step), which it does without
//! the lock. [`State::step`](super::state::State::step) decides.
//!
//! A worker that pulls fills a ring of its own. Others see each item as soon as it is pulled. When it has pulled enough
//! it works on these items itself, as far as that is a chunk, so they are in the cache of the thread that pulled them,
//! and are freed by the thread that allocated them. What is behind that chunk waits for all.

use super::chunk::{Chunk, Current};
use super::function::Function;
use super::input::{InputEnd, Returned, pull, pull_many};
use super::nesting::{Nesting, Within};
use super::ring::Sender;
use super::shared::Shared;
use super::state::{Done, Step};
use crate::Executor;
use crate::executor::has_waiting;
use crate::imap::policy;
use crate::job::Task;
use crate::sync::Instant;
use crate::unwind::{catch, drop_quietly};
use std::sync::Arc;
use std::time::Duration;

impl<I, F, T> Task for Shared<I, F, T>
where
    I: Iterator + Send,
    I::Item: Send,
    F: Function<I::Item, Output = T> + Send + Sync,
    T: Send,
{
    fn run(self: Arc<Self>, executor: &dyn Executor) {
        // Nothing in a turn unwinds, but for a fault in the engine. The consumer is told even then.
        if let Err(payload) = catch(|| self.turn(executor)) {
            self.locked(|state| state.lose_worker());
            drop_quietly(payload);
        }
    }

    fn discard(self: Arc<Self>) {
        self.locked(|state| state.discard_job());
    }
}

/// When a worker began what, for slices and measurements.
struct Clock {
    slice: Instant,
    now: Instant,
    /// Since when it has found nothing.
    idle: Option<Instant>,
}

impl Clock {
    fn new() -> Clock {
        let now = Instant::now();
        Clock { slice: now, now, idle: None }
    }

    /// How long it is since the last call, or since the last look for work.
    fn lap(&mut self) -> Duration {
        self.idle = None;
        let before = std::mem::replace(&mut self.now, Instant::now());
        self.now.since(before)
    }

    /// How long it has found nothing. The time does not count for the next lap.
    fn idle(&mut self) -> Duration {
        let since = *self.idle.get_or_insert(self.now);
        self.now = Instant::now();
        self.now.since(since)
    }

    /// Whether a slice of time is over. The next one begins.
    fn ends_slice(&mut self) -> bool {
        let is_over = self.now.since(self.slice) >= policy::SLICE;
        if is_over {
            self.slice = Instant::now();
        }
        is_over
    }
}

impl<I, F, T> Shared<I, F, T>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    fn turn(self: &Arc<Self>, executor: &dyn Executor) {
        let mut nesting = Some(Nesting::new(executor, self.control()));
        let _within = Within::enter(&mut nesting);
        let mut clock = Clock::new();
        let mut done = Done::Began;
        let mut current: Current<I::Item, T> = None;
        loop {
            let mut makes_room = false;
            if done.may_make_room() && clock.ends_slice() {
                // The executor is asked with empty hands, since it may block.
                self.locked(|state| state.take_over(&mut current, done));
                debug_assert!(current.is_none(), "it has pulled nothing");
                done = Done::Nothing;
                makes_room = has_waiting(executor);
            }
            let (step, spawns) = self.locked(|state| {
                if let Some(items) = done.pulled() {
                    // The wait for the lock is the input's, so that the next lap is the function's alone.
                    state.measured_pull(items, clock.lap());
                }
                state.step(&mut current, done, makes_room)
            });
            if spawns {
                // A worker has no caller who could be told of a panic: the job has been dropped then, or will run.
                drop_quietly(catch(|| self.spawn_job(executor)));
            }
            done = match step {
                Step::Work => {
                    let items = current.as_mut().map_or(0, |chunk| self.work(chunk));
                    Done::Worked { items, time: clock.lap() }
                }
                Step::PullOne(input) => {
                    let (item, returned) = self.pull_one(input);
                    Done::PulledOne { item, returned }
                }
                Step::Fill(input, sender, len) => {
                    let (sender, returned) = self.fill(input, sender, len);
                    Done::Filled { sender, returned }
                }
                Step::Solo(input, len) => {
                    let chunk = current.as_mut().expect("a chunk without items has begun");
                    self.work_solo(input, chunk, len, &mut clock)
                }
                Step::Look => {
                    std::thread::yield_now();
                    Done::Looked(clock.idle())
                }
                Step::Requeue => return,
                Step::Leave { consumer_gone } => {
                    if consumer_gone {
                        self.clear();
                    }
                    return;
                }
            };
        }
    }

    /// Goes through a chunk until it is empty, it should be handed back, or the imap is cancelled. Returns how many
    /// items it has worked on.
    pub(super) fn work(&self, chunk: &mut Chunk<I::Item, T>) -> usize {
        let first = chunk.next();
        let function = self.function();
        let mut session = function.begin();
        let mut watch = chunk.watch();
        while let Err(payload) = catch(|| chunk.work(function, &mut session, &mut watch, self.control())) {
            function.spoil(&mut session);
            self.locked(|state| state.note_panic(chunk, payload));
        }
        function.end(session);
        (chunk.next() - first) as usize
    }

    /// Pulls one item.
    pub(super) fn pull_one(&self, mut input: Box<I>) -> (Option<I::Item>, Returned<I>) {
        let (item, end) = match pull(&mut *input) {
            Ok(item) => (Some(item), None),
            Err(end) => (None, Some(end)),
        };
        (item, Returned::new(input, end))
    }

    /// Pulls up to `len` items into a ring, until its flag is set.
    fn fill(
        &self,
        mut input: Box<I>,
        mut sender: Sender<I::Item>,
        len: usize,
    ) -> (Sender<I::Item>, Returned<I>) {
        let end = if self.control().is_cancelled() {
            None
        } else {
            pull_many(&mut *input, |item| sender.push(item) || sender.pushed() == len)
        };
        (sender, Returned::new(input, end))
    }

    /// Pulls an item, works on it, and so on.
    fn work_solo(
        &self,
        mut input: Box<I>,
        chunk: &mut Chunk<I::Item, T>,
        len: usize,
        clock: &mut Clock,
    ) -> Done<I> {
        let (function, control) = (self.function(), self.control());
        let mut session = function.begin();
        let first = chunk.next();
        let (mut pulled, mut worked, mut pulling) = (0, 0, true);
        let mut end = None;
        while end.is_none() && worked < len && !control.is_cancelled() {
            let ended = catch(|| {
                while worked < len {
                    pulling = true;
                    let Some(item) = input.next() else { return true };
                    pulling = false;
                    pulled += 1;
                    worked += 1;
                    control.note_pulled_in_hand(first + pulled);
                    if chunk.publish(function, &mut session, item, control) {
                        break;
                    }
                }
                false
            });
            match ended {
                Ok(false) => {}
                Ok(true) => end = Some(InputEnd::Finished),
                Err(payload) if pulling => end = Some(InputEnd::Panicked(payload)),
                Err(payload) => {
                    function.spoil(&mut session);
                    self.locked(|state| state.note_panic(chunk, payload));
                }
            }
        }
        function.end(session);
        let time = clock.lap();
        Done::WorkedSolo { returned: Returned::new(input, end), pulled, items: worked, time }
    }
}
