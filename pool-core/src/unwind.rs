//! Panics of user code: caught, carried, and thrown again where they belong.

use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `std::panic::catch_unwind` gives.
pub(crate) type Payload = Box<dyn Any + Send + 'static>;

/// Calls `f` and catches its panic.
///
/// Unwind safety is asserted for the whole crate here: after a panic the value that `f` was working on is
/// never looked at again, and what the user's closure shares with others is the user's own affair, just
/// as in `std::thread::spawn` and in rayon.
pub(crate) fn catch<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    let (mut f, mut result) = (Some(f), None);
    catch_call(&mut || {
        if let Some(f) = f.take() {
            result = Some(f());
        }
    })?;
    Ok(result.expect("it has returned"))
}

/// Not generic: there are a dozen of these in each imap of a program, and each would be a further eight functions for the
/// compiler. A call by a pointer is nothing beside the chunk that it works on.
fn catch_call(f: &mut dyn FnMut()) -> Result<(), Payload> {
    catch_unwind(AssertUnwindSafe(|| __rust_begin_short_backtrace(f)))
}

/// Where the backtrace of a panic ends unless `RUST_BACKTRACE` is `full`: std looks for this name. What is below is the
/// engine and the pool, and tells the user nothing.
#[inline(never)]
fn __rust_begin_short_backtrace(f: &mut dyn FnMut()) {
    f();
    // So that the call above is no jump, which would leave no frame.
    std::hint::black_box(());
}

/// Calls `f`, and `fallback` in its place if it panics: that panic has nowhere to go.
pub(crate) fn catch_or<R>(f: impl FnOnce() -> R, fallback: impl FnOnce() -> R) -> R {
    catch(f).unwrap_or_else(|payload| {
        drop_quietly(payload);
        fallback()
    })
}

/// Drops one user value, and swallows its panic.
///
/// The panic hook has printed the message by then. The payload is leaked, since its own `drop` may panic.
///
/// For one value only: if one of a `Vec` panics when it is dropped, the others are dropped while that panic
/// unwinds, and a second one aborts the process. See [`drop_each`].
pub(crate) fn drop_quietly<T>(value: T) {
    if let Err(payload) = catch(|| drop(value)) {
        std::mem::forget(payload);
    }
}

/// [`drop_quietly`] for many: each is dropped, however many of them panic.
pub(crate) fn drop_each<T>(values: impl IntoIterator<Item = T>) {
    values.into_iter().for_each(drop_quietly);
}

/// A user value that is dropped quietly, also while a panic unwinds.
#[expect(missing_debug_implementations, reason = "it cannot be named outside")]
pub struct Quiet<T>(Option<T>);

impl<T> Quiet<T> {
    pub(crate) fn new(value: T) -> Quiet<T> {
        Quiet(Some(value))
    }

    pub(crate) fn get(&self) -> &T {
        self.0.as_ref().expect("only drop takes it")
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("only drop takes it")
    }
}

impl<T> Drop for Quiet<T> {
    fn drop(&mut self) {
        drop_quietly(self.0.take());
    }
}

/// Ends the process, with this message, unless it is disarmed first.
///
/// For code that must not be left early, because other threads still use what would be freed. No panic is known to be
/// possible there; this guards against unknown ones.
pub(crate) struct AbortOnUnwind(pub(crate) &'static str);

impl Drop for AbortOnUnwind {
    fn drop(&mut self) {
        let _ = writeln!(std::io::stderr(), "{}", self.0);
        std::process::abort();
    }
}

impl AbortOnUnwind {
    pub(crate) fn disarm(self) {
        std::mem::forget(self);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::process::{Command, Stdio};

    struct Bomb<'a>(&'a Cell<usize>);

    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            std::panic::panic_any(Mine);
        }
    }

    /// Panics when it is dropped, too.
    struct Mine;

    impl Drop for Mine {
        fn drop(&mut self) {
            panic!("a payload on purpose");
        }
    }

    #[test]
    fn p9_each_of_many_that_panic_is_dropped() {
        let dropped = Cell::new(0);
        drop_each((0..5).map(|_| Bomb(&dropped)).collect::<Vec<_>>());
        assert_eq!(dropped.get(), 5);
    }

    #[test]
    fn p9_a_payload_that_panics_does_not_get_past_the_fallback() {
        assert_eq!(catch_or(|| std::panic::panic_any(Mine), || 7), 7);
    }

    #[test]
    fn p9_the_guard_ends_the_process_with_its_message() {
        const CHILD: &str = "POOL_CORE_TEST_ABORTS";
        if std::env::var_os(CHILD).is_some() {
            AbortOnUnwind("not left behind").disarm();
            let _guard = AbortOnUnwind("the guard speaks");
            panic!("on purpose");
        }
        let name = "unwind::tests::p9_the_guard_ends_the_process_with_its_message";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").stdout(Stdio::null());
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("the guard speaks"), "{said}");
        assert!(!said.contains("not left behind"), "{said}");
        // Not the status of a failed test: it has not unwound.
        assert_ne!(output.status.code(), Some(101), "{said}");
        assert!(!output.status.success());
    }
}
