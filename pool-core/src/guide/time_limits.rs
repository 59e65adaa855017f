//! Time-outs, and work that hangs.
//!
//! A thread cannot be stopped. So a limit never ends a function; it ends *waiting* for it. There are two kinds, by what they
//! count.
//!
//! # For each call: `timeout`
//!
//! [`timeout(d)`](crate::Imap::timeout) waits for each result for at most `d`, counted from when you ask. A late item is not
//! lost: the next call waits for the same item again. Or [`give_up`](crate::Timeout::give_up) drops it and goes on.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::{Mutex, mpsc};
//! use std::time::Duration;
//!
//! let pool = StealingPool::new(2)?;
//! let (answer, question) = mpsc::channel();
//! let question = Mutex::new(question);
//! let slow = move |x: u32| if x == 1 { question.lock().unwrap().recv().unwrap() } else { x };
//! let mut results = pool.imap(0..3, slow).timeout(Duration::from_millis(50));
//! assert_eq!(results.next(), Some(Ok(0)));
//! let late = results.next().unwrap().unwrap_err();
//! assert_eq!(late.index(), 1);
//! answer.send(7).unwrap();
//! // Nothing was lost.
//! let in_time: Vec<u32> = results.filter_map(Result::ok).collect();
//! assert_eq!(in_time, [7, 2]);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! Use it where *you* have something else to do: redraw, flush, give a sign of life. One call is
//! [`next_timeout(d)`](crate::Imap::next_timeout), and `next_timeout(Duration::ZERO)` only looks.
//!
//! # For each item: `item_timeout`
//!
//! [`item_timeout(d)`](crate::Imap::item_timeout) counts from when each item *began*. A late one is `Err` at its place, and the
//! iteration goes on by itself. Ten items that hang at the same time cost one limit together. Use it for work that may hang: a
//! server that does not answer, a file on a lost network drive.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::{Mutex, mpsc};
//! use std::time::Duration;
//!
//! let pool = StealingPool::new(4)?;
//! let (release, hang) = mpsc::channel::<()>();
//! let hang = Mutex::new(hang);
//! let fetch = move |page: u32| {
//!     if page == 2 {
//!         let _ = hang.lock().unwrap().recv();
//!     }
//!     page
//! };
//! let pages = pool.imap(0..5, fetch).item_timeout(Duration::from_millis(200));
//! assert_eq!(pages.filter_map(Result::ok).collect::<Vec<_>>(), [0, 1, 3, 4]);
//! # drop(release);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # What a late function still costs
//!
//! It goes on running, and holds its thread of the pool until it returns. With as many such items as threads nothing else
//! runs. So give the function a limit of its own where it can have one, such as a socket's read time-out, somewhat later than
//! the pool's: it gives the thread back. Or let it hold a [`CancelToken`](crate::CancelToken) and ask now and then. What remains
//! when the program should end is in [`leaving`](super::leaving).
//!
//! [`TimedOut`](crate::TimedOut) is the pool's own type, so that it cannot be mistaken for an error of your function.
