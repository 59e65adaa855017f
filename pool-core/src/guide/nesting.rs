//! Imaps inside imaps, and many imaps on one pool.
//!
//! # Inside a function
//!
//! `imap`, `map`, `scope` and `submit().join()` may be called inside a function that runs on the pool, on the same pool, at any
//! depth. A pool of one thread finishes, too: a consumer that is itself in a job is one more worker of its own imap. In `next` it
//! runs items that were pulled and have not begun, the oldest first, and waits only while other threads have the rest (P17).
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::Arc;
//!
//! let pool = Arc::new(StealingPool::new(1)?);
//! let inner = pool.clone();
//! let sums = pool.imap(1..=3_u64, move |n| inner.imap(0..n, |x| x + 1).sum::<u64>());
//! assert!(sums.eq([1, 3, 6]));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! The outer level alone keeps all threads busy if it has enough items; the inner imap then runs on its own thread, like
//! sequential code. Where the outer level has few items, or its last one is long, the inner imap takes the threads that are free.
//!
//! Two things follow. The result that a consumer in a job needs may wait for the one item that this thread has begun (P5). And
//! there an item must not wait for its consumer to have an earlier result: the thread that could take that result may be the one
//! that runs the item.
//!
//! **What does not nest:** a call with a limit, or a poll of a stream, inside a job. It only waits for other threads, and there may
//! be none. And waiting inside a job for something that is no part of the pool, such as a channel that another job of the same
//! pool fills, holds a thread: with as many such jobs as threads all stand still.
//!
//! # Beside each other
//!
//! Imaps share a pool fairly: a worker goes back to the queue after half a millisecond of one imap when other jobs wait. An item
//! is not interrupted, so one that takes a minute holds its thread for a minute.
//!
//! A **bounded channel between two imaps of one pool** can stand still: items of the first that wait for room hold the threads
//! which the second needs to make room. Chain the stages instead, or give each a pool:
//!
//! ```
//! use pool_stealing::{IterExt, StealingPool};
//! use std::sync::Arc;
//!
//! let pool = Arc::new(StealingPool::new(2)?);
//! let parsed = ["1", "2"].into_iter().imap(pool.clone(), |text| text.parse::<u32>().unwrap());
//! assert!(parsed.imap(pool, |number| 2 * number).eq([2, 4]));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
