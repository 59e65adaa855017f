//! A consumer that does everything itself, like sequential code: on a thread of its pool while the imap around its own
//! [keeps all threads busy](super::nesting), or where there is no other thread, as in [`Sequential`](crate::Sequential).
//!
//! It calls no thread: it takes the input [in hand](InHand), and for each call it pulls an item, runs it, and hands out the
//! result: no lock, no ring. It begins only when all that was pulled has been delivered, so that nothing is late (P4, P5),
//! and ends as soon as it sees that threads are free, or is called from another thread: then it gives the input back, and
//! goes on as ever.
//!
//! An executor without threads leaves it alone for good, so it asks no clock there, and keeps no limit: a call that returned
//! before its item is finished would lose what has been done of it.

use super::function::Function;
use super::input::{Hint, InHand, InputEnd, Ran};
use super::nesting::{Nesting, Within, outer_is_saturated};
use super::order::{Order, Output};
use super::shared::Shared;
use super::source::Head;
use crate::Executor;
use crate::imap::policy::{self, ClockSampler};
use crate::job::Inside;
use crate::sync::Instant;
use crate::unwind::drop_quietly;
use std::time::Duration;

pub(super) struct Alone<I: Iterator, F: Function<I::Item>> {
    /// There is no thread that could come.
    for_good: bool,
    in_hand: Option<(InHand<I>, F::Session)>,
    /// When it looks again whether threads are free, and when it did so last.
    sampler: ClockSampler,
    looked: Option<Instant>,
    /// An input that has ended. It is kept until the imap is dropped: its `drop` may wait for what comes after the
    /// caller's loop.
    ended: Option<Box<I>>,
}

impl<I: Iterator, F: Function<I::Item>> Alone<I, F> {
    /// `for_good`: the executor has no threads.
    pub(super) fn new(for_good: bool) -> Self {
        let sampler = ClockSampler::new(policy::MOST_ALONE);
        Alone { for_good, in_hand: None, sampler, looked: None, ended: None }
    }

    pub(super) fn is_for_good(&self) -> bool {
        self.for_good
    }

    /// Whether no other thread is free to come.
    pub(super) fn is_better(&self, executor: &dyn Executor, threads: usize) -> bool {
        self.for_good || outer_is_saturated(executor, threads)
    }

    pub(super) fn begin<T>(&mut self, input: Box<I>, first: u64, shared: &Shared<I, F, T>) {
        self.in_hand = Some((InHand::new(input, first), shared.function().begin()));
        // For imaps in its items: the threads that these could call are busy as before.
        shared.control().note_busy(!self.for_good);
        // The first item needs no look: there was one just now.
        self.sampler = ClockSampler::new(policy::MOST_ALONE);
        self.sampler.looked(Duration::ZERO);
        self.looked = (!self.for_good).then(Instant::now);
    }

    /// How many items it has pulled, and the input's hint, while it has that.
    pub(super) fn figures(&self) -> Option<(u64, Hint)> {
        self.in_hand.as_ref().map(|(in_hand, _)| (in_hand.pulled(), in_hand.hint()))
    }

    /// Keeps an input that has ended.
    pub(super) fn keep(&mut self, ended: Option<Box<I>>) {
        if ended.is_some() {
            self.ended = ended;
        }
    }

    /// The imap has ended: drops an input that has not.
    pub(super) fn close(&mut self, function: &F) {
        if let Some((in_hand, session)) = self.in_hand.take() {
            drop_quietly(in_hand);
            function.end(session);
        }
    }

    /// Whether it has looked again, and threads are free now.
    fn is_over(&mut self, executor: &dyn Executor, threads: usize) -> bool {
        self.is_time_to_look() && !self.is_better(executor, threads)
    }

    fn is_time_to_look(&mut self) -> bool {
        let Some(looked) = self.looked.as_mut().filter(|_| self.sampler.is_due()) else { return false };
        let now = Instant::now();
        self.sampler.looked(now.since(std::mem::replace(looked, now)));
        true
    }

    /// Brings the next result, if the consumer has the input and is still to work alone. `works`: its thread is one that
    /// the pool needs.
    pub(super) fn go_on<T>(
        &mut self,
        executor: &dyn Executor,
        shared: &Shared<I, F, T>,
        order: &mut Order<T>,
        (works, nesting): (bool, &mut Option<Nesting>),
    ) -> Option<Head>
    where
        F: Function<I::Item, Output = T>,
    {
        self.in_hand.as_ref()?;
        if !works || shared.control().keeps_from(order.head()) || self.is_over(executor, shared.threads()) {
            self.give_back(shared, None);
            return None;
        }
        // Without threads, the caller's thread is none of a pool.
        let (function, _inside) = (shared.function(), (!self.for_good).then(Inside::enter));
        let _within = Within::enter(nesting);
        let _span = shared.control().span().enter();
        let (in_hand, session) = self.in_hand.as_mut()?;
        let fail_fast = shared.fail_fast();
        // The result does not come out of `run`: each time that a large one is moved takes room on the stack.
        let ran = in_hand.run(function, session, |value| {
            fail_fast.look_at(&value, order.head(), shared.control());
            order.put_own(value);
            true
        });
        match ran {
            Ran::Stopped => Some(Head::Ready),
            Ran::Panicked(payload) => {
                function.poison(session);
                fail_fast.note_panic(order.head(), shared.control());
                order.put(Output::Panicked(payload));
                Some(Head::Ready)
            }
            Ran::Ended(InputEnd::NotYet) => Some(Head::Late),
            Ran::Ended(end) => {
                self.give_back(shared, Some(end));
                None
            }
        }
    }

    /// Gives the input back, or notes that it has ended.
    fn give_back<T>(&mut self, shared: &Shared<I, F, T>, end: Option<InputEnd>) {
        if let Some((in_hand, session)) = self.in_hand.take() {
            shared.function().end(session);
            shared.control().note_busy(false);
            let back = in_hand.into_back(end);
            let ended = shared.locked(|state| {
                state.give_back_input(back);
                state.take_ended()
            });
            self.keep(ended);
        }
    }
}

impl<I: Iterator, F: Function<I::Item>> Drop for Alone<I, F> {
    fn drop(&mut self) {
        if let Some((in_hand, session)) = self.in_hand.take() {
            drop_quietly(in_hand);
            drop_quietly(session);
        }
        drop_quietly(self.ended.take());
    }
}
