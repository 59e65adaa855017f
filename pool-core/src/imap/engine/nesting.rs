//! What an imap knows of the imap around it, if it is used inside an item of another one on the same pool.
//!
//! An inner imap could call the pool's other threads. But if the outer one has more items than threads to take them,
//! all of these are at work already; one more job would only wait, and be woken and sent to sleep again for each inner
//! imap. So the inner consumer looks here first, and works [inline](super::inline) while the outer imap is busy. Rayon
//! does the same by leaving what was split off to idle threads.

use super::control::Control;
use crate::Executor;
use crate::executor::pool_id;
use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

/// The imap that a thread works for.
pub(crate) struct Outer {
    pool: Option<usize>,
    control: Arc<Control>,
}

impl Outer {
    pub(crate) fn new(executor: &dyn Executor, control: &Arc<Control>) -> Outer {
        Outer { pool: pool_id(executor), control: control.clone() }
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

/// While it lives, its thread works for this imap. Then the one before is put back.
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

/// A thread that is ending has lost its thread-locals, and works for none.
fn swap(outer: &mut Option<Outer>) {
    let _ = OUTER.try_with(|current| mem::swap(&mut *current.borrow_mut(), outer));
}

/// Whether this thread works for an imap on the same pool, and no other thread of that pool is free: there is none, or
/// the imap has enough for all of them.
pub(super) fn is_alone(executor: &dyn Executor, threads: usize) -> bool {
    let is_alone = |outer: &Outer| {
        outer.pool.is_some() && outer.pool == pool_id(executor) && (threads == 1 || outer.control.is_busy())
    };
    OUTER.try_with(|outer| outer.borrow().as_ref().is_some_and(is_alone)).unwrap_or(false)
}
