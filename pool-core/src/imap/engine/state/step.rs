//! What a thread does next: the one decider, for workers and for consumers that work.
//!
//! **No item that was pulled waits for the input** (P4). A feeder that goes into the input with items that have not
//! begun could be blocked there for ever. It does so only while another thread is sure to come back for them
//! ([`may_pull_ahead`](State::may_pull_ahead)). A thread that stops coming back asks all to look up, and looks once more
//! into the ring that is being filled: either it sees the items, and stays, or the feeder sees with its next push that it
//! should look up, and works instead of pulling. Else, a feeder pulls a single item, and takes
//! that item in the step in which it gives the input back. In a pool of one thread it keeps the input in hand, and works on
//! each item before it pulls the next.
//!
//! **A consumer on a thread that its pool needs is a worker** (P17) that comes back whenever it is called for the head. It
//! takes what has been pulled and has not begun, lowest index first. It enters the input for its head only, since another
//! pull could block while the head becomes ready. So a feeder pulls for it, too.
//!
//! **No item waits long behind one that takes long.** A thread that finds nothing asks all workers to look up. A worker that
//! looks up, or sees when it takes a chunk that threads are idle, looks at the clock from time to time, and
//! hands back what is left of its chunk when that takes longer than chunks should.

use super::super::backlog::TakenRun;
use super::super::chunk::Hand;
use super::super::input::InputBack;
use super::super::ring::Sender;
use super::State;
use crate::sync::Instant;
use std::time::Duration;

/// What a thread has done since it last held the lock.
pub(in crate::imap::engine) enum Done<I: Iterator> {
    /// Its turn begins.
    Began,
    /// Nothing.
    Nothing,
    /// It has looked for work, and has found nothing for this long.
    Looked(Duration),
    /// It has asked the pool whether other jobs wait for a thread.
    Asked(bool),
    /// It has pulled: into this ring, or a single item.
    Pulled(InputBack<I>, Option<Sender<I::Item>>),
    /// It has worked on this many items of its chunk.
    Worked { items: usize, time: Duration },
    /// It has pulled and worked, with the input in hand.
    WorkedInHand { back: InputBack<I>, items: usize, time: Duration },
}

impl<I: Iterator> Done<I> {
    /// How many items it has pulled, for what it works on next.
    pub(in crate::imap::engine) fn pulled(&self) -> Option<usize> {
        match self {
            Done::Pulled(back, _) => Some(back.pulled as usize),
            _ => None,
        }
    }

    /// Whether a worker may leave its thread to other jobs after this, if its slice is over. Not with items in its hand
    /// that have not begun. Nor does a worker that found nothing: on a busy machine each look outlasts a slice, and the job
    /// would requeue for ever.
    pub(in crate::imap::engine) fn may_yield(&self) -> bool {
        matches!(self, Done::Worked { .. } | Done::WorkedInHand { .. } | Done::Began)
    }
}

/// What a thread is to do next.
pub(in crate::imap::engine) enum Step<I: Iterator> {
    /// Work on what is in its hand.
    Work,
    /// Pull one item and begin with it.
    PullOne(Box<I>),
    /// Pull this many items, unless it should look up since it was told so this often; and then work on them.
    Fill(Box<I>, Sender<I::Item>, u64, u64),
    /// Pull and work, item by item, with the input in hand.
    InHand(Box<I>),
    /// Drop an input that has ended.
    DropInput(Box<I>),
    /// Ask the pool whether other jobs wait for a thread. (With empty hands, since that may block.)
    AskPool,
    /// Look again in a moment.
    Look,
    /// End the turn; the next one is queued.
    Requeue,
    /// End the turn. If the consumer has left, drop what is there.
    Leave { consumer_gone: bool },
}

impl<I: Iterator, T> State<I, T> {
    /// A thread has pulled this many items in this time.
    pub(in crate::imap::engine) fn measured_pull(&mut self, items: usize, time: Duration) {
        self.policy.pulled(items, time);
    }

    /// Takes over what a worker has done, and decides what it does next. Returns whether it must also spawn a job, which
    /// is reserved. `slice_over`: it has worked for so long that other jobs of the pool may have a turn. `now`: what its
    /// clock said last.
    pub(in crate::imap::engine) fn step(
        &mut self,
        hand: &mut Hand<I, T>,
        done: Done<I>,
        (slice_over, now): (bool, Instant),
    ) -> (Step<I>, bool) {
        self.now = now;
        let (looked, yields) = match &done {
            Done::Looked(time) => (Some(*time), false),
            Done::Asked(others_wait) => (None, *others_wait),
            _ => (None, false),
        };
        self.take_over(hand, done);
        let step = match self.choose_yield(hand, slice_over, yields) {
            Some(step) => step,
            None => self.choose_step(hand, looked),
        };
        self.note_step(&step);
        let spawns = match step {
            Step::Work | Step::InHand(_) => self.try_reserve_worker(false),
            // What is pulled for others cannot be seen yet.
            Step::Fill(..) => self.try_reserve_worker(false) || self.try_reserve_taker(),
            Step::Requeue => true,
            _ => false,
        };
        (step, spawns)
    }

    pub(super) fn note_step(&mut self, step: &Step<I>) {
        self.pulls_one |= matches!(step, Step::PullOne(_));
        if matches!(step, Step::Work | Step::InHand(_) | Step::PullOne(_)) {
            self.workers.begin_work();
        }
    }

    /// Takes over what a thread has done. What it has in hand afterwards is what it is to work on at once.
    pub(in crate::imap::engine) fn take_over(&mut self, hand: &mut Hand<I, T>, done: Done<I>) {
        if self.control.failed() != self.failed {
            self.note_failure();
        }
        if matches!(done, Done::Worked { .. } | Done::WorkedInHand { .. } | Done::Pulled(_, None)) {
            self.workers.end_work();
            self.pulls_one &= !matches!(done, Done::Pulled(..));
        }
        if self.failed.is_some() {
            // Without order, it may have waited for the last item that had begun.
            self.wakeup.wake();
        }
        match done {
            Done::Began => self.workers.begin_turn(),
            Done::Looked(_) => self.workers.end_look(),
            Done::Nothing | Done::Asked(_) => {}
            Done::Pulled(back, sender) => self.take_pulled(hand, back, sender),
            Done::Worked { items, time } => {
                self.policy.worked(items, time);
                hand.single()
                    .filter(|_| items == 1)
                    .into_iter()
                    .for_each(|index| self.running.note(index, time));
                self.release(hand);
            }
            Done::WorkedInHand { back, items, time } => {
                self.policy.worked(items, time);
                // The input was not measured apart, and was no slower.
                self.policy.pulled(items, time);
                self.give_back_input(back);
                self.release(hand);
            }
        }
    }

    fn take_pulled(&mut self, hand: &mut Hand<I, T>, back: InputBack<I>, sender: Option<Sender<I::Item>>) {
        let index = self.input.pulled();
        let pulled = back.pulled;
        self.give_back_input(back);
        if let Some(sender) = sender {
            self.backlog.close(sender);
        } else if pulled > 0 {
            self.begin(hand, TakenRun::one(index));
        }
    }

    /// An item has failed, perhaps before another one that has: nothing behind it is pulled, or begins.
    fn note_failure(&mut self) {
        self.failed = self.control.failed();
        self.failed.into_iter().for_each(|failed| self.backlog.cut(failed + 1));
        self.close_input();
    }

    /// Nothing is pulled behind a failure.
    fn close_input(&mut self) {
        if self.failed.is_some() && self.input.is_here() {
            self.ended = self.input.take();
        }
    }

    /// Puts the input back after a pull. At its end the consumer looks up.
    pub(in crate::imap::engine) fn give_back_input(&mut self, mut back: InputBack<I>) {
        self.charge(back.take_weights());
        let ended = self.input.give_back(back);
        self.close_input();
        if ended.is_some() {
            self.ended = ended;
            self.wakeup.wake();
        }
    }

    /// Whether the worker leaves its thread to other jobs, or asks whether it should.
    fn choose_yield(&mut self, hand: &Hand<I, T>, slice_over: bool, yields: bool) -> Option<Step<I>> {
        if hand.is_full() || self.wakeup.consumer_gone() {
            return None;
        }
        if yields && self.may_leave() {
            self.workers.requeue();
            self.wake_consumer_that_works();
            return Some(Step::Requeue);
        }
        slice_over.then_some(Step::AskPool)
    }

    fn choose_step(&mut self, hand: &mut Hand<I, T>, looked: Option<Duration>) -> Step<I> {
        loop {
            if let Some(step) = self.find_work(hand, None) {
                return step;
            }
            if let Some(input) = self.ended.take() {
                return Step::DropInput(input);
            }
            if looked.is_none() && !self.another_pulls() {
                // Nothing will come before a consumer that naps has taken something.
                self.wakeup.wake_napper();
            }
            let may_come = !self.control.is_cancelled() && !self.is_finished();
            if may_come && self.policy.worker_looks(looked.unwrap_or_default()) && self.workers.try_look() {
                return Step::Look;
            }
            if self.may_leave() {
                return self.leave();
            }
        }
    }

    /// What is in hand; else what was handed back, so that the oldest items go first; else the input; else what a feeder has
    /// pulled. A consumer enters the input only for its head, and has no reason to where that is under way.
    pub(super) fn find_work(&mut self, hand: &mut Hand<I, T>, head: Option<u64>) -> Option<Step<I>> {
        if hand.is_full() {
            return Some(Step::Work);
        }
        if self.control.is_cancelled() || !self.workers.may_begin() {
            return None;
        }
        let len = self.chunk_len();
        if head.is_none() && self.leaves_too_few(len) {
            return self.feed(hand, len);
        }
        if self.backlog.has_waiting() && self.take_chunk(hand, len) {
            return Some(Step::Work);
        }
        let step = match head {
            None => self.feed(hand, len),
            Some(head) if self.input.pulled() <= head => self.input.take().map(Step::PullOne),
            Some(_) => None,
        };
        step.or_else(|| self.take_chunk(hand, len).then_some(Step::Work))
    }

    /// Whether a worker that takes a chunk of what waits would leave less than one to a consumer that works, which cannot
    /// pull for itself.
    fn leaves_too_few(&mut self, chunk: usize) -> bool {
        let enough = chunk as u64 * 2;
        self.consumer_works
            && (1..enough).contains(&self.backlog.waiting_len())
            && self.input.is_here()
            && self.batch_len().min(self.room()) > 1
    }

    fn feed(&mut self, hand: &mut Hand<I, T>, chunk: usize) -> Option<Step<I>> {
        let len = self.batch_len().min(self.room());
        if len == 0 {
            return None;
        }
        let input = self.input.take()?;
        Some(if len > 1 && self.may_pull_ahead() {
            let fenced = self.fenced();
            let sender = self.backlog.open(self.input.pulled(), len, fenced, len > chunk);
            // One that sleeps has to come for what can be seen there.
            self.wake_consumer_that_works();
            Step::Fill(input, sender, len as u64, self.control.look_up())
        } else if len.min(chunk) > 1 && self.workers.most() == 1 && self.charged.is_none() {
            let most = len.min(chunk);
            self.begin_many(hand, self.input.pulled(), most, None);
            Step::InHand(input)
        } else {
            Step::PullOne(input)
        })
    }

    /// Whether items may be pulled before those pulled before have begun: only where another thread is sure to come
    /// back for them. Queued jobs are not. In an ordered imap one is enough: what it has in hand
    /// comes before what is being pulled, so until it has come back no result of these can be delivered. Without order
    /// each result counts, so no thread of the pool may be away. A consumer that works takes them when it is called for a
    /// result, and no result of theirs can be delivered before.
    fn may_pull_ahead(&self) -> bool {
        let active = self.workers.active();
        self.consumer_works || if self.unordered { active >= self.workers.most().max(2) } else { active >= 2 }
    }

    /// A feeder is about to pull for others, too.
    fn try_reserve_taker(&mut self) -> bool {
        self.backlog.is_filled_for_others() && !self.control.is_cancelled() && self.workers.try_reserve()
    }

    /// Whether no work will come any more.
    fn is_finished(&self) -> bool {
        self.input.end().is_some() && self.backlog.is_empty()
    }

    /// Whether another thread is in the input.
    fn another_pulls(&self) -> bool {
        !self.local && !self.input.is_here() && self.input.end().is_none() && self.failed.is_none()
    }

    /// Whether a worker may end its turn. Then the feeder, and those who work, know that a thread is idle.
    pub(super) fn may_leave(&mut self) -> bool {
        if self.control.is_cancelled() {
            return true;
        }
        self.control.call_workers();
        let may = self.backlog.may_leave();
        if may && self.backlog.may_miss_signal() {
            self.wakeup.wake();
        }
        may
    }

    fn leave(&mut self) -> Step<I> {
        self.workers.end_turn();
        // Under the lock, and only for as long as every thread has a job can it become busy again.
        self.control.note_busy(false);
        if self.workers.pool_is_gone() {
            self.wakeup.wake();
        }
        self.wake_consumer_that_works();
        Step::Leave { consumer_gone: self.wakeup.consumer_gone() }
    }

    /// A consumer that sleeps and could work looks whether there is something to do.
    pub(super) fn wake_consumer_that_works(&mut self) {
        if self.wakeup.could_work() {
            self.wakeup.wake();
        }
    }
}
