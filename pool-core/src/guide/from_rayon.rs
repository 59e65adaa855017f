//! Coming from rayon.
//!
//! Rayon divides data that is in memory, and is the right tool for that. An imap is for what is *not* all there yet: lines, records,
//! pages, in order, in bounded memory, with results as they come. They work together: the crate `pool-rayon` runs imaps on a rayon pool
//! that you have already (`RayonPool::from_pool`, `RayonPool::global`), so that the program has one set of threads.
//!
//! | rayon | here | what differs |
//! |---|---|---|
//! | `v.par_iter().map(f).collect::<Vec<_>>()` | [`pool.map(&v, f)`](crate::Executor::map) | Any iterator; it is pulled in order, not split. |
//! | `iter.par_bridge().map(f)` | [`pool.imap(iter, f)`](crate::Executor::imap) | In order, and lazy: results can be used before the input has ended. |
//! | `.for_each(f)` | `pool.imap(items, f).for_each(drop)` | |
//! | `.map_init(init, f)` | [`imap_init`](crate::Executor::imap_init) | One state for each thread at work, and not one for each split. |
//! | `.filter(p)`, `.flat_map(g)` | Give an `Option` or a `Vec` from `f`, then `.flatten()` | The rest of the chain is a plain iterator, on your thread. |
//! | `.find_first(p)`, `.position_first(p)` | `.find(p)`, `.position(p)` on the results | Dropping the imap cancels the rest. |
//! | `.find_any(p)` | `.unordered().find(p)` | |
//! | `.reduce(…)`, `.sum()` | `.fold(…)`, `.sum()` | On your thread: let items be large enough. |
//! | `.try_for_each(f)` | `.collect::<Result<(), _>>()` | The error is always that of the first item that failed. |
//! | `.with_min_len(n)`, `.with_max_len(n)` | [`.chunk(n)`](crate::Imap::chunk) | The default measures the items. |
//! | `.chunks(n)` | items that are blocks: [`text`](super::text) | |
//! | `rayon::join(a, b)` | `pool.scope(\|s\| { let b = s.submit(b); (a(), b.join()) })` | |
//! | `rayon::scope(\|s\| s.spawn(…))` | [`pool.scope(\|s\| s.submit(…))`](crate::Executor::scope) | A handle gives the result, or the panic. |
//! | `rayon::spawn(f)` | [`pool.submit(f)`](crate::Executor::submit) | A panic does not abort the process. |
//! | `ThreadPoolBuilder::new().num_threads(4)` | `builder().threads(4)` | |
//! | `pool.install(f)` | | No thread has a current pool: you name it in each call. |
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2)?;
//! let words = vec!["some", "words", "in", "memory"];
//! // `words.par_iter().map(|word| word.len()).collect::<Vec<_>>()`
//! assert_eq!(pool.map(&words, |word| word.len()), [4, 5, 2, 6]);
//! // `par_bridge`, in order, over an input that never ends.
//! let squares = pool.imap(0_u64.., |x| x * x).filter(|square| square % 2 == 1);
//! assert!(squares.take(3).eq([1, 9, 25]));
//! // `join`
//! let (count, longest) = pool.scope(|s| {
//!     let longest = s.submit(|| words.iter().map(|word| word.len()).max());
//!     (words.len(), longest.join().unwrap())
//! });
//! assert_eq!((count, longest), (4, Some(6)));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # When to stay with rayon
//!
//! Data in memory that is sorted, reduced, or divided recursively; items of some nanoseconds over slices; adapters such as `zip` and `chunks`
//! that need an index. Its eager `collect` also costs less for the tiniest items, at the price of memory for all results.
