//! Blocks: items that go through an imap together, for [`map`](crate::Executor::map) and
//! [`imap_batched`](crate::Executor::imap_batched).

use crate::error::Panic;
use crate::unwind::{catch, drop_each};
use std::iter::Fuse;
use std::vec;

/// The most places that a block allocates ahead of its items.
const MOST_ROOM: usize = 4096;

/// Items that are left are dropped one by one: two that panic in one drop would abort the process.
pub(crate) struct Block<A>(vec::IntoIter<A>);

impl<A> Iterator for Block<A> {
    type Item = A;

    fn next(&mut self) -> Option<A> {
        self.0.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<A> ExactSizeIterator for Block<A> {}

impl<A> Drop for Block<A> {
    fn drop(&mut self) {
        drop_each(&mut self.0);
    }
}

/// Results, dropped one by one like the items of a [`Block`].
pub(crate) struct Results<T>(pub(crate) Vec<T>);

impl<T> Results<T> {
    pub(crate) fn with_capacity(len: usize) -> Results<T> {
        Results(Vec::with_capacity(len))
    }
}

impl<T> Drop for Results<T> {
    fn drop(&mut self) {
        drop_each(self.0.drain(..));
    }
}

/// An input, from which blocks are taken.
pub(crate) struct Blocks<I: Iterator> {
    items: Fuse<I>,
    /// The panic of the input. The last block comes before it.
    panic: Option<Panic>,
}

impl<I: Iterator> Blocks<I> {
    pub(crate) fn new(items: I) -> Blocks<I> {
        Blocks { items: items.fuse(), panic: None }
    }

    /// The hint of the input.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }

    /// The next `len` items, or what is left.
    ///
    /// # Panics
    ///
    /// With the panic of the input, after the items before it.
    pub(crate) fn take(&mut self, len: usize) -> Option<Block<I::Item>> {
        if let Some(panic) = self.panic.take() {
            panic.resume();
        }
        let mut block = Vec::with_capacity(len.min(MOST_ROOM));
        self.panic = catch(|| block.extend(self.items.by_ref().take(len))).err().map(Panic::new);
        if block.is_empty()
            && let Some(panic) = self.panic.take()
        {
            panic.resume();
        }
        (!block.is_empty()).then(|| Block(block.into_iter()))
    }
}
