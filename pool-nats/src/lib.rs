//! Ordered, lazy, bounded `imap` whose functions run in worker processes on other machines, over NATS JetStream.

mod builder;
mod cancelled;
mod error;
mod frame;
mod imap;
mod input;
mod job;
mod ledger;
mod pieces;
mod pool;
mod stats;
mod subjects;
mod task;
mod worker;

pub use builder::Builder;
pub use error::{NatsError, TaskError, TimedOut};
#[cfg(feature = "stream")]
pub use imap::RemoteStream;
pub use imap::{RemoteImap, Timeout};
pub use pool::{MasterRole, NatsPool, Storage};
pub use pool_core::CancelToken;
pub use stats::{RemoteStats, RemoteWorker};
pub use task::Task;
pub use worker::{EXIT_ITEM_TIMED_OUT, Worker, WorkerRole};
