//! P9: what is left in an imap that has lost its consumer, dropped one by one.
//!
//! The consumer drops what is there when it leaves, and each worker that comes back later does the same again, so nothing
//! waits for a job that is still queued somewhere. A ring whose sender may still push is kept in the state
//! until that is gone: then its worker comes, since it closes the ring before it comes to the lock for the last time.

use super::function::Clear;
use super::order::{Outputs, ring_or_drop};
use super::ring::Receiver;
use super::shared::Shared;
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

    fn is_empty(&self) -> bool {
        self.input.is_none() && self.items.is_empty() && self.told.is_empty() && self.rings.is_empty()
    }

    /// Drops every value, and gives the rings whose senders may still push. Not under the lock.
    fn drop_each(self) -> Vec<Receiver<T>> {
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

impl<I: Iterator, F: Clear, T> Shared<I, F, T> {
    /// Ends the imap for a consumer that leaves these rings. Nothing is kept.
    pub(super) fn consumer_gone(&self, rings: Vec<Receiver<T>>) {
        self.locked(|state| state.consumer_gone(rings));
        self.clear();
        #[cfg(feature = "stream")]
        self.control().parker().set_task(None);
        if let Some(lease) = self.lease() {
            lease.close();
        }
    }

    /// Drops everything that no thread will come for.
    pub(super) fn clear(&self) {
        let mut left = self.locked(|state| state.take_leftovers(Vec::new(), true));
        while !left.is_empty() {
            let open = left.drop_each();
            left = self.locked(|state| state.take_leftovers(open, false));
        }
        self.function().clear();
    }
}
