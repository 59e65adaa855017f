//! What is tested: a way to make pools.

use pool_core::{Executor, PoolStats};
use std::fmt;

/// A backend under test: its name, and how to make and to terminate a pool.
pub struct Subject<P> {
    name: &'static str,
    make: Box<dyn Fn(usize) -> P + Send + Sync>,
    terminate: Option<fn(&P)>,
    stats: Option<fn(&P) -> PoolStats>,
}

impl<P: Executor + 'static> Subject<P> {
    /// A backend whose pools `make` builds, for a number of threads.
    pub fn new(name: &'static str, make: impl Fn(usize) -> P + Send + Sync + 'static) -> Subject<P> {
        Subject { name, make: Box::new(make), terminate: None, stats: None }
    }

    /// Names the function that discards what is queued, and does not wait. Without one, tests of `terminate` are left out.
    pub fn terminated_by(mut self, terminate: fn(&P)) -> Self {
        self.terminate = Some(terminate);
        self
    }

    /// Names the function that tells what the workers did. Without one, tests of the figures are left out.
    ///
    /// ```
    /// use pool_channel::ChannelPool;
    /// use pool_conformance::Subject;
    ///
    /// let channel = Subject::new("channel", |threads| ChannelPool::new(threads).unwrap());
    /// let subject = channel.counted_by(ChannelPool::stats);
    /// # drop(subject);
    /// ```
    pub fn counted_by(mut self, stats: fn(&P) -> PoolStats) -> Self {
        self.stats = Some(stats);
        self
    }

    /// The name, for test names.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A pool of so many threads.
    pub fn pool(&self, threads: usize) -> P {
        (self.make)(threads)
    }

    /// The function that terminates a pool, if there is one.
    pub fn terminate(&self) -> Option<fn(&P)> {
        self.terminate
    }

    /// The function that tells what the workers of a pool did, if there is one.
    pub fn stats(&self) -> Option<fn(&P) -> PoolStats> {
        self.stats
    }
}

impl<P> fmt::Debug for Subject<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}
