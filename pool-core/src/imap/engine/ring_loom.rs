//! `rtrb`'s ring under loom, which cannot look into `rtrb`.
//!
//! The count of pushed values, and whether the producer is gone, are all that the two sides share under loom's eyes, written
//! and read with the orderings that `rtrb` uses. The values lie behind a lock of std's, which
//! loom does not see, so that it orders nothing.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

struct Shared<A> {
    values: Mutex<VecDeque<A>>,
    pushed: AtomicUsize,
    abandoned: AtomicBool,
}

pub(super) struct Producer<A> {
    shared: Arc<Shared<A>>,
    pushed: usize,
}

pub(super) struct Consumer<A> {
    shared: Arc<Shared<A>>,
    popped: usize,
}

pub(super) fn ring<A>(_capacity: usize) -> (Producer<A>, Consumer<A>) {
    let shared = Arc::new(Shared {
        values: Mutex::default(),
        pushed: AtomicUsize::new(0),
        abandoned: AtomicBool::new(false),
    });
    (Producer { shared: shared.clone(), pushed: 0 }, Consumer { shared, popped: 0 })
}

impl<A> Producer<A> {
    pub(super) fn push(&mut self, value: A) -> Result<(), A> {
        self.shared.values.lock().unwrap().push_back(value);
        self.pushed += 1;
        self.shared.pushed.store(self.pushed, Ordering::Release);
        Ok(())
    }
}

impl<A> Drop for Producer<A> {
    fn drop(&mut self) {
        self.shared.abandoned.store(true, Ordering::Release);
    }
}

impl<A> Consumer<A> {
    pub(super) fn is_abandoned(&self) -> bool {
        self.shared.abandoned.load(Ordering::Acquire)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shared.pushed.load(Ordering::Acquire) == self.popped
    }

    pub(super) fn slots(&self) -> usize {
        self.shared.pushed.load(Ordering::Acquire) - self.popped
    }

    pub(super) fn pop(&mut self) -> Result<A, ()> {
        if self.is_empty() {
            return Err(());
        }
        self.popped += 1;
        self.shared.values.lock().unwrap().pop_front().ok_or(())
    }
}
