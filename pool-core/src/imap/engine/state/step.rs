//! What a worker does next.
//!
//! **No item that was pulled waits for the input** (P4). A feeder that goes into the input with items that have not
//! begun could be blocked there for ever. It does so only while another worker is in its turn
//! ([`may_pull_ahead`](State::may_pull_ahead)), and that one comes back, and takes them. A worker that ends its turn
//! sets the flag of the ring that is being filled, and looks once more: either it sees the items, and stays, or the
//! feeder sees the flag with its next push, and works instead of pulling. Else, a feeder pulls a single item, and takes
//! that item in the step in which it gives the input back. In a pool of one thread it keeps the input, and works on each
//! item before it pulls the next.
//!
//! **No item waits long behind one that takes long.** A worker that ends its turn sets the flags of all rings. A worker
//! that sees its flag, or sees when it takes a chunk that threads are idle, looks at the clock from time to time, and
//! hands back what is left of its chunk when that takes longer than chunks should.

use super::super::chunk::Current;
use super::super::input::Returned;
use super::super::ring::Sender;
use super::State;
use std::time::Duration;

/// What a participant has done since it last held the lock.
pub(in crate::imap::engine) enum Done<I: Iterator> {
    /// Its turn begins.
    Began,
    /// Nothing.
    Nothing,
    /// It has looked for work, and has found nothing for this long.
    Looked(Duration),
    /// It has pulled one item, or has come to the end.
    PulledOne { item: Option<I::Item>, returned: Returned<I> },
    /// It has filled a ring.
    Filled { sender: Sender<I::Item>, returned: Returned<I> },
    /// It has worked on this many items of its chunk.
    Worked { items: usize, time: Duration },
    /// It has pulled and worked, with the input in hand.
    WorkedSolo { returned: Returned<I>, pulled: u64, items: usize, time: Duration },
}

impl<I: Iterator> Done<I> {
    /// How many items it has pulled, for what it works on next.
    pub(in crate::imap::engine) fn pulled(&self) -> Option<usize> {
        match self {
            Done::PulledOne { item, .. } => Some(usize::from(item.is_some())),
            Done::Filled { sender, .. } => Some(sender.pushed()),
            _ => None,
        }
    }

    /// Whether a worker may end its turn after this for others, if its slice is over. Not with items in its hands that
    /// have not begun; and one that has found nothing leaves by itself, or looks on, but does not queue itself again: on
    /// a machine that is busy a look takes longer than a slice, and such a job would go round and round.
    pub(in crate::imap::engine) fn may_make_room(&self) -> bool {
        self.pulled().is_none() && !matches!(self, Done::Looked(_))
    }
}

/// What a worker is to do next.
pub(in crate::imap::engine) enum Step<I: Iterator> {
    /// Work on its chunk.
    Work,
    /// Pull one item and begin with it.
    PullOne(Box<I>),
    /// Pull this many items, and then work on them.
    Fill(Box<I>, Sender<I::Item>, usize),
    /// Pull and work, item by item, with the input in hand: there is no other thread that could pull.
    Solo(Box<I>, usize),
    /// Look again in a moment.
    Look,
    /// End the turn; the next one is queued.
    Requeue,
    /// End the turn. If the consumer has left, drop what is there.
    Leave { consumer_gone: bool },
}

impl<I: Iterator, T> State<I, T> {
    /// A worker has pulled this many items in this time.
    pub(in crate::imap::engine) fn measured_pull(&mut self, items: usize, time: Duration) {
        self.policy.pulled(items, time);
    }

    /// Takes over what a worker has done, and decides what it does next. Returns whether it must also spawn a job, which
    /// is reserved. `current` is its chunk; `makes_room` says that its slice is over while other jobs wait in the pool.
    pub(in crate::imap::engine) fn step(
        &mut self,
        current: &mut Current<I::Item, T>,
        done: Done<I>,
        makes_room: bool,
    ) -> (Step<I>, bool) {
        let step = self.choose_step(current, done, makes_room);
        let spawns = match step {
            Step::Work | Step::Fill(..) => self.try_reserve_worker(),
            Step::Requeue => true,
            _ => false,
        };
        (step, spawns)
    }

    fn choose_step(&mut self, current: &mut Current<I::Item, T>, done: Done<I>, makes_room: bool) -> Step<I> {
        let looked = match done {
            Done::Looked(time) => Some(time),
            _ => None,
        };
        self.take_over(current, done);
        if current.is_some() {
            return Step::Work;
        }
        if makes_room && !self.wakeup.consumer_gone() && self.may_leave() {
            self.workers.requeue();
            if self.wakeup.could_work() {
                self.wakeup.wake();
            }
            return Step::Requeue;
        }
        loop {
            if let Some(step) = self.find_work(current) {
                return step;
            }
            if looked.is_none() && !self.another_pulls() {
                // Nothing will come before a consumer that naps has taken something.
                self.wakeup.wake_napper();
            }
            let may_come = !self.control.is_cancelled() && !self.is_finished();
            if may_come && self.policy.worker_looks(looked.unwrap_or_default()) {
                return Step::Look;
            }
            if self.may_leave() {
                return self.leave();
            }
        }
    }

    /// Takes over what a participant has done. Its chunk is taken back; a new one is what it is to work on at once.
    pub(in crate::imap::engine) fn take_over(&mut self, current: &mut Current<I::Item, T>, done: Done<I>) {
        match done {
            Done::Began => self.workers.begin_turn(),
            Done::Nothing | Done::Looked(_) => {}
            Done::PulledOne { item, returned } => {
                self.give_back_input(returned, u64::from(item.is_some()));
                if let Some(item) = item {
                    self.begin_pulled(current, item);
                }
            }
            Done::Filled { sender, returned } => {
                self.end_filling(sender);
                self.give_back_input(returned, 0);
                let len = self.chunk_len();
                self.take_chunk(current, len);
            }
            Done::Worked { items, time } => {
                self.policy.worked(items, time);
                self.release(current);
            }
            Done::WorkedSolo { returned, pulled, items, time } => {
                self.give_back_input(returned, pulled);
                self.policy.worked(items, time);
                self.release(current);
            }
        }
    }

    /// What was handed back, so that the oldest items go first; else the input; else what a feeder has pulled.
    fn find_work(&mut self, current: &mut Current<I::Item, T>) -> Option<Step<I>> {
        if self.control.is_cancelled() {
            return None;
        }
        let len = self.chunk_len();
        if self.backlog.has_waiting() && self.take_chunk(current, len) {
            return Some(Step::Work);
        }
        if self.input.is_here() && self.input.end().is_none() {
            let batch = self.batch_len();
            let room = self.window().room_or_stall(batch as u64);
            let batch = usize::try_from(room).unwrap_or(batch).min(batch);
            if batch > 0 {
                return self.feed(current, batch);
            }
        }
        self.take_chunk(current, len).then_some(Step::Work)
    }

    fn feed(&mut self, current: &mut Current<I::Item, T>, len: usize) -> Option<Step<I>> {
        let input = self.input.take()?;
        Some(if len > 1 && self.may_pull_ahead() {
            Step::Fill(input, self.begin_filling(len), len)
        } else if len > 1 && self.workers.most() == 1 {
            self.begin_solo(current, len);
            Step::Solo(input, len)
        } else {
            Step::PullOne(input)
        })
    }

    /// Whether items may be pulled before those pulled before have begun: only where another worker is sure to come
    /// back for them. Queued jobs are not, nor is the consumer. In an ordered imap one is enough: what it has in hand
    /// comes before what is being pulled, so until it has come back no result of these can be delivered. Without order
    /// each result counts, so no thread of the pool may be away.
    fn may_pull_ahead(&self) -> bool {
        let active = self.workers.active();
        if self.outputs.is_unordered() { active >= self.workers.most().max(2) } else { active >= 2 }
    }

    /// Whether another thread is in the input.
    fn another_pulls(&self) -> bool {
        !self.local && !self.input.is_here() && self.input.end().is_none()
    }

    /// Whether a worker may end its turn. Then the feeder, and those who work, know that a thread is idle.
    fn may_leave(&mut self) -> bool {
        if self.control.is_cancelled() {
            return true;
        }
        self.control.flags().set_all();
        let may = self.backlog.may_leave();
        if may && self.backlog.is_filled_unsurely() {
            self.wakeup.wake();
        }
        may
    }

    fn leave(&mut self) -> Step<I> {
        self.workers.end_turn();
        // Under the lock, and only for as long as every thread has a job can it become busy again.
        self.control.note_busy(false);
        if self.workers.pool_is_gone() || self.wakeup.could_work() {
            self.wakeup.wake();
        }
        Step::Leave { consumer_gone: self.wakeup.consumer_gone() }
    }
}
