//! Panics of user code, caught where they would end a thread or a task that is not the user's.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `catch_unwind` gives.
pub type Payload = Box<dyn Any + Send>;

/// Calls `f` and catches its panic. What `f` was working on is not looked at again.
pub fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a user value, and swallows its panic. That payload is leaked, since its own `drop` may panic, too.
pub fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch(|| drop(value)) {
        std::mem::forget(payload);
    }
}
