//! A progress bar that knows what an imap knows: its total, its position, and whether it ended early.

use super::engine::Wait;
use super::iter::Imap;
use super::place::{Inner, Place, same_failure};
use super::results::Next;
use indicatif::ProgressBar;

impl<'p, T, P: Place> Imap<'p, T, P> {
    /// Shows on this bar (of `indicatif`, feature `progress`) how far the *results* are.
    ///
    /// The bar gets its length from the input where that is known, and keeps its own otherwise. At the end of the input
    /// it finishes in its own style. An imap that ends before stays at what was reached, instead of jumping to 100 %: by
    /// a token, by the pool's `terminate`, by a panic of the input, or by being dropped.
    ///
    /// ```
    /// use indicatif::ProgressBar;
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let bar = ProgressBar::no_length();
    /// # let bar = ProgressBar::with_draw_target(None, indicatif::ProgressDrawTarget::hidden());
    /// let sum: u64 = pool.imap(0..1000u64, |x| x * x).with_progress(bar.clone()).sum();
    /// assert_eq!((sum, bar.position(), bar.length()), (332_833_500, 1000, Some(1000)));
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn with_progress(self, bar: ProgressBar) -> Imap<'p, T, P>
    where
        T: Send + 'p,
    {
        if let (least, Some(most)) = self.size_hint()
            && least == most
        {
            bar.set_length(self.next_index() + most as u64);
        }
        let shown = Shown(bar);
        self.mapped(false, same_failure, move |below, wait| shown.next(below, wait))
    }
}

/// A bar, which stays where it is when it goes.
struct Shown(ProgressBar);

impl Shown {
    fn next<T, P: Place>(&self, below: &mut Inner<'_, T, P>, wait: Wait<'_>) -> Next<T> {
        let before = below.controls().next_index();
        let next = below.next(wait);
        let after = below.controls().next_index();
        // Includes results that panicked.
        self.0.set_position(after);
        match &next {
            // A panic that takes no place is the input's, or tells of the pool's `terminate`: it is the last.
            Next::Panic(_) | Next::Result(_) if before == after => self.abandon(),
            Next::End if below.controls().has_ended_early() => self.abandon(),
            Next::End if !self.0.is_finished() => self.0.finish_using_style(),
            _ => {}
        }
        next
    }

    fn abandon(&self) {
        if !self.0.is_finished() {
            self.0.abandon();
        }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        // Otherwise dropping the bar would finish it in its own style.
        self.abandon();
    }
}
