//! What the consumer does next, in a call that has found no result in its order.
//!
//! It takes what was told, and looks again. If nothing was, the imap may have ended, or there may be work for this thread.
//! Else it waits, in three steps:
//!
//! 1. It **looks** for a moment, and offers its core: only in a young imap, which may have ended by then; and in a poll, where
//!    many short items are under way, since its task would be woken for each.
//! 2. It **naps**: it sleeps for a set time, at most a millisecond, and has asked for no wake-up. That costs the
//!    workers nothing, and there will be many results to take at once. Only while items are short, and twice in a row at most.
//! 3. It **registers** and sleeps: see [`wakeup`](super::super::wakeup). Calls with a limit
//!    and polls of a stream do not nap.

use super::super::chunk::Hand;
use super::super::control::ANY;
use super::super::order::{Order, Output};
use super::super::source::{Head, Wait};
use super::{Done, State, Step};
use crate::imap::policy;
use crate::sync;
use std::time::{Duration, Instant};

/// A call of the consumer: how it waits, and what has come of that.
pub(in crate::imap::engine) struct Call<'a> {
    wait: Wait<'a>,
    /// Its thread is one that the pool needs, so it works as well.
    works: bool,
    /// No other thread is free to come.
    alone: bool,
    since: Option<Instant>,
    naps: u32,
    /// It has pulled, so that a call whose limit has passed may return.
    has_pulled: bool,
    /// Its own input has nothing now.
    input_is_dry: bool,
}

impl<'a> Call<'a> {
    /// `works`: the thread is one that the pool needs.
    pub(in crate::imap::engine) fn new(wait: Wait<'a>, works: bool) -> Call<'a> {
        Call { wait, works, alone: false, since: None, naps: 0, has_pulled: false, input_is_dry: false }
    }

    /// Whether its thread should do everything itself, if it can.
    pub(in crate::imap::engine) fn set_alone(&mut self, alone: bool) {
        self.alone = alone;
    }

    /// How long it is since the first call of this.
    fn time(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// How much time is left until the limit, if there is one.
    fn left(&mut self) -> Option<Duration> {
        match self.wait {
            Wait::AtMost(limit) => Some(limit.saturating_sub(self.time())),
            Wait::Forever | Wait::Task(_) => None,
            Wait::Never => Some(Duration::ZERO),
        }
    }

    /// Its own input has nothing now, and is asked again by the next call.
    pub(in crate::imap::engine) fn input_is_dry(&mut self) {
        self.input_is_dry = true;
    }

    pub(in crate::imap::engine) fn works(&self) -> bool {
        self.works
    }

    pub(in crate::imap::engine) fn is_poll(&self) -> bool {
        matches!(self.wait, Wait::Task(_))
    }
}

/// What the consumer is to do next.
pub(in crate::imap::engine) enum Answer<I: Iterator> {
    /// Sort in what was received, and look for the head again.
    Received,
    /// Return this to the caller.
    Return(Head),
    /// Give up this item, whose limit has passed, and tell the caller.
    GiveUp(u64),
    /// Work, like a worker.
    Do(Step<I>),
    /// Take the input in hand.
    TakeInput(Box<I>),
    /// Pull up to this many items from the input that it has.
    Offer(usize),
    /// Look for so long whether there is something.
    Look(Duration),
    /// Sleep, for this long at most, without being called for a result.
    Nap(Duration),
    /// It has registered: settle, look once more, and sleep, for this long at most. A poll returns.
    Sleep(Option<Duration>),
}

impl<I: Iterator, T> State<I, T> {
    /// Takes over what the consumer has done, and decides what it does next. Returns whether it must also spawn a job,
    /// which is reserved.
    pub(in crate::imap::engine) fn ask(
        &mut self,
        order: &mut Order<T>,
        hand: &mut Hand<I, T>,
        done: Done<I>,
        call: &mut Call<'_>,
    ) -> (Answer<I>, bool) {
        if self.wakeup.awake() {
            self.control.await_nothing();
        }
        self.control.set_news(false);
        // Where there is one thread, a worker runs when the consumer is not there.
        self.consumer_works = call.works && self.workers.most() > 1;
        self.one_at_a_time |= matches!(call.wait, Wait::AtMost(_));
        self.note_delivered(order);
        if call.works {
            self.now = sync::Instant::now();
        }
        self.take_over(hand, done);
        order.note_skipped(std::mem::take(&mut self.skipped));
        let answer = self.choose_answer(order, hand, call);
        if let Answer::Do(step) = &answer {
            self.note_step(step);
        }
        let spawns = match answer {
            Answer::Return(Head::Late) | Answer::Sleep(_) | Answer::Do(_) => self.try_reserve_worker(true),
            Answer::Return(_) | Answer::GiveUp(_) => false,
            _ => self.try_reserve_worker(false),
        };
        (answer, spawns)
    }

    fn choose_answer(
        &mut self,
        order: &mut Order<T>,
        hand: &mut Hand<I, T>,
        call: &mut Call<'_>,
    ) -> Answer<I> {
        if hand.is_full() {
            return Answer::Do(Step::Work);
        }
        if !self.told.is_empty() {
            order.receive(&mut self.told);
            return Answer::Received;
        }
        if self.input.end().is_some_and(|end| end <= order.head()) {
            let early = self.input.has_ended_early();
            let end = Answer::Return(if early { Head::Cancelled } else { Head::End });
            let Some(payload) = self.input.take_panic() else { return end };
            order.put(Output::InputPanicked(payload));
            return Answer::Received;
        }
        loop {
            if self.control.is_cancelled() {
                return Answer::Return(Head::Cancelled);
            }
            if self.workers.pool_is_gone() && self.is_stuck(order) {
                return Answer::Return(Head::Terminated);
            }
            if self.has_all_of_a_failure(order) || (!call.works && self.can_nobody_ask_for_the_end(order)) {
                return Answer::Return(Head::End);
            }
            if let Some(answer) = self.find_consumer_work(order, hand, call) {
                return answer;
            }
            if let Some(answer) = self.choose_wait(order, call) {
                return answer;
            }
        }
    }

    /// Without order, an imap with a failure ends when all that has begun has come.
    fn has_all_of_a_failure(&self, order: &Order<T>) -> bool {
        let in_items = self.workers.at_work() - usize::from(self.pulls_one);
        self.failed.is_some()
            && self.unordered
            && in_items as u64 <= order.missing()
            && !self.backlog.has_waiting()
            && !self.backlog.has_visible()
            && !order.is_ready()
    }

    /// Whether every job that there is and will be is in an item that was given up.
    fn is_stuck(&self, order: &Order<T>) -> bool {
        let head = order.head();
        let not_pulled = if self.unordered { 0 } else { head.saturating_sub(self.input.pulled()) };
        let not_begun = not_pulled + self.backlog.waiting_before(head);
        self.workers.queued() == 0 && self.workers.active() as u64 <= order.given_up_jobs(not_begun)
    }

    /// Whether all threads hang in items that were given up, and the input says that there are no others. (Where a thread
    /// is free, it asks the input.)
    fn can_nobody_ask_for_the_end(&self, order: &Order<T>) -> bool {
        self.input.is_here()
            && self.input.seems_empty()
            && self.input.pulled() <= order.head()
            && self.backlog.is_empty()
            && self.workers.is_full()
            && self.is_stuck(order)
    }

    /// What the consumer can do itself.
    fn find_consumer_work(
        &mut self,
        order: &mut Order<T>,
        hand: &mut Hand<I, T>,
        call: &mut Call<'_>,
    ) -> Option<Answer<I>> {
        if let Some((index, Duration::ZERO)) = self.next_late(order) {
            return Some(Answer::GiveUp(index));
        }
        if call.alone
            && self.is_settled(order)
            && let Some(input) = self.input.take()
        {
            return Some(Answer::TakeInput(input));
        }
        if call.works
            && let Some(step) = self.find_work(hand, Some(order.head()))
        {
            return Some(Answer::Do(step));
        }
        // While items wait, a poll that could pull a few has time for that before its task sleeps.
        let puts_off = call.is_poll() && self.backlog.has_waiting() && !self.has_room(false);
        if puts_off { None } else { self.find_offer(call) }
    }

    /// What the consumer can pull, if it has the input.
    fn find_offer(&mut self, call: &mut Call<'_>) -> Option<Answer<I>> {
        let in_time = self.local && (!call.has_pulled || call.left() != Some(Duration::ZERO));
        if !in_time || call.input_is_dry || self.input.end().is_some() || self.control.failed().is_some() {
            return None;
        }
        // Where no other thread is sure to come, each item is run before the next is pulled.
        let most = if call.works && self.workers.active() == 0 { 1 } else { self.batch_len() };
        let len = most.min(self.room());
        if len == 0 {
            return None;
        }
        call.has_pulled = true;
        Some(Answer::Offer(len))
    }

    /// Whether all that was pulled has been delivered.
    fn is_settled(&self, order: &Order<T>) -> bool {
        self.backlog.is_empty() && self.input.pulled() == order.head() && order.missing() == 0
    }

    /// The item whose limit passes next, and how much time it has left. One that has failed is not given up: it comes.
    fn next_late(&self, order: &mut Order<T>) -> Option<(u64, Duration)> {
        let limit = self.item_limit?;
        let late = order.next_late().filter(|(index, _)| self.control.failed() != Some(*index));
        late.map(|(index, began)| (index, limit.saturating_sub(began.elapsed())))
    }

    /// How the consumer waits. `None` if there is something new meanwhile.
    fn choose_wait(&mut self, order: &mut Order<T>, call: &mut Call<'_>) -> Option<Answer<I>> {
        if let Wait::Never = call.wait {
            return Some(Answer::Return(Head::Late));
        }
        self.policy.about_to_wait(order.head());
        let time = call.time();
        order.note_asked(Instant::now());
        if self.item_limit.is_none() {
            if let Some(look) = self.choose_look(order.head(), call, time) {
                return Some(Answer::Look(look));
            }
            if matches!(call.wait, Wait::Forever)
                && call.naps < policy::MOST_NAPS
                && let Some(nap) = self.policy.nap()
            {
                call.naps += 1;
                self.control.parker().prepare();
                if self.control.is_cancelled() {
                    return None;
                }
                self.wakeup.nap(call.works);
                return Some(Answer::Nap(nap.min(policy::LONGEST_NAP)));
            }
        }
        if call.is_poll()
            && let Some(offer) = self.find_offer(call)
        {
            return Some(offer);
        }
        let left = call.left();
        if left == Some(Duration::ZERO) {
            return Some(Answer::Return(Head::Late));
        }
        self.register(order, call, left)
    }

    /// For how long it looks. A poll does so only where the pool has more items than threads, so that one result follows
    /// the other.
    fn choose_look(&mut self, head: u64, call: &Call<'_>, time: Duration) -> Option<Duration> {
        let under_way = self.input.pulled().saturating_sub(head);
        let goes_on = self.workers.active() > 0 && under_way > self.workers.most() as u64;
        match call.wait {
            Wait::Forever => self.policy.consumer_looks(time, head),
            Wait::Task(_) => self.policy.poll_looks(time, head).filter(|_| goes_on),
            _ => None,
        }
    }

    fn register(
        &mut self,
        order: &mut Order<T>,
        call: &Call<'_>,
        left: Option<Duration>,
    ) -> Option<Answer<I>> {
        // A poll has done so before it looked.
        if !call.is_poll() {
            self.control.parker().prepare();
        }
        // A consumer that works stops coming back for as long as it sleeps.
        if self.control.is_cancelled() || (call.works && !self.may_leave()) {
            return None;
        }
        let late = self.next_late(order);
        let needs_begin = self.item_limit.is_some() && late.is_none();
        let result = if self.unordered { ANY } else { order.head() };
        self.wakeup.wait_for(result, call.works, needs_begin);
        self.control.await_result(result);
        let unsure = self.backlog.may_miss_signal().then_some(policy::LONGEST_NAP);
        Some(Answer::Sleep(left.into_iter().chain(late.map(|late| late.1)).chain(unsure).min()))
    }
}
