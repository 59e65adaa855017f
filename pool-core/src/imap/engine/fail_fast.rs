//! What counts as a failure, for an imap in which nothing begins behind an item that has failed.
//!
//! The thread that finds a failure notes its index in [`control`](super::control), without the imap's lock, and asks workers to
//! look up: so none of them begins another item behind it. The state hears of it when a thread is at the lock, and hands out none
//! any more. In order, what is below goes on, and the iteration ends when it meets the first
//! result that has failed. Without order it ends when what has begun is done.

use super::control::Control;

/// What counts as a failure. Nothing does by default.
pub struct FailFast<T> {
    pub(in crate::imap) result: Option<fn(&T) -> bool>,
    pub(in crate::imap) panic: bool,
    /// An item whose limit has passed.
    pub(in crate::imap) late: bool,
}

impl<T> FailFast<T> {
    pub(in crate::imap) const fn new() -> FailFast<T> {
        FailFast { result: None, panic: false, late: false }
    }

    pub(in crate::imap) fn is_set(&self) -> bool {
        self.result.is_some() || self.panic || self.late
    }

    /// Looks at the result of this item.
    #[inline(always)]
    pub(super) fn look_at(&self, result: &T, index: u64, control: &Control) {
        if self.result.is_some_and(|fails| fails(result)) {
            control.fail_by_result(index);
        }
    }

    /// This item has panicked.
    pub(super) fn note_panic(&self, index: u64, control: &Control) {
        if self.panic {
            control.fail_by_result(index);
        }
    }

    /// The limit of this item has passed.
    pub(super) fn note_late(&self, index: u64, control: &Control) {
        if self.late {
            control.fail(index);
        }
    }
}

impl<T> Clone for FailFast<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for FailFast<T> {}
