//! An ordered parallel map in five minutes.
//!
//! An *imap* is an iterator over the results of a function. A *pool* computes them ahead, on its threads, while your loop
//! consumes them. The results come in the order of the input.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let mut lengths = Vec::new();
//! for length in pool.imap(["one", "two", "three"], |word| word.len()) {
//!     lengths.push(length);
//! }
//! assert_eq!(lengths, [3, 3, 5]);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! Three things differ from `iter.map(f)`:
//!
//! - The function runs on the pool's threads, many calls at the same time. So it is a `Fn`, and it, the items and the
//!   results are `Send + 'static`. What the compiler says otherwise is in [`compiler_errors`](crate::compiler_errors); how to
//!   borrow is in [`borrowing`](super::borrowing).
//! - The input is pulled on the pool's threads, too, one item after the other. It may be endless, and it may block.
//! - It runs ahead of you, by a [window](super::windows) and no more.
//!
//! One thing does not: it is lazy. Nothing is pulled before the first `next`, or [`start`](crate::Imap::start).
//!
//! # A pool
//!
//! Make one pool for the program, and share it: by reference, or in an `Arc`. Many imaps may use it at the same time.
//! `StealingPool::default()` has as many threads as the environment variable `POOL_THREADS` says, or one per core.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::LazyLock;
//!
//! static POOL: LazyLock<StealingPool> = LazyLock::new(StealingPool::default);
//!
//! assert!(POOL.imap(0..3, |x| 10 * x).eq([0, 10, 20]));
//! ```
//!
//! # What else there is
//!
//! | you want | write |
//! |---|---|
//! | all results at once, in a `Vec` | [`pool.map(&data, f)`](crate::Executor::map), which may borrow |
//! | lines or other records of a reader, and bytes for each to a writer | [`Blocks::lines(reader).pipe(&pool, writer, f)`](super::text), with the feature `blocks` |
//! | items by the hundred | [`items.batches(100)`](crate::IterExt::batches) |
//! | results as they finish, in any order | [`.unordered()`](crate::Imap::unordered) |
//! | a buffer or a connection that one thread uses at a time | [`pool.imap_init(items, init, f)`](crate::Executor::imap_init) |
//! | an input that is not `Send`, or borrows | [`items.local()`](crate::IterExt::local) in place of `items`, in each imap |
//! | stages, one behind the other | [`items.imap(pool.clone(), f).imap(pool, g)`](crate::IterExt::imap) |
//! | to push items, where there is no iterator | [`pool.sink(f, consume)`](crate::Executor::sink) |
//! | a stream as the input (feature `stream`) | `stream.imap(&pool, f)` |
//! | an imap that can be returned from a function | [`pool.into_imap(items, f)`](crate::Executor::into_imap) |
//! | one job, and a handle to wait for it | [`pool.submit(f)`](crate::Executor::submit) |
//! | a limit for each result, or each item | [`.timeout(d)`, `.item_timeout(d)`](super::time_limits) |
//!
//! Stages are iterators, so the adapters of std stand between them. A stage is pulled on the pool's threads by the next one, so
//! it must own its pool, here by an `Arc`:
//!
//! ```
//! use pool_stealing::{IterExt, StealingPool};
//! use std::sync::Arc;
//!
//! let pool = Arc::new(StealingPool::new(2)?);
//! let numbers = ["4", "x", "5"].into_iter().map(String::from);
//! let squares = numbers
//!     .imap(pool.clone(), |text| text.parse::<u32>())
//!     .filter_map(Result::ok)
//!     .imap(pool, |number| number * number);
//! assert!(squares.eq([16, 25]));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
