//! Common compiler errors, and what to do about them.
//!
//! Items, results and functions go to other threads, and may outlive the function that made them. So they must be
//! `Send`, and `'static`: they own what they need. Each heading says what the compiler says.
//!
//! # E0599: no method named `imap` found
//!
//! The methods are those of a trait, which must be in scope.
//!
//! ```compile_fail,E0599
//! use pool_stealing::StealingPool;
//!
//! let pool = StealingPool::new(2).unwrap();
//! pool.imap(0..3, |x| x + 1);
//! ```
//!
//! Import the trait [`Executor`](crate::Executor) from the backend.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(2).unwrap();
//! assert!(pool.imap(0..3, |x| x + 1).eq(1..4));
//! ```
//!
//! # E0597, E0716: borrowed value does not live long enough; argument requires that it is borrowed for `'static`
//!
//! The items borrow.
//!
//! ```compile_fail,E0597
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let words = vec![String::from("one"), String::from("three")];
//! let lengths: Vec<usize> = pool.imap(&words, |word| word.len()).collect();
//! ```
//!
//! Hand over the items, or share them by `Arc`; or wait for all results with [`map`](crate::Executor::map), or in a
//! [`scope`](crate::Executor::scope), where items, results and functions may borrow.
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let words = vec![String::from("one"), String::from("three")];
//! assert_eq!(pool.map(&words, |word| word.len()), [3, 5]);
//! assert_eq!(pool.scope(|s| s.imap(&words, |word| word.len()).max()), Some(5));
//! assert!(pool.imap(words, |word| word.len()).eq([3, 5]));
//! ```
//!
//! # E0373: closure may outlive the current function, but it borrows
//!
//! The function borrows a local variable.
//!
//! ```compile_fail,E0373
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let factor = 3;
//! let tripled: Vec<u32> = pool.imap(0..3, |x| factor * x).collect();
//! ```
//!
//! Let it own the variable: `move`. Clone what is needed afterwards, such as an `Arc`, before.
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let factor = 3;
//! assert!(pool.imap(0..3, move |x| factor * x).eq([0, 3, 6]));
//! ```
//!
//! # E0277: `Rc` cannot be sent between threads safely
//!
//! The same goes for `RefCell`, `Cell` and raw pointers that a function shares.
//!
//! ```compile_fail,E0277
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let table = std::rc::Rc::new([3, 5, 8]);
//! let found: Vec<i32> = pool.imap(0..3usize, move |index| table[index]).collect();
//! ```
//!
//! Use an `Arc`, and a `Mutex` or an atomic inside where something changes. If it is the *input* that has the `Rc`,
//! it may stay where it is: [`imap_local`](crate::Executor::imap_local) pulls on the thread that iterates.
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let table = std::sync::Arc::new([3, 5, 8]);
//! assert!(pool.imap(0..3usize, move |index| table[index]).eq([3, 5, 8]));
//!
//! let offset = std::rc::Rc::new(10);
//! let input = (0..3).map(|x| x + *offset);
//! assert!(pool.imap_local(input, |x| 2 * x).eq([20, 22, 24]));
//! ```
//!
//! # E0277: `MutexGuard` cannot be sent between threads safely, within `StdinLock`
//!
//! The thread that locks the standard input must also unlock it. `stdin().lines()` locks it, too.
//!
//! ```compile_fail,E0277
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let lengths = pool.imap(std::io::stdin().lock().lines(), |line| line.unwrap().len());
//! # use std::io::BufRead;
//! ```
//!
//! Wrap `Stdin` itself: then it is read on the pool's threads, and a result does not wait for the next line. (Or keep
//! the lock where you iterate, with `imap_local`.)
//!
//! ```no_run
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! use std::io::{BufRead, BufReader, stdin};
//!
//! let lengths = pool.imap(BufReader::new(stdin()).lines(), |line| line.unwrap().len());
//! # drop(lengths);
//! let lengths = pool.imap_local(stdin().lock().lines(), |line| line.unwrap().len());
//! # drop(lengths);
//! ```
//!
//! # E0277: `dyn Error` cannot be sent between threads safely
//!
//! Results go from thread to thread, too, and a `Box<dyn Error>` may hold anything.
//!
//! ```compile_fail,E0277
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! fn parse(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
//!     Ok(text.trim().parse()?)
//! }
//!
//! let numbers: Result<Vec<u32>, _> = pool.imap(["1", " 2"], parse).collect();
//! ```
//!
//! Say that the error is `Send`. `?` makes such a box of every error that is, and so do `anyhow` and the like.
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! fn parse(text: &str) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
//!     Ok(text.trim().parse()?)
//! }
//!
//! let numbers: Result<Vec<u32>, _> = pool.imap(["1", " 2"], parse).collect();
//! assert_eq!(numbers.unwrap(), [1, 2]);
//! ```
//!
//! # E0599: no method named `window` found for struct `Map`
//!
//! Settings, limits and tokens are methods of an [`Imap`](crate::Imap). Adapters of std make another type of it.
//!
//! ```compile_fail,E0599
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let even = pool.imap(0..4, |x| x * x).filter(|square| square % 2 == 0).window(8);
//! ```
//!
//! Set first, adapt afterwards. So do `timeout`, `unordered`, `catch_panics`, `start` and `into_stream`; an adapter never hides what
//! was set.
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let even = pool.imap(0..4, |x| x * x).window(8).filter(|square| square % 2 == 0);
//! assert!(even.eq([0, 4]));
//! ```
//!
//! # E0594, E0596: cannot assign to, or borrow as mutable, a captured variable in a `Fn` closure
//!
//! Many threads call the function at the same time.
//!
//! ```compile_fail,E0594
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let mut seen = 0;
//! let items: Vec<u32> = pool.imap(0..3, move |x| { seen += 1; x }).collect();
//! ```
//!
//! Count in an atomic; or let each thread have its own state: [`imap_init`](crate::Executor::imap_init).
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let shouted = pool.imap_init(["a", "b"], String::new, |buffer, word| {
//!     buffer.clear();
//!     buffer.push_str(word);
//!     buffer.to_uppercase()
//! });
//! assert!(shouted.eq(["A", "B"]));
//! ```
//!
//! # E0597: `pool` does not live long enough
//!
//! An imap borrows its pool.
//!
//! ```compile_fail,E0597
//! use pool_stealing::{Executor, StealingPool};
//!
//! fn squares() -> impl Iterator<Item = u64> {
//!     let pool = StealingPool::new(2).unwrap();
//!     pool.imap(0..3, |x| x * x)
//! }
//! ```
//!
//! Let it own the pool, or a clone of an `Arc`: [`into_imap`](crate::Executor::into_imap). A pool for the whole program
//! can be a static variable.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::LazyLock;
//!
//! fn squares() -> impl Iterator<Item = u64> {
//!     let pool = StealingPool::new(2).unwrap();
//!     pool.into_imap(0..3, |x| x * x)
//! }
//!
//! static POOL: LazyLock<StealingPool> = LazyLock::new(|| StealingPool::new(2).unwrap());
//!
//! fn cubes() -> impl Iterator<Item = u64> {
//!     POOL.imap(0..3, |x| x * x * x)
//! }
//!
//! assert!(squares().eq([0, 1, 4]) && cubes().eq([0, 1, 8]));
//! ```
//!
//! # E0373, then E0505: a closure that borrows `pool`, and cannot move out of `pool` because it is borrowed
//!
//! An imap inside the function of another one, on the same pool. The function borrows the pool, and may outlive it:
//!
//! ```compile_fail,E0373
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let sums = pool.imap(1..4_u64, |n| pool.imap(0..n, |x| x).sum::<u64>());
//! assert!(sums.eq([0, 1, 3]));
//! ```
//!
//! The compiler advises `move`. But the outer imap borrows the pool that would be moved:
//!
//! ```compile_fail,E0505
//! # use pool_stealing::{Executor, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let sums = pool.imap(1..4_u64, move |n| pool.imap(0..n, |x| x).sum::<u64>());
//! assert!(sums.eq([0, 1, 3]));
//! ```
//!
//! Move a clone of an `Arc`; or borrow in a [`scope`](crate::Executor::scope), which waits for its functions. A pool in a static
//! variable can be used as it is.
//!
//! ```
//! # use pool_stealing::{Executor, StealingPool};
//! # use std::sync::Arc;
//! let pool = Arc::new(StealingPool::new(2).unwrap());
//! let inner = pool.clone();
//! let sums = pool.imap(1..4_u64, move |n| inner.imap(0..n, |x| x).sum::<u64>());
//! assert!(sums.eq([0, 1, 3]));
//! pool.scope(|s| {
//!     let sums = s.imap(1..4_u64, |n| pool.imap(0..n, |x| x).sum::<u64>());
//!     assert!(sums.eq([0, 1, 3]));
//! });
//! ```
//!
//! # E0597: `pool` does not live long enough; argument requires that `pool` is borrowed for `'static`
//!
//! A stage that borrows its pool is the input of another.
//!
//! ```compile_fail,E0597
//! # use pool_stealing::{IterExt, StealingPool};
//! # let pool = StealingPool::new(2).unwrap();
//! let stages = (0..3).imap(&pool, |x| x + 1).imap(&pool, |x| 2 * x);
//! assert!(stages.eq([2, 4, 6]));
//! ```
//!
//! An input goes to the pool's threads, and so must own what it has: an `Arc` of the pool. Or it stays where the results are
//! iterated: [`local`](crate::IterExt::local).
//!
//! ```
//! # use pool_stealing::{IterExt, StealingPool};
//! # let pool = std::sync::Arc::new(StealingPool::new(2).unwrap());
//! let stages = (0..3).imap(pool.clone(), |x| x + 1).imap(&pool, |x| 2 * x);
//! assert!(stages.eq([2, 4, 6]));
//! let stages = (0..3).imap(&pool, |x| x + 1).local().imap(&pool, |x| 2 * x);
//! assert!(stages.eq([2, 4, 6]));
//! ```
//!
//! # the `imap` method cannot be invoked on a trait object
//!
//! ```compile_fail
//! use pool_stealing::{Executor, StealingPool};
//!
//! fn total(pool: &dyn Executor) -> u64 {
//!     pool.imap(0..3, |x| x * x).sum()
//! }
//! ```
//!
//! Begin with the items; for other methods write one more `&`. See [`Executor`](crate::Executor#pools-of-any-kind).
//!
//! ```
//! use pool_stealing::{Executor, IterExt, StealingPool};
//!
//! fn total(pool: &dyn Executor) -> u64 {
//!     let squares: u64 = (0..3).imap(pool, |x| x * x).sum();
//!     squares + (&pool).imap(0..3, |x| x - x).sum::<u64>()
//! }
//!
//! assert_eq!(total(&StealingPool::new(2).unwrap()), 5);
//! ```
//!
//! # E0277: the size for values of type `dyn Executor` cannot be known
//!
//! A type parameter has a known size unless it says otherwise, and `dyn Executor` has none.
//!
//! ```compile_fail,E0277
//! use pool_stealing::{Executor, IterExt};
//!
//! fn total<E: Executor>(pool: &E) -> u64 {
//!     (0..3).imap(pool, |x| x * x).sum()
//! }
//!
//! fn total_on_any(pool: &dyn Executor) -> u64 {
//!     total(pool)
//! }
//! ```
//!
//! Write `?Sized`, also as `&(impl Executor + ?Sized)`. Where the function is not yours, pass `&pool`: a reference to a pool is an
//! executor, too, and has a size.
//!
//! ```
//! use pool_stealing::{Executor, IterExt, StealingPool};
//!
//! fn total<E: Executor + ?Sized>(pool: &E) -> u64 {
//!     (0..3).imap(pool, |x| x * x).sum()
//! }
//!
//! fn total_on_any(pool: &dyn Executor) -> u64 {
//!     total(pool)
//! }
//!
//! assert_eq!(total_on_any(&StealingPool::new(2).unwrap()), 5);
//! ```
