//! An input of the consumer's own (`imap_local`), which may not leave its thread, is *offered*: the consumer pulls items into a
//! ring which workers take from as ever.
//!
//! It looks for its head before each pull, since a pull may block; and before a pull that would leave items alone, it calls a
//! worker: a worker that ends its turn asks it to look up. To offer never blocks, and there is room or there is none.

use super::budget::Weights;
use super::function::Function;
use super::input::{Hint, InputEnd, count_down, fill, hint_of, missing, pull};
use super::order::Order;
use super::ring::Sender;
use super::shared::Shared;
use crate::Executor;
use crate::unwind::{catch, drop_quietly};
use std::panic::resume_unwind;
use std::sync::Arc;

pub(super) struct OwnInput<J> {
    input: Option<J>,
    /// It has given its last item. It is kept until the imap is dropped: its `drop` may wait for what comes after the
    /// caller's loop.
    ended: bool,
}

impl<J> OwnInput<J> {
    /// Without an input, workers pull from another one.
    pub(super) fn new(input: Option<J>) -> OwnInput<J> {
        OwnInput { ended: input.is_none(), input }
    }

    /// The imap has ended: drops an input that has not.
    pub(super) fn close(&mut self) {
        if !self.ended {
            drop_quietly(self.input.take());
        }
    }
}

impl<J: Iterator> OwnInput<J> {
    /// Its hint, as long as it may give more.
    pub(super) fn hint(&self) -> Option<Hint> {
        self.input.as_ref().filter(|_| !self.ended).map(hint_of)
    }

    /// Pulls up to `len` items for workers, until the head has been found; one that `works` stops when a worker leaves, to work on
    /// them itself. To be called without the lock.
    ///
    /// # Panics
    ///
    /// With the panic of the executor's `spawn`, after all else is done.
    pub(super) fn offer<I, F, T>(
        &mut self,
        shared: &Arc<Shared<I, F, T>>,
        executor: &dyn Executor,
        order: &Order<T>,
        (len, works): (usize, bool),
    ) where
        I: Iterator<Item = J::Item>,
        F: Function<I::Item, Output = T>,
    {
        let Some(own) = self.input.as_mut().filter(|_| !self.ended) else { return };
        let (hint, mut item) = (hint_of(own), None);
        let mut weights = shared.weights();
        let (mut end, mut spawned, mut pulled) = (pull(own, &mut item), Ok(()), 0);
        if let Some(item) = item {
            let mut sender = shared.locked(|state| state.begin_offer(len, item));
            let len = if weights.as_mut().is_some_and(|weights| weights.weigh()) { 1 } else { len };
            let more = catch(|| {
                offer_more(shared, executor, own, order, &mut sender, (len as u64, works), &mut weights)
            });
            match more {
                Ok(more) => end = more,
                Err(payload) => spawned = Err(payload),
            }
            pulled = sender.pushed();
            end = end.or_else(|| missing(weights.as_deref()));
            shared.locked(|state| state.end_offer(sender, weights));
        }
        self.ended = end.is_some();
        shared.locked(|state| match end {
            Some(end) => state.finish_input(end),
            None => state.set_hint(count_down(hint, pulled)),
        });
        spawned.unwrap_or_else(|payload| resume_unwind(payload));
    }
}

/// Pulls on, until there are enough items or the head has been found.
fn offer_more<I, F, T, J>(
    shared: &Arc<Shared<I, F, T>>,
    executor: &dyn Executor,
    own: &mut J,
    order: &Order<T>,
    sender: &mut Sender<I::Item>,
    (len, works): (u64, bool),
    weights: &mut Option<Box<Weights>>,
) -> Option<InputEnd>
where
    I: Iterator,
    J: Iterator<Item = I::Item>,
{
    let control = shared.control();
    let has_found = || control.is_cancelled() || control.has_news() || order.is_ready();
    let at_first = control.look_up();
    loop {
        let looked_up = control.look_up();
        // Until there is a job for each thread, one may be needed for any item.
        let full = shared.spawn_if_needed(executor);
        if sender.pushed() >= len || has_found() || (works && looked_up != at_first) {
            return None;
        }
        let mut used_up = false;
        let stops = |sender: &Sender<I::Item>| {
            used_up |= weights.as_mut().is_some_and(|weights| weights.weigh());
            used_up || !full || sender.pushed() >= len || control.has_called(looked_up) || has_found()
        };
        if let Some(end) = fill(own, sender, stops) {
            return Some(end);
        }
        if used_up {
            return None;
        }
    }
}

impl<J> Drop for OwnInput<J> {
    fn drop(&mut self) {
        drop_quietly(self.input.take());
    }
}
