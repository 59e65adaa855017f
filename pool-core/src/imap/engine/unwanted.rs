//! Whether the result of an item that runs is still wanted: what [`Current::is_cancelled`](crate::Current::is_cancelled) asks.
//!
//! Nothing is written while all goes well, and an item that does not ask pays nothing. What was given up cannot fail any more, and
//! what has failed cannot be given up: that is decided here, under a lock of its own.

use crate::executor::Terminated;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutex, lock};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `C` is what stands for an imap.
pub(in crate::imap) struct Unwanted<C> {
    /// In order, what runs below this was given up.
    below: AtomicU64,
    /// Without order, these were. In order, too, it is held while an item is given up or fails.
    given_up: Mutex<BTreeSet<u64>>,
    some_given_up: AtomicBool,
    /// The item in which the imap was made, as long as it is consumed there.
    outer: Option<(Arc<C>, u64)>,
    has_left: AtomicBool,
    pool: Option<Terminated>,
}

impl<C> Unwanted<C> {
    /// For an imap on this pool that is made inside of this item.
    pub(super) fn new(outer: Option<(Arc<C>, u64)>, pool: Option<Terminated>) -> Unwanted<C> {
        Unwanted {
            below: AtomicU64::new(0),
            given_up: Mutex::new(BTreeSet::new()),
            some_given_up: AtomicBool::new(false),
            outer,
            has_left: AtomicBool::new(false),
            pool,
        }
    }

    /// The consumer calls inside of this item, if any. Outside of the one in which the imap was made, that one's end says
    /// nothing any more.
    pub(super) fn note_caller(&self, is_in: impl FnOnce(&(Arc<C>, u64)) -> bool) {
        if let Some(outer) = &self.outer
            && !is_in(outer)
        {
            self.has_left.store(true, Ordering::Relaxed);
        }
    }

    /// In order, this item is given up, and all below it that has not been delivered; not if `has_failed` says so of it. Returns
    /// whether it was.
    pub(super) fn give_up_to(&self, index: u64, has_failed: impl FnOnce() -> bool) -> bool {
        let _given_up = lock(&self.given_up);
        let gives_up = !has_failed();
        if gives_up {
            self.below.store(index + 1, Ordering::Relaxed);
        }
        gives_up
    }

    /// Without order, this item is given up; not if `has_failed` says so of it. Returns whether it was.
    pub(super) fn give_up(&self, index: u64, has_failed: impl FnOnce() -> bool) -> bool {
        let mut given_up = lock(&self.given_up);
        let gives_up = !has_failed();
        if gives_up {
            given_up.insert(index);
            self.some_given_up.store(true, Ordering::Relaxed);
        }
        gives_up
    }

    /// Does this unless the item was given up. An item is given up before or after it, not meanwhile.
    pub(super) fn unless_given_up(&self, index: u64, act: impl FnOnce()) {
        let given_up = lock(&self.given_up);
        if index >= self.below.load(Ordering::Relaxed) && !given_up.contains(&index) {
            act();
        }
    }

    /// An item has ended, so nothing asks for it any more.
    pub(super) fn forget(&self, index: u64) {
        if self.some_given_up.load(Ordering::Relaxed) {
            lock(&self.given_up).remove(&index);
        }
    }

    /// Whether the pool has said that it was terminated.
    pub(super) fn pool_is_terminated(&self) -> bool {
        self.pool.as_ref().is_some_and(Terminated::is_set)
    }

    /// Whether the result of this item is not wanted. `is_unwanted` says so of an item of another imap.
    pub(super) fn contains(&self, index: u64, is_unwanted: impl FnOnce(&C, u64) -> bool) -> bool {
        let given_up = || lock(&self.given_up).contains(&index);
        index < self.below.load(Ordering::Relaxed)
            || (self.some_given_up.load(Ordering::Relaxed) && given_up())
            || self.pool_is_terminated()
            || self.outer.as_ref().is_some_and(|(outer, index)| {
                !self.has_left.load(Ordering::Relaxed) && is_unwanted(outer, *index)
            })
    }
}
