//! A contender in a list, whose type is not known: what is known of it, how to make it ready, and what it runs then.

use crate::contender::{Contender, Settings, Traits};
use crate::facts::Facts;
use crate::workloads::{Span, Workload};
use std::fmt;
use std::time::Duration;

/// A contender in a list: what is known of it, and how to make it ready.
pub struct Entry {
    /// What is known without running it.
    pub traits: Traits,
    make: Box<dyn Fn(Settings) -> Box<dyn Run>>,
}

impl Entry {
    /// An entry in a list of contenders.
    pub fn new<C: Contender>(traits: Traits, make: impl Fn(Settings) -> C + 'static) -> Entry {
        Entry { traits, make: Box::new(move |settings| Box::new(make(settings))) }
    }

    /// Makes the contender ready: starts its threads, unless each call does so.
    pub fn ready(&self, settings: Settings) -> Box<dyn Run> {
        (self.make)(settings)
    }

    /// Whether it can run a workload at all.
    pub fn takes(&self, workload: &Workload) -> bool {
        let Traits { live, nests, .. } = self.traits;
        (live || !workload.needs_live()) && (nests || !workload.needs_nesting())
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("traits", &self.traits).finish_non_exhaustive()
    }
}

/// What can be asked of any contender that is ready.
pub trait Run {
    /// Runs a workload and gives its checksum; `None` if it cannot.
    fn run(&self, workload: &Workload, items: u64) -> Option<u64>;

    /// How long after an item there is its result, for items that come one at a time, so far apart.
    fn latencies(&self, items: u64, gap: Duration) -> Vec<Duration>;

    /// Which thread ran which item when.
    fn spans(&self, workload: &Workload, items: u64) -> Vec<Span>;

    /// What an experiment finds.
    fn facts(&self) -> Facts;
}

impl<C: Contender> Run for C {
    fn run(&self, workload: &Workload, items: u64) -> Option<u64> {
        workload.run(self, items)
    }

    fn latencies(&self, items: u64, gap: Duration) -> Vec<Duration> {
        crate::workloads::latencies(self, items, gap)
    }

    fn spans(&self, workload: &Workload, items: u64) -> Vec<Span> {
        workload.spans(self, items)
    }

    fn facts(&self) -> Facts {
        Facts::of(self)
    }
}
