//! Recipes: tracing, retries, pace, randomness, pinning, reading ahead.
//!
//! # Tracing: the caller's span around the function
//!
//! With the feature `tracing` each imap has a span, a child of the one in which it was made. The threads that run items are inside
//! of it, so the spans and events of the function are below the caller's. A late item and a late result are events. An item that
//! wants a span of its own makes one, with the index that [`current`](crate::current) says.
//!
//! Without the feature, or for anything else that a thread carries (a locale, the number of a request), take it along and enter
//! it for each item:
//!
//! ```
//! use pool_stealing::{Executor, StealingPool, current};
//! use tracing::info_span;
//!
//! let pool = StealingPool::new(2)?;
//! let request = info_span!("request");
//! let lengths = pool.imap(["one", "three"], move |word| {
//!     let _request = request.enter();
//!     info_span!("word", index = current().index()).in_scope(|| word.len())
//! });
//! assert!(lengths.eq([3, 5]));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Retries, and a limit on how many in a second
//!
//! A retry is a loop inside the function. It holds its thread meanwhile, so have as many threads as calls may be on their way.
//! The order stays: results behind the item wait for it, up to the window.
//!
//! A pace belongs into the input. One thread at a time pulls, so the input needs no lock to keep a distance between items; and
//! while threads are free, an item begins when it has been pulled. Where retries count as well, wait in the function, for a clock
//! that all calls share.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
//! use std::thread::sleep;
//! use std::time::{Duration, Instant};
//!
//! /// Calls until it is `Ok`, this often at most, with longer and longer pauses.
//! fn retry<T, E>(most: u32, mut call: impl FnMut() -> Result<T, E>) -> Result<T, E> {
//!     for attempt in 1..most {
//!         match call() {
//!             Ok(value) => return Ok(value),
//!             Err(_) => sleep(Duration::from_millis(1 << attempt)),
//!         }
//!     }
//!     call()
//! }
//!
//! let distance = Duration::from_millis(10);
//! let mut due = Instant::now();
//! let paced = (0..5_u32).inspect(move |_| {
//!     sleep(due.saturating_duration_since(Instant::now()));
//!     due = Instant::now() + distance;
//! });
//!
//! let pool = StealingPool::new(4)?;
//! let (calls, began) = (AtomicU32::new(0), Instant::now());
//! // Stands for a service of which each second call fails.
//! let ask = move |item: u32| if calls.fetch_add(1, SeqCst) % 2 == 1 { Ok(item) } else { Err("busy") };
//! let answers = pool.imap(paced, move |item| retry(20, || ask(item)));
//! assert!(answers.eq((0..5).map(Ok)));
//! assert!(began.elapsed() >= 4 * distance);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Randomness that is the same on any number of threads
//!
//! A generator in the state of [`imap_init`](crate::Executor::imap_init) gives other numbers in each run, since it is not defined
//! which items a state sees. So give each item a generator of its own, whose seed is made of the run's seed and the item's index.
//! The input counts, and the results are the same with one thread and with sixty.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! /// Spreads the bits of a number. (`seed_from_u64` of a generator of `rand` does such a thing, too.)
//! fn mixed(mut x: u64) -> u64 {
//!     for _ in 0..3 {
//!         x = (x ^ (x >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
//!     }
//!     x ^ (x >> 31)
//! }
//!
//! let run = |threads, seed: u64| {
//!     let pool = StealingPool::new(threads)?;
//!     let throws = pool.imap((0..100_u64).zip(1..), move |(item, number)| item + mixed(seed ^ mixed(number)) % 6);
//!     Ok::<Vec<u64>, pool_stealing::BuildError>(throws.collect())
//! };
//! assert_eq!(run(1, 7)?, run(4, 7)?);
//! assert_ne!(run(4, 7)?, run(4, 8)?);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Pinning threads to cores, and priorities
//!
//! The hook `on_start` runs on each thread of a pool before its first job, with the thread's index. What a system knows of threads is
//! set there: the cores that it may use, its priority, its name in a profiler. A panic of the hook ends there, and the thread works
//! all the same. The threads of a rayon pool that exists already have been started without this hook; rayon's own builder has one.
//!
//! ```
//! # #[cfg(not(target_os = "linux"))] fn main() {}
//! # #[cfg(target_os = "linux")] fn main() -> Result<(), pool_stealing::BuildError> {
//! use pool_stealing::{Executor, StealingPool};
//! use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
//!
//! /// Gives the thread one of the cores that it may use.
//! fn pin(index: usize) {
//!     let allowed = sched_getaffinity(None).unwrap();
//!     let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
//!     let mut one = CpuSet::new();
//!     one.set(cores[index % cores.len()]);
//!     sched_setaffinity(None, &one).unwrap();
//! }
//!
//! let pool = StealingPool::builder().threads(2).on_start(pin).build()?;
//! let cores = pool.imap(0..4, |_| sched_getaffinity(None).unwrap().count());
//! assert!(cores.eq([1; 4]));
//! # Ok(())
//! # }
//! ```
//!
//! # Reading ahead
//!
//! An imap whose function is the identity pulls its input on another thread, up to the window, while your loop does something else.
//! [`start`](crate::Imap::start) begins before the loop. The input holds one thread of the pool while it blocks, so a pool
//! of one thread is enough, and a pool that others use should have one more.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(1)?;
//! // Stands for blocks of a slow disk.
//! let blocks = (0..20_u8).map(|n| vec![n; 1000]);
//! let mut sum = 0;
//! for block in pool.imap(blocks, |block| block).window(4).start() {
//!     sum += block.iter().map(|&byte| u64::from(byte)).sum::<u64>();
//! }
//! assert_eq!(sum, 190_000);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
