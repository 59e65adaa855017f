//! Data that is not `'static`.
//!
//! `pool.imap` takes what it may keep: an imap can be leaked, and its items would go on. Where items, functions or results
//! borrow, something must wait. There are three ways.
//!
//! | | waits | use it for |
//! |---|---|---|
//! | [`map`](crate::Executor::map) | until all results are there | a slice or another collection, in memory |
//! | [`scope`](crate::Executor::scope) | at its end, for what runs | lazy results of borrowed data; several jobs |
//! | [`scope.sink`](crate::Scope::sink) | while the window is full | items that are pushed, their function, and what gets the results |
//! | [`imap_local`](crate::Executor::imap_local) | not at all | an *input* that borrows, or is not `Send`, and gives items that own what they have |
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let text = String::from("some lines\nof text\nthat stay where they are");
//! let least = 10;
//!
//! // All at once.
//! let lengths = pool.map(text.lines(), str::len);
//! assert_eq!(lengths, [10, 7, 24]);
//!
//! // Lazily. The function borrows `least`, items and results borrow `text`.
//! let first = pool.scope(|s| s.imap(text.lines(), |line| (line.len() > least).then_some(line)).flatten().next());
//! assert_eq!(first, Some("that stay where they are"));
//!
//! // The input borrows, the items do not.
//! let owned = text.lines().map(String::from);
//! assert_eq!(pool.imap_local(owned, |line| line.len()).max(), Some(24));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! A scope's jobs may write to disjoint parts of what they borrow:
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2)?;
//! let mut image = vec![1_u8; 1000];
//! pool.scope(|s| {
//!     for band in image.chunks_mut(300) {
//!         drop(s.submit(move || band.fill(2)));
//!     }
//! });
//! assert!(image.iter().all(|&pixel| pixel == 2));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! Often sharing is simpler than borrowing: put the table in an `Arc`, and let the function own a clone of it.
