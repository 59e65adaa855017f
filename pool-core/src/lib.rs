//! Ordered, lazy, bounded parallel `imap` on any thread pool.
//!
//! This crate has the contract ([`Executor`]) and the engine ([`Imap`]); the threads are in the backends: `pool-channel`,
//! `pool-stealing`, `pool-rayon`. Each re-exports every item of this crate at its root, so a user depends on one of them
//! alone. An author of another backend implements two methods of [`Executor`], and finds what else there is in
//! [`backend`].
//!
//! ```
//! use pool_core::{Executor, backend::Job};
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
//! Features: `blocks` (a reader, cut into blocks of whole lines or other records: see [`guide::text`]), `stream` (imaps as `Stream`,
//! handles as `Future`), `progress` (bars of `indicatif`).
//!
//! # What to know
//!
//! - **Where your code runs** (P16). Your function, its state and your input's `next` run on the pool's threads, with their
//!   stack size, names and thread-locals. Exceptions: a thread that is itself in a job of a pool works for the imap that it
//!   consumes, so that imaps nest; and [`imap_local`](Executor::imap_local) pulls where you iterate. The input's
//!   `size_hint` is asked once by the thread that makes the imap.
//! - **What is promised**, P1 to P17, and each exception, is in [`guide::promises`].
//! - **`panic = "abort"`** in a profile ends the process at the first panic, so the promises about panics (P6, P7) do
//!   not hold.
//! - **`fork`** copies only the thread that calls it, so a pool has no threads in the child. There a pool of the parent
//!   runs nothing, and using or dropping it waits for ever. Fork before the first pool is made, or make a new one in
//!   the child and `forget` the old.
//! - **A bounded channel between two imaps of one pool** can stand still: items of the first one that wait for room in
//!   the channel hold the threads that the second one needs to make room. Chain the stages instead
//!   ([`IterExt::imap`]), or give each a pool.
//!
//! # Glossary
//!
//! These words mean one thing, in the documentation, in messages and in the code.
//!
//! | word | what it is |
//! |---|---|
//! | **pool**, **executor** | threads that run jobs; behind the trait [`Executor`] |
//! | **backend** | a queue and its threads, of which a pool is made |
//! | **job** | what a pool queues and runs, once: a [`Job`](backend::Job) |
//! | **imap** | an ordered lazy parallel map that is under way: an [`Imap`] and its state |
//! | **input**, **item**, **result** | the iterator that is mapped, what it gives, what the function makes of that |
//! | **consumer** | the thread that iterates over the results, or the task that polls them |
//! | **worker** | a thread of the pool in a job of this imap |
//! | **feeder** | the worker that has the input, and pulls |
//! | **pull** | to call the input's `next` |
//! | **head** | the result that the consumer needs next; without order, any |
//! | **deliver** | to hand a result to the consumer; counted when the consumer asks for the next |
//! | **window** | how many items may be under way: pulled and not delivered |
//! | **room** | how many items may be pulled now |
//! | **chunk** | the items that a worker takes at a time |
//! | **batch** | items that are pulled one after the other and go on together: by a feeder, and by [`batches`](IterExt::batches) |
//! | **block** | items that together are one item of an imap: in [`map`](Executor::map), and records of a reader in `Blocks` |
//! | **record** | what a reader's bytes are cut into: a line, or what a function says |
//! | **turn** | what one job of an imap does from its beginning to its end |
//! | **slice** | the time after which a job *yields*: goes back to the pool's queue if others wait there |
//! | **ring** | a single-producer single-consumer queue, for the items or the results of a chunk |
//! | **signal** | what each push looks at: the result that the consumer awaits, and whether workers are asked to *look up* from their chunk |
//! | **register**, **nap**, **look** | the ways to wait: asleep until notified; asleep for a set time; awake for a moment |
//! | **reserve** | to count a job under the lock; it is spawned after the lock is released |
//! | **give up** | to go on without a result that is late; it is dropped when it comes |
//! | **hand back** | to put items of a chunk that have not begun where other workers can take them |
//! | **in hand** | an input whose thread pulls an item, runs it, and pulls the next, like sequential code |
//! | **offer** | to pull from a local input, for workers |
//! | **polled** | an input that never blocks, and says when it has nothing now: what was pushed into a [`Sink`], or a stream |
//! | **nesting** | an imap, a scope or a wait inside an item of another imap |
//! | **started** | an imap that the pool works on before the first `next`, by [`start`](Imap::start) |
//! | **local** | an imap whose input the consumer pulls |
//! | **lease** | what a pool's queue holds in place of a job that borrows |
//! | **policy** | what measures and guesses; no promise rests on it |

pub mod backend;
mod batches;
mod block;
#[cfg(feature = "blocks")]
mod blocks;
pub mod compiler_errors;
#[cfg(feature = "testing")]
pub mod doubles;
mod error;
mod executor;
#[cfg(loom)]
#[doc(hidden)]
pub mod explore;
pub mod guide;
mod imap;
mod iter_ext;
mod job;
mod lease;
mod map;
mod no_item;
#[cfg(feature = "testing")]
pub mod peak;
mod roster;
#[cfg(feature = "testing")]
pub mod runs;
mod scope;
mod sequential;
#[cfg(feature = "stream")]
mod stream_ext;
mod submit;
mod sync;
mod unwind;
#[cfg(feature = "testing")]
pub mod watchdog;
#[cfg(feature = "testing")]
pub mod work;

pub use backend::builder::Builder;
pub use backend::stats::{PoolStats, WorkerStats};
pub use batches::Batches;
#[cfg(feature = "blocks")]
pub use blocks::{Block, Blocks, RecordTooLong, Records};
pub use error::{BuildError, Cancelled, JobError, JobTimedOut, Panic, TimedOut};
pub use executor::Executor;
pub use imap::{
    Budget, CancelToken, Current, Imap, ImapStats, Input, ItemTime, ItemTimeout, Local, LocalInput,
    MAX_DEFAULT_WINDOW_PER_THREAD, Outcome, Place, Pooled, Sink, Timeout, WithSizes, current,
};
#[cfg(feature = "stream")]
pub use imap::{ImapStream, StreamImap};
pub use iter_ext::IterExt;
pub use scope::Scope;
pub use sequential::Sequential;
#[cfg(feature = "stream")]
pub use stream_ext::StreamImapExt;
pub use submit::{JobHandle, ScopedJobHandle};

/// The example in the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
