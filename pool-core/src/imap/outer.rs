//! What a line knows of the line around it, if it is used inside an item of another one on the same pool.
//!
//! An inner line could call the pool's other threads. But if the outer line has more items than threads to take
//! them, all of these are at work already, or have made room for a consumer that helps; one more thread would
//! only take turns with them, and be woken and sent to sleep again for each inner line. So the inner consumer
//! looks here first, and goes [alone](super::alone) while the outer line is busy. Rayon does the same by leaving
//! what was split off to idle threads.

use super::line::Gauge;
use crate::Executor;
use crate::executor::pool_id;
use crate::sync::Stamp;
use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

/// The line that a thread works for.
pub(crate) struct Outer {
    pool: Option<usize>,
    gauge: Arc<Gauge>,
}

impl Outer {
    pub(crate) fn new(executor: &dyn Executor, gauge: &Arc<Gauge>) -> Outer {
        Outer { pool: pool_id(executor), gauge: gauge.clone() }
    }
}

#[cfg(not(loom))]
thread_local! {
    static OUTER: RefCell<Option<Outer>> = const { RefCell::new(None) };
}
#[cfg(loom)]
loom::thread_local! {
    static OUTER: RefCell<Option<Outer>> = RefCell::new(None);
}

/// While it lives, its thread works for this line. Then the line before is put back.
pub(crate) struct Within<'a> {
    other: &'a mut Option<Outer>,
}

impl Within<'_> {
    pub(crate) fn enter(outer: &mut Option<Outer>) -> Within<'_> {
        swap(outer);
        Within { other: outer }
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        swap(self.other);
    }
}

/// A thread that is ending has lost its thread-locals, and works for nobody.
fn swap(outer: &mut Option<Outer>) {
    let _ = OUTER.try_with(|current| mem::swap(&mut *current.borrow_mut(), outer));
}

/// Whether this thread works for a line on the same pool that has enough for all threads.
pub(crate) fn is_busy(executor: &dyn Executor) -> bool {
    let busy = |outer: &Outer| {
        outer.pool.is_some() && outer.pool == pool_id(executor) && outer.gauge.is_busy(Stamp::now())
    };
    OUTER.try_with(|outer| outer.borrow().as_ref().is_some_and(busy)).unwrap_or(false)
}
