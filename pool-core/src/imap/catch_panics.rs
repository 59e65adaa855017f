//! `catch_panics`: the same imap, with panics as values.

use super::adapted::{Adapted, Controls};
use super::engine::Wait;
use super::iter::Imap;
use super::place::Place;
use super::results::Next;
use crate::error::Panic;

pub(super) struct Caught<'p, T, P: Place> {
    inner: Imap<'p, T, P>,
}

impl<'p, T, P: Place> Caught<'p, T, P> {
    pub(super) fn new(inner: Imap<'p, T, P>) -> Self {
        Caught { inner }
    }
}

impl<T, P: Place> Adapted<Result<T, Panic>> for Caught<'_, T, P> {
    fn next(&mut self, wait: Wait<'_>) -> Next<Result<T, Panic>> {
        match self.inner.next_caught(wait) {
            Next::Panic(panic) => Next::Result(Err(panic)),
            next => next.map(Ok),
        }
    }

    fn give_up(&mut self) -> bool {
        self.inner.give_up()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.inner.size_hint();
        // A panic of the input that is not handed out yet is one more item.
        let more = usize::from(self.inner.input_has_panicked());
        (least.saturating_add(more), most.map(|most| most.saturating_add(more)))
    }

    fn input_has_panicked(&self) -> bool {
        // It is a result here, and counted as one.
        false
    }

    fn position(&self) -> u64 {
        self.inner.position()
    }

    fn below(&self) -> &dyn Controls {
        &self.inner
    }

    fn below_mut(&mut self) -> &mut dyn Controls {
        &mut self.inner
    }
}
