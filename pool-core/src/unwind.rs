//! Panics of user code: caught, carried, and thrown again where they belong.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `std::panic::catch_unwind` gives.
pub(crate) type Payload = Box<dyn Any + Send + 'static>;

/// Calls `f` and catches its panic.
///
/// Unwind safety is asserted for the whole crate here: after a panic the value that `f` was working on is
/// never looked at again, and what the user's closure shares with others is the user's own affair, just
/// as in `std::thread::spawn` and in rayon.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Drops a value of the user's whose panic nobody could be told of.
///
/// The panic hook has printed the message by then. The payload is leaked, since its own `drop` may panic.
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch(|| drop(value)) {
        std::mem::forget(payload);
    }
}
