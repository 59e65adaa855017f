//! Results in the order of the input.
//!
//! Entries are sorted by the index of their first item. An entry covers the items from there up to the next entry, so a
//! ring that turns out shorter than it began, since an item panicked or the rest was handed back, needs no correction. So
//! the head, if its result has been told, is in the last entry that begins at it or before it. Rings before that one can
//! only bring what was given up.

use super::output::{Entries, Output, Outputs, Run, ring_ends};
use std::collections::VecDeque;

pub(super) struct ByIndex<T> {
    /// What begins behind the current ring. The results in it are not before the head.
    entries: Entries<T>,
    /// Rings that begin before the head, the last of which covers it: only where something was given up.
    late: Vec<Run<T>>,
}

impl<T> ByIndex<T> {
    pub(super) fn new() -> ByIndex<T> {
        ByIndex { entries: VecDeque::new(), late: Vec::new() }
    }

    /// Adds what was told, nearly always at the end. Gives it back if the item was given up.
    pub(super) fn insert(&mut self, index: u64, output: Output<T>, head: u64) -> Option<Output<T>> {
        if index < head && !matches!(output, Output::Ring(..)) {
            return Some(output);
        }
        let at = match self.entries.back() {
            Some(last) if last.0 > index => self.entries.partition_point(|entry| entry.0 <= index),
            _ => self.entries.len(),
        };
        self.entries.insert(at, (index, output));
        None
    }

    /// Makes the ring that the head is in, or will be in, the current one. Returns how many results have come that were
    /// given up.
    pub(super) fn find(&mut self, current: &mut Option<Run<T>>, head: u64) -> u64 {
        if current.as_ref().is_some_and(Run::is_exhausted) {
            *current = None;
        }
        let mut given_up = self.drop_late(head);
        while current.is_none() {
            *current = self.late.pop_if(|run| run.next == head);
            let next = if current.is_none() { self.pop_ring(head) } else { None };
            let Some(run) = next else { break };
            // Sorted, like the entries: one that goes on behind a panic may begin before others that are here.
            let at = self.late.partition_point(|late| late.next <= run.next);
            self.late.insert(at, run);
            given_up += self.drop_late(head);
        }
        given_up
    }

    /// The next ring, if it begins at the head or before it.
    fn pop_ring(&mut self, head: u64) -> Option<Run<T>> {
        let Some((first, Output::Ring(..))) = self.entries.front() else { return None };
        if *first > head {
            return None;
        }
        match self.entries.pop_front() {
            Some((first, Output::Ring(ring, most))) => Some(Run::new(first, most, ring)),
            _ => None,
        }
    }

    /// Drops what was given up and has come.
    fn drop_late(&mut self, head: u64) -> u64 {
        let mut given_up = 0;
        self.late.retain_mut(|run| {
            given_up += run.skip_to(head);
            !run.is_exhausted()
        });
        given_up
    }

    /// The head was given up: its ring is no longer the current one.
    pub(super) fn put_back(&mut self, current: Option<Run<T>>) {
        self.late.extend(current);
    }

    /// The ring that covers the head, if results come in it first that were given up.
    pub(super) fn covering(&self) -> Option<&Run<T>> {
        self.late.last()
    }

    /// How many jobs can only be in items that were given up, of which `missing` have not come. Rather too few than too
    /// many: a ring that may bring the head is not counted, and a chunk is one job.
    pub(super) fn given_up_jobs(&self, missing: u64, head: u64) -> u64 {
        let in_rings = self.late.iter().map(|run| run.end.min(head).saturating_sub(run.next));
        let rings = self.late.iter().filter(|run| run.end <= head).count() as u64;
        missing.saturating_sub(in_rings.sum()) + rings
    }

    pub(super) fn is_ready(&self, head: u64) -> bool {
        let is_here = matches!(self.entries.front(), Some((first, _)) if *first == head);
        is_here || self.covering().is_some_and(|run| run.visible_end() > head)
    }

    pub(super) fn entries(&mut self) -> &mut Entries<T> {
        &mut self.entries
    }

    pub(super) fn ready_len(&self) -> (u64, u64) {
        let entries = self.entries.iter().map(|(_, output)| output.ready_len());
        (entries.sum(), self.late.iter().map(|run| run.ring.len()).sum())
    }

    pub(super) fn ring_ends(&self) -> Vec<u64> {
        ring_ends(&self.entries, self.late.iter())
    }

    pub(super) fn drain(&mut self) -> (Outputs<T>, Vec<Run<T>>) {
        (std::mem::take(&mut self.entries).into(), std::mem::take(&mut self.late))
    }
}
