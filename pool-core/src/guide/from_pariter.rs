//! Coming from `pariter`.
//!
//! The idea is the same: `iter.parallel_map(f)` gives results in order, lazily. What differs is that a pool outlives the call and is
//! shared, so a short imap does not start threads; that items travel in chunks, so tiny ones are worth it; and that a result never
//! waits for the next item of the input.
//!
//! | `pariter` | here |
//! |---|---|
//! | `iter.parallel_map(f)` | [`iter.imap(pool, f)`](crate::IterExt::imap), where `pool` is a reference, or an `Arc` if another stage follows |
//! | `iter.parallel_map_custom(\|o\| o.threads(4), f)` | a pool of 4 threads |
//! | `o.buffer_size(n)` | [`.window(n)`](crate::Imap::window) |
//! | `iter.parallel_map_scoped(scope, f)` | [`pool.scope(\|s\| s.imap(iter, f)…)`](crate::Executor::scope) |
//! | `iter.parallel_filter(p)` | `iter.imap(pool, \|x\| p(&x).then_some(x)).flatten()` |
//! | `iter.readahead()` | `pool.imap(iter, \|x\| x).window(n)`: pulled on a thread of the pool |
//! | `iter.profile_…` | [`stats()`](crate::Imap::stats), always on: [`measuring`](super::measuring) |
//! | a panic of a worker | at the place of its item, with its payload |
//!
//! ```
//! use pool_stealing::{IterExt, StealingPool};
//! use std::sync::Arc;
//!
//! let pool = Arc::new(StealingPool::new(2)?);
//! // `(0..100).parallel_filter(…).parallel_map_custom(|o| o.threads(2).buffer_size(16), …)`
//! let even = (0..100_u32).imap(pool.clone(), |x| (x % 2 == 0).then_some(x)).flatten();
//! let halves = even.imap(pool, |x| x / 2).window(16);
//! assert!(halves.eq(0..50));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! `parallel_map` takes a `FnMut + Clone` for each thread. Here the function is one `Fn` for all threads; what was in the clone is a
//! state of [`imap_init`](crate::Executor::imap_init):
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let lengths = pool.imap_init(["a", "bcd"], String::new, |buffer, word| {
//!     buffer.clear();
//!     buffer.push_str(word);
//!     buffer.len()
//! });
//! assert!(lengths.eq([1, 3]));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
