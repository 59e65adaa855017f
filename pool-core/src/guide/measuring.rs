//! Why it is not faster, and how to find out.
//!
//! Build with `--release` first. Then ask the imap: [`stats`](crate::Imap::stats) says where items are, and how long the
//! next result has been missing. It costs nothing until it is asked for.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let mut results = pool.imap(0..1000_u64, |x| x * x);
//! for _ in 0..500 {
//!     results.next();
//! }
//! let stats = results.stats();
//! assert_eq!(stats.delivered, 500);
//! assert_eq!(stats.pulled, stats.waiting + stats.running + stats.blocked + stats.delivered);
//! println!("{stats}");
//! # drop(results);
//! println!("{}", pool.stats());
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! Take it in the *middle* of a run: at the end all items are delivered.
//!
//! | it says | so | then |
//! |---|---|---|
//! | much `blocked`, `head_age` is 0 | the consumer is slower than the pool | do less in the loop; move work into the function |
//! | much `blocked`, and `head_age` is long | few slow items hold up the rest | a larger [`window`](crate::Imap::window); smaller items; [`unordered`](crate::Imap::unordered) if order does not matter |
//! | little `waiting`, few `running` | the input is slow | it is pulled by one thread at a time: do there only what must be in order, and the rest in the function |
//! | much `waiting`, as many `running` as there are threads or more | the pool is the limit | more threads, if there are cores for them, or if the function waits |
//! | threads `busy` all the time (in `pool.stats()`) | the cores are used | this is as fast as it gets, unless they wait for memory or a lock |
//!
//! # Which item hangs
//!
//! `stats` names the item that runs for the longest time, and the slowest so far. A watchdog is a limit on each result, which
//! loses nothing:
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::time::Duration;
//!
//! let pool = StealingPool::new(2)?;
//! let slow = |x: u64| {
//!     std::thread::sleep(Duration::from_millis(if x == 3 { 60 } else { 0 }));
//!     x
//! };
//! let mut results = pool.imap(0..10, slow).timeout(Duration::from_millis(20));
//! let mut seen = 0;
//! while let Some(result) = results.next() {
//!     match result {
//!         Ok(_) => seen += 1,
//!         // "…; running for the longest time: item 3 (20.2ms)"
//!         Err(late) => println!("{late}: {}", results.stats()),
//!     }
//! }
//! assert_eq!(seen, 10);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # What to look at first
//!
//! Frequent causes, the cheapest to check first:
//!
//! - **Items of less than a microsecond.** Let each do more: an item can be a block of them.
//! - **The allocator**, where items and results are `String`s or `Vec`s: [`text`](super::text).
//! - **One item is most of the work.** No order of execution helps; split it.
//! - **A lock inside the function**: a shared counter, a logger, a connection. Give each thread at work its own:
//!   [`imap_init`](crate::Executor::imap_init).
//! - **Memory**: two threads that stream through large arrays share one bus.
//! - **More threads than cores.** Right for functions that wait, wrong for those that compute.
//!
//! To compare with sequential code, run `items.map(f)` in the same process, take turns, and let the sum of the results be
//! equal. The program `compare` of `pool-compare` does this for all backends and a dozen other crates.
//!
//! A progress bar is one line with the feature `progress`: `with_progress(bar)` knows the total of the input.
