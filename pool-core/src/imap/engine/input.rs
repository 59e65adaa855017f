//! The input: the one place where its `next` is called, and what is known of it.
//!
//! It is in a box. A thread that has taken the box out of the state is the *feeder*; no other can pull meanwhile.

use crate::unwind::{Payload, catch};

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

    pub(crate) fn count(&mut self, pulled: u64) {
        self.pulled += pulled;
    }

    /// Puts it back after a pull.
    pub(crate) fn give_back(&mut self, source: Box<I>, hint: (usize, Option<usize>)) {
        self.source = Some(source);
        self.hint = hint;
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
