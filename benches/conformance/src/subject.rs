//! What is tested: a way to make pools, first with their type and then without.

use pool_core::{Executor, PoolStats};
use std::fmt;
use std::sync::Arc;

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

    /// The same without the type of its pools, so that the tests are compiled once and not for each backend.
    pub(crate) fn erased(self) -> AnySubject {
        let Subject { name, make, terminate, stats } = self;
        let make = move |threads| {
            let pool = Arc::new(make(threads));
            AnyPool {
                terminate: terminate.map(|terminate| {
                    let pool = pool.clone();
                    Box::new(move || terminate(&pool)) as _
                }),
                stats: stats.map(|stats| {
                    let pool = pool.clone();
                    Box::new(move || stats(&pool)) as _
                }),
                pool,
            }
        };
        AnySubject { name, make: Box::new(make), terminates: terminate.is_some(), counts: stats.is_some() }
    }
}

impl<P> fmt::Debug for Subject<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A backend under test, whose pools have a type that the tests do not know.
pub(crate) struct AnySubject {
    name: &'static str,
    make: Box<dyn Fn(usize) -> AnyPool + Send + Sync>,
    terminates: bool,
    counts: bool,
}

impl AnySubject {
    /// The name, for test names.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// A pool with this number of threads.
    pub(crate) fn pool(&self, threads: usize) -> AnyPool {
        (self.make)(threads)
    }

    /// Whether its pools can be terminated.
    pub(crate) fn terminates(&self) -> bool {
        self.terminates
    }

    /// Whether its pools tell what their workers did.
    pub(crate) fn counts(&self) -> bool {
        self.counts
    }
}

/// A pool of an [`AnySubject`]. Dropping it drops the pool.
pub(crate) struct AnyPool {
    pool: Arc<dyn Executor>,
    terminate: Option<Box<dyn Fn() + Send + Sync>>,
    stats: Option<Box<dyn Fn() -> PoolStats + Send + Sync>>,
}

impl AnyPool {
    /// Discards what is queued, and does not wait. Only where [`AnySubject::terminates`].
    pub(crate) fn terminate(&self) {
        self.terminate.as_ref().expect("the subject terminates")()
    }

    /// What the workers did. Only where [`AnySubject::counts`].
    pub(crate) fn stats(&self) -> PoolStats {
        self.stats.as_ref().expect("the subject counts")()
    }
}

impl Executor for AnyPool {
    pool_core::backend::forward_executor!(self => *self.pool);
}

impl fmt::Debug for AnySubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnySubject").field("name", &self.name).finish_non_exhaustive()
    }
}
