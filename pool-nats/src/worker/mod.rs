//! The worker's side: functions by name, run on any executor.

mod held;
mod outbox;
mod pulls;
mod service;

use crate::builder::Builder;
use crate::cancelled::cancelled;
use crate::error::NatsError;
use crate::frame::Outcome;
use crate::task::{Identity, Task};
use crate::unwind::{catch, drop_quietly};
use pool_core::{CancelToken, Executor};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// The status with which a worker's process ends when an item took longer than its `item_timeout`: 75, "temporary
/// failure" in `sysexits.h`. Its supervisor should start it anew.
pub const EXIT_ITEM_TIMED_OUT: i32 = 75;

/// Runs the function for an encoded item, and appends the outcome. A result above the limit is none.
type Function = Arc<dyn Fn(&[u8], u64, &mut Vec<u8>) + Send + Sync>;

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
    offers: HashMap<String, Offer>,
}

/// A task that a worker offers.
pub(crate) struct Offer {
    task: Identity,
    function: Function,
}

impl Builder<WorkerRole> {
    /// Connects.
    ///
    /// # Errors
    ///
    /// [`NatsError`]: a setting, the connection, or an old server.
    pub fn build(self) -> Result<Worker, NatsError> {
        Ok(Worker { connection: service::connect(&self)?, offers: HashMap::new() })
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
        let identity = task.identity();
        let function = move |item: &[u8], limit: u64, outcomes: &mut Vec<u8>| {
            call(&function, item, limit, outcomes);
        };
        let offer = Offer { task: identity.clone(), function: Arc::new(function) };
        let before = self.offers.insert(identity.fingerprint, offer);
        assert!(before.is_none(), "the task {} is offered twice", identity.description);
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

/// The function for one item. Whatever it does, there is an outcome.
fn call<I, T>(function: &impl Fn(I) -> T, item: &[u8], limit: u64, outcomes: &mut Vec<u8>)
where
    I: DeserializeOwned,
    T: Serialize,
{
    // Decoding and encoding run the user's code, too.
    let result = catch(|| {
        let item = postcard::from_bytes(item).map_err(|error| Failure::Decode(error.to_string()))?;
        let value = function(item);
        let mut bytes = Vec::new();
        bytes = postcard::to_extend(&value, bytes).map_err(|error| Failure::Encode(error.to_string()))?;
        Ok(bytes)
    });
    let outcome = match &result {
        Ok(Ok(bytes)) if bytes.len() as u64 > limit => Outcome::TooLarge { size: bytes.len() as u64, limit },
        Ok(Ok(bytes)) => Outcome::Ok(bytes),
        Ok(Err(Failure::Decode(why))) => Outcome::Decode(why),
        Ok(Err(Failure::Encode(why))) => Outcome::Encode(why),
        Err(payload) => Outcome::Panicked(message(payload.as_ref())),
    };
    outcome.push(outcomes);
    // A payload may panic in its destructor.
    drop_quietly(result);
}

enum Failure {
    Decode(String),
    Encode(String),
}

/// What was said, at most 16 KiB of it.
fn message(payload: &(dyn Any + Send)) -> &str {
    let string = payload.downcast_ref::<String>().map(String::as_str);
    let text = string.or_else(|| payload.downcast_ref::<&'static str>().copied());
    let text = text.unwrap_or("a payload that is not a string");
    let mut end = text.len().min(16 * 1024);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offers: Vec<_> = self.offers.values().map(|offer| &offer.task.description).collect();
        f.debug_struct("Worker").field("offers", &offers).finish_non_exhaustive()
    }
}
