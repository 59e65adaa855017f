//! How a program ends although an item hangs.
//!
//! Dropping an imap never waits. Dropping a *pool* does: it runs what is queued and joins its threads, so that nothing is lost. An
//! item that hangs for ever then keeps the program from ending.
//!
//! | to end a pool | what is queued | what runs | |
//! |---|---|---|---|
//! | drop it, or `join(self)` | runs | is waited for | the default |
//! | `shutdown_timeout(self, d)` | is discarded | is waited for, for at most `d` | says whether all threads have ended |
//! | `builder().drop_timeout(d)` | is discarded | is waited for, for at most `d` | what a drop does then, also after an early `?` |
//! | `terminate(&self)` | is discarded | goes on | does not wait; works through an `Arc` |
//! | `std::process::exit` | is forgotten | dies with the process | nothing is dropped |
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::time::Duration;
//!
//! let (release, hang) = std::sync::mpsc::channel::<()>();
//! let pool = StealingPool::builder().threads(1).drop_timeout(Duration::from_millis(20)).build()?;
//! drop(pool.submit(move || hang.recv()));
//! drop(pool); // returns, although the job hangs
//! # drop(release);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! What waits for a discarded job is told, and never hangs: [`join`](crate::ScopedJobHandle::join) gives
//! [`JobError::Cancelled`](crate::JobError::Cancelled), and an imap panics with [`Cancelled`](crate::Cancelled).
//!
//! A thread that was let go ends by itself when its function returns, or with the process. It may still hold a file or a lock. The limits
//! count all that a thread does: its job, then the exit hook, then the destructors of thread-locals. What a discarded job has captured is
//! dropped meanwhile, and that is let go, too, if it takes longer.
//!
//! A pool may be dropped by one of its own jobs; then it does not join the thread that it is on. A pool in a `static` is never dropped: its
//! threads end with the process, whatever they run.
//!
//! A command-line tool is best served by `std::process::exit` at the end of `main`, as the examples do: after an error of the
//! output no result is wanted any more. Flush before.
