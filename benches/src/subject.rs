//! What is tested: a way to make pools.

use pool_core::Executor;
use std::fmt;

/// A backend under test: its name, and how to make and to terminate a pool.
pub struct Subject<P> {
    name: &'static str,
    make: Box<dyn Fn(usize) -> P + Send + Sync>,
    terminate: Option<fn(P)>,
}

impl<P: Executor + 'static> Subject<P> {
    /// A backend whose pools `make` builds, for a number of threads.
    pub fn new(name: &'static str, make: impl Fn(usize) -> P + Send + Sync + 'static) -> Subject<P> {
        Subject { name, make: Box::new(make), terminate: None }
    }

    /// Names the function that discards what is queued. Without one, tests of `terminate` are left out.
    pub fn terminated_by(mut self, terminate: fn(P)) -> Self {
        self.terminate = Some(terminate);
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
    pub fn terminate(&self) -> Option<fn(P)> {
        self.terminate
    }
}

impl<P> fmt::Debug for Subject<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("name", &self.name).finish_non_exhaustive()
    }
}
