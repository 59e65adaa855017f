//! Tasks that are lent to the pool for a time, and the end of that time.
//!
//! A [`Lease`] lies in the pool's queue in place of the task. A thread that comes for the task is counted while it has the
//! task. A lease whose task is gone does nothing when its turn comes.
//!
//! The [`Leases`] of a scope are of two kinds. A *job* runs once: the first thread that comes takes the task out. The task
//! of an *imap* stays in its lease until the consumer closes that, or the scope does.
//!
//! **The end.** [`finish`](Leases::finish) returns when no thread can reach a task any more. It ends an imap only when no
//! thread is left that could iterate it: a job may, and so may an item of an imap that was dropped while it ran. So
//! there is one number to wait for, `awaited`: how many leases have not ended, among the jobs, and among the imaps that
//! are closed. When that is zero, what is still open are imaps that were leaked. These are closed, which makes them
//! count, and the wait begins anew, since their last items may submit jobs and make imaps.
//!
//! On a thread that the pool needs (P8) there may be no other thread for the jobs, so there the caller runs those that have
//! not begun, and sleeps only while there are none; it is woken for each that comes.
//!
//! **No thread is missed.** A lease counts from before a thread can reach its task, and until the task has been dropped.
//! What runs in a scope, and makes another lease in it, is itself counted or is an item of an open imap. So if the list
//! of imaps is empty and the number is zero, in that order and under the lock of the lists, then nothing of the scope
//! runs, and nothing can come: without a thread that runs there is none to submit.

use crate::Executor;
use crate::job::{Job, Task};
use crate::roster::Roster;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Condvar, Mutex, lock, wait};
use crate::unwind::{catch, drop_each, drop_quietly};
use std::sync::Arc;

/// What the pool holds in place of a task that borrows.
pub(crate) struct Lease {
    state: Mutex<LeaseState>,
    leases: Arc<Leases>,
    /// Ends an imap. A job has none.
    end: Option<Box<dyn Fn() + Send + Sync>>,
}

struct LeaseState {
    task: Option<Arc<dyn Task>>,
    /// How many threads have the task.
    users: usize,
}

impl Lease {
    fn new(
        leases: &Arc<Leases>,
        task: Arc<dyn Task>,
        end: Option<Box<dyn Fn() + Send + Sync>>,
    ) -> Arc<Lease> {
        let state = Mutex::new(LeaseState { task: Some(task), users: 0 });
        Arc::new(Lease { state, leases: leases.clone(), end })
    }

    /// Whether no thread has the task or can reach it any more.
    fn has_ended(&self) -> bool {
        let state = lock(&self.state);
        state.task.is_none() && state.users == 0
    }

    /// Gives the task to `f`, unless it is gone; with `takes`, no other thread gets it any more.
    fn lend(&self, takes: bool, f: impl FnOnce(Arc<dyn Task>)) {
        let mut state = lock(&self.state);
        let task = if takes { state.task.take() } else { state.task.clone() };
        let Some(task) = task else { return };
        state.users += 1;
        if takes && self.end.is_some() {
            self.leases.await_one();
        }
        drop(state);
        // The task is gone before it stops being counted, on every way out.
        let _user = User(self);
        // `f` drops the task. Should that panic, no caller is left to be told.
        drop_quietly(catch(|| f(task)));
    }

    /// Takes the task away from threads that would come for it later. Those that have it go on.
    ///
    /// A job must have begun, or been cancelled.
    pub(crate) fn close(&self) {
        self.lend(true, drop);
    }

    /// Ends an imap, and closes the lease.
    fn end(&self) {
        if let Some(end) = &self.end {
            // It may wake a task whose waker panics.
            drop_quietly(catch(end));
        }
        self.close();
    }
}

/// A thread that has the task, counted until this is dropped.
struct User<'a>(&'a Lease);

impl Drop for User<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.users -= 1;
        let has_ended = state.users == 0 && state.task.is_none();
        drop(state);
        if has_ended {
            self.0.leases.one_has_ended();
        }
    }
}

impl Task for Lease {
    fn run(self: Arc<Self>, executor: &dyn Executor) {
        self.lend(self.end.is_none(), |task| task.run(executor));
    }

    fn discard(self: Arc<Self>) {
        self.lend(self.end.is_none(), Task::discard);
    }
}

/// All leases of a scope.
#[derive(Default)]
pub(crate) struct Leases {
    lists: Mutex<Lists>,
    changed: Condvar,
    /// How many leases have not ended, of jobs and of closed imaps.
    awaited: AtomicUsize,
}

#[derive(Default)]
struct Lists {
    jobs: Roster<Arc<Lease>>,
    imaps: Roster<Arc<Lease>>,
    /// The thread that ends the scope sleeps, and may do so because it has no job to run.
    asleep: bool,
    wants_jobs: bool,
}

/// What the thread that ends a scope does next.
enum Next {
    Run(Vec<Arc<Lease>>),
    End(Vec<Arc<Lease>>),
    Return,
}

impl Leases {
    /// Lends a job.
    pub(crate) fn lend_job(self: &Arc<Self>, task: Arc<dyn Task>) -> Arc<Lease> {
        self.await_one();
        let lease = Lease::new(self, task, None);
        let mut lists = lock(&self.lists);
        let ended = lists.jobs.add(lease.clone(), |lease| lease.has_ended());
        let wakes = lists.wants_jobs;
        drop(lists);
        if wakes {
            self.changed.notify_one();
        }
        drop_each(ended);
        lease
    }

    /// Lends the task of an imap; `end` ends the imap early.
    pub(crate) fn lend_imap(
        self: &Arc<Self>,
        task: Arc<dyn Task>,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Arc<Lease> {
        let lease = Lease::new(self, task, Some(Box::new(end)));
        // A long scope may see many come and go.
        let ended = lock(&self.lists).imaps.add(lease.clone(), |lease| lease.has_ended());
        drop_each(ended);
        lease
    }

    fn await_one(&self) {
        // Relaxed: the thread that counts one is itself counted, or is the one that waits.
        self.awaited.fetch_add(1, Ordering::Relaxed);
    }

    fn one_has_ended(&self) {
        // Release: pairs with the load in `next`, so that what was borrowed is not looked at any more then.
        if self.awaited.fetch_sub(1, Ordering::Release) > 1 {
            return;
        }
        // The lock pairs it with the look that the waiting thread takes before it sleeps.
        let asleep = lock(&self.lists).asleep;
        if asleep {
            self.changed.notify_one();
        }
    }

    /// Waits for the jobs, then ends the imaps, and returns when no thread can reach a task any more. With an executor,
    /// this thread runs jobs that have not begun.
    pub(crate) fn finish(&self, executor: Option<&dyn Executor>) {
        loop {
            match self.next(executor.is_some()) {
                Next::Return => return,
                Next::End(imaps) => imaps.into_iter().for_each(|lease| {
                    lease.end();
                    // Not even the shell may unwind here: it may be the last owner of a waker.
                    drop_quietly(lease);
                }),
                Next::Run(jobs) => {
                    if let Some(executor) = executor {
                        // One that has begun elsewhere is an empty shell.
                        jobs.into_iter().for_each(|lease| Job::from_task(lease).run(executor));
                    }
                }
            }
        }
    }

    fn next(&self, runs_jobs: bool) -> Next {
        let mut lists = lock(&self.lists);
        loop {
            if runs_jobs && !lists.jobs.is_empty() {
                return Next::Run(lists.jobs.take());
            }
            // Asked before the number: see the module's docs.
            let is_last = lists.imaps.is_empty();
            if self.awaited.load(Ordering::Acquire) == 0 {
                // Shells that were not run here; they hold what holds them.
                let shells = lists.jobs.take();
                let imaps = lists.imaps.take();
                drop(lists);
                drop_each(shells);
                return if is_last { Next::Return } else { Next::End(imaps) };
            }
            (lists.asleep, lists.wants_jobs) = (true, runs_jobs);
            lists = wait(&self.changed, lists, None);
            (lists.asleep, lists.wants_jobs) = (false, false);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::Executor;
    use crate::doubles::Manual;
    use crate::job::{Job, in_job};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Needs every thread that asks, and runs nothing until it is told to.
    struct Needy(Manual);

    impl Executor for Needy {
        fn threads(&self) -> usize {
            1
        }
        fn spawn(&self, job: Job) {
            self.0.spawn(job);
        }
        fn is_worker(&self) -> bool {
            true
        }
    }

    #[test]
    fn p8_scope_end_runs_jobs_inside_jobs_and_in_order() {
        let (pool, ran) = (Needy(Manual::new(1)), Mutex::new(Vec::new()));
        let run = |k| ran.lock().unwrap().push((k, in_job()));
        pool.scope(|s| {
            for k in [1, 2] {
                drop(s.submit(move || {
                    run(k);
                    drop(s.submit(move || run(k + 2)));
                }));
            }
            s.submit(|| run(0)).join().unwrap();
        });
        assert_eq!(ran.into_inner().unwrap(), [0, 1, 2, 3, 4].map(|k| (k, true)));
        assert_eq!(pool.0.len(), 5, "the pool has run none");
    }

    #[test]
    fn p9_scope_end_leaves_empty_shells_with_the_pool() {
        let (pool, ran) = (Needy(Manual::new(1)), AtomicUsize::new(0));
        pool.scope(|s| {
            let run = || ran.fetch_add(1, Ordering::Relaxed);
            drop(s.submit(run));
            assert!(s.submit(run).cancel());
            std::mem::forget(s.imap(0.., move |_: u32| run()).start());
        });
        assert_eq!((ran.load(Ordering::Relaxed), pool.0.len()), (1, 3));
        while pool.0.run_one() {}
        assert_eq!(ran.into_inner(), 1, "a shell has run something");
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::doubles::Inline;
    use crate::explore::explore;
    use crate::sync::atomic::AtomicBool;

    /// A task that does this, as often as it is run.
    struct Does<F>(F);

    impl<F: Fn() + Send + Sync> Task for Does<F> {
        fn run(self: Arc<Self>, _: &dyn Executor) {
            (self.0)();
        }
    }

    /// What tasks borrow. To look at it after its end is a wrong value here, and not undefined.
    #[derive(Default)]
    struct Borrowed {
        ended: AtomicBool,
        /// A task has looked after the end. A lease catches panics, so none tells.
        late: AtomicBool,
        looks: AtomicUsize,
    }

    impl Borrowed {
        fn look(&self) {
            self.late.fetch_or(self.ended.load(Ordering::Relaxed), Ordering::Relaxed);
            self.looks.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Another thread runs a lease, while this one ends the scope.
    fn model(
        runs_jobs: bool,
        looks: usize,
        lend: impl Fn(&Arc<Leases>, Arc<Borrowed>) -> Arc<Lease> + Send + Sync + 'static,
    ) {
        explore(3, move || {
            let (leases, borrowed) = (Arc::<Leases>::default(), Arc::<Borrowed>::default());
            let lease = lend(&leases, borrowed.clone());
            let worker = loom::thread::spawn(move || lease.run(&Inline));
            leases.finish(runs_jobs.then_some(&Inline as &dyn Executor));
            borrowed.ended.store(true, Ordering::Relaxed);
            worker.join().unwrap();
            assert!(!borrowed.late.load(Ordering::Relaxed), "a task runs after the scope");
            // An imap may be closed before its item begins.
            let looked = borrowed.looks.load(Ordering::Relaxed);
            assert!(looked == looks || (looked == 0 && !runs_jobs), "{looked} looks: a job was lost");
        });
    }

    /// A job submits another one, which no thread but the one that ends the scope can run.
    ///
    /// Red when `lend_job` does not wake that thread, or does not count the job before it can be reached.
    #[test]
    fn a_job_submits_another() {
        model(true, 2, |leases, borrowed| {
            let inner = Arc::downgrade(leases);
            leases.lend_job(Arc::new(Does(move || {
                borrowed.look();
                let borrowed = borrowed.clone();
                let leases = inner.upgrade().expect("the scope waits");
                let _ = leases.lend_job(Arc::new(Does(move || borrowed.look())));
            })))
        });
    }

    /// The last item of an imap that was leaked submits a job, and runs it itself.
    ///
    /// Red when `next` returns after it has closed an imap, and does not wait again.
    #[test]
    fn the_last_item_of_an_imap_submits() {
        model(false, 3, |leases, borrowed| {
            let inner = Arc::downgrade(leases);
            let task = move || {
                borrowed.look();
                let seen = borrowed.clone();
                let leases = inner.upgrade().expect("the scope waits");
                leases.lend_job(Arc::new(Does(move || seen.look()))).run(&Inline);
                borrowed.look();
            };
            leases.lend_imap(Arc::new(Does(task)), || ())
        });
    }
}
