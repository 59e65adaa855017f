//! The pool of a scenario.

use super::values::Ledger;
use crate::subject::AnyPool;
use pool_core::Budget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The pool, and what all that use it share.
#[derive(Clone)]
pub(super) struct Pool {
    pub pool: Arc<AnyPool>,
    pub threads: usize,
    pub ledger: Ledger,
    pub terminated: Arc<AtomicBool>,
    pub budget: Option<Budget>,
}

/// Drops what may panic when it is dropped.
pub(super) fn drop_quietly<T>(value: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
}
