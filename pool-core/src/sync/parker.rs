//! Where the consumer of an imap sleeps: a thread, or a task in its place.
//!
//! A notification is remembered: [`notify`](Parker::notify) after [`prepare`](Parker::prepare) makes the next
//! [`park`](Parker::park) return at once. So the consumer prepares, looks once more at everything that it waits for,
//! and parks; a thread that changes something and then notifies is never missed. The lock here is held for an instant
//! by both, and no other is needed: a notifier that held the imap's lock would wake the consumer only to have it wait
//! for that lock.

use crate::sync::{Condvar, Mutex, lock, wait};
use crate::unwind::{catch, drop_quietly};
use std::task::Waker;
use std::time::{Duration, Instant};

pub(crate) struct Parker {
    state: Mutex<State>,
    notified: Condvar,
}

struct State {
    notified: bool,
    /// A task that sleeps in place of a thread.
    waker: Option<Waker>,
}

impl Parker {
    pub(crate) fn new() -> Parker {
        Parker { state: Mutex::new(State { notified: false, waker: None }), notified: Condvar::new() }
    }

    /// Forgets earlier notifications. From here on one is remembered.
    pub(crate) fn prepare(&self) {
        lock(&self.state).notified = false;
    }

    /// Lets the next notification wake this task instead, or none. To be called without the imap's lock, since wakers
    /// are user code.
    pub(crate) fn set_task(&self, waker: Option<Waker>) {
        let old = std::mem::replace(&mut lock(&self.state).waker, waker);
        drop_quietly(old);
    }

    /// Sleeps until a notification, at most for `limit` if there is one.
    pub(crate) fn park(&self, limit: Option<Duration>) {
        // The clock is asked only where there is a limit: there are systems without one.
        let started = limit.map(|limit| (Instant::now(), limit));
        let mut state = lock(&self.state);
        while !state.notified {
            let left = started.map(|(started, limit)| limit.saturating_sub(started.elapsed()));
            if left == Some(Duration::ZERO) {
                return;
            }
            state = wait(&self.notified, state, left);
        }
    }

    /// Wakes the consumer.
    pub(crate) fn notify(&self) {
        let waker = {
            let mut state = lock(&self.state);
            state.notified = true;
            state.waker.take()
        };
        match waker {
            // A waker that panics costs this one wake-up. The thread that wakes has nothing to do with it.
            Some(waker) => drop_quietly(catch(|| waker.wake())),
            None => self.notified.notify_one(),
        }
    }
}
