//! What workers tell the consumer of their items, and the rings that it has been told of.

use super::super::ring::Receiver;
use crate::unwind::{Payload, drop_quietly};
use std::collections::VecDeque;
use std::time::Instant;

/// What a worker tells the consumer, from the index of the item on.
pub(in crate::imap::engine) enum Output<T> {
    /// The item has begun: told only where items have a limit.
    Began(Instant),
    /// The results of at most this many items will come here, one by one.
    Ring(Receiver<T>, usize),
    /// The item's result.
    Value(T),
    /// The item has panicked.
    Panicked(Payload),
    /// The input has panicked. That comes last.
    InputPanicked(Payload),
}

impl<T> Output<T> {
    /// How many results can be seen in it; a panic is one.
    pub(in crate::imap::engine) fn ready_len(&self) -> u64 {
        match self {
            Output::Began(_) => 0,
            Output::Ring(ring, _) => ring.len(),
            Output::Value(_) | Output::Panicked(_) | Output::InputPanicked(_) => 1,
        }
    }

    /// Of a ring, the index behind the last result that can be seen in it; `first` is that of its first one.
    pub(in crate::imap::engine) fn ring_end(&self, first: u64) -> Option<u64> {
        if let Output::Ring(ring, _) = self { Some(first + ring.len()) } else { None }
    }
}

/// A list of what was told.
pub(in crate::imap::engine) type Outputs<T> = Vec<(u64, Output<T>)>;

/// A ring, and the indices of the results that may still come in it.
pub(super) struct Run<T> {
    pub(super) next: u64,
    pub(super) end: u64,
    pub(super) ring: Receiver<T>,
}

impl<T> Run<T> {
    pub(super) fn new(first: u64, most: usize, ring: Receiver<T>) -> Run<T> {
        Run { next: first, end: first + most as u64, ring }
    }

    /// The index behind the last result that can be seen.
    pub(super) fn visible_end(&self) -> u64 {
        self.next + self.ring.len()
    }

    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<T> {
        let value = self.ring.pop();
        self.next += u64::from(value.is_some());
        value
    }

    /// Drops results before this index, as far as they are there. Returns how many.
    pub(super) fn skip_to(&mut self, index: u64) -> u64 {
        let before = self.next;
        while self.next < index
            && let Some(value) = self.pop()
        {
            drop_quietly(value);
        }
        self.next - before
    }

    /// A sender that has pushed its last value may be switched out before it is gone, and what is behind must not wait
    /// for that.
    pub(super) fn is_exhausted(&self) -> bool {
        self.next == self.end || self.ring.is_exhausted()
    }
}

/// What was told, where the next is at the front.
pub(super) type Entries<T> = VecDeque<(u64, Output<T>)>;

/// For each ring, the index behind the last result that can be seen in it.
pub(super) fn ring_ends<'a, T: 'a>(entries: &Entries<T>, runs: impl Iterator<Item = &'a Run<T>>) -> Vec<u64> {
    let in_entries = entries.iter().filter_map(|(first, output)| output.ring_end(*first));
    in_entries.chain(runs.map(Run::visible_end)).collect()
}

/// Drops what is no ring.
pub(in crate::imap::engine) fn ring_or_drop<T>(output: Output<T>) -> Option<Receiver<T>> {
    match output {
        Output::Ring(ring, _) => Some(ring),
        other => {
            drop_quietly(other);
            None
        }
    }
}
