//! For authors of libraries.
//!
//! A library that maps in parallel needs a pool, and should not choose it: programs share one. So let the caller bring it, and
//! depend on `pool-core` alone, which has no threads.
//!
//! - **Take `&dyn Executor` or `&impl Executor`.** The first is compiled once; the second costs a copy of the code for each pool, and
//!   nothing else is gained. Write `?Sized` where the type is generic, or callers with a `&dyn Executor` cannot use it.
//! - **Write `items.imap(pool, f)`.** On a `&dyn Executor` it is the form that needs nothing more; for `map`, `scope` and `submit` write
//!   one more `&`: `(&pool).map(…)`. [`compiler_errors`](crate::compiler_errors) shows why.
//! - **Default to [`Sequential`](crate::Sequential)**, which has no threads, where callers need not bring a pool; or take an `Option` of an
//!   executor, whose `None` is the same. `examples/no_threads` does so for a system that has no threads and no clock.
//! - **What you return borrows the pool**, or owns what it was given: take the executor by value for that, and callers choose
//!   between a reference and an `Arc`.
//! - **You may be called in a job of the same pool.** Imaps and scopes nest (P8, P17). Waiting there for something else does not: a
//!   channel, a lock that is held during a `next`.
//! - **Leave window and chunk alone**, unless your items are large: the defaults follow from what is measured.
//!
//! ```
//! use pool_core::{Executor, IterExt};
//!
//! /// All at once.
//! pub fn lengths(pool: &dyn Executor, words: &[String]) -> Vec<usize> {
//!     (&pool).map(words, |word| word.len())
//! }
//!
//! /// The same for a generic pool.
//! pub fn total<E: Executor + ?Sized>(pool: &E, words: Vec<String>) -> usize {
//!     words.into_iter().imap(pool, |word| word.len()).sum()
//! }
//!
//! /// Lazily: the caller's executor goes into what is returned.
//! pub fn shouted<'p>(pool: impl Executor + 'p, words: Vec<String>) -> impl Iterator<Item = String> + 'p {
//!     words.into_iter().imap(pool, |word| word.to_uppercase())
//! }
//!
//! // A program brings its pool.
//! use pool_stealing::StealingPool;
//! use std::sync::Arc;
//!
//! let pool = Arc::new(StealingPool::new(2)?);
//! let words = ["a", "list"].map(String::from).to_vec();
//! assert_eq!(lengths(&pool, &words), [1, 4]);
//! assert_eq!(total(&*pool as &dyn Executor, words.clone()), 5);
//! assert!(shouted(&pool, words.clone()).eq(["A", "LIST"]));
//! let owns: Box<dyn Iterator<Item = String>> = Box::new(shouted(pool, words));
//! assert_eq!(owns.count(), 2);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
