//! The engine on your own threads: a backend in 60 lines.
//!
//! A backend is a place to queue jobs, and threads that run them. It implements two methods of [`Executor`](crate::Executor), and gets
//! everything else: order, window, panics, nesting, time-outs, streams. The rules for the two methods are in
//! [its documentation](crate::Executor#writing-a-backend).
//!
//! This one has one queue for all threads. [`Build`](crate::Build) gives it `builder()` with names, stack size and hooks; a
//! [`Workers`](crate::Workers) starts the threads and joins them. It is the file `examples/own_backend/pool.rs`, line by line.
//!
//! ```
//! use pool_core::{Build, BuildError, Config, Executor, Job, Workers};
//! use std::collections::VecDeque;
//! use std::sync::{Arc, Condvar, Mutex};
//!
//! /// Jobs that wait, or `None` after `terminate`; and whether the pool is being dropped.
//! type State = (Option<VecDeque<Job>>, bool);
//!
//! /// A pool, or what one of its threads has of it: all but the threads.
//! pub struct OwnPool {
//!     threads: usize,
//!     workers: Option<Workers>,
//!     shared: Arc<(Mutex<State>, Condvar)>,
//! }
//!
//! impl OwnPool {
//!     fn work(self) {
//!         let (state, changed) = &*self.shared;
//!         let idle = |now: &mut State| !now.1 && now.0.as_ref().is_some_and(VecDeque::is_empty);
//!         let next = || changed.wait_while(state.lock().unwrap(), idle).unwrap().0.as_mut()?.pop_front();
//!         while let Some(job) = next() {
//!             job.run(&self);
//!         }
//!     }
//!     pub fn terminate(&self) {
//!         let _discarded = self.shared.0.lock().unwrap().0.take();
//!         self.shared.1.notify_all();
//!     }
//! }
//!
//! impl Executor for OwnPool {
//!     fn threads(&self) -> usize {
//!         self.threads
//!     }
//!     fn spawn(&self, job: Job) {
//!         if let Some(jobs) = &mut self.shared.0.lock().unwrap().0 {
//!             jobs.push_back(job);
//!             self.shared.1.notify_one();
//!         }
//!     }
//! }
//!
//! impl Build for OwnPool {
//!     const NAME: &'static str = "own";
//!     fn build(config: Config) -> Result<OwnPool, BuildError> {
//!         let threads = config.threads()?;
//!         let shared = Arc::new((Mutex::new((Some(VecDeque::new()), false)), Condvar::new()));
//!         let handle = |workers| OwnPool { threads, workers, shared: shared.clone() };
//!         let workers = (0..threads).map(|_| handle(None)).map(|own| || own.work());
//!         Ok(handle(Some(config.start(workers)?)))
//!     }
//! }
//!
//! impl Drop for OwnPool {
//!     fn drop(&mut self) {
//!         let Some(workers) = &mut self.workers else { return };
//!         self.shared.0.lock().unwrap().1 = true;
//!         self.shared.1.notify_all();
//!         workers.join();
//!     }
//! }
//! # fn main() -> Result<(), BuildError> {
//! # let pool = pool_core::Builder::<OwnPool>::new().threads(2).build()?;
//! # assert!(pool.imap(0..100, |x| x * x).eq((0..100).map(|x| x * x)));
//! # pool.terminate();
//! # Ok(())
//! # }
//! ```
//!
//! # Why it is right
//!
//! - **Nothing waits for ever.** A job is pushed and `changed` is notified under the same lock under which a worker finds the queue empty and
//!   begins to wait. So no push falls between the two.
//! - **First in, first out**, so a job that spawns itself again, as imaps do, starves no other (rule 3).
//! - **A closing pool loses no job.** `next` gives `None` only when the queue is empty. A job that runs may spawn another one; its own
//!   worker comes back for that.
//! - **`terminate` cancels.** Dropping a [`Job`](crate::Job) cancels it, and what waits for it is told. That calls foreign code,
//!   destructors and wakers. `_discarded` is dropped at the end of the function, when the lock is free again; so is the `job` of a `spawn` that comes too late.
//! - **It may be dropped by its own job.** [`Workers::join`](crate::Workers::join) does not wait on one of its own threads.
//!
//! # What could be added
//!
//! - [`has_waiting`](crate::Executor::has_waiting): `true` is always right, but lets an imap's job go through the queue every half
//!   millisecond for nothing.
//! - [`pool_id`](crate::Executor::pool_id), one line: an imap inside the function of another one then calls no threads that are busy
//!   anyway.
//! - [`Counters`](crate::Counters) for each thread: its jobs and how long it was busy.
//! - Threads that look for a moment before they sleep: short imaps that follow each other find them awake.
//!
//! `pool-channel` is this with all four.
//!
//! # The suite, and the comparison
//!
//! `pool-conformance` tests every promise on it, by the suite that all backends share. In a test target with `harness = false`:
//!
//! ```text
//! fn main() {
//!     let make = |threads| Builder::<OwnPool>::new().threads(threads).build().expect("threads start");
//!     let mut suite = pool_conformance::Suite::from_args();
//!     suite.add(pool_conformance::Subject::new("own", make).terminated_by(OwnPool::terminate));
//!     suite.run();
//! }
//! ```
//!
//! One line puts it beside all other contenders of `compare`:
//!
//! ```text
//! let mut entries = pool_compare::registry::all();
//! entries.extend(pool_compare::ours::backend("own", make));
//! pool_compare::main(entries)
//! ```
//!
//! `cargo run --release --example own_backend -- --quick` does so in this workspace.
