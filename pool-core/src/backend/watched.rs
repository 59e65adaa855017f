//! A value that threads wait for.

use crate::sync::{Condvar, Mutex, lock, wait};
use std::time::{Duration, Instant};

/// A value under a lock, and the threads that wait until it is as they need it.
///
/// This is not a channel of std's, since those wait by `std::thread::park`: they take or leave a token for which the
/// user's own code may wait.
#[derive(Default)]
pub(super) struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    /// Changes the value, and wakes the threads that wait. `change` runs under the lock.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut lock(&self.value));
        self.changed.notify_all();
        result
    }

    /// Waits until `look` gives a value, at most for `limit` if there is one. `look` runs under the lock.
    pub(super) fn wait_for<R>(
        &self,
        limit: Option<Duration>,
        look: impl Fn(&mut T) -> Option<R>,
    ) -> Option<R> {
        let started = Instant::now();
        let mut value = lock(&self.value);
        loop {
            if let Some(found) = look(&mut value) {
                return Some(found);
            }
            let left = limit.map(|limit| limit.saturating_sub(started.elapsed()));
            if left == Some(Duration::ZERO) {
                return None;
            }
            value = wait(&self.changed, value, left);
        }
    }
}
