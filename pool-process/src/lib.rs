//! Ordered, lazy, bounded `imap` whose functions run in child processes of this program, without a server.
//!
//! The loop is that of any other pool of this family; the function has a name instead of a closure:
//!
//! ```standalone_crate
//! use pool_process::{ProcessPool, Task, Tasks};
//!
//! const WORDS: Task<String, u64> = Task::named("words");
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // The first line of `main`: a child runs tasks here, and never goes on.
//!     let program = Tasks::new().task(WORDS, |text| text.split_whitespace().count() as u64).serve();
//!     let pool = ProcessPool::builder(program).processes(2).build()?;
//!     let counts: Result<Vec<u64>, _> = pool.imap(WORDS, ["one", "two words"].map(String::from)).collect();
//!     assert_eq!(counts?, [1, 2]);
//!     Ok(())
//! }
//! ```
//!
//! Children are spawned, not forked. What a child cannot survive costs one item: see [`TaskError`], and the README for what
//! each failure looks like.
//!
//! # Where to read on
//!
//! [`Tasks`] is the first line of `main`, [`ProcessPool`] the pool and [`ProcessImap`] the loop. Of the code: `staff` has the
//! parent's decisions, without clock and processes; `run` is the thread that performs them. `serve` and `desk` are the
//! child's side. What is shared with `pool-nats` is in `pool-remote`.

#[cfg(not(unix))]
compile_error!(
    "pool-process runs on Linux and macOS only: children get a socket, which other systems do not have"
);

mod desk;
mod error;
mod pool;
mod position;
mod process;
mod run;
mod serve;
mod staff;
mod tasks;
mod wire;

pub use error::ProcessError;
pub use pool::{Builder, ProcessPool};
pub use pool_core::{CancelToken, TimedOut};
pub use pool_remote::{Death, RemoteStats, RemoteWorker, Task, TaskError};
pub use tasks::{Program, Tasks};

/// An ordered, lazy map whose function runs in child processes. From [`ProcessPool::imap`].
pub type ProcessImap<T> = pool_remote::RemoteImap<T, pool_remote::Children>;

/// Results that are waited for no longer than a limit each. From [`ProcessImap::timeout`].
pub type Timeout<T> = pool_remote::Timeout<T, pool_remote::Children>;

/// A [`ProcessImap`] as a `Stream`. From [`ProcessImap::into_stream`].
#[cfg(feature = "stream")]
pub type ProcessStream<T> = pool_remote::RemoteStream<T, pool_remote::Children>;

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
