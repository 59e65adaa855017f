//! Ordered, lazy, bounded `imap` whose functions run in worker processes on other machines, over NATS JetStream.
//!
//! The loop of the master is that of any other pool of this family; the function has a name instead of a closure:
//!
//! ```no_run
//! use pool_nats::{NatsPool, Task, Worker};
//! use pool_stealing::StealingPool;
//!
//! /// In a crate that both programs share.
//! const WORDS: Task<String, u64> = Task::named("words");
//!
//! /// In the worker's program.
//! fn work() -> Result<(), Box<dyn std::error::Error>> {
//!     let worker = Worker::builder("nats://localhost").build()?;
//!     worker.task(WORDS, |text| text.split_whitespace().count() as u64).run(&StealingPool::new(4)?)?;
//!     Ok(())
//! }
//!
//! /// In the master's program.
//! fn count(texts: Vec<String>) -> Result<u64, Box<dyn std::error::Error>> {
//!     let pool = NatsPool::builder("nats://localhost").build()?;
//!     Ok(pool.imap(WORDS, texts).sum::<Result<u64, _>>()?)
//! }
//! ```
//!
//! The README tells when to use it, what each failure looks like, how to start workers, which permissions they need, and how
//! large it can be.
//!
//! # Meaning
//!
//! At-least-once execution, exactly-once yield, in the order of the input, while the master lives. So **functions must be
//! idempotent**: one may run again for an item if the worker that had it vanishes.
//!
//! # Words
//!
//! - *Master*: the process that iterates. It owns the items. *Job*: one imap of a master, as servers and workers see it.
//! - *Worker*: a process that runs functions.
//! - *Task*: a function's name, version and types; its *fingerprint* stands for it in subjects.
//! - *Batch*: consecutive items that were pulled together. *Frame*: the items of a message, all or some of a batch.
//! - *Outcome*: what became of an item: its result, or why there is none. *Reply*: a worker's message with outcomes.
//! - *Attempt*: an item was begun with nothing beside it, and its worker vanished. *Suspect*: an item that may have been the
//!   reason that a worker vanished, which therefore runs alone.
//! - *Signs of life*: what a worker says of the frames that it holds, to the server and to the master.
//! - *Offer*: to send a frame again, to a server that refuses it if it still has it.
//!
//! # Where to read on
//!
//! `job` is the master's loop and says why nothing is lost. What it knows, the way of the items and that of the results are
//! in `pool-remote`, which `pool-process` shares. `worker::service` is the worker's loop. `frame` and `subjects` are what both
//! sides have in common, `pieces` what does not fit a message.

mod builder;
mod error;
mod frame;
mod job;
mod master;
mod pieces;
mod pool;
mod subjects;
mod worker;

pub use builder::Builder;
pub use error::NatsError;
pub use master::{MasterRole, Storage};
pub use pool::NatsPool;
pub use pool_core::{CancelToken, TimedOut};
pub use pool_remote::{Death, RemoteStats, RemoteWorker, Task, TaskError};
pub use worker::{EXIT_ITEM_TIMED_OUT, Worker, WorkerRole};

/// An ordered, lazy map whose function runs in worker processes. From [`NatsPool::imap`].
pub type RemoteImap<T> = pool_remote::RemoteImap<T, pool_remote::Machines>;

/// Results that are waited for no longer than a limit each. From [`RemoteImap::timeout`].
pub type Timeout<T> = pool_remote::Timeout<T, pool_remote::Machines>;

/// A [`RemoteImap`] as a `Stream`. From [`RemoteImap::into_stream`].
#[cfg(feature = "stream")]
pub type RemoteStream<T> = pool_remote::RemoteStream<T, pool_remote::Machines>;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
