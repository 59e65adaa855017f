//! What the consumer does next, in a call that has not found the head in its ring.
//!
//! It looks under the lock where the head is: in another ring, or it panicked, or the imap has ended, and that is the
//! answer. Else it may have work itself ([`Move::Pull`], [`Move::Work`], [`Move::PullHead`], [`Move::Inline`]). Else it
//! waits, in three steps:
//!
//! 1. It **looks** for a moment, and offers its core: only in a young imap, which may have ended by then.
//! 2. It **naps**: it sleeps for a set time, at most a millisecond, and has asked for no wake-up. That costs the
//!    workers nothing, and there will be many results to take at once. Only while items are short, and twice in a row at most.
//! 3. It **registers** and sleeps: see [`wakeup`](super::super::wakeup). Calls with a limit and polls of a stream
//!    register at once.
//!
//! **Unordered**, any result is as good as the head: the cursor takes whichever ring has one, and a sleeping consumer
//! sets the flags of all.

use super::super::chunk::Current;
use super::super::cursor::Cursor;
use super::super::inline::Inline;
use super::super::outputs::HeadState;
use super::super::source::{Head, Wait};
use super::State;
use crate::imap::policy;
use crate::unwind::Payload;
use std::time::{Duration, Instant};

/// A call of the consumer: how it waits, and what has come of that.
pub(in crate::imap::engine) struct Call<'a> {
    wait: Wait<'a>,
    /// Its thread is one that the pool needs, so it works as well.
    works: bool,
    /// No other thread is free to come.
    inline: bool,
    since: Option<Instant>,
    naps: u32,
    /// It has pulled, so that a call whose limit has passed may return.
    has_pulled: bool,
    /// For how long it has slept since the last look.
    slept: Option<Duration>,
}

impl<'a> Call<'a> {
    /// `works`: the thread is one that the pool needs.
    pub(in crate::imap::engine) fn new(wait: Wait<'a>, works: bool) -> Call<'a> {
        Call { wait, works, inline: false, since: None, naps: 0, has_pulled: false, slept: None }
    }

    /// Whether its thread should do everything itself, if it can.
    pub(in crate::imap::engine) fn set_inline(&mut self, inline: bool) {
        self.inline = inline;
    }

    /// How long it is since the first call of this.
    fn time(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// How much time is left until the limit, if there is one.
    fn left(&mut self) -> Option<Duration> {
        match self.wait {
            Wait::AtMost(limit) | Wait::Helping(limit) => Some(limit.saturating_sub(self.time())),
            _ => None,
        }
    }

    fn is_poll(&self) -> bool {
        matches!(self.wait, Wait::Task(_))
    }

    pub(in crate::imap::engine) fn has_slept(&mut self, time: Duration) {
        self.slept = Some(time);
    }
}

/// What the consumer is to do next.
pub(in crate::imap::engine) enum Move<I: Iterator, T> {
    /// Return this to the caller: the head or the end.
    Found(Head),
    /// Return this to the caller, who gets no result.
    Return(Head),
    /// Drop what was given up and has come.
    DropGivenUp(Option<Payload>),
    /// Do everything itself from now on.
    Inline(Inline<I, T>),
    /// Pull up to this many items from the input that it has.
    Pull(usize),
    /// Work on the head, which is its chunk now.
    Work,
    /// Pull the head, and work on it.
    PullHead(Box<I>),
    /// Look again in a moment.
    Look,
    /// Spawn, and look again.
    Spawn,
    /// Sleep, for this long at most.
    Sleep(Option<Duration>),
}

impl<I: Iterator, T> State<I, T> {
    /// Decides what the consumer does next. Returns whether it must also spawn a job, which is reserved.
    pub(in crate::imap::engine) fn next_move(
        &mut self,
        cursor: &mut Cursor<T>,
        current: &mut Current<I::Item, T>,
        call: &mut Call<'_>,
    ) -> (Move<I, T>, bool) {
        self.wakeup.awake();
        if let Some(time) = call.slept.take() {
            self.note_sleep(time, cursor);
        }
        self.singly |= matches!(call.wait, Wait::AtMost(_));
        let next = self.choose_move(cursor, current, call);
        let spawns = match next {
            Move::Spawn => true,
            Move::Found(_) | Move::Work | Move::Pull(_) | Move::Look | Move::Sleep(_) => {
                self.try_reserve_worker()
            }
            // A poll has registered, and a call whose limit has passed has not.
            Move::Return(Head::Late) => !call.is_poll() && self.try_reserve_worker(),
            _ => false,
        };
        (next, spawns)
    }

    fn choose_move(
        &mut self,
        cursor: &mut Cursor<T>,
        current: &mut Current<I::Item, T>,
        call: &mut Call<'_>,
    ) -> Move<I, T> {
        loop {
            let ended = self.input.end().is_some_and(|end| end <= cursor.head());
            let untaken = match self.outputs.locate_head(cursor, ended) {
                HeadState::Ready => return Move::Found(Head::Ready),
                HeadState::Panicked(payload) => return Move::Found(Head::Panicked(payload)),
                HeadState::GivenUp(payload) => return Move::DropGivenUp(payload),
                HeadState::Taken => false,
                HeadState::Untaken => true,
            };
            // Without order, what is taken at the end was given up.
            if ended && (untaken || self.outputs.is_unordered()) {
                return Move::Found(self.input.take_panic().map_or(Head::End, Head::InputPanicked));
            }
            if self.control.is_cancelled() {
                return Move::Return(Head::Cancelled);
            }
            if self.workers.is_lost() {
                return Move::Return(Head::Terminated);
            }
            if let Some(work) = self.find_consumer_work(cursor, current, call, untaken) {
                return work;
            }
            if let Some(wait) = self.choose_wait(cursor, call) {
                return wait;
            }
        }
    }

    /// What the consumer can do itself.
    fn find_consumer_work(
        &mut self,
        cursor: &mut Cursor<T>,
        current: &mut Current<I::Item, T>,
        call: &mut Call<'_>,
        untaken: bool,
    ) -> Option<Move<I, T>> {
        if call.inline
            && untaken
            && let Some(inline) = self.begin_inline(cursor)
        {
            return Some(Move::Inline(inline));
        }
        let in_time = self.local && (!call.has_pulled || call.left() != Some(Duration::ZERO));
        if in_time && self.input.end().is_none() {
            let room = usize::try_from(self.window().room()).unwrap_or(usize::MAX);
            if room > 0 {
                call.has_pulled = true;
                return Some(Move::Pull(if call.works { 1 } else { self.batch_len().min(room) }));
            }
        }
        if !(call.works && untaken) {
            return None;
        }
        if self.take_chunk(current, 1) {
            return Some(Move::Work);
        }
        self.input.take().map(Move::PullHead)
    }

    /// How the consumer waits. `None` if it has seen something new meanwhile.
    fn choose_wait(&mut self, cursor: &Cursor<T>, call: &mut Call<'_>) -> Option<Move<I, T>> {
        self.policy.waits(cursor.head());
        if let Wait::Forever = call.wait {
            if self.policy.consumer_looks(call.time(), cursor.head()) {
                return Some(Move::Look);
            }
            if call.naps < policy::MOST_NAPS
                && let Some(nap) = self.policy.nap()
            {
                call.naps += 1;
                self.control.parker().prepare();
                if self.control.is_cancelled() {
                    return None;
                }
                self.wakeup.nap(call.works);
                return Some(Move::Sleep(Some(nap.min(policy::LONGEST_NAP))));
            }
        }
        let left = call.left();
        if left == Some(Duration::ZERO) {
            // There may be room for fewer items than the feeder waits for.
            self.control.progress().forget_stall();
            return Some(Move::Return(Head::Late));
        }
        self.register(cursor, call, left)
    }

    fn register(
        &mut self,
        cursor: &Cursor<T>,
        call: &Call<'_>,
        left: Option<Duration>,
    ) -> Option<Move<I, T>> {
        // A poll has done so before it looked.
        if !call.is_poll() {
            self.control.parker().prepare();
        }
        let (ready, sure) = self.outputs.register(cursor);
        let sure = sure && !self.backlog.is_filled_unsurely();
        if ready || self.control.is_cancelled() {
            return None;
        }
        self.control.progress().forget_stall();
        self.wakeup.wait_for(cursor.head(), call.works);
        if self.try_reserve_worker() {
            self.wakeup.awake();
            return Some(Move::Spawn);
        }
        if call.is_poll() {
            if !sure {
                self.wakeup.wake();
            }
            return Some(Move::Return(Head::Late));
        }
        let longest = (!sure).then_some(policy::LONGEST_NAP);
        Some(Move::Sleep(left.into_iter().chain(longest).min()))
    }

    fn note_sleep(&mut self, time: Duration, cursor: &Cursor<T>) {
        self.counts.waited += time;
        if self.outputs.is_blocked(cursor) {
            self.counts.head_blocked += time;
        }
    }

    /// Takes the input out for a consumer that works inline, if all that was pulled has been delivered.
    fn begin_inline(&mut self, cursor: &mut Cursor<T>) -> Option<Inline<I, T>> {
        let settled = !self.backlog.has_waiting()
            && self.input.pulled() == cursor.head()
            && !cursor.has_given_up()
            && self.input.end().is_none();
        if !settled {
            return None;
        }
        let input = self.input.take()?;
        let (results, receiver) = self.outputs.open_inline();
        cursor.set_ring(receiver);
        Some(Inline::new(input, results))
    }
}
