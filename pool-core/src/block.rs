//! Blocks: items that go through an imap together, for [`map`](crate::Executor::map).

use crate::error::Panic;
use crate::unwind::{catch, drop_each, drop_quietly};
use std::vec;

/// The most bytes that are allocated ahead of what goes into them, since the hint that says how many it is may be wrong.
const MOST_ROOM: usize = 16 << 20;

/// For how many values to allocate, where as many as `wanted` may come. It is at least one, whatever their size.
fn room<T>(wanted: usize) -> usize {
    wanted.min((MOST_ROOM / size_of::<T>().max(1)).max(1))
}

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
    /// For about as many as `len`.
    pub(crate) fn with_capacity(len: usize) -> Results<T> {
        Results(Vec::with_capacity(room::<T>(len)))
    }
}

impl<T> Drop for Results<T> {
    fn drop(&mut self) {
        drop_each(self.0.drain(..));
    }
}

/// An input, from which blocks are taken.
///
/// Not a `Fuse`, which drops an input at its end, and lets a panic of that drop pass for one of its `next`.
pub(crate) struct Blocks<I: Iterator> {
    /// Until it has ended.
    items: Option<I>,
    /// The panic of the input. The last block comes before it.
    panic: Option<Panic>,
}

impl<I: Iterator> Blocks<I> {
    pub(crate) fn new(items: I) -> Blocks<I> {
        Blocks { items: Some(items), panic: None }
    }

    /// The hint of the input.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.as_ref().map_or((0, Some(0)), I::size_hint)
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
        let mut block = Vec::new();
        self.panic = catch(|| self.fill(&mut block, len)).err().map(Panic::new);
        if block.is_empty()
            && let Some(panic) = self.panic.take()
        {
            panic.resume();
        }
        (!block.is_empty()).then(|| Block(block.into_iter()))
    }

    /// Adds items until there are `len`, or none is left.
    fn fill(&mut self, block: &mut Vec<I::Item>, len: usize) {
        while let Some(items) = &mut self.items
            && block.len() < len
        {
            let (before, room) = (block.len(), room::<I::Item>(len - block.len()));
            // `extend` allocates for as many as the input says.
            block.extend(items.by_ref().take(room));
            if block.len() - before < room {
                drop_quietly(self.items.take());
            }
        }
    }
}
