//! Ordered, lazy, bounded parallel `imap` on any thread pool.
//!
//! This crate has the contract ([`Executor`], [`Job`]) and the engine ([`Imap`]); the threads are in the
//! backends: `pool-channel`, `pool-stealing`, `pool-rayon`. Each re-exports every item of this crate at its root, so a
//! user depends on one of them alone. An author of another backend implements two methods of [`Executor`].
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
//!
//! The [`guide`] tells how to use all this: from the first five minutes to a backend of one's own, and the way over from
//! Python, rayon, `pariter` and `futures`. Common compiler errors are in [`compiler_errors`].
//!
//! # What to know
//!
//! - **Where your code runs.** Your function, its state and your input's `next` run on the pool's threads, with their
//!   stack size, names and thread-locals. Exceptions: a thread that is itself in a job of a pool may run items of the
//!   imap that it consumes, so that imaps nest; and [`imap_local`](Executor::imap_local) pulls where you iterate. The
//!   input's `size_hint` is asked once by the thread that makes the imap.
//! - **A result never waits for the next item** (P4), with these exceptions: `imap_local` is in its input while it
//!   waits there; items that were pulled before the first call with a limit; and short items of an
//!   [`unordered`](Imap::unordered) imap while another thread of the same imap hangs in one.
//! - **`panic = "abort"`** in a profile ends the process at the first panic, so nothing is left of what is promised
//!   about panics (P6, P7).
//! - **`fork`** copies one thread, and so none of a pool's. In the child, a pool of the parent runs nothing: to use or to
//!   drop it waits for ever. Fork before the first pool is made, or make a new one in the child and `forget` the old.
//! - **A bounded channel between two imaps of one pool** can stand still: items of the first one that wait for room in
//!   the channel hold the threads that the second one needs to make room. Chain the stages instead
//!   ([`IterExt::imap`]), or give each a pool.

mod backend;
mod block;
pub mod compiler_errors;
#[cfg(feature = "testing")]
pub mod doubles;
mod error;
mod executor;
pub mod guide;
mod imap;
mod iter_ext;
mod job;
mod lease;
mod map;
mod roster;
mod scope;
mod submit;
mod sync;
mod unwind;
#[cfg(feature = "testing")]
pub mod watchdog;

pub use backend::{Build, Builder, Config, Counters, PoolStats, WorkerStats, Workers};
pub use error::{BuildError, Cancelled, JobError, Panic, TimedOut};
pub use executor::Executor;
#[cfg(feature = "stream")]
pub use imap::ImapStream;
#[cfg(feature = "progress")]
pub use imap::Progress;
pub use imap::{
    CancelToken, DEFAULT_WINDOW_PER_THREAD, Enumerated, Imap, ImapStats, ItemTimeout, Local, Place, Pooled,
    Timeout,
};
pub use iter_ext::IterExt;
pub use job::{Job, in_job};
pub use scope::Scope;
pub use submit::{JobHandle, ScopedJobHandle};

/// The example in the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
