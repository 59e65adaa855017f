//! The worker's side: functions by name, run on any executor.

mod held;
mod outbox;
mod pulls;
mod service;

use crate::builder::Builder;
use crate::error::NatsError;
use pool_core::{CancelToken, Executor};
use pool_remote::Task;
use pool_remote::cancelled::cancelled;
use pool_remote::functions::Functions;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// The status with which a worker's process ends when an item took longer than its `item_timeout`: 75, "temporary
/// failure" in `sysexits.h`. Its supervisor should start it anew.
pub const EXIT_ITEM_TIMED_OUT: i32 = 75;

/// What only workers set: nothing.
#[derive(Debug, Clone)]
pub struct WorkerRole(());

/// A process that runs functions for masters elsewhere.
///
/// It asks the server for items of the tasks that it offers, runs them on an [`Executor`], and sends the results to the
/// masters. It runs nothing but the functions that are compiled into it.
///
/// ```no_run
/// use pool_nats::{Task, Worker};
/// use pool_stealing::StealingPool;
///
/// const WORDS: Task<String, u64> = Task::named("words");
///
/// let pool = StealingPool::new(4)?;
/// Worker::builder("tls://a.example:4222,tls://b.example:4222")
///     .credentials_file("w.creds")
///     .build()?
///     .task(WORDS, |text| text.split_whitespace().count() as u64)
///     .run(&pool)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Worker {
    connection: service::Connection,
    offers: Functions,
}

impl Builder<WorkerRole> {
    /// Connects.
    ///
    /// # Errors
    ///
    /// [`NatsError`]: a setting, the connection, or an old server.
    pub fn build(self) -> Result<Worker, NatsError> {
        Ok(Worker { connection: service::connect(&self)?, offers: Functions::default() })
    }
}

impl Worker {
    /// Settings of a worker whose servers have these addresses, separated by commas: `nats://host:4222`,
    /// `tls://host:4222`.
    pub fn builder(servers: &str) -> Builder<WorkerRole> {
        Builder::new(servers, WorkerRole(()))
    }

    /// Offers a function under this name. It may run several times for one item, so it must be idempotent.
    ///
    /// # Panics
    ///
    /// If the same task is offered twice.
    #[track_caller]
    pub fn task<I, T, F>(mut self, task: Task<I, T>, function: F) -> Worker
    where
        I: DeserializeOwned,
        T: Serialize,
        F: Fn(I) -> T + Send + Sync + 'static,
    {
        self.offers.add(task, function);
        self
    }

    /// Works until SIGTERM or SIGINT, then finishes what it holds.
    ///
    /// Functions run on the executor's threads, as many at a time as it has; this thread serves the connection.
    ///
    /// # Errors
    ///
    /// [`NatsError::NotPermitted`] if the server refuses a subject that a worker needs, [`NatsError::System`] if there
    /// are no signal handlers. A server that is away is waited for.
    pub fn run<E: Executor>(self, executor: &E) -> Result<(), NatsError> {
        let Worker { connection, offers } = self;
        connection.serve(executor, offers, service::signals())
    }

    /// Works until the token is cancelled, then finishes what it holds. Installs no signal handlers.
    ///
    /// # Errors
    ///
    /// As [`run`](Worker::run).
    pub fn run_until<E: Executor>(self, executor: &E, token: &CancelToken) -> Result<(), NatsError> {
        let cancelled = cancelled(token);
        let Worker { connection, offers } = self;
        connection.serve(executor, offers, async move {
            cancelled.await;
            Ok(())
        })
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("offers", &self.offers).finish_non_exhaustive()
    }
}
