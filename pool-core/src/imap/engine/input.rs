//! P2, P4, P7: the input, and how far it is. Its `next` is called here and nowhere else.
//!
//! **Promise.** One thread at a time pulls, items are counted in the order in which they were pulled, and a panic of `next`
//! comes out behind the last item that was pulled before it, once.
//!
//! **Protocol.** The input is in a box. A thread [takes](Input::take) the box out of the state under the lock, and is the
//! *feeder* until it [gives it back](Input::give_back): no other thread can pull, since there is nothing to pull from. It
//! pulls without the lock, so an input that blocks holds one thread and nothing else (P4). What it has pulled is counted
//! when it comes back, in the step in which the box is given back, so an index is never given twice. (An input that the
//! consumer has is in no box: there is one consumer.)
//!
//! **The end.** An input that has given `None` or a panic is never put back: `next` is not called again on it. The end is
//! told first, and the box is dropped later, by the thread that has found the end, when nothing waits for that thread:
//! what its `drop` waits for may come after the caller's loop. `end` is the count of pulled items then. The consumer takes the
//! panic when it has delivered as many results.
//!
//! **The hint** is asked before a pull, by the feeder, and counted down for what is pulled: an item that was pulled must not
//! wait for it.

use super::budget::Weights;
use super::function::Function;
use super::nesting::{enter_item, leave_item};
use super::ring::Sender;
use crate::no_item::{self, NoItem};
use crate::unwind::{Payload, catch, catch_or};

/// How an input came to its end.
pub(super) enum InputEnd {
    Finished,
    /// It is an imap, or made of one, that was cancelled.
    Early,
    Panicked(Payload),
    /// It has not: it has nothing now. Only inputs that are [polled](super::local) say so.
    NotYet,
}

pub(super) type Hint = (usize, Option<usize>);

impl InputEnd {
    /// The pull just now gave `None`.
    fn of_none() -> InputEnd {
        match no_item::take() {
            NoItem::End => InputEnd::Finished,
            NoItem::EarlyEnd => InputEnd::Early,
            NoItem::NothingYet => InputEnd::NotYet,
        }
    }
}

/// The next item, or how the input has ended. Runs the user's `next`. It puts the item into `slot`.
pub(super) fn pull<J: Iterator>(input: &mut J, slot: &mut Option<J::Item>) -> Option<InputEnd> {
    no_item::take();
    match catch(|| *slot = input.next()) {
        Ok(()) if slot.is_some() => None,
        Ok(()) => Some(InputEnd::of_none()),
        Err(payload) => Some(InputEnd::Panicked(payload)),
    }
}

/// Pulls into a ring, until `stops` says so after a push; or until the end.
pub(super) fn fill<J: Iterator>(
    input: &mut J,
    sender: &mut Sender<J::Item>,
    mut stops: impl FnMut(&Sender<J::Item>) -> bool,
) -> Option<InputEnd> {
    let ended = catch(|| {
        loop {
            // Also of the pull before, which may have run an imap that ended early.
            no_item::take();
            let Some(item) = input.next() else { return true };
            sender.push(item);
            if stops(sender) {
                return false;
            }
        }
    });
    match ended {
        Ok(false) => None,
        Ok(true) => Some(InputEnd::of_none()),
        Err(payload) => Some(InputEnd::Panicked(payload)),
    }
}

/// The input's own idea of what is left. One that panics has none.
pub(super) fn hint_of<J: Iterator>(input: &J) -> Hint {
    catch_or(|| input.size_hint(), || (0, None))
}

/// What a hint says after this many items more.
pub(super) fn count_down((least, most): Hint, pulled: u64) -> Hint {
    let pulled = usize::try_from(pulled).unwrap_or(usize::MAX);
    (least.saturating_sub(pulled), most.map(|most| most.saturating_sub(pulled)))
}

/// The input after a pull.
pub(super) struct InputBack<I> {
    pub(super) pulled: u64,
    source: Box<I>,
    /// As it was before the pull.
    hint: Hint,
    end: Option<InputEnd>,
    weights: Option<Box<Weights>>,
}

impl<I> InputBack<I> {
    pub(super) fn new(source: Box<I>, pulled: u64, hint: Hint, end: Option<InputEnd>) -> InputBack<I> {
        InputBack { pulled, source, hint, end, weights: None }
    }

    /// With the sizes of what was pulled.
    pub(super) fn weighed(self, weights: Option<Box<Weights>>) -> InputBack<I> {
        let end = self.end.or_else(|| missing(weights.as_deref()));
        InputBack { weights, end, ..self }
    }

    pub(super) fn take_weights(&mut self) -> Option<Box<Weights>> {
        self.weights.take()
    }
}

/// What becomes of an input that should say the sizes of its items, and does not.
pub(super) fn missing(weights: Option<&Weights>) -> Option<InputEnd> {
    let message = "window_bytes: the input does not say how large its items are; \
                   give it to the imap as `items.with_sizes(|item| …)`";
    weights.is_some_and(Weights::is_missing).then(|| InputEnd::Panicked(Box::new(message)))
}

/// What the state knows of the input.
pub(super) struct Input<I> {
    source: Option<Box<I>>,
    pulled: u64,
    hint: Hint,
    end: Option<u64>,
    early: bool,
    panic: Option<Payload>,
}

impl<I: Iterator> Input<I> {
    /// Without a source, the consumer pulls and tells of it.
    pub(super) fn new(source: Option<I>) -> Input<I> {
        let hint = source.as_ref().map_or((0, None), I::size_hint);
        Input { source: source.map(Box::new), pulled: 0, hint, end: None, early: false, panic: None }
    }

    /// Takes the input out: the caller is the feeder.
    pub(super) fn take(&mut self) -> Option<Box<I>> {
        self.source.take()
    }

    /// Whether it is here, so that a thread could pull from it.
    pub(super) fn is_here(&self) -> bool {
        self.source.is_some()
    }

    /// Whether the hint says that every item has been pulled. `false` where it does not say.
    pub(super) fn seems_empty(&self) -> bool {
        self.hint.1 == Some(0)
    }

    /// How many items had been pulled when the input was last here.
    pub(super) fn pulled(&self) -> u64 {
        self.pulled
    }

    /// How many items are left, where the hint is exact.
    pub(super) fn left(&self) -> Option<u64> {
        let (least, most) = self.hint;
        (Some(least) == most).then_some(least as u64)
    }

    pub(super) fn hint(&self) -> Hint {
        self.hint
    }

    pub(super) fn set_hint(&mut self, hint: Hint) {
        self.hint = hint;
    }

    /// How many items there were, once it has ended.
    pub(super) fn end(&self) -> Option<u64> {
        self.end
    }

    /// Counts what was pulled, and puts the input back. If it has ended, it is given to the caller, who drops it.
    pub(super) fn give_back(&mut self, back: InputBack<I>) -> Option<Box<I>> {
        let InputBack { pulled, source, hint, end, .. } = back;
        self.count(pulled);
        match end {
            Some(end) => {
                self.finish(end);
                Some(source)
            }
            None => {
                self.hint = count_down(hint, pulled);
                self.source = Some(source);
                None
            }
        }
    }

    pub(super) fn count(&mut self, pulled: u64) {
        self.pulled += pulled;
    }

    /// Notes that it has ended.
    pub(super) fn finish(&mut self, end: InputEnd) {
        self.end = Some(self.pulled);
        self.hint = (0, Some(0));
        match end {
            InputEnd::Finished | InputEnd::NotYet => {}
            InputEnd::Early => self.early = true,
            InputEnd::Panicked(payload) => self.panic = Some(payload),
        }
    }

    /// Whether it has ended before its own end.
    pub(super) fn has_ended_early(&self) -> bool {
        self.early
    }

    pub(super) fn has_panicked(&self) -> bool {
        self.panic.is_some()
    }

    pub(super) fn take_panic(&mut self) -> Option<Payload> {
        self.panic.take()
    }
}

/// The input in a thread's hand, which pulls an item, runs it, and pulls the next: like sequential code, without a lock, and
/// with nothing that was pulled and has not begun. So does a worker in a pool of one thread, for a chunk of items, and so
/// does a consumer in a job for each `next`, while no other thread is free.
pub(super) struct InHand<I> {
    source: Box<I>,
    hint: Hint,
    first: u64,
    pulled: u64,
}

/// How it went.
pub(super) enum Ran {
    /// As far as it should.
    Stopped,
    Ended(InputEnd),
    /// The function has panicked.
    Panicked(Payload),
}

impl<I: Iterator> InHand<I> {
    /// `first` is the index of the next item.
    pub(super) fn new(source: Box<I>, first: u64) -> InHand<I> {
        InHand { hint: hint_of(&*source), source, first, pulled: 0 }
    }

    pub(super) fn pulled(&self) -> u64 {
        self.pulled
    }

    pub(super) fn hint(&self) -> Hint {
        hint_of(&*self.source)
    }

    pub(super) fn into_back(self, end: Option<InputEnd>) -> InputBack<I> {
        InputBack::new(self.source, self.pulled, self.hint, end)
    }

    /// Pulls items and runs them, until `publish`, which gets each result, says that it is enough.
    #[inline(always)]
    pub(super) fn run<F: Function<I::Item>>(
        &mut self,
        function: &F,
        session: &mut F::Session,
        mut publish: impl FnMut(F::Output) -> bool,
    ) -> Ran {
        let mut pulling = true;
        let ran = catch(|| {
            loop {
                pulling = true;
                no_item::take();
                let Some(item) = self.source.next() else { return Ran::Ended(InputEnd::of_none()) };
                pulling = false;
                enter_item(self.first + self.pulled);
                self.pulled += 1;
                let result = function.call(session, item);
                leave_item();
                if publish(result) {
                    return Ran::Stopped;
                }
            }
        });
        match ran {
            Ok(ran) => ran,
            Err(payload) if pulling => Ran::Ended(InputEnd::Panicked(payload)),
            Err(payload) => {
                leave_item();
                Ran::Panicked(payload)
            }
        }
    }
}
