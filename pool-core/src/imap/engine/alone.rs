//! A consumer that does everything itself, like sequential code: on a thread of its pool while the imap around its own
//! [keeps all threads busy](super::nesting), or where the pool has no other thread.
//!
//! It calls no thread: it takes the input [in hand](InHand), and for each call it pulls an item, runs it, and hands out the
//! result: no lock, no ring. It begins only when all that was pulled has been delivered, so that nothing is late (P4, P5),
//! and ends as soon as it sees that threads are free, or is called from another thread: then it gives the input back, and
//! goes on as ever.

use super::function::Function;
use super::input::{Hint, InHand, InputEnd, Ran};
use super::nesting::outer_is_saturated;
use super::order::{Order, Output};
use super::shared::Shared;
use super::source::Head;
use crate::Executor;
use crate::imap::policy::{self, ClockSampler};
use crate::job::Inside;
use crate::sync::Instant;
use crate::unwind::drop_quietly;
use std::time::Duration;

pub(super) struct Alone<I: Iterator> {
    in_hand: Option<InHand<I>>,
    /// When it looks again whether threads are free, and when it did so last.
    sampler: ClockSampler,
    looked: Instant,
    /// An input that has ended. It is kept until the imap is dropped: its `drop` may wait for what comes after the
    /// caller's loop.
    ended: Option<Box<I>>,
}

impl<I: Iterator> Alone<I> {
    pub(super) fn new() -> Alone<I> {
        let sampler = ClockSampler::new(policy::MOST_ALONE);
        Alone { in_hand: None, sampler, looked: Instant::now(), ended: None }
    }

    /// Whether no other thread is free to come.
    pub(super) fn is_better<F, T>(executor: &dyn Executor, shared: &Shared<I, F, T>) -> bool {
        outer_is_saturated(executor, shared.threads())
    }

    pub(super) fn begin(&mut self, input: Box<I>) {
        // The first item needs no look: there was one just now.
        self.sampler = ClockSampler::new(policy::MOST_ALONE);
        self.sampler.looked(Duration::ZERO);
        (self.in_hand, self.looked) = (Some(InHand::new(input)), Instant::now());
    }

    /// How many items it has pulled, and the input's hint, while it has that.
    pub(super) fn figures(&self) -> Option<(u64, Hint)> {
        self.in_hand.as_ref().map(|in_hand| (in_hand.pulled(), in_hand.hint()))
    }

    /// Keeps an input that has ended.
    pub(super) fn keep(&mut self, ended: Option<Box<I>>) {
        if ended.is_some() {
            self.ended = ended;
        }
    }

    /// The imap has ended: drops an input that has not.
    pub(super) fn close(&mut self) {
        drop_quietly(self.in_hand.take());
    }

    fn is_time_to_look(&mut self) -> bool {
        let is_due = self.sampler.is_due();
        if is_due {
            let now = Instant::now();
            self.sampler.looked(now.since(std::mem::replace(&mut self.looked, now)));
        }
        is_due
    }

    /// Brings the next result, if the consumer has the input and is still to work alone. `works`: its thread is one that
    /// the pool needs.
    pub(super) fn go_on<F, T>(
        &mut self,
        executor: &dyn Executor,
        shared: &Shared<I, F, T>,
        order: &mut Order<T>,
        works: bool,
    ) -> Option<Head>
    where
        F: Function<I::Item, Output = T>,
    {
        self.in_hand.as_ref()?;
        let goes_on = works
            && !shared.control().is_cancelled()
            && (!self.is_time_to_look() || Alone::is_better(executor, shared));
        if !goes_on {
            self.give_back(shared, None);
            return None;
        }
        let (function, _inside) = (shared.function(), Inside::enter());
        let mut session = function.begin();
        // The result does not come out of `run`: each time that a large one is moved takes room on the stack.
        let ran = self.in_hand.as_mut()?.run(function, &mut session, |value| {
            order.put(Output::Value(value));
            true
        });
        if let Ran::Panicked(_) = ran {
            function.poison(&mut session);
        }
        function.end(session);
        match ran {
            Ran::Stopped => {}
            Ran::Panicked(payload) => order.put(Output::Panicked(payload)),
            Ran::Ended(end) => {
                self.give_back(shared, Some(end));
                return None;
            }
        }
        Some(Head::Ready)
    }

    /// Gives the input back, or notes that it has ended.
    fn give_back<F, T>(&mut self, shared: &Shared<I, F, T>, end: Option<InputEnd>) {
        if let Some(in_hand) = self.in_hand.take() {
            let back = in_hand.into_back(end);
            let ended = shared.locked(|state| {
                state.give_back_input(back);
                state.take_ended()
            });
            self.keep(ended);
        }
    }
}

impl<I: Iterator> Drop for Alone<I> {
    fn drop(&mut self) {
        self.close();
        drop_quietly(self.ended.take());
    }
}
