//! P1, P6: the results that are there or will come, and where among them the head is.
//!
//! **Promise.** The consumer is given the result of the head and no other, or its panic; without order, any result once.
//!
//! Each chunk that a worker begins has a ring here, entered in [`Reorder`] by the index of its first item *before* its
//! first item begins. A panic is entered by its index, and the results behind it come in another ring. So the entry with
//! the smallest index has the head, if that has begun.

use super::cursor::Cursor;
use super::reorder::Reorder;
use super::ring::{Flags, Receiver, Rings, Sender};
use crate::sync::fence;
use crate::unwind::Payload;
use std::sync::Arc;

/// What the consumer finds at an index.
pub(super) enum Output<T> {
    Ring(Receiver<T>),
    Panicked(Payload),
}

impl<T> Output<T> {
    /// Whether there is something to deliver.
    fn is_ready(&self) -> bool {
        match self {
            Output::Ring(ring) => !ring.is_empty(),
            Output::Panicked(_) => true,
        }
    }
}

/// Where the head is.
pub(super) enum HeadState {
    /// In the cursor's ring, and finished.
    Ready,
    /// It panicked.
    Panicked(Payload),
    /// A result that was given up has come.
    GivenUp(Option<Payload>),
    /// A worker has it.
    Taken,
    /// No thread has begun with it, nor with any item before it that was not delivered.
    Untaken,
}

pub(super) struct Outputs<T> {
    reorder: Reorder<Output<T>>,
    rings: Rings<T>,
    /// Any result will do.
    unordered: bool,
}

impl<T> Outputs<T> {
    pub(super) fn new(flags: Arc<Flags>) -> Outputs<T> {
        Outputs { reorder: Reorder::new(), rings: Rings::new(flags), unordered: false }
    }

    pub(super) fn set_unordered(&mut self, unordered: bool) {
        self.unordered = unordered;
    }

    pub(super) fn is_unordered(&self) -> bool {
        self.unordered
    }

    /// Opens a ring for results from this index on. A consumer that has registered for `waits_for` is to be told.
    pub(super) fn open(
        &mut self,
        first: u64,
        most: usize,
        fenced: bool,
        waits_for: Option<u64>,
    ) -> Sender<T> {
        let (sender, receiver) = self.rings.open(most, fenced);
        if waits_for.is_some_and(|head| self.unordered || head == first) {
            receiver.set_waiting();
        }
        self.reorder.insert(first, Output::Ring(receiver));
        sender
    }

    /// A ring for a consumer that works inline. It is not entered, since the cursor gets it.
    pub(super) fn open_inline(&mut self) -> (Sender<T>, Receiver<T>) {
        // Without a fence: both ends are on the consumer's thread, which does not sleep meanwhile.
        let (sender, receiver) = self.rings.open(1, false);
        (sender, receiver.without_limit())
    }

    /// A worker has pushed its last result.
    pub(super) fn close(&mut self, sender: Sender<T>) {
        self.rings.close(sender);
    }

    /// The consumer has done with a ring.
    pub(super) fn give_back(&mut self, ring: Receiver<T>) {
        self.rings.give_back(ring);
    }

    pub(super) fn insert_panic(&mut self, index: u64, payload: Payload) {
        self.reorder.insert(index, Output::Panicked(payload));
    }

    /// Finds the head, and makes the cursor's ring the one that it is in, or will be in. `ended` says that no item is
    /// left from the head on.
    pub(super) fn locate_head(&mut self, cursor: &mut Cursor<T>, ended: bool) -> HeadState {
        if self.unordered { self.locate_any(cursor) } else { self.locate_ordered(cursor, ended) }
    }

    fn locate_ordered(&mut self, cursor: &mut Cursor<T>, ended: bool) -> HeadState {
        self.put_given_up_away(cursor);
        loop {
            if let Some(ring) = cursor.take_ring() {
                if !self.rings.is_exhausted(&ring) {
                    let ready = !ring.is_empty();
                    cursor.set_ring(ring);
                    return if ready { HeadState::Ready } else { HeadState::Taken };
                }
                self.rings.give_back(ring);
            }
            if let Some((ring, left)) = cursor.take_late() {
                let exhausted = self.rings.is_exhausted(&ring);
                if !ring.is_empty() {
                    cursor.set_late(ring, left);
                    return HeadState::GivenUp(None);
                }
                if exhausted {
                    self.rings.give_back(ring);
                } else if ended || self.reorder.reaches(cursor.head()) || ring.left() as u64 <= left {
                    // Rings do not overlap, and no more can come than were given up: the head will not be in this one.
                    cursor.set_aside(ring);
                } else {
                    cursor.set_late(ring, left);
                    return HeadState::Taken;
                }
            }
            match self.reorder.take(cursor.head()) {
                Some((first, Output::Ring(ring))) if first < cursor.head() => {
                    cursor.set_late(ring, cursor.head() - first);
                }
                Some((first, Output::Panicked(payload))) if first < cursor.head() => {
                    return HeadState::GivenUp(Some(payload));
                }
                Some((_, Output::Ring(ring))) => cursor.set_ring(ring),
                Some((_, Output::Panicked(payload))) => return HeadState::Panicked(payload),
                None => return HeadState::Untaken,
            }
        }
    }

    /// Any finished result will do. It counts as untaken while no thread has any item.
    fn locate_any(&mut self, cursor: &mut Cursor<T>) -> HeadState {
        loop {
            if let Some(ring) = cursor.take_ring() {
                let exhausted = self.rings.is_exhausted(&ring);
                if !ring.is_empty() {
                    cursor.set_ring(ring);
                    return HeadState::Ready;
                }
                if exhausted {
                    self.rings.give_back(ring);
                } else {
                    self.reorder.insert(0, Output::Ring(ring));
                }
            }
            let rings = &self.rings;
            let moves = |output: &Output<T>| match output {
                Output::Ring(ring) => rings.is_closed(ring.id()) || !ring.is_empty(),
                Output::Panicked(_) => true,
            };
            match self.reorder.take_any(moves) {
                Some((index, output)) => {
                    cursor.set_index(index);
                    // Only single items are given up here, so the ring has no other.
                    let given_up = output.is_ready() && cursor.was_given_up(index);
                    match output {
                        Output::Ring(ring) if given_up => {
                            cursor.set_late(ring, 1);
                            return HeadState::GivenUp(None);
                        }
                        Output::Ring(ring) => cursor.set_ring(ring),
                        Output::Panicked(payload) if given_up => return HeadState::GivenUp(Some(payload)),
                        Output::Panicked(payload) => return HeadState::Panicked(payload),
                    }
                }
                None if self.reorder.values().next().is_some() => return HeadState::Taken,
                None => return HeadState::Untaken,
            }
        }
    }

    fn put_given_up_away(&mut self, cursor: &mut Cursor<T>) {
        for ring in cursor.take_set_aside() {
            if self.rings.is_exhausted(&ring) {
                self.rings.give_back(ring);
            } else {
                cursor.set_aside(ring);
            }
        }
    }

    /// Sets the flag of each ring that the head may come from, and looks once more. Returns whether the head is there,
    /// and whether a push that is not seen here will see the flag.
    pub(super) fn register(&self, cursor: &Cursor<T>) -> (bool, bool) {
        let own = cursor.watched();
        let others = self.reorder.values().filter_map(|output| match output {
            Output::Ring(ring) if self.unordered => Some(ring),
            _ => None,
        });
        let rings = || own.into_iter().chain(others.clone());
        rings().for_each(|ring| ring.set_waiting());
        // One fence serves all.
        let sure = fence::heavy(rings().all(|ring| ring.is_fenced()));
        let panicked =
            self.unordered && self.reorder.values().any(|output| matches!(output, Output::Panicked(_)));
        (panicked || rings().any(|ring| !ring.is_empty()), sure)
    }

    /// Whether there may be more to find than at the last look.
    pub(super) fn has_news(&self, head: u64) -> bool {
        if self.unordered { self.reorder.values().any(Output::is_ready) } else { self.reorder.reaches(head) }
    }

    /// Whether a result is finished behind the head. Without a ring in the cursor, the first entry is the head's.
    pub(super) fn is_blocked(&self, cursor: &Cursor<T>) -> bool {
        self.reorder.values().skip(usize::from(!cursor.has_ring())).any(Output::is_ready)
    }

    /// How many results and panics are finished.
    pub(super) fn ready_len(&self) -> u64 {
        let ready = |output: &Output<T>| match output {
            Output::Ring(ring) => ring.len() as u64,
            Output::Panicked(_) => 1,
        };
        self.reorder.values().map(ready).sum()
    }

    /// Takes every output out, and the rings that are in no thread's hands.
    pub(super) fn take_all(&mut self) -> (Vec<Output<T>>, Vec<Receiver<T>>) {
        let outputs = self.reorder.take_all().into_iter().map(|(_, output)| output).collect();
        (outputs, self.rings.take_unused())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::control::Control;
    use super::*;

    fn outputs() -> (Outputs<u64>, Cursor<u64>) {
        let control = Arc::new(Control::new());
        (Outputs::new(control.flags().clone()), Cursor::new(control))
    }

    #[test]
    fn p1_the_head_is_found_where_its_chunk_is_although_later_ones_are_ready() {
        let (mut outputs, mut cursor) = outputs();
        let mut second = outputs.open(2, 2, true, None);
        second.push(2);
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Untaken));
        let mut first = outputs.open(0, 2, true, None);
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Taken));
        first.push(0);
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Ready));
        assert_eq!(cursor.pop(), Some(0));
        // The first chunk ends early, as by a panic of its second item.
        outputs.close(first);
        outputs.insert_panic(1, Box::new("one"));
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Panicked(_)));
        cursor.pass();
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Ready));
        assert_eq!(cursor.pop(), Some(2));
    }

    #[test]
    fn p5_the_ring_of_the_head_is_opened_with_its_flag() {
        let (mut outputs, _) = outputs();
        assert!(!outputs.open(3, 1, true, Some(4)).push(3));
        assert!(outputs.open(4, 1, true, Some(4)).push(4));
        outputs.set_unordered(true);
        assert!(outputs.open(9, 1, true, Some(4)).push(9), "any result is as good as the head");
    }

    #[test]
    fn p5_a_consumer_that_registers_sees_what_is_there() {
        let (mut outputs, mut cursor) = outputs();
        let mut sender = outputs.open(0, 2, true, None);
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Taken));
        assert_eq!(outputs.register(&cursor), (false, true));
        assert!(sender.push(0), "the push sees the flag");
        assert_eq!(outputs.register(&cursor), (true, true));
    }

    #[test]
    fn p10_what_was_given_up_is_told_from_the_head() {
        let (mut outputs, mut cursor) = outputs();
        let mut sender = outputs.open(0, 2, true, None);
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Taken));
        cursor.give_up();
        sender.push(0);
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::GivenUp(None)));
        cursor.drop_given_up();
        sender.push(1);
        assert!(matches!(outputs.locate_head(&mut cursor, false), HeadState::Ready));
        assert_eq!((cursor.pop(), cursor.head()), (Some(1), 2));
    }
}
