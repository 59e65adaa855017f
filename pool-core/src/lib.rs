//! Ordered, lazy, bounded parallel `imap` on any thread pool.

mod barrier;
mod builder;
mod error;
mod executor;
mod imap;
mod job;
mod submit;
mod sync;
mod unwind;

pub use builder::{Build, Builder, Config, Crew};
pub use error::{BuildError, Cancelled, JobError, Panic, TimedOut};
pub use executor::Executor;
pub use imap::{DEFAULT_WINDOW_PER_THREAD, Imap};
pub use job::{Job, in_job};
pub use submit::JobHandle;
