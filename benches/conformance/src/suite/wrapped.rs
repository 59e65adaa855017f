//! A pool with something around it: the forwarding is written once, and a wrapper says what it does besides.

use pool_core::Executor;
use pool_core::backend::{Job, PoolId};

/// What a wrapper does around the methods of its pool.
pub(super) trait Wrapper: Send + Sync {
    fn pool(&self) -> &dyn Executor;

    /// Comes before each method but `spawn`, with its name.
    fn asked(&self, _method: &str) {}

    fn spawn(&self, job: Job) {
        self.pool().spawn(job);
    }
}

/// The executor that a wrapper makes.
pub(super) struct Wrapped<W>(pub(super) W);

impl<W: Wrapper> Executor for Wrapped<W> {
    fn threads(&self) -> usize {
        self.0.asked("threads");
        self.0.pool().threads()
    }
    fn spawn(&self, job: Job) {
        self.0.spawn(job);
    }
    fn has_waiting(&self) -> bool {
        self.0.asked("has_waiting");
        self.0.pool().has_waiting()
    }
    fn is_worker(&self) -> bool {
        self.0.asked("is_worker");
        self.0.pool().is_worker()
    }
    fn pool_id(&self) -> Option<PoolId> {
        self.0.asked("pool_id");
        self.0.pool().pool_id()
    }
}
