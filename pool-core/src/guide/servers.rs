//! Servers and asynchronous code.
//!
//! An asynchronous runtime has few threads, and nothing that computes or blocks should run on them. With the feature `stream` a
//! pool does that work, and the runtime's threads only poll.
//!
//! - `into_stream()` makes a `Stream` of an imap. It runs nothing where it is polled, and after 128 ready
//!   results it leaves the thread to other tasks.
//! - A [`JobHandle`](crate::JobHandle) is a `Future`.
//! - [`into_imap`](crate::Executor::into_imap) owns a clone of the pool's `Arc`, so the stream is `'static`: it can be the body of a
//!   response.
//!
//! ```
//! use futures::StreamExt;
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::Arc;
//!
//! /// What a handler would do: the answer outlives the function that makes it.
//! fn answer(pool: Arc<StealingPool>, lines: Vec<String>) -> impl futures::Stream<Item = String> + 'static {
//!     pool.into_imap(lines, |line| line.to_uppercase()).into_stream()
//! }
//!
//! let pool = Arc::new(StealingPool::new(2)?);
//! let lines = vec!["a".to_string(), "b".to_string()];
//! let upper: Vec<_> = futures::executor::block_on(answer(pool.clone(), lines).collect());
//! assert_eq!(upper, ["A", "B"]);
//!
//! let sum = futures::executor::block_on(pool.submit(|| (1..=100).sum::<u32>()));
//! assert_eq!(sum.unwrap(), 5050);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Inputs that wait for a client
//!
//! The input of an imap is pulled on the pool's threads. One that waits for a slow client holds a thread meanwhile, and as many
//! slow clients as threads stop everything. So read in the runtime, and give the pool what has arrived: as a whole (an imap),
//! or as a stream: `stream.imap(&pool, f)` is polled by the runtime, and only the function runs on the
//! pool. It works on while the task sends what it has.
//!
//! ```
//! use futures::{StreamExt, stream};
//! use pool_stealing::{StealingPool, StreamImapExt};
//!
//! let pool = StealingPool::new(2)?;
//! let lines = stream::iter(["one", "two", "three"]);
//! let lengths = lines.imap(&pool, |line| line.len()).window(8);
//! let lengths: Vec<_> = futures::executor::block_on(lengths.collect());
//! assert_eq!(lengths, [3, 3, 5]);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! The example `line_server` does both, with axum, and answers while the request still comes.
//!
//! # Three things to keep in mind
//!
//! - Keep an owner of the pool outside of the tasks. Dropping the last one joins the pool's threads, and so blocks.
//! - A client that goes away drops its stream, and that cancels what has not begun. A `JobHandle` that is dropped lets its job
//!   run: call [`cancel`](crate::ScopedJobHandle::cancel) before.
//! - A panic of an item comes out of `poll_next`. [`catch_panics`](crate::Imap::catch_panics) makes a value of it.
