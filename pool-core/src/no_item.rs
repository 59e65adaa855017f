//! What `None` means.
//!
//! An iterator has one word, `None`, for the end of its input, for an end before that, and for an input that has nothing
//! now. So what returns `None` and does not mean the end notes it here, for its thread. An imap whose input it is takes the
//! note after the pull that gave `None`: the pull was on the same thread, and nothing else ran there in between.
//!
//! - **An early end** is told along a chain of imaps: by an imap that returns `None` early, with or without adapters between
//!   the two.
//! - **Nothing yet** is told by inputs of this crate only: what was [pushed](crate::Sink), and streams. No imap hands it on.

use std::cell::Cell;

/// What a `None` means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum NoItem {
    /// There are no more.
    #[default]
    End,
    /// There may have been more.
    EarlyEnd,
    /// More may come.
    NothingYet,
}

thread_local! {
    static NOTED: Cell<NoItem> = const { Cell::new(NoItem::End) };
}

/// To be called just before `None` is returned, where that is not the end.
pub(crate) fn note(no_item: NoItem) {
    NOTED.set(no_item);
}

/// Takes the note of this thread. To be called before a pull, since a note may be left of another one; and when the pull
/// has given `None`, which means this.
pub(crate) fn take() -> NoItem {
    NOTED.take()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::job::Job;
    use crate::{Executor, Imap};
    use std::time::Duration;

    /// Runs a job where it is spawned, so that a pull is on this thread.
    struct Here;

    impl Executor for Here {
        fn threads(&self) -> usize {
            1
        }
        fn spawn(&self, job: Job) {
            job.run(self);
        }
        fn has_waiting(&self) -> bool {
            false
        }
    }

    /// As a stage behind it pulls: whether the input has ended early.
    fn ends_early(mut input: impl Iterator) -> bool {
        loop {
            take();
            if input.next().is_none() {
                return take() == NoItem::EarlyEnd;
            }
        }
    }

    fn cancelled() -> Imap<'static, u64> {
        let imap = Here.into_imap(0.., |x| x).window(4);
        imap.cancel_token().cancel();
        imap
    }

    #[test]
    fn p12_a_note_is_of_one_thread_and_taken_once() {
        note(NoItem::EarlyEnd);
        assert_eq!(std::thread::spawn(take).join().unwrap(), NoItem::End);
        assert_eq!((take(), take()), (NoItem::EarlyEnd, NoItem::End));
    }

    #[test]
    fn p12_an_early_end_is_noted_by_each_wrapper_and_through_adapters() {
        const LONG: Duration = Duration::from_secs(60);
        assert!(ends_early(cancelled()));
        assert!(ends_early(cancelled().catch_panics()));
        assert!(ends_early(cancelled().item_timeout(LONG)));
        assert!(ends_early(cancelled().numbered()));
        assert!(ends_early(cancelled().timeout(LONG)));
        assert!(ends_early(cancelled().filter(|x| x % 2 == 0).map(|x| x + 1).take(100)));
        assert!(ends_early((0..3).chain(cancelled())));
        // Each call after the end says it again.
        let mut ended = cancelled();
        assert!(ends_early(&mut ended) && ends_early(&mut ended));
    }

    #[test]
    fn p12_the_end_of_an_input_is_not_early() {
        note(NoItem::EarlyEnd);
        assert!(!ends_early(Here.into_imap(0..50, |x| x)));
        note(NoItem::EarlyEnd);
        assert!(!ends_early(Here.into_imap(0..50, |x| x).catch_panics().take(7)));
        // It has ended early inside of an item, and not as the input.
        assert!(!ends_early((0..3).map(|_| cancelled().count())));
        assert!(!ends_early(cancelled().chain(0..3)));
    }
}
