//! When one machine is not enough.
//!
//! An imap is threads of one process. Closures and references cannot travel to another machine, so no executor can send
//! them. What the outer process does with *its* imap is often all that is needed, though:
//!
//! # The work is done elsewhere anyway
//!
//! Where the function is a request to a service, the threads only wait. Have as many as requests may be on their way, give each item a
//! limit, and keep the order:
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::time::Duration;
//!
//! /// Stands for a call over the network.
//! fn ask(shard: usize, item: u32) -> Result<u32, String> {
//!     if shard < 4 { Ok(item * 2) } else { Err(format!("there is no shard {shard}")) }
//! }
//!
//! let pool = StealingPool::new(32)?;
//! let answers = pool.imap(0..100_u32, |item| ask(item as usize % 4, item)).item_timeout(Duration::from_secs(30));
//! let mut sum = 0;
//! for answer in answers {
//!     match answer {
//!         Ok(Ok(answer)) => sum += answer,
//!         Ok(Err(reason)) => panic!("{reason}"),
//!         Err(late) => panic!("item {} is late", late.index()),
//!     }
//! }
//! assert_eq!(sum, 9900);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # The input can be split
//!
//! Start the same program on each machine with its number, and let it take every *n*th item. Each gives its results in
//! order, so to merge them, take one of each in turn.
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2)?;
//! let machines = 3;
//! let of_machine = |number| pool.imap((0..10_u32).skip(number).step_by(machines), |x| x * x);
//! let mut outputs: Vec<_> = (0..machines).map(of_machine).collect();
//! let merged: Vec<u32> = (0..10).filter_map(|item| outputs[item % machines].next()).collect();
//! assert_eq!(merged, (0..10).map(|x| x * x).collect::<Vec<_>>());
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # Processes of one machine
//!
//! Where a function may hang for ever, crash or leak, threads do not help: what one does to its process, it does to all. The
//! sibling `pool-process` runs named functions in child processes of the same program, with the same loop: it kills an item
//! that takes too long, and one that crashes costs itself only. It is also the way to try what `pool-nats` needs, without a
//! server.
//!
//! # A queue of named functions
//!
//! For work that must survive the loss of a worker, functions need names and items need to be written down: that is a message
//! queue's business. The sibling `pool-nats` does that, over a NATS server. It is no [`Executor`](crate::Executor), since jobs are
//! closures; what it shares is the behaviour: ordered, lazy, bounded, and every result exactly once at its place. It runs
//! functions at least once, so they must be idempotent.
