//! Ordered, lazy, bounded parallel `imap` on any thread pool.
//!
//! This crate has the contract ([`Executor`], [`Job`]) and the engine ([`Imap`]); the threads are in the
//! backends: `pool-channel`, `pool-stealing`, `pool-rayon`. Each re-exports this crate, so a user depends on
//! one of them alone. An author of another backend implements two methods of [`Executor`].
//!
//! ```
//! use pool_core::{Executor, Job};
//!
//! /// A thread for each job: the simplest executor.
//! struct Threads;
//!
//! impl Executor for Threads {
//!     fn threads(&self) -> usize { 2 }
//!     fn spawn(&self, job: Job) {
//!         std::thread::spawn(move || job.run(&Threads));
//!     }
//! }
//!
//! let lengths = Threads.imap(["a", "list", "of", "words"], str::len);
//! assert_eq!(lengths.collect::<Vec<_>>(), [1, 4, 2, 5]);
//! ```

mod builder;
mod counters;
mod error;
mod executor;
mod ext;
mod fence;
mod imap;
mod job;
mod map;
mod pool_stats;
mod roster;
mod scope;
mod slot;
mod submit;
mod sync;
mod unwind;

pub use builder::{Build, Builder, Config, Crew};
pub use counters::Counters;
pub use error::{BuildError, Cancelled, JobError, Panic, TimedOut};
pub use executor::Executor;
pub use ext::IterExt;
#[cfg(feature = "stream")]
pub use imap::ImapStream;
pub use imap::{CancelToken, DEFAULT_WINDOW_PER_THREAD, Imap, ImapStats, Local, Place, Pooled, Timeout};
pub use job::{Job, in_job};
pub use pool_stats::{PoolStats, WorkerStats};
pub use scope::Scope;
pub use submit::{JobHandle, ScopedJobHandle};
