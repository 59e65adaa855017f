//! What an imap knows of the imap around it, if it is used inside an item of another one on the same pool.
//!
//! An inner imap could call the pool's other threads. But if the imap around it has more items than threads to take them,
//! all of these are at work already; one more job would only wait, and be woken and sent to sleep again for each inner
//! imap. So the inner consumer looks here first, and does everything itself, with the input
//! [in hand](super::input::InHand), while the imap around it is busy. Rayon does the same by leaving what was split off to
//! idle threads.

use super::control::Control;
use crate::Executor;
use crate::executor::{PoolId, pool_id};
use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

/// The imap that a thread works for.
pub(crate) struct Nesting {
    pool: Option<PoolId>,
    control: Arc<Control>,
}

impl Nesting {
    pub(crate) fn new(executor: &dyn Executor, control: &Arc<Control>) -> Nesting {
        Nesting { pool: pool_id(executor), control: control.clone() }
    }
}

#[cfg(not(loom))]
thread_local! {
    static CURRENT: RefCell<Option<Nesting>> = const { RefCell::new(None) };
}
#[cfg(loom)]
loom::thread_local! {
    static CURRENT: RefCell<Option<Nesting>> = RefCell::new(None);
}

/// While it lives, its thread works for this imap. Then the one before is put back.
pub(crate) struct Within<'a> {
    other: &'a mut Option<Nesting>,
}

impl Within<'_> {
    pub(crate) fn enter(nesting: &mut Option<Nesting>) -> Within<'_> {
        swap(nesting);
        Within { other: nesting }
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        swap(self.other);
    }
}

/// A thread that is ending has lost its thread-locals, and works for none.
fn swap(nesting: &mut Option<Nesting>) {
    let _ = CURRENT.try_with(|current| mem::swap(&mut *current.borrow_mut(), nesting));
}

/// Whether this thread works for an imap on the same pool, and no other thread of that pool is free: there is none, or
/// the imap has enough for all of them.
pub(super) fn outer_is_saturated(executor: &dyn Executor, threads: usize) -> bool {
    let is_better = |nesting: &Nesting| {
        nesting.pool.is_some()
            && nesting.pool == pool_id(executor)
            && (threads == 1 || nesting.control.is_busy())
    };
    CURRENT.try_with(|nesting| nesting.borrow().as_ref().is_some_and(is_better)).unwrap_or(false)
}
