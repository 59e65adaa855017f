//! Whether a thread is inside a job of ours, and what it has to look for when that ends.

use crate::pool::Handle;
use std::cell::RefCell;

thread_local! {
    /// Inside a job: the pools of which something came up that must not run on top of it.
    static INSIDE: RefCell<Option<Vec<Handle>>> = const { RefCell::new(None) };
}

/// If the current thread is inside a job, makes it look for jobs of this pool afterwards. Returns whether it is.
pub(crate) fn note(pool: &Handle) -> bool {
    INSIDE.with_borrow_mut(|inside| {
        let Some(met) = inside else { return false };
        if !met.iter().any(|known| known.is_same(pool)) {
            met.push(pool.clone());
        }
        true
    })
}

/// The thread is inside a job from [`enter`](Nested::enter) to [`leave`](Nested::leave).
pub(crate) struct Nested(());

impl Nested {
    pub(crate) fn enter() -> Nested {
        let before = INSIDE.replace(Some(Vec::new()));
        debug_assert!(before.is_none(), "a job on top of another");
        Nested(())
    }

    /// The pools that the thread must look at now.
    pub(crate) fn leave(self) -> Vec<Handle> {
        INSIDE.take().unwrap_or_default()
    }
}
