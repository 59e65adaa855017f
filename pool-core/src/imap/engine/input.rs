//! P2, P4, P7: the input, and how far it is. Its `next` is called here, and in the loop of a worker that keeps it in hand
//! (`Shared::work_solo`).
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
//! **The end.** A box that has given `None` or a panic is dropped by its feeder, and never put back: `next` is not called
//! again on an input that has ended. `end` is the count of pulled items then. The consumer takes the panic when it has
//! delivered as many results.

use crate::unwind::{Payload, catch, drop_quietly};

/// How an input came to its end.
pub(crate) enum InputEnd {
    Finished,
    Panicked(Payload),
}

/// The next item, or how the input has ended. Runs the user's `next`.
pub(crate) fn pull<J: Iterator>(input: &mut J) -> Result<J::Item, InputEnd> {
    match catch(|| input.next()) {
        Ok(Some(item)) => Ok(item),
        Ok(None) => Err(InputEnd::Finished),
        Err(payload) => Err(InputEnd::Panicked(payload)),
    }
}

/// Pulls until `push`, which gets each item, says that it is enough; or until the end.
pub(crate) fn pull_many<J: Iterator>(
    input: &mut J,
    mut push: impl FnMut(J::Item) -> bool,
) -> Option<InputEnd> {
    let ended = catch(|| {
        loop {
            let Some(item) = input.next() else { return true };
            if push(item) {
                return false;
            }
        }
    });
    match ended {
        Ok(false) => None,
        Ok(true) => Some(InputEnd::Finished),
        Err(payload) => Some(InputEnd::Panicked(payload)),
    }
}

/// The input's own idea of what is left. One that panics has none.
pub(crate) fn hint_of<J: Iterator>(input: &J) -> (usize, Option<usize>) {
    catch(|| input.size_hint()).unwrap_or((0, None))
}

/// The input after a pull: there may be more, or it has ended.
pub(super) enum Returned<I> {
    Open(Box<I>, (usize, Option<usize>)),
    Ended(InputEnd),
}

impl<I: Iterator> Returned<I> {
    /// Asks the input for its hint, or drops it at its end. Not under the lock.
    pub(super) fn new(source: Box<I>, end: Option<InputEnd>) -> Returned<I> {
        match end {
            None => {
                let hint = hint_of(&*source);
                Returned::Open(source, hint)
            }
            Some(end) => {
                drop_quietly(source);
                Returned::Ended(end)
            }
        }
    }
}

/// What the state knows of the input.
pub(crate) struct Input<I> {
    source: Option<Box<I>>,
    pulled: u64,
    hint: (usize, Option<usize>),
    end: Option<u64>,
    panic: Option<Payload>,
}

impl<I: Iterator> Input<I> {
    /// Without a source, the consumer pulls and tells of it.
    pub(crate) fn new(source: Option<I>) -> Input<I> {
        let hint = source.as_ref().map_or((0, None), I::size_hint);
        Input { source: source.map(Box::new), pulled: 0, hint, end: None, panic: None }
    }

    /// Takes the input out: the caller is the feeder.
    pub(crate) fn take(&mut self) -> Option<Box<I>> {
        self.source.take()
    }

    /// Whether it is here, so that a thread could pull from it.
    pub(crate) fn is_here(&self) -> bool {
        self.source.is_some()
    }

    /// Whether it is known that every item has been pulled. `false` where the hint does not say.
    pub(crate) fn seems_empty(&self) -> bool {
        self.hint.1 == Some(0)
    }

    /// How many items had been pulled when the input was last here.
    pub(crate) fn pulled(&self) -> u64 {
        self.pulled
    }

    /// How many items are left, where the hint is exact.
    pub(crate) fn left(&self) -> Option<u64> {
        let (least, most) = self.hint;
        (Some(least) == most).then_some(least as u64)
    }

    pub(crate) fn hint(&self) -> (usize, Option<usize>) {
        self.hint
    }

    pub(crate) fn set_hint(&mut self, hint: (usize, Option<usize>)) {
        self.hint = hint;
    }

    /// How many items there were, once it has ended.
    pub(crate) fn end(&self) -> Option<u64> {
        self.end
    }

    /// Counts what was pulled, and puts the input back. Returns whether it has ended.
    pub(crate) fn give_back(&mut self, returned: Returned<I>, pulled: u64) -> bool {
        self.count(pulled);
        match returned {
            Returned::Open(source, hint) => {
                self.source = Some(source);
                self.hint = hint;
                false
            }
            Returned::Ended(end) => {
                self.finish(end);
                true
            }
        }
    }

    pub(crate) fn count(&mut self, pulled: u64) {
        self.pulled += pulled;
    }

    /// Notes that it has ended.
    pub(crate) fn finish(&mut self, end: InputEnd) {
        self.end = Some(self.pulled);
        self.hint = (0, Some(0));
        if let InputEnd::Panicked(payload) = end {
            self.panic = Some(payload);
        }
    }

    pub(crate) fn has_panicked(&self) -> bool {
        self.panic.is_some()
    }

    pub(crate) fn take_panic(&mut self) -> Option<Payload> {
        self.panic.take()
    }
}
