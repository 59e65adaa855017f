//! What an imap knows of the imap around it, if it is used inside an item of another one on the same pool.
//!
//! An inner imap could call the pool's other threads. But if the imap around it has more items than threads to take them,
//! all of these are at work already; one more job would only wait, and be woken and sent to sleep again for each inner
//! imap. So the inner consumer looks here first, and does everything itself, with the input
//! [in hand](super::input::InHand), while the imap around it is busy. Rayon does the same by leaving what was split off to
//! idle threads.

use super::control::{Control, Item};
use crate::Executor;
use crate::executor::{PoolId, pool_id};
use std::cell::{Cell, RefCell};
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
    static INDEX: Cell<u64> = const { Cell::new(NO_ITEM) };
}
#[cfg(loom)]
loom::thread_local! {
    static CURRENT: RefCell<Option<Nesting>> = RefCell::new(None);
    static INDEX: Cell<u64> = Cell::new(NO_ITEM);
}

/// The thread is not in an item.
const NO_ITEM: u64 = u64::MAX;

/// The thread begins with the item that has this index, of the imap that it works for.
#[inline(always)]
pub(crate) fn enter_item(index: u64) {
    let _ = INDEX.try_with(|current| current.set(index));
}

/// The thread is in no item.
pub(super) fn leave_item() {
    enter_item(NO_ITEM);
}

/// The index of the item that this thread is in.
pub fn item_index() -> Option<u64> {
    INDEX.try_with(Cell::get).ok().filter(|&index| index != NO_ITEM)
}

/// Whether this item of the imap that the thread works for is not wanted any more.
pub fn item_is_unwanted(index: u64) -> bool {
    let asks = |current: &RefCell<Option<Nesting>>| {
        current.borrow().as_ref().is_some_and(|nesting| nesting.control.is_unwanted(index))
    };
    CURRENT.try_with(asks).unwrap_or(false)
}

/// The item that this thread is in.
pub(super) fn current_item() -> Option<Item> {
    let index = item_index()?;
    let item = |nesting: &Nesting| (nesting.control.clone(), index);
    CURRENT.try_with(|current| current.borrow().as_ref().map(item)).ok()?
}

/// Whether this thread is in this item.
pub(super) fn is_in((control, index): &Item) -> bool {
    let is_it = |nesting: &Nesting| Arc::ptr_eq(&nesting.control, control);
    item_index() == Some(*index)
        && CURRENT.try_with(|current| current.borrow().as_ref().is_some_and(is_it)).unwrap_or(false)
}

/// While it lives, its thread works for this imap. Then the one before is put back.
pub(crate) struct Within<'a> {
    other: &'a mut Option<Nesting>,
    index: u64,
}

impl Within<'_> {
    pub(crate) fn enter(nesting: &mut Option<Nesting>) -> Within<'_> {
        swap(nesting);
        let index = item_index().unwrap_or(NO_ITEM);
        leave_item();
        Within { other: nesting, index }
    }
}

impl Drop for Within<'_> {
    fn drop(&mut self) {
        swap(self.other);
        enter_item(self.index);
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
