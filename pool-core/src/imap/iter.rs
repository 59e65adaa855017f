//! The iterator that the user holds.

use super::engine::Wait;
use super::place::{Inner, Lower, Mapped, Place, Pooled};
use super::results::Next;
use crate::no_item::{self, NoItem};
use std::fmt;

/// An ordered, lazy, parallel map. From [`Executor::imap`](crate::Executor::imap).
///
/// It is an iterator of the results, in the order of the input. Nothing runs before the first `next` or
/// [`start`](Imap::start). `P` says where the input is pulled: by the pool's threads ([`Pooled`]) or by the
/// thread that iterates ([`Local`](crate::Local)).
///
/// # Dropping
///
/// Dropping it cancels what has not begun, and returns without waiting for what runs. Items and results that are there
/// are dropped by the thread that drops the imap, before it returns. Later ones are dropped by the thread that brings
/// them. A panic of such a `drop` is swallowed. (An imap that owns its pool drops that, too: see
/// [`into_imap`](crate::Executor::into_imap).)
///
/// # Where the function runs
///
/// On the pool's threads, with their stacks, names and thread-locals; so does the input's `next`. The thread that
/// iterates only waits, so a token and a limit always reach it. For the first results it waits awake, for at most
/// 100 µs each; then in naps of at most a millisecond while items are short, and otherwise asleep until the result is
/// there.
///
/// A thread that is itself in a job of a pool does not only wait: in `next` it works on items of this imap that were
/// pulled and have not begun, the oldest first. It enters the input only for the result that it needs next. So imaps nest,
/// also on a pool of one thread. The price: that result may wait for the one item which this thread has begun, and there
/// an item must not wait for the consumer to have an earlier result.
///
/// # Errors
///
/// Where the function gives a `Result`, collect into one: the error is always that of the first item that
/// has one, as in sequential code, and what has not begun by then is cancelled.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let words = ["1", "2", "three", "4", "V"];
/// let sum: Result<i32, _> = pool.imap(words, str::parse::<i32>).sum();
/// assert!(sum.is_err());
/// let numbers: Result<Vec<_>, _> = pool.imap(words, |word| word.parse::<i32>().map_err(|_| word)).collect();
/// assert_eq!(numbers, Err("three"));
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
///
/// # The index of an item
///
/// Number the items if `f` needs the index; [`numbered`](Imap::numbered) gives it beside each result.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let words = ["to", "be", "or"].into_iter().enumerate();
/// let mut lines = pool.imap(words, |(index, word)| format!("{index}: {word}")).numbered();
/// assert_eq!(lines.next(), Some((0, String::from("0: to"))));
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
///
/// # Progress
///
/// With the feature `progress`, `with_progress(bar)` shows on a bar of `indicatif` how far the *results* are; it takes
/// its total from the input, and stays where it is when the imap ends early. The iterator's `size_hint` is exact
/// where the input's is, so `indicatif`'s own methods work as well, but their bar jumps to 100 % when the imap ends
/// early:
///
/// ```
/// use indicatif::{ProgressBar, ProgressIterator};
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let squares = pool.imap(0..1000u64, |x| x * x);
/// let total = squares.size_hint().1.unwrap_or(0) as u64;
/// // `squares.progress_count(total)`, or with a bar of your own:
/// let bar = ProgressBar::new(total);
/// # let bar = ProgressBar::with_draw_target(Some(total), indicatif::ProgressDrawTarget::hidden());
/// let sum: u64 = squares.progress_with(bar.clone()).sum();
/// assert_eq!((sum, bar.position(), bar.length()), (332_833_500, 1000, Some(1000)));
/// # assert_eq!(pool.imap(0..9, |x| x).progress_count(9).progress.length(), Some(9));
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct Imap<'p, T, P: Place = Pooled> {
    pub(super) inner: Inner<'p, T, P>,
    /// The head, if a call with a limit has found it late.
    pub(super) late: Option<u64>,
}

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Goes on in place of this imap, with results that `next` makes of its own. `catches` says that a panic of the
    /// input becomes a result.
    pub(super) fn mapped<U, F>(self, catches: bool, lower: Lower<'p, T, U, P>, next: F) -> Imap<'p, U, P>
    where
        T: Send + 'p,
        U: 'p,
        F: FnMut(&mut Inner<'p, T, P>, Wait<'_>) -> Next<U> + Send + 'p,
    {
        let mapped = P::erase(Mapped::new(self.inner, catches, lower, next));
        Imap { inner: Inner::Mapped(mapped), late: self.late }
    }

    /// To be called at the end, before a caller learns of it.
    #[cold]
    pub(super) fn note_end(&mut self) {
        self.late = None;
        if self.inner.controls().has_ended_early() {
            no_item::note(NoItem::EarlyEnd);
        }
    }
}

impl<T, P: Place> Iterator for Imap<'_, T, P> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        let next = match &mut self.inner {
            Inner::Results(results) => results.next(),
            Inner::Mapped(_) => match self.inner.next(Wait::Forever) {
                Next::Result(value) => Some(value),
                Next::Panic(panic) => panic.resume(),
                Next::End | Next::CallLate(_) | Next::ItemLate(_) => None,
            },
        };
        if next.is_none() {
            self.note_end();
        }
        next
    }

    /// Exact if the input's is: what is in flight is counted.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T, P: Place> std::iter::FusedIterator for Imap<'_, T, P> {}

impl<T, P: Place> fmt::Debug for Imap<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.controls().fmt(f)
    }
}
