//! An early end is told along a chain of imaps.
//!
//! An iterator has one word, `None`, for the end of its input and for an end before that. So an imap that returns `None`
//! early notes it here, for its thread. An imap whose input it is, with or without adapters between the two, takes the
//! note after the pull that gave `None`: the pull was on the same thread, and nothing else ran there in between.

use std::cell::Cell;

thread_local! {
    static NOTED: Cell<bool> = const { Cell::new(false) };
}

/// To be called just before `None` is returned early.
pub(crate) fn note() {
    NOTED.set(true);
}

/// Takes the note of this thread. To be called before a pull, since a note may be left of another one; and when the pull
/// has given `None`, which is early then if there is a note.
pub(crate) fn take() -> bool {
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
                return take();
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
        note();
        assert!(!std::thread::spawn(take).join().unwrap());
        assert!(take());
        assert!(!take());
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
        note();
        assert!(!ends_early(Here.into_imap(0..50, |x| x)));
        note();
        assert!(!ends_early(Here.into_imap(0..50, |x| x).catch_panics().take(7)));
        // It has ended early inside of an item, and not as the input.
        assert!(!ends_early((0..3).map(|_| cancelled().count())));
        assert!(!ends_early(cancelled().chain(0..3)));
    }
}
