//! Coming from Python: `multiprocessing.Pool`, `concurrent.futures`, and the module `threadpool`.
//!
//! This began as `Pool(3).imap(f, range(5))`. The names are the same where the meaning is. What differs for all of them:
//!
//! - The workers are threads of one process. There is no interpreter lock, so threads do compute at the same time; nothing is
//!   pickled; a function may be a closure; and a crash of one worker is a crash of the program.
//! - The input is lazy and bounded by a [window](super::windows). Python's `imap` reads all of its input at once, in a thread of
//!   its own.
//! - A thread cannot be killed, so nothing here stops a function that runs.
//!
//! # `multiprocessing.Pool`
//!
//! ```python
//! with Pool(3) as pool:
//!     for result in pool.imap(f, range(5)):
//!         print(result)
//! ```
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//!
//! let pool = StealingPool::new(3)?;
//! for result in pool.imap(0..5, |x| x * x) {
//!     println!("{result}");
//! }
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! | Python | here |
//! |---|---|
//! | `Pool(3)`, `Pool()` | `StealingPool::new(3)?`, `StealingPool::default()` |
//! | `Pool(initializer=g)` | `builder().on_start(\|index\| g())`; for a state in one map, [`imap_init`](crate::Executor::imap_init) |
//! | `Pool(maxtasksperchild=n)` | Not there: threads do not age. |
//! | `pool.map(f, items)` | [`pool.map(items, f)`](crate::Executor::map), which may borrow |
//! | `pool.imap(f, items)` | [`pool.imap(items, f)`](crate::Executor::imap) |
//! | `pool.imap_unordered(f, items)` | `pool.imap(items, f).`[`unordered()`](crate::Imap::unordered) |
//! | `pool.starmap(f, pairs)` | `pool.map(pairs, \|(a, b)\| f(a, b))` |
//! | `pool.apply(f, (a, b))` | `pool.submit(move \|\| f(a, b)).join()`, or call `f` |
//! | `pool.apply_async(f, (a, b))` | [`pool.submit(move \|\| f(a, b))`](crate::Executor::submit), which gives a [`JobHandle`](crate::JobHandle) |
//! | `pool.apply_async(f, callback=g, error_callback=h)` | See [below](#callbacks). |
//! | `pool.map_async(f, items)` | `pool.imap(items, f).`[`start()`](crate::Imap::start), and `collect` later |
//! | `pool.starmap_async(f, pairs)` | The same, with `\|(a, b)\| f(a, b)`. |
//! | `chunksize=n` | [`.chunk(n)`](crate::Imap::chunk); but the default measures |
//! | `it.next(timeout=6)` | [`it.next_timeout(Duration::from_secs(6))`](crate::Imap::next_timeout) |
//! | a limit for every `next` of a loop, often called `it.setTimeout(6)` | [`.timeout(Duration::from_secs(6))`](crate::Imap::timeout) |
//! | `handle.get()`, `handle.get(timeout)` | [`join()`](crate::ScopedJobHandle::join), [`join_timeout(d)`](crate::ScopedJobHandle::join_timeout) |
//! | `handle.ready()` | [`is_finished()`](crate::ScopedJobHandle::is_finished) |
//! | `handle.successful()` | `join().is_ok()` |
//! | `pool.close()`, `pool.join()` | `pool.join()`: by value, so nothing can be submitted afterwards. Dropping the pool does the same. |
//! | `pool.terminate()` | [`terminate()`](super::leaving); what runs goes on |
//! | an exception in `f` | A panic at its item's place, or better a `Result`: [`errors`](super::errors). |
//!
//! A time-out does not lose the result, as in Python: the next call waits for the same item again.
//!
//! # `concurrent.futures`
//!
//! | Python | here |
//! |---|---|
//! | `ThreadPoolExecutor(max_workers=3)` | `StealingPool::new(3)?` |
//! | `ThreadPoolExecutor(thread_name_prefix=…, initializer=…)` | `builder().thread_name(…).on_start(…)` |
//! | `executor.submit(f, a)` | `pool.submit(move \|\| f(a))` |
//! | `executor.map(f, items, timeout=6)` | `pool.imap(items, f).start()`. Python's limit is for the whole map: compare with a deadline of your own in [`next_timeout`](crate::Imap::next_timeout). |
//! | `as_completed(futures)` | `.unordered()` |
//! | `wait(futures, return_when=FIRST_COMPLETED)` | `.unordered().next()` |
//! | `future.result(timeout)`, `future.exception()` | `join_timeout(d)`; the error is a [`JobError`](crate::JobError) |
//! | `future.done()`, `future.cancel()` | `is_finished()`, [`cancel()`](crate::ScopedJobHandle::cancel) |
//! | `future.add_done_callback(g)` | See [below](#callbacks). |
//! | `executor.shutdown()` | `pool.join()` |
//! | `executor.shutdown(wait=False, cancel_futures=True)` | `pool.terminate()` |
//! | `with ThreadPoolExecutor() as executor:` | A block; the pool is dropped at its end. With borrowed data: [`scope`](crate::Executor::scope). |
//! | `asyncio`'s `run_in_executor` | `pool.submit(f).await`: [`servers`](super::servers) |
//!
//! # Callbacks
//!
//! A callback that may run on a worker is the last line of the job. One that must run on *your* thread is the body of your loop, since
//! an iterator hands over each result there.
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::sync::mpsc;
//!
//! let pool = StealingPool::new(2)?;
//! // On the worker: `apply_async(f, callback=g)`.
//! let (called, calls) = mpsc::channel();
//! drop(pool.submit(move || {
//!     let result = 6 * 7;
//!     called.send(result).unwrap(); // the callback
//! }));
//! assert_eq!(calls.recv(), Ok(42));
//!
//! // Here, with errors: `error_callback`.
//! let (mut good, mut bad) = (0, 0);
//! for result in pool.imap(["1", "x"], |text| text.parse::<u32>()).unordered() {
//!     match result {
//!         Ok(_) => good += 1,
//!         Err(_) => bad += 1,
//!     }
//! }
//! assert_eq!((good, bad), (1, 1));
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
//!
//! # The module `threadpool`
//!
//! | Python | here |
//! |---|---|
//! | `ThreadPool(3)` | `StealingPool::new(3)?` |
//! | `makeRequests(f, items, callback, exc_callback)` and `putRequest` for each | `pool.imap(items, f)`: an item is the request, its place is the `requestID`, the loop is the callback |
//! | `ThreadPool(3, q_size=n)`, `putRequest` that blocks | `.window(n)`: nothing blocks, the input is just not pulled |
//! | `exc_callback` | [`catch_panics()`](crate::Imap::catch_panics), or a `Result` |
//! | `pool.wait()` | The end of the loop. |
//! | `pool.poll()` | `next_timeout(Duration::ZERO)`: one result if there is one, at once |
//! | `pool.poll(block=True)` | `next()` |
//! | `NoResultsPending` | `None` from `next` |
//! | `pool.createWorkers(n)` | Not there: a pool's threads are fixed when it is built. Make a second pool, or build it with as many as will be needed; idle threads cost no time. |
//! | `pool.dismissWorkers(n)` | Not there, for the same reason. Dropping a pool dismisses all. |
//! | `pool.joinAllDismissedWorkers()` | `pool.join()` |
//!
//! ```
//! use pool_stealing::{Executor, StealingPool};
//! use std::time::Duration;
//!
//! let pool = StealingPool::new(3)?;
//! let mut requests = pool.imap(0..5, |x| 10 * x).window(3).start();
//! let mut results = Vec::new();
//! // The main loop of a program that must never wait.
//! loop {
//!     match requests.next_timeout(Duration::ZERO) {
//!         Ok(Some(result)) => results.push(result),
//!         Ok(None) => break,                           // `NoResultsPending`
//!         Err(_late) => std::thread::yield_now(),      // something else to do
//!     }
//! }
//! assert_eq!(results, [0, 10, 20, 30, 40]);
//! # Ok::<(), pool_stealing::BuildError>(())
//! ```
