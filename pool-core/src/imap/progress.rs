//! A progress bar that knows what an imap knows: its total, its position, and whether it was cancelled.

use super::iter::Imap;
use super::place::{Place, Pooled};
use indicatif::ProgressBar;
use std::fmt;

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Shows on this bar (of `indicatif`, feature `progress`) how far the *results* are.
    ///
    /// The bar gets its length from the input where that is known, and keeps its own otherwise. At the end of the input
    /// it finishes in its own style. Where the imap is cancelled or dropped before, the bar stays at what was reached,
    /// instead of jumping to 100 %.
    ///
    /// ```
    /// use indicatif::ProgressBar;
    /// use pool_channel::{ChannelPool, Executor};
    ///
    /// let pool = ChannelPool::new(2)?;
    /// let bar = ProgressBar::no_length();
    /// # let bar = ProgressBar::with_draw_target(None, indicatif::ProgressDrawTarget::hidden());
    /// let sum: u64 = pool.imap(0..1000u64, |x| x * x).with_progress(bar.clone()).sum();
    /// assert_eq!((sum, bar.position(), bar.length()), (332_833_500, 1000, Some(1000)));
    /// # Ok::<(), pool_channel::BuildError>(())
    /// ```
    pub fn with_progress(self, bar: ProgressBar) -> Progress<'p, T, P> {
        if let (least, Some(most)) = self.size_hint()
            && least == most
        {
            bar.set_length(self.position() + most as u64);
        }
        Progress { inner: self, bar }
    }
}

/// Results that move a progress bar. From [`Imap::with_progress`].
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct Progress<'p, T, P: Place = Pooled> {
    inner: Imap<'p, T, P>,
    bar: ProgressBar,
}

impl<'p, T, P: Place> Progress<'p, T, P> {
    /// The imap, for [`stats`](Imap::stats) and the like.
    pub fn get_ref(&self) -> &Imap<'p, T, P> {
        &self.inner
    }
}

impl<T, P: Place> Iterator for Progress<'_, T, P> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let next = self.inner.next();
        // Includes results that panicked, which `next` does not return.
        self.bar.set_position(self.inner.position());
        if next.is_none() && !self.inner.is_cancelled() && !self.bar.is_finished() {
            self.bar.finish_using_style();
        }
        next
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<T, P: Place> std::iter::FusedIterator for Progress<'_, T, P> {}

impl<T, P: Place> Drop for Progress<'_, T, P> {
    fn drop(&mut self) {
        // Otherwise dropping the bar would finish it in its own style.
        if !self.bar.is_finished() {
            self.bar.abandon();
        }
    }
}

impl<T, P: Place> fmt::Debug for Progress<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("inner", &self.inner).finish_non_exhaustive()
    }
}
