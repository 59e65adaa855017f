//! Ending early.
//!
//! # By dropping
//!
//! Dropping an imap cancels what has not begun, and returns without waiting for what runs. So `break`, `?`, `take`, `find` and
//! `collect::<Result<_, _>>()` stop the work behind them.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! // The input is endless; the imap ends with the first match.
//! let found = pool.imap(1_u64.., |x| x * x).find(|square| square % 1000 == 0);
//! assert_eq!(found, Some(10_000));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! An item that runs goes on to its end, and its result is dropped. Every item and every result is dropped exactly once.
//!
//! # By a token
//!
//! A [`CancelToken`](crate::CancelToken) ends imaps from elsewhere: from a signal handler's thread, another imap, or the function
//! itself. One token can end many. The consumer still gets every result that is finished, up to the first gap; then the iteration
//! ends, and [`is_cancelled`](crate::Imap::is_cancelled) tells it from one that has reached the end of its input.
//!
//! ```
//! use pool_stealing::{CancelToken, Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let token = CancelToken::new();
//! let mut numbers = pool.imap(0_u64.., |x| x).cancel_with(&token);
//! assert_eq!(numbers.next(), Some(0));
//! let elsewhere = std::thread::spawn(move || token.cancel());
//! numbers.by_ref().for_each(drop);
//! assert!(numbers.is_cancelled());
//! # elsewhere.join().unwrap();
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! A long function can hold a clone of the token and ask [`is_cancelled`](crate::CancelToken::is_cancelled) between two steps. A
//! thread cannot be stopped from outside.
//!
//! # The whole pool
//!
//! `terminate` of a pool discards what is queued in it, for all its users; see [`leaving`](super::leaving). A single job is taken
//! back by [`cancel`](crate::ScopedJobHandle::cancel) of its handle.
