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
pub(super) fn note() {
    NOTED.set(true);
}

/// Takes the note of this thread. To be called before a pull, since a note may be left of another one; and when the pull
/// has given `None`, which is early then if there is a note.
#[cfg_attr(not(test), expect(dead_code, reason = "for the engine's side of a pull"))]
pub(super) fn take() -> bool {
    NOTED.take()
}
