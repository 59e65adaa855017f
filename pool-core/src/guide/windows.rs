//! Windows, chunks, and memory.
//!
//! # The window
//!
//! The window is how many items are between the input and you: pulled, in work, or finished and not yet handed out. Item
//! *k + W* is not pulled before result *k* has been handed out. So a slow item at the head never lets finished results pile
//! up, and an endless input is fine.
//!
//! The default follows from the measured time of items: about 100 ms of work for each thread, at least 16 items and at
//! most [`MAX_DEFAULT_WINDOW_PER_THREAD`](crate::MAX_DEFAULT_WINDOW_PER_THREAD). That suits items which are small in memory.
//! **Set the window where items or results are large**: it is the bound of what they take.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! // At most 8 blocks of 64 KiB and their results exist at any time.
//! let blocks = (0..50).map(|n| vec![n as u8; 1 << 16]);
//! let sums = pool.imap(blocks, |block| block.into_iter().map(u64::from).sum::<u64>()).window(8);
//! assert!(sums.eq((0..50).map(|n| n << 16)));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! | the window is | then |
//! |---|---|
//! | below the number of threads | threads are idle |
//! | two to four times the number of threads | enough, where all items take about the same time |
//! | larger | one slow item holds up the others for longer before threads run dry |
//!
//! A stage has a window of its own. In a chain of two stages with windows of 8 there are up to 16 items under way.
//!
//! # A bound in bytes
//!
//! Where items have very different sizes no count is right. Let the input say the sizes, and bound their sum: it is exceeded by
//! one item at most, an item larger than the whole budget passes alone, and several imaps can share a
//! [`Budget`](crate::Budget). The window in items holds beside it.
//!
//! ```
//! use pool_stealing::{Budget, Executor, IterExt, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let files = (1..200_u64).map(|n| vec![0_u8; (n % 50) as usize * 1000]);
//! // 200 kB under way in all imaps that have this budget.
//! let budget = Budget::bytes(200_000);
//! let lengths = pool.imap(files.with_sizes(Vec::len), |file| file.len()).window_bytes(&budget);
//! assert_eq!(lengths.count(), 199);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Chunks
//!
//! A worker takes several items at a time where they are short, since taking costs more than a tiny item. How many follows
//! from their measured time, about 100 µs of work, and begins with one. Each result of a chunk is handed out as soon as it is
//! there. [`chunk`](crate::Imap::chunk) sets the number instead: `chunk(1)` where a few items take a thousand times longer than the
//! rest and cannot be told apart, a larger one hardly ever.
//!
//! Items of some nanoseconds are best made larger: let an item be a block of them.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let starts = (0..100_000_u64).step_by(1000);
//! let total: u64 = pool.imap(starts, |start| (start..start + 1000).map(|x| x % 7).sum::<u64>()).sum();
//! assert_eq!(total, (0..100_000).map(|x| x % 7).sum());
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # What memory an imap takes
//!
//! The items and results within the window; for each chunk in the window two rings, one with room for its items and one for its
//! results; and some kilobytes of its own. Nothing grows with the length of the input (P15).
