//! Where the head is: the consumer's look at the state.

use super::cursor::{Cursor, Head};
use super::state::{Output, State};
use crate::unwind::Payload;

/// Where the head is.
pub(super) enum HeadState {
    Found(Head),
    /// A result that was given up has come.
    GivenUp(Option<Payload>),
    /// A worker has it.
    Taken,
    /// No thread has begun with it, nor has any item before it that was not delivered.
    Untaken,
}

impl<I: Iterator, T> State<I, T> {
    /// Finds the head, and makes the cursor's ring the one that it is in, or will be in.
    pub(super) fn locate_head(&mut self, cursor: &mut Cursor<T>) -> HeadState {
        let ended = self.input.end().is_some_and(|end| end <= cursor.head);
        let place = if self.unordered { self.locate_any(cursor) } else { self.locate_ordered(cursor, ended) };
        let is_over = match place {
            HeadState::Untaken => ended,
            // Without order, what is taken then was given up.
            HeadState::Taken => ended && self.unordered,
            _ => false,
        };
        if !is_over {
            return place;
        }
        HeadState::Found(match self.input.take_panic() {
            Some(payload) => Head::InputPanicked(payload),
            None => Head::End,
        })
    }

    fn locate_ordered(&mut self, cursor: &mut Cursor<T>, ended: bool) -> HeadState {
        self.put_given_up_away(cursor);
        loop {
            if let Some(ring) = cursor.ring.take() {
                if !self.result_rings.is_exhausted(&ring) {
                    let ready = !ring.is_empty();
                    cursor.ring = Some(ring);
                    return if ready { HeadState::Found(Head::Ready) } else { HeadState::Taken };
                }
                self.result_rings.give_back(ring);
            }
            if let Some((ring, left)) = cursor.late.take() {
                let exhausted = self.result_rings.is_exhausted(&ring);
                if !ring.is_empty() {
                    cursor.late = Some((ring, left));
                    return HeadState::GivenUp(None);
                }
                if exhausted {
                    self.result_rings.give_back(ring);
                } else if ended || self.reorder.reaches(cursor.head) || ring.left() as u64 <= left {
                    // Rings do not overlap, and no more can come than were given up: the head will not be in this one.
                    cursor.given_up.push(ring);
                } else {
                    cursor.late = Some((ring, left));
                    return HeadState::Taken;
                }
            }
            match self.reorder.take(cursor.head) {
                Some((first, Output::Ring(ring))) if first < cursor.head => {
                    cursor.late = Some((ring, cursor.head - first));
                }
                Some((first, Output::Panicked(payload))) if first < cursor.head => {
                    return HeadState::GivenUp(Some(payload));
                }
                Some((_, Output::Ring(ring))) => cursor.ring = Some(ring),
                Some((_, Output::Panicked(payload))) => {
                    return HeadState::Found(Head::Panicked(payload));
                }
                None => return HeadState::Untaken,
            }
        }
    }

    /// Any finished result will do. It counts as untaken while nobody has any item.
    fn locate_any(&mut self, cursor: &mut Cursor<T>) -> HeadState {
        loop {
            if let Some(ring) = cursor.ring.take() {
                let exhausted = self.result_rings.is_exhausted(&ring);
                if !ring.is_empty() {
                    cursor.ring = Some(ring);
                    return HeadState::Found(Head::Ready);
                }
                if exhausted {
                    self.result_rings.give_back(ring);
                } else {
                    self.reorder.insert(0, Output::Ring(ring));
                }
            }
            let rings = &self.result_rings;
            let moves = |output: &Output<T>| match output {
                Output::Ring(ring) => rings.is_closed(ring.id()) || !ring.is_empty(),
                Output::Panicked(_) => true,
            };
            match self.reorder.take_any(moves) {
                Some((index, output)) => {
                    cursor.index = index;
                    // Only single items are given up here, so the ring has no other.
                    let given_up = output.is_ready() && cursor.was_given_up(index);
                    match output {
                        Output::Ring(ring) if given_up => {
                            cursor.late = Some((ring, 1));
                            return HeadState::GivenUp(None);
                        }
                        Output::Ring(ring) => cursor.ring = Some(ring),
                        Output::Panicked(payload) if given_up => return HeadState::GivenUp(Some(payload)),
                        Output::Panicked(payload) => return HeadState::Found(Head::Panicked(payload)),
                    }
                }
                None if self.reorder.values().next().is_some() => return HeadState::Taken,
                None => return HeadState::Untaken,
            }
        }
    }

    /// Whether there may be more to find than at the last look.
    pub(super) fn has_news(&self, head: u64) -> bool {
        if !self.unordered {
            return self.reorder.reaches(head);
        }
        self.reorder.values().any(Output::is_ready)
    }

    fn put_given_up_away(&mut self, cursor: &mut Cursor<T>) {
        let (rings, given_up) = (&mut self.result_rings, &mut cursor.given_up);
        for ring in std::mem::take(given_up) {
            if rings.is_exhausted(&ring) {
                rings.give_back(ring);
            } else {
                given_up.push(ring);
            }
        }
    }
}
