//! `imap`: the iterator that the user holds.
//!
//! The engine behind it: [`line`] and [`state`] are what is shared, [`worker`] is what a ticket does,
//! [`consumer`], [`find`], [`help`] and [`local`] are what `next` does, [`line_iter`] drives that, and
//! [`front`] is the interface between the two. [`chunk`], [`crowd`], [`lane`], [`parker`] and [`reorder`] are the
//! parts.

mod alone;
mod cancel;
mod caught;
mod chunk;
mod consumer;
mod crowd;
mod find;
#[allow(missing_debug_implementations, reason = "nobody outside can name what is `pub` here")]
mod front;
mod function;
mod help;
mod lane;
mod line;
mod line_iter;
mod local;
#[cfg(all(test, loom))]
mod models;
mod new;
mod outer;
mod parker;
mod place;
mod recall;
mod reorder;
mod settings;
mod state;
mod stats;
#[cfg(feature = "stream")]
mod stream;
mod timeout;
#[cfg(loom)]
mod twin;
mod worker;

pub use cancel::CancelToken;
pub(crate) use line::Gauge;
pub use new::DEFAULT_WINDOW_PER_THREAD;
pub use place::{Local, Place, Pooled};
pub use stats::ImapStats;
#[cfg(feature = "stream")]
pub use stream::ImapStream;
pub use timeout::Timeout;

use front::{Settings, Wait};
use line_iter::{LineIter, Next, Stage};
use std::fmt;

/// An ordered, lazy, parallel map. From [`Executor::imap`](crate::Executor::imap).
///
/// It is an iterator of the results, in the order of the input. Nothing runs before the first `next` or
/// [`start`](Imap::start). `P` says where the input is pulled: by the pool's threads ([`Pooled`]) or by the
/// thread that iterates ([`Local`]).
///
/// # Dropping
///
/// Dropping it cancels what has not begun, and returns without waiting for what runs. Items and results
/// that nobody will see are dropped; should such a `drop` panic, the panic ends there.
///
/// # Where the function runs
///
/// On the pool's threads, and on the consumer's: a thread that waits in `next` works on items itself
/// while they are measured to be short (below 100 µs), since sleeping would cost more, and always when it
/// is itself a job of a pool. `next` may therefore come some microseconds or one item later than its result
/// (or up to 32 items, when items that were short suddenly take long). A function
/// that *blocks* until the consumer has moved on should be consumed with
/// [`next_timeout`](Imap::next_timeout), which only ever sleeps.
///
/// # Errors
///
/// Where the function gives a `Result`, collect into one: the error is always that of the first item that
/// has one, as in sequential code, and what has not begun by then is cancelled.
///
/// ```
/// use pool_channel::{ChannelPool, Executor};
///
/// let pool = ChannelPool::new(2)?;
/// let words = ["1", "2", "three", "4", "V"];
/// let sum: Result<i32, _> = pool.imap(words, str::parse::<i32>).sum();
/// assert!(sum.is_err());
/// let numbers: Result<Vec<_>, _> = pool.imap(words, |word| word.parse::<i32>().map_err(|_| word)).collect();
/// assert_eq!(numbers, Err("three"));
/// # Ok::<(), pool_channel::pool_core::BuildError>(())
/// ```
///
/// # Progress
///
/// It is an iterator with an exact `size_hint` where the input has one, so `indicatif` shows how far the
/// *results* are:
///
/// ```
/// use indicatif::{ProgressBar, ProgressIterator};
/// use pool_channel::{ChannelPool, Executor};
///
/// let pool = ChannelPool::new(2)?;
/// let squares = pool.imap(0..1000u64, |x| x * x);
/// let total = squares.size_hint().1.unwrap_or(0) as u64;
/// // `squares.progress_count(total)`, or with a bar of your own:
/// let bar = ProgressBar::new(total);
/// # let bar = ProgressBar::with_draw_target(Some(total), indicatif::ProgressDrawTarget::hidden());
/// let sum: u64 = squares.progress_with(bar.clone()).sum();
/// assert_eq!((sum, bar.position(), bar.length()), (332_833_500, 1000, Some(1000)));
/// # assert_eq!(pool.imap(0..9, |x| x).progress_count(9).progress.length(), Some(9));
/// # Ok::<(), pool_channel::pool_core::BuildError>(())
/// ```
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct Imap<'p, T, P: Place = Pooled> {
    source: Source<'p, T, P>,
}

#[expect(clippy::large_enum_variant, reason = "no indirection on the way of every item")]
enum Source<'p, T, P: Place> {
    Line(LineIter<T, P::Back<'p, T>>),
    Adapted(P::Adapted<'p, T>),
}

/// A line under another item type.
pub trait Adapted<T> {
    fn next(&mut self, wait: Wait<'_>) -> Next<T>;
    fn give_up(&mut self) -> bool;
    fn size_hint(&self) -> (usize, Option<usize>);
    fn settings(&mut self) -> Option<&mut Settings>;
    fn start(&mut self);
    fn cancel_with(&mut self, token: &CancelToken);
    fn cancel_token(&self) -> CancelToken;
    fn is_cancelled(&self) -> bool;
    fn stats(&self) -> ImapStats;
}

impl<T, A: Adapted<T> + ?Sized> Adapted<T> for Box<A> {
    fn next(&mut self, wait: Wait<'_>) -> Next<T> {
        (**self).next(wait)
    }
    fn give_up(&mut self) -> bool {
        (**self).give_up()
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (**self).size_hint()
    }
    fn settings(&mut self) -> Option<&mut Settings> {
        (**self).settings()
    }
    fn start(&mut self) {
        (**self).start();
    }
    fn cancel_with(&mut self, token: &CancelToken) {
        (**self).cancel_with(token);
    }
    fn cancel_token(&self) -> CancelToken {
        (**self).cancel_token()
    }
    fn is_cancelled(&self) -> bool {
        (**self).is_cancelled()
    }
    fn stats(&self) -> ImapStats {
        (**self).stats()
    }
}

impl<T, P: Place> Imap<'_, T, P> {
    /// The next result with its panic caught.
    fn next_caught(&mut self, wait: Wait<'_>) -> Next<T> {
        match &mut self.source {
            Source::Line(line) => line.next_caught(wait),
            Source::Adapted(adapted) => adapted.next(wait),
        }
    }

    /// Whether a panic of the input is still to be handed out.
    fn input_has_panicked(&self) -> bool {
        match &self.source {
            Source::Line(line) => line.input_has_panicked(),
            Source::Adapted(_) => false,
        }
    }
}

impl<T, P: Place> Iterator for Imap<'_, T, P> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match &mut self.source {
            Source::Line(line) => line.next(),
            Source::Adapted(adapted) => match adapted.next(Wait::Forever) {
                Ok(Some(Ok(value))) => Some(value),
                Ok(Some(Err(panic))) => panic.resume(),
                Ok(None) | Err(_) => None,
            },
        }
    }

    /// Exact if the input's is: what is in flight is counted.
    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.source {
            Source::Line(line) => line.size_hint(),
            Source::Adapted(adapted) => adapted.size_hint(),
        }
    }
}

impl<T, P: Place> std::iter::FusedIterator for Imap<'_, T, P> {}

impl<T, P: Place> fmt::Debug for Imap<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Imap");
        if let Source::Line(line) = &self.source {
            debug
                .field("stage", &line.stage)
                .field("delivered", &line.front.head)
                .field("window", &line.settings.window);
        }
        debug.finish_non_exhaustive()
    }
}
