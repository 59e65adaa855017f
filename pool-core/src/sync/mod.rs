//! The synchronisation primitives of this crate: std's, or loom's when built with `--cfg loom`; and two of our own, an
//! asymmetric [`fence`] and the [`Parker`].
//!
//! `Arc` is std's in both cases, since loom's cannot hold a trait object.

pub(crate) mod fence;
mod parker;

#[cfg(loom)]
pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard, atomic};
pub(crate) use parker::Parker;
#[cfg(not(loom))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
use std::time::Duration;

/// Locks, and ignores poison: no user code ever runs under a lock of this crate.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Sleeps on a condition variable, at most for `limit` if there is one.
pub(crate) fn wait<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    limit: Option<Duration>,
) -> MutexGuard<'a, T> {
    match limit {
        None => condvar.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner),
        Some(limit) => match condvar.wait_timeout(guard, limit) {
            Ok((guard, _)) => guard,
            Err(poisoned) => poisoned.into_inner().0,
        },
    }
}

/// A clock that stands still under loom, which must see the same run twice, and where the system has none and std would panic.
#[derive(Clone, Copy)]
pub(crate) struct Instant(Option<std::time::Instant>);

const STANDS_STILL: bool = cfg!(any(loom, all(target_family = "wasm", target_os = "unknown")));

impl Instant {
    pub(crate) fn now() -> Instant {
        Instant((!STANDS_STILL).then(std::time::Instant::now))
    }

    pub(crate) fn since(self, earlier: Instant) -> Duration {
        let passed = self.0.zip(earlier.0).map(|(now, earlier)| now.saturating_duration_since(earlier));
        passed.unwrap_or_default()
    }
}
