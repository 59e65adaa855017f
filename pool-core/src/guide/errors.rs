//! Errors and panics.
//!
//! # Functions that give a `Result`
//!
//! The results are values like any other. `collect` into a `Result` gives the first error *in the order of the input*: always
//! the one that sequential code would give, whichever item failed first. It drops the imap, and that cancels the rest.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let numbers = pool.imap(["1", "x", "3", "y"], |text| text.parse::<u32>().map_err(|_| text));
//! assert_eq!(numbers.collect::<Result<Vec<_>, _>>(), Err("x"));
//!
//! let (good, bad): (Vec<_>, Vec<_>) =
//!     pool.imap(["1", "x", "3", "y"], |text| text.parse::<u32>().map_err(|_| text)).partition(Result::is_ok);
//! assert_eq!((good.len(), bad.len()), (2, 2));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! Results come in order, so `enumerate` gives the number of the item that failed: the line of a file, for instance.
//!
//! # Nothing begins behind an error
//!
//! `collect` above stops when the error has come to the consumer; until then the pool runs ahead. Where an item costs money or
//! writes, ask for [`fail_fast`](crate::Imap::fail_fast): as soon as item *k* has failed on its thread, nothing above *k* begins. What
//! is below still comes, then the error of the lowest item that failed, then the end. Below it, `catch_panics` makes a panic an
//! error, and `item_timeout` an item that takes too long. A function that takes long can see by
//! [`current`](crate::current) that its own result is of no use any more.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool, current};
//!
//! let pool = StealingPool::new(2)?;
//! let upload = |part: u32| {
//!     for _chunk in 0..100 {
//!         if current().is_cancelled() {
//!             return Err("given up"); // it is dropped
//!         }
//!     }
//!     if part == 7 { Err("refused") } else { Ok(part) }
//! };
//! let results: Vec<_> = pool.imap(0..1_000_000, upload).fail_fast().collect();
//! assert_eq!(results.len(), 8);
//! assert_eq!(results.last(), Some(&Err("refused")));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Functions that panic
//!
//! A panic on item *k* comes out of `next` at position *k*, with its own payload, after all results before it. It costs one
//! result: the next call of `next` goes on behind it. No thread is lost, and the pool stays usable.
//! [`catch_panics`](crate::Imap::catch_panics) makes values of them.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let quotients: Vec<_> = pool.imap([4, 0, 2], |x: u32| 8 / x).catch_panics().collect();
//! assert_eq!(quotients[0].as_ref().ok(), Some(&2));
//! assert_eq!(quotients[1].as_ref().unwrap_err().message(), Some("attempt to divide by zero"));
//! assert_eq!(quotients[2].as_ref().ok(), Some(&4));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! A panic of the *input* comes after the results of all items before it, and ends the iteration. The panic hook prints its
//! message when it happens, on the thread where it happens. With `RUST_BACKTRACE=1` the backtrace ends where the engine has
//! called your code; with `full` it has the engine and the pool, too.
//!
//! With `panic = "abort"` in a profile the process ends at the first panic, as it does everywhere.
//!
//! # Errors of the pool
//!
//! | | |
//! |---|---|
//! | [`BuildError`](crate::BuildError) | A pool cannot be made: no threads asked for, or the system refuses one. |
//! | [`JobError`](crate::JobError) | A job has no result: it panicked, or was cancelled before it began. |
//! | [`TimedOut`](crate::TimedOut) | A result or an item is late. |
//! | [`Cancelled`](crate::Cancelled) | The pool was terminated. An imap has no error to return for that, so it panics with this. |
