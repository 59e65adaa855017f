//! P9: what is left in an imap that has lost its consumer, dropped one by one.
//!
//! The consumer drops what is there when it leaves, and each worker that comes back later does the same again, so nothing
//! waits for a job that is still queued somewhere. A ring whose sender may still push is kept in the state
//! until that is gone: then its worker comes, since it closes the ring before it comes to the lock for the last time.

use super::order::{Outputs, ring_or_drop};
use super::ring::Receiver;
use crate::unwind::{Payload, drop_each, drop_quietly};

pub(super) struct Leftovers<I: Iterator, T> {
    input: Option<Box<I>>,
    panic: Option<Payload>,
    items: Vec<Receiver<I::Item>>,
    told: Outputs<T>,
    rings: Vec<Receiver<T>>,
}

impl<I: Iterator, T> Leftovers<I, T> {
    pub(super) fn new(
        input: Option<Box<I>>,
        panic: Option<Payload>,
        items: Vec<Receiver<I::Item>>,
        told: Outputs<T>,
        rings: Vec<Receiver<T>>,
    ) -> Leftovers<I, T> {
        Leftovers { input, panic, items, told, rings }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.input.is_none()
            && self.panic.is_none()
            && self.items.is_empty()
            && self.told.is_empty()
            && self.rings.is_empty()
    }

    /// Drops every value, and gives the rings whose senders may still push. Not under the lock.
    pub(super) fn drop_each(self) -> Vec<Receiver<T>> {
        drop_quietly(self.input);
        drop_quietly(self.panic);
        drop_each(self.items);
        let mut rings = self.rings;
        rings.extend(self.told.into_iter().filter_map(|(_, output)| ring_or_drop(output)));
        rings.retain_mut(|ring| {
            let is_open = !ring.is_closed();
            ring.drop_values();
            is_open
        });
        rings
    }
}
