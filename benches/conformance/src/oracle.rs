//! The boring sequential code that everything is compared with.

use pool_core::Panic;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// The outcome of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A result.
    Value(u64),
    /// A panic on purpose, of the item with this number.
    Panicked(u64),
}

/// The payload of a panic on purpose. It is not a string, so tests see that it is handed on unchanged.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct OnPurpose(pub u64);

/// Panics with [`OnPurpose`]. The panic hook says nothing about it.
pub fn panic_on_purpose(item: u64) -> ! {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !info.payload().is::<OnPurpose>() {
                loud(info);
            }
        }));
    });
    std::panic::panic_any(OnPurpose(item))
}

/// The results of `items.map(f)`, one after the other on this thread, with panics caught.
pub fn sequential<I>(items: impl IntoIterator<Item = I>, f: impl Fn(I) -> u64) -> Vec<Outcome> {
    items.into_iter().map(|item| outcome(catch_unwind(AssertUnwindSafe(|| f(item))))).collect()
}

/// What an `imap` with `catch_panics` gave.
pub fn caught(results: impl IntoIterator<Item = Result<u64, Panic>>) -> Vec<Outcome> {
    results.into_iter().map(|result| outcome(result.map_err(Panic::into_payload))).collect()
}

fn outcome(result: std::thread::Result<u64>) -> Outcome {
    match result {
        Ok(value) => Outcome::Value(value),
        Err(payload) => match payload.downcast::<OnPurpose>() {
            Ok(on_purpose) => Outcome::Panicked(on_purpose.0),
            Err(payload) => std::panic::resume_unwind(payload),
        },
    }
}

/// Panics if the two differ, and says where they first do.
///
/// # Panics
///
/// If they differ.
#[track_caller]
pub fn assert_same(expected: &[Outcome], got: &[Outcome]) {
    let differ = expected.iter().zip(got).position(|(a, b)| a != b);
    if let Some(at) = differ {
        panic!("result {at} is {:?} and should be {:?}", got[at], expected[at]);
    }
    assert_eq!(expected.len(), got.len(), "the number of results differs");
}
