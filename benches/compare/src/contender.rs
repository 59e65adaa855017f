//! What the benchmarks compare: ways to map an iterator in parallel and get the results in order.

use serde::{Deserialize, Serialize};

/// A way to map an iterator with the results in order, which runs any workload.
///
/// It is a handle: the clone of one that owns a pool uses the same pool.
pub trait Contender: Clone + Send + Sync + 'static {
    /// Calls `f` on each item, on as many threads as it has, and `sink` on this thread with each result, in the
    /// order of the input.
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static;

    /// Hands over `jobs` jobs, `f` of 0 and up, each with a handle of its own, and then waits for each: `sink`
    /// gets the results. False, and nothing done, if it knows no single jobs.
    fn submit<T, F>(&self, jobs: u64, f: F, sink: impl FnMut(T)) -> bool
    where
        T: Send + 'static,
        F: Fn(u64) -> T + Clone + Send + Sync + 'static,
    {
        let _ = (jobs, f, sink);
        false
    }
}

/// Whose a contender is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// One after the other on one thread: what all are compared with.
    Sequential,
    /// A backend of `pool-core`.
    Backend,
    /// Something else that people use.
    Peer,
}

/// What is known of a contender without running it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits {
    /// The name, in tables and for `--backend` and `--peer`.
    pub name: String,
    /// Whose it is.
    pub family: Family,
    /// One line on what is called, and with which settings.
    pub about: String,
    /// Whether it takes an endless input, in bounded memory.
    pub lazy: bool,
    /// Whether a result comes before the next item does. If not, it hangs where an item depends on a result.
    pub live: bool,
    /// Whether each call starts its own threads.
    pub cold: bool,
    /// Whether it is another contender with other settings: such ones are in tables, but not in every plot.
    pub variant: bool,
    /// Whether it may be used inside its own function. If not, it hangs where that is done.
    pub nests: bool,
}

/// How many threads, and how many items may be on their way where one can say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Threads that work.
    pub threads: usize,
    /// Items between input and consumer.
    pub window: usize,
}
