//! Results as they come.
//!
//! Rings take turns: one is emptied before the next is looked at. Only single items are given up, so no ring has one.

use super::output::{Entries, Output, Outputs, Run, ring_ends};
use std::collections::{HashSet, VecDeque};

pub(super) struct AsReady<T> {
    /// Results and panics of single items.
    entries: Entries<T>,
    rings: VecDeque<Run<T>>,
    /// Items that were given up, whose results have not come.
    given_up: HashSet<u64>,
}

impl<T> AsReady<T> {
    pub(super) fn new() -> AsReady<T> {
        AsReady { entries: VecDeque::new(), rings: VecDeque::new(), given_up: HashSet::new() }
    }

    /// Gives back what was given up.
    pub(super) fn insert(&mut self, index: u64, output: Output<T>) -> Option<Output<T>> {
        match output {
            Output::Ring(ring, most) => self.rings.push_back(Run::new(index, most, ring)),
            unwanted if self.given_up.remove(&index) => return Some(unwanted),
            single => self.entries.push_back((index, single)),
        }
        None
    }

    /// Makes a ring that has results the current one, if nothing else is there.
    pub(super) fn find(&mut self, current: &mut Option<Run<T>>) -> u64 {
        if current.as_ref().is_some_and(|run| !run.ring.is_empty()) {
            return 0;
        }
        self.rings.extend(current.take().filter(|run| !run.is_exhausted()));
        for _ in 0..if self.entries.is_empty() { self.rings.len() } else { 0 } {
            match self.rings.pop_front() {
                Some(run) if !run.ring.is_empty() => {
                    *current = Some(run);
                    break;
                }
                run => self.rings.extend(run.filter(|run| !run.is_exhausted())),
            }
        }
        0
    }

    pub(super) fn is_ready(&self) -> bool {
        !self.entries.is_empty() || self.rings.iter().any(|run| !run.ring.is_empty())
    }

    pub(super) fn runs(&self) -> &VecDeque<Run<T>> {
        &self.rings
    }

    pub(super) fn entries(&mut self) -> &mut Entries<T> {
        &mut self.entries
    }

    pub(super) fn give_up(&mut self, index: u64) {
        self.given_up.insert(index);
    }

    pub(super) fn ready_len(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.rings.iter().map(|run| run.ring.len()).sum())
    }

    pub(super) fn ring_ends(&self) -> Vec<u64> {
        ring_ends(&self.entries, self.rings.iter())
    }

    pub(super) fn drain(&mut self) -> (Outputs<T>, Vec<Run<T>>) {
        (std::mem::take(&mut self.entries).into(), std::mem::take(&mut self.rings).into())
    }
}
