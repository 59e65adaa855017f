//! What `pool-process` and `pool-nats` share: an ordered, lazy, bounded `imap` whose functions run in other processes.
//!
//! Programs depend on one of those two, which re-export what is needed of this.
//!
//! # Words
//!
//! - *Master*: the process that iterates. It owns the items. *Job*: one imap of a master, as workers see it.
//! - *Worker*: a process that runs functions.
//! - *Transport*: what carries frames to workers, and replies back.
//! - *Task*: a function's name, version and types; its *fingerprint* stands for it in messages.
//! - *Batch*: consecutive items that were pulled together. *Frame*: the items of a message, all or some of a batch.
//! - *Outcome*: what became of an item: its result, or why there is none. *Reply*: a worker's message with outcomes.
//! - *Settled*: an item that has its outcome.
//! - *Attempt*: an item was begun, and its worker died of it. *Suspect*: an item that may have been the reason.
//!
//! # Where to read on
//!
//! [`job`] is what a master decides and says why nothing is lost; [`ledger`] is what it knows, and [`queue`] what it believes
//! of a server between it and its workers. [`input`] is the way of the
//! items, [`results`] and [`RemoteImap`] that of the outcomes. [`functions`] is the worker's side.

pub mod cancelled;
pub mod control;
mod error;
pub mod frame;
pub mod functions;
mod imap;
pub mod input;
pub mod job;
pub mod ledger;
pub mod pace;
pub mod queue;
pub mod results;
mod stats;
mod task;
pub mod unwind;
mod waiting;

pub use error::{Death, TaskError};
#[cfg(feature = "stream")]
pub use imap::RemoteStream;
pub use imap::{Children, Launch, Machines, RemoteImap, Timeout, Transport};
pub use stats::{RemoteStats, RemoteWorker};
pub use task::{Identity, Task};
pub use waiting::wait_for;
