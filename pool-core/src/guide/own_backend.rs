//! The engine on your own threads: a backend in 60 lines.
//!
//! A backend is a place to queue jobs, and threads that run them. It implements two methods of [`Executor`](crate::Executor), and gets
//! everything else: order, window, panics, nesting, time-outs, streams. The rules for the two methods are in
//! [its documentation](crate::Executor#writing-a-backend).
//!
//! This one has one queue for all threads. [`Backend`](crate::backend::Backend) says how its threads start and end, and a
//! [`Pool`](crate::backend::Pool) of it has the rest: `new`, `builder()` with names, stack size and hooks, `join`, `terminate`,
//! `shutdown_timeout`. It is the file `examples/own_backend/src/pool.rs`, line by line.
//!
//! ```
//! use pool_core::backend::{Backend, Config, Job, Pool, Workers};
//! use pool_core::{BuildError, Executor};
//! use std::collections::VecDeque;
//! use std::sync::{Arc, Condvar, Mutex};
//!
//! /// Jobs that wait, or `None` after `terminate`; and whether the pool is being dropped.
//! type State = (Option<VecDeque<Job>>, bool);
//!
//! /// The queue, as each thread and each job has it.
//! #[derive(Clone)]
//! pub struct Own {
//!     threads: usize,
//!     shared: Arc<(Mutex<State>, Condvar)>,
//! }
//!
//! /// A pool with builder, hooks, limits, and all that every pool has.
//! pub type OwnPool = Pool<Own>;
//!
//! impl Own {
//!     fn work(self) {
//!         let (state, changed) = &*self.shared;
//!         let idle = |now: &mut State| !now.1 && now.0.as_ref().is_some_and(VecDeque::is_empty);
//!         let next = || changed.wait_while(state.lock().unwrap(), idle).unwrap().0.as_mut()?.pop_front();
//!         while let Some(job) = next() {
//!             job.run(&self);
//!         }
//!     }
//! }
//!
//! impl Executor for Own {
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
//! impl Backend for Own {
//!     const NAME: &'static str = "own";
//!     fn start(config: &Config) -> Result<(Own, Workers), BuildError> {
//!         let state = Mutex::new((Some(VecDeque::new()), false));
//!         let own = Own { threads: config.threads()?, shared: Arc::new((state, Condvar::new())) };
//!         let workers = config.start(vec![own.clone(); own.threads].into_iter().map(|own| || own.work()))?;
//!         Ok((own, workers))
//!     }
//!     fn close(self) {
//!         self.shared.0.lock().unwrap().1 = true;
//!         self.shared.1.notify_all();
//!     }
//!     fn terminate(&self) -> Vec<Job> {
//!         let queued = self.shared.0.lock().unwrap().0.take();
//!         self.shared.1.notify_all();
//!         queued.unwrap_or_default().into()
//!     }
//! }
//! # fn main() -> Result<(), BuildError> {
//! # let pool = OwnPool::new(2)?;
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
//! - **`terminate` cancels.** Dropping a [`Job`](crate::backend::Job) cancels it, and what waits for it is told. That calls foreign code,
//!   destructors and wakers. So `terminate` gives the jobs to the pool, which drops them where no lock is held; and the `job` of a
//!   `spawn` that comes too late is dropped at the end of the function, when the lock is free again.
//! - **It may be dropped by its own job.** The pool does not wait on one of its own threads.
//!
//! # What could be added
//!
//! - [`has_waiting`](crate::Executor::has_waiting): `true` is always right, but lets an imap's job go through the queue every half
//!   millisecond for nothing.
//! - [`pool_id`](crate::Executor::pool_id), one line: an imap inside the function of another one then calls no threads that are busy
//!   anyway.
//! - [`stats`](crate::backend::Backend::stats), by [`Counters`](crate::backend::Counters) for each thread: its jobs and how long it was busy.
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
//!     let make = |threads| OwnPool::new(threads).expect("threads start");
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
//! `cargo run --release -p own_backend -- --quick` does so in this workspace.
