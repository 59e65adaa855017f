//! Where the consumer is in the order of results: what `next` touches for every item, and nothing with a lock.

use super::control::Control;
use super::ring::Receiver;
use crate::unwind::drop_quietly;
use std::sync::Arc;

/// Where the consumer is in the order of results. It is `pub` for the sealed [`Place`](super::super::place::Place) only.
pub struct Cursor<T> {
    /// The ring that the head is in, or will be in.
    ring: Option<Receiver<T>>,
    /// The index of the next result.
    head: u64,
    /// How many items were given up.
    skipped: u64,
    /// In place of `ring`: the ring that the head may be in, behind as many results that were given up.
    late: Option<(Receiver<T>, u64)>,
    /// Rings in which only results will come that were given up.
    given_up: Vec<Receiver<T>>,
    /// Without order: the item in `ring`, if it is alone there, and the items that were given up and still run.
    index: u64,
    given_up_items: Vec<u64>,
    /// How many items the consumer has run itself.
    ran: u64,
    control: Arc<Control>,
}

impl<T> Cursor<T> {
    pub(in crate::imap) fn new(control: Arc<Control>) -> Cursor<T> {
        Cursor {
            ring: None,
            head: 0,
            skipped: 0,
            late: None,
            given_up: Vec::new(),
            index: 0,
            given_up_items: Vec::new(),
            ran: 0,
            control,
        }
    }

    pub(in crate::imap) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// The index of the next result: how many items have been delivered or given up.
    pub(in crate::imap) fn head(&self) -> u64 {
        self.head
    }

    /// Without order: the item whose result was delivered last, if it was alone in its ring.
    pub(in crate::imap) fn index(&self) -> u64 {
        self.index
    }

    pub(super) fn set_index(&mut self, index: u64) {
        self.index = index;
    }

    /// How many items were given up.
    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many items the consumer has run itself.
    pub(super) fn ran(&self) -> u64 {
        self.ran
    }

    pub(super) fn count_run(&mut self) {
        self.ran += 1;
    }

    /// A caller asks for the head, so it has got everything before it. Returns whether a feeder waits for that.
    #[inline]
    pub(in crate::imap) fn deliver(&self) -> bool {
        self.control.deliver(self.head)
    }

    /// The head, if it is in the ring that the cursor looks at.
    #[inline]
    pub(in crate::imap) fn pop(&mut self) -> Option<T> {
        let value = self.ring.as_mut()?.pop();
        self.head += u64::from(value.is_some());
        value
    }

    /// The head has been delivered as a panic.
    pub(in crate::imap) fn pass(&mut self) {
        self.head += 1;
    }

    /// How many results can be seen in its ring.
    pub(super) fn ready_len(&self) -> u64 {
        self.ring.as_ref().map_or(0, |ring| ring.len() as u64)
    }

    /// The ring in which the head is looked for, if there is one already.
    pub(super) fn watched(&self) -> Option<&Receiver<T>> {
        self.ring.as_ref().or(self.late.as_ref().map(|(ring, _)| ring))
    }

    /// Whether a result can be seen there.
    pub(super) fn is_ready(&self) -> bool {
        self.watched().is_some_and(|ring| !ring.is_empty())
    }

    /// Whether there is a ring in which nothing but the head comes next.
    pub(super) fn has_ring(&self) -> bool {
        self.ring.is_some()
    }

    pub(super) fn take_ring(&mut self) -> Option<Receiver<T>> {
        self.ring.take()
    }

    pub(super) fn set_ring(&mut self, ring: Receiver<T>) {
        self.ring = Some(ring);
    }

    /// The ring that the head may be in, and how many results before it were given up.
    pub(super) fn take_late(&mut self) -> Option<(Receiver<T>, u64)> {
        self.late.take()
    }

    pub(super) fn set_late(&mut self, ring: Receiver<T>, given_up: u64) {
        self.late = Some((ring, given_up));
    }

    /// Only results that were given up will come in this ring.
    pub(super) fn set_aside(&mut self, ring: Receiver<T>) {
        self.given_up.push(ring);
    }

    pub(super) fn take_set_aside(&mut self) -> Vec<Receiver<T>> {
        std::mem::take(&mut self.given_up)
    }

    /// Whether a result that was given up may still come.
    pub(super) fn has_given_up(&self) -> bool {
        self.late.is_some() || !self.given_up.is_empty()
    }

    /// Goes on to the item behind the head, whose result is to be dropped when it comes.
    pub(in crate::imap) fn give_up(&mut self) {
        match (self.ring.take(), &mut self.late) {
            (Some(ring), late) => *late = Some((ring, 1)),
            (None, Some((_, given_up))) => *given_up += 1,
            (None, None) => {}
        }
        self.head += 1;
        self.skipped += 1;
    }

    /// Without order: as if this item had been delivered.
    pub(in crate::imap) fn give_up_item(&mut self, index: u64) {
        self.given_up_items.push(index);
        self.head += 1;
        self.skipped += 1;
    }

    /// Whether this item was given up; once.
    pub(super) fn was_given_up(&mut self, index: u64) -> bool {
        let at = self.given_up_items.iter().position(|item| *item == index);
        at.is_some_and(|at| self.given_up_items.swap_remove(at) == index)
    }

    /// Drops the results that were given up and have come. Not under the lock.
    pub(super) fn drop_given_up(&mut self) {
        for ring in &mut self.given_up {
            ring.drop_values();
        }
        if let Some((mut ring, mut left)) = self.late.take() {
            while left > 0
                && let Some(value) = ring.pop()
            {
                drop_quietly(value);
                left -= 1;
            }
            if left == 0 {
                self.ring = Some(ring);
            } else {
                self.late = Some((ring, left));
            }
        }
    }

    /// The rings that it holds.
    pub(super) fn take_rings(&mut self) -> Vec<Receiver<T>> {
        let mut rings = std::mem::take(&mut self.given_up);
        rings.extend(self.ring.take());
        rings.extend(self.late.take().map(|(ring, _)| ring));
        rings
    }
}
