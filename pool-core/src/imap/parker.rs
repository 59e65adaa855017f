//! Where the consumer of a line sleeps, without the types of the line.
//!
//! A call is remembered: [`unpark`](Parker::unpark) after [`prepare`](Parker::prepare) makes the next
//! [`park`](Parker::park) return at once. So the consumer prepares, looks once more at everything that it
//! waits for, and parks; whoever changes something and then calls is never missed. The lock here is held
//! for an instant by both, and no other is needed: a caller that held the line's lock would wake the
//! consumer only to have it wait for that lock.

use crate::sync::{Condvar, Mutex, lock, wait};
use std::task::Waker;
use std::time::{Duration, Instant};

pub(crate) struct Parker {
    slot: Mutex<Slot>,
    called: Condvar,
}

struct Slot {
    called: bool,
    /// A task that sleeps in place of a thread.
    waker: Option<Waker>,
}

impl Parker {
    pub(crate) fn new() -> Parker {
        Parker { slot: Mutex::new(Slot { called: false, waker: None }), called: Condvar::new() }
    }

    /// Forgets earlier calls. From here on a call is remembered.
    pub(crate) fn prepare(&self) {
        lock(&self.slot).called = false;
    }

    /// Lets the next call wake this task.
    #[cfg(feature = "stream")]
    pub(crate) fn prepare_task(&self, waker: &Waker) {
        let old = {
            let mut slot = lock(&self.slot);
            slot.called = false;
            slot.waker.replace(waker.clone())
        };
        drop(old);
    }

    /// Sleeps until a call, at most for `limit` if there is one.
    pub(crate) fn park(&self, limit: Option<Duration>) {
        let started = Instant::now();
        let mut slot = lock(&self.slot);
        while !slot.called {
            let left = limit.map(|limit| limit.saturating_sub(started.elapsed()));
            if left == Some(Duration::ZERO) {
                return;
            }
            slot = wait(&self.called, slot, left);
        }
    }

    /// Calls the consumer.
    pub(crate) fn unpark(&self) {
        let waker = {
            let mut slot = lock(&self.slot);
            slot.called = true;
            slot.waker.take()
        };
        match waker {
            Some(waker) => waker.wake(),
            None => self.called.notify_one(),
        }
    }
}
