//! What a job does when its turn comes: feed, take, work, publish, and again, for a slice of time.
//!
//! A worker brings to the lock what it has [done](Done), and takes from it the next [step](Step), which it does without
//! the lock. [`State::step`](super::state::State::step) decides.
//!
//! A worker that pulls fills a ring of its own. Others see each item as soon as it is pulled. When it has pulled enough
//! it works on these items itself, as far as that is a chunk, so they are in the cache of the thread that pulled them,
//! and are freed by the thread that allocated them. What is behind that chunk waits for all.

use super::budget::weigh;
use super::chunk::Hand;
use super::function::Function;
use super::input::{InHand, InputBack, InputEnd, Ran, fill, hint_of, pull};
use super::nesting::{Nesting, Within, leave_item};
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
        let lost = Lost(&self);
        self.turn(executor);
        std::mem::forget(lost);
    }

    fn discard(self: Arc<Self>) {
        if self.locked(|state| state.discard_job()) {
            self.clear();
        }
    }
}

/// Tells the consumer if a turn unwinds, which is a fault of the engine.
struct Lost<'a, I: Iterator, F, T>(&'a Shared<I, F, T>);

impl<I: Iterator, F, T> Drop for Lost<'_, I, F, T> {
    fn drop(&mut self) {
        self.0.locked(|state| state.lose_worker());
    }
}

/// Timestamps of a turn.
struct TurnTimes {
    slice: Instant,
    now: Instant,
    /// Since when it has found nothing.
    idle: Option<Instant>,
}

impl TurnTimes {
    fn new() -> TurnTimes {
        let now = Instant::now();
        TurnTimes { slice: now, now, idle: None }
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
            self.slice = self.now;
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
        let (mut times, mut hand) = (TurnTimes::new(), Hand::new());
        let mut done = Done::Began;
        loop {
            let slice_over = done.may_yield() && times.ends_slice();
            let (step, spawns) = self.locked(|state| {
                if let Some(items) = done.pulled() {
                    // The wait for the lock is the input's, so that the next lap is the function's alone.
                    state.measured_pull(items, times.lap());
                }
                state.step(&mut hand, done, (slice_over, times.now))
            });
            if spawns {
                // A worker has no caller who could be told of a panic: the job has been dropped then, or will run.
                drop_quietly(catch(|| self.spawn_job(executor)));
            }
            done = match step {
                Step::Requeue => return,
                Step::Leave { consumer_gone } => {
                    if consumer_gone {
                        self.clear();
                    }
                    return;
                }
                step => self.perform(step, executor, &mut hand, &mut times),
            };
        }
    }

    /// Does a step that does not end the turn.
    fn perform(
        &self,
        step: Step<I>,
        executor: &dyn Executor,
        hand: &mut Hand<I, T>,
        times: &mut TurnTimes,
    ) -> Done<I> {
        match step {
            Step::Work => {
                let items = self.work(hand, || false);
                Done::Worked { items, time: times.lap() }
            }
            Step::PullOne(input) => self.pull_one(input, hand),
            Step::Fill(input, sender, len, looked_up) => {
                let full = |pushed| pushed == len || self.control().has_called(looked_up);
                self.fill(input, sender, full)
            }
            Step::InHand(input) => {
                let (back, items) = self.work_in_hand(input, hand);
                Done::WorkedInHand { back, items, time: times.lap() }
            }
            // A pool that was terminated drops the job that goes back to it.
            Step::AskPool => {
                Done::Asked(has_waiting(executor) || self.control().unwanted().pool_is_terminated())
            }
            Step::Look => {
                std::thread::yield_now();
                Done::Looked(times.idle())
            }
            Step::DropInput(input) => {
                drop_quietly(input);
                Done::Nothing
            }
            Step::Requeue | Step::Leave { .. } => Done::Nothing,
        }
    }

    /// Works on what is in hand until there is nothing left, it should be handed back, the imap is cancelled, or `stops`
    /// says so between two items. Returns how many items that were.
    pub(super) fn work(&self, hand: &mut Hand<I, T>, mut stops: impl FnMut() -> bool) -> usize {
        let (function, control, fail_fast) = (self.function(), self.control(), self.fail_fast());
        let _span = control.span().enter();
        let mut session = function.begin();
        let items = match hand.many() {
            None => hand.work_on_one(function, &mut session, (control, fail_fast)),
            Some(many) => {
                let first = many.next();
                let watched = (&**control, fail_fast);
                while let Err(payload) = catch(|| many.work(function, &mut session, watched, &mut stops)) {
                    function.poison(&mut session);
                    fail_fast.note_panic(many.next(), control);
                    self.locked(|state| state.note_panic(many, payload));
                }
                (many.next() - first) as usize
            }
        };
        leave_item();
        function.end(session);
        items
    }

    /// Pulls one item into the hand.
    pub(super) fn pull_one(&self, mut input: Box<I>, hand: &mut Hand<I, T>) -> Done<I> {
        let hint = hint_of(&*input);
        let mut weights = self.weights();
        let end = pull(&mut *input, hand.slot());
        let pulled = u64::from(end.is_none());
        if pulled > 0 {
            weigh(&mut weights);
        }
        Done::Pulled(InputBack::new(input, pulled, hint, end).weighed(weights), None)
    }

    /// Pulls into a ring, until it has as many as `full` wants.
    fn fill(&self, mut input: Box<I>, mut sender: Sender<I::Item>, full: impl Fn(u64) -> bool) -> Done<I> {
        let (hint, mut weights) = (hint_of(&*input), self.weights());
        let end = if self.control().is_cancelled() {
            None
        } else {
            fill(&mut *input, &mut sender, |sender| weigh(&mut weights) || full(sender.pushed()))
        };
        let back = InputBack::new(input, sender.pushed(), hint, end).weighed(weights);
        Done::Pulled(back, Some(sender))
    }

    /// Pulls an item, works on it, and so on, as far as the chunk goes. Returns how many items that were.
    fn work_in_hand(&self, input: Box<I>, hand: &mut Hand<I, T>) -> (InputBack<I>, usize) {
        let (function, control, fail_fast) = (self.function(), self.control(), self.fail_fast());
        let _span = control.span().enter();
        let many = hand.many().expect("a chunk without items has begun");
        let (mut session, mut in_hand) = (function.begin(), InHand::new(input, many.next()));
        let mut end: Option<InputEnd> = None;
        while end.is_none() && many.left() > 0 && !control.keeps_from(many.next()) {
            let ran = in_hand.run(function, &mut session, |value| {
                fail_fast.look_at(&value, many.next(), control);
                let looks_up = many.publish(value, control);
                many.left() == 0 || looks_up
            });
            match ran {
                Ran::Stopped => {}
                Ran::Ended(how) => end = Some(how),
                Ran::Panicked(payload) => {
                    function.poison(&mut session);
                    fail_fast.note_panic(many.next(), control);
                    self.locked(|state| state.note_panic(many, payload));
                }
            }
        }
        function.end(session);
        let items = in_hand.pulled() as usize;
        (in_hand.into_back(end), items)
    }
}
