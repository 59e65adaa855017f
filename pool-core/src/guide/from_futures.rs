//! Coming from `futures::buffered`.
//!
//! `buffered(n)` polls up to `n` futures in the task that polls the stream. That is right for work that waits on the
//! network, and there is no reason to leave it. It does nothing for work that *computes*: all of it would run on one
//! thread of the runtime, and hold it. The usual cure is a `spawn_blocking` for each item; an imap does the same
//! without a task for each.
//!
//! | `futures`, `tokio` | here (feature `stream`) |
//! |---|---|
//! | `stream::iter(items).map(\|x\| spawn_blocking(move \|\| f(x))).buffered(n)` | `pool.imap(items, f).window(n).into_stream()` |
//! | `buffer_unordered(n)` | `.unordered()` |
//! | a stream as the input: `stream.map(\|x\| spawn_blocking(…)).buffered(n)` | `stream.imap(&pool, f).window(n)` |
//! | `FuturesOrdered`, `FuturesUnordered` | an imap, ordered or not |
//! | `spawn_blocking(f).await` | `pool.submit(f).await` |
//! | `JoinError` | [`JobError`](crate::JobError) |
//! | `try_collect()` | The same: a stream of `Result`s. |
//! | `tokio::time::timeout(d, …)` | The same, around `next()`; for each item, [`item_timeout`](crate::Imap::item_timeout) and a loop on a thread |
//! | `AbortHandle` | [`CancelToken`](crate::CancelToken) |
//! | back pressure by not polling | The same: the window is full, and nothing is pulled. |
//!
//! ```
//! use futures::{StreamExt, TryStreamExt};
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let parsed = pool.imap(["1", "2", "3"], |text| text.parse::<u32>()).window(4).into_stream();
//! let sum = futures::executor::block_on(parsed.try_fold(0, async |sum, number| Ok(sum + number)));
//! assert_eq!(sum, Ok(6));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! `spawn_blocking` has hundreds of threads, which suits calls that block. For computing, as many threads as cores are better, and a
//! pool of its own keeps other blocking calls from waiting behind it. What to do with inputs that wait for a client is in
//! [`servers`](super::servers).
