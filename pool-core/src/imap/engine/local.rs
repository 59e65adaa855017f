//! An input of the consumer's own (`imap_local`), which may not leave its thread, is *offered*: the consumer pulls items into a
//! ring which workers take from as ever.
//!
//! It looks for its head before each pull, since a pull may block; and before a pull that would leave items alone, it calls a
//! worker: a worker that ends its turn asks it to look up. To offer never blocks, and there is room or there is none.
//!
//! An input that is *polled* is one of ours whose `next` never blocks: where it has nothing now it
//! [says so](crate::no_item::NoItem::NothingYet), and the call does not ask it again. So the consumer may pull from it ahead of
//! need, whenever it tells how far it is, and what it pulls begins while the consumer does something else.

use super::budget::{Weights, weigh};
use super::function::Function;
use super::input::{Hint, InputEnd, count_down, fill, hint_of, missing, pull};
use super::ring::Sender;
use super::shared::Shared;
use crate::Executor;
use crate::unwind::{catch, drop_quietly};
use std::panic::resume_unwind;
use std::sync::Arc;

/// The length of the first ring for an input that is polled.
const FIRST: usize = 2;

/// The input that a consumer has itself, if it has one.
pub(crate) trait Own<A> {
    /// Whether it may be pulled from ahead of need.
    fn is_polled(&self) -> bool {
        false
    }

    /// The imap has ended: drops an input that has not.
    fn close(&mut self) {}

    /// Its hint, as long as it may give more.
    fn hint(&self) -> Option<Hint> {
        None
    }

    /// Pulls up to `len` items for workers, until `has_found` says that the head is there; one that `works` stops when a worker
    /// leaves, to work on them itself. Returns whether the input may have more now. To be called without the lock.
    ///
    /// # Panics
    ///
    /// With the panic of the executor's `spawn`, after all else is done.
    fn offer<I: Iterator<Item = A>, F: Function<A, Output = T>, T>(
        &mut self,
        _shared: &Arc<Shared<I, F, T>>,
        _executor: &dyn Executor,
        _has_found: impl Fn() -> bool,
        (_len, _works): (usize, bool),
    ) -> bool {
        false
    }
}

/// There is none: threads of the pool pull from the input. A type of its own, so that the compiler has nothing to do for what
/// nearly all imaps do not need.
pub(crate) struct NoOwn;

impl<A> Own<A> for NoOwn {}

pub(crate) struct OwnInput<J> {
    input: Option<J>,
    polled: bool,
    /// The longest ring for its items. An input that is polled may have few, so that is twice what it gave last.
    longest: usize,
    /// It has given its last item. It is kept until the imap is dropped: its `drop` may wait for what comes after the
    /// caller's loop.
    ended: bool,
}

impl<J> OwnInput<J> {
    /// One that may block.
    pub(crate) fn new(input: J) -> OwnInput<J> {
        OwnInput { ended: false, input: Some(input), polled: false, longest: usize::MAX }
    }

    /// One whose `next` never blocks.
    pub(crate) fn polled(input: J) -> OwnInput<J> {
        OwnInput { ended: false, input: Some(input), polled: true, longest: FIRST }
    }
}

impl<J: Iterator> Own<J::Item> for OwnInput<J> {
    fn is_polled(&self) -> bool {
        self.polled && !self.ended
    }

    fn close(&mut self) {
        if !self.ended {
            drop_quietly(self.input.take());
        }
    }

    fn hint(&self) -> Option<Hint> {
        self.input.as_ref().filter(|_| !self.ended).map(hint_of)
    }

    fn offer<I: Iterator<Item = J::Item>, F: Function<J::Item, Output = T>, T>(
        &mut self,
        shared: &Arc<Shared<I, F, T>>,
        executor: &dyn Executor,
        has_found: impl Fn() -> bool,
        (len, works): (usize, bool),
    ) -> bool {
        let Some(own) = self.input.as_mut().filter(|_| !self.ended) else { return false };
        let len = len.min(self.longest);
        let (hint, mut item) = (hint_of(own), None);
        let mut weights = shared.weights();
        let (mut end, mut spawned, mut pulled) = (pull(own, &mut item), Ok(()), 0);
        if let Some(item) = item {
            let mut sender = shared.locked(|state| state.begin_offer(len, item));
            let len = if weigh(&mut weights) { 1 } else { len };
            let how = (len as u64, works);
            let more = catch(|| offer_more(shared, executor, own, has_found, &mut sender, how, &mut weights));
            match more {
                Ok(more) => end = more,
                Err(payload) => spawned = Err(payload),
            }
            pulled = sender.pushed() as usize;
            end = end.or_else(|| missing(weights.as_deref()));
            shared.locked(|state| state.end_offer(sender, weights));
        }
        let has_more = end.is_none();
        self.longest = if self.polled { FIRST.saturating_add(pulled.saturating_mul(2)) } else { usize::MAX };
        self.tell_end(shared, end, count_down(hint, pulled as u64));
        spawned.unwrap_or_else(|payload| resume_unwind(payload));
        has_more
    }
}

impl<J> OwnInput<J> {
    /// Tells how the pull ended. `hint` is what the input says otherwise.
    fn tell_end<I: Iterator, F, T>(&mut self, shared: &Shared<I, F, T>, end: Option<InputEnd>, hint: Hint) {
        let end = end.filter(|end| !matches!(end, InputEnd::NotYet));
        self.ended = end.is_some();
        shared.locked(|state| match end {
            None => state.set_hint(hint),
            Some(end) => state.finish_input(end),
        });
    }
}

/// Pulls on, until there are enough items or the head has been found.
fn offer_more<I, F, T, J>(
    shared: &Arc<Shared<I, F, T>>,
    executor: &dyn Executor,
    own: &mut J,
    has_found: impl Fn() -> bool,
    sender: &mut Sender<I::Item>,
    (len, works): (u64, bool),
    weights: &mut Option<Box<Weights>>,
) -> Option<InputEnd>
where
    I: Iterator,
    J: Iterator<Item = I::Item>,
{
    let control = shared.control();
    let has_found = || control.is_cancelled() || control.failed().is_some() || has_found();
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
            used_up |= weigh(weights);
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
