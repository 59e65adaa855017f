//! What a backend must do before any promise can be tested. Without this, one that never runs a job fails hundreds of
//! tests by their watchdogs, and none of them says why.

use crate::subject::{AnyPool, AnySubject, Subject};
use pool_core::{Executor, JobHandle};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// How long all of it may take. A pool in order needs less than a millisecond.
const LIMIT: Duration = Duration::from_millis(4_500);

/// Tells within five seconds whether a backend can be tested at all: it has a thread, runs jobs, also those that come
/// from a job, as many at the same time as it says, and ends when it is dropped.
///
/// # Errors
///
/// What it does instead, with the rule of [`Executor`] that forbids it. Threads that hang are left behind.
///
/// ```
/// use pool_conformance::{Subject, smoke};
/// use pool_core::{Executor, backend::Job};
///
/// struct Forgetful;
///
/// impl Executor for Forgetful {
///     fn threads(&self) -> usize {
///         1
///     }
///     fn spawn(&self, job: Job) {
///         drop(job);
///     }
/// }
///
/// let what = smoke(Subject::new("forgetful", |_| Forgetful)).unwrap_err();
/// assert!(what.contains("dropped without having run"));
/// ```
pub fn smoke<P: Executor + 'static>(subject: Subject<P>) -> Result<(), String> {
    check(&Arc::new(subject.erased()))
}

/// [`smoke`] for a subject of the suite.
pub(super) fn check(subject: &Arc<AnySubject>) -> Result<(), String> {
    let ends = Instant::now() + LIMIT;
    for threads in [1, 2] {
        check_pool(subject, threads, ends).map_err(|what| format!("A pool of {threads}: {what}"))?;
    }
    Ok(())
}

const ONE_THREAD: &str = "`Executor::threads`: “How many jobs run at the same time; at least 1.”";
const RULE_1: &str = "Rule 1 of `Executor`: “`spawn` does not block on other jobs, does not panic, and may be called from \
                      any thread, also from inside a job.”";
const RULE_2: &str = "Rule 2 of `Executor`: “Every job is either passed to `Job::run` or dropped (which cancels \
                      it). A job that is kept for ever makes its consumer wait for ever.”";
const QUEUES: &str = "`Executor`: “A place to queue jobs and threads to run them.” A job that runs inside `spawn` runs on the \
                      thread of the consumer, so no imap can keep promise P16.";
const P12: &str =
    "Promise P12: dropping a pool runs what is queued and joins its threads; only `terminate` discards jobs.";

/// What is wrong, and what forbids it.
fn breaks(rule: &str, what: &str) -> String {
    format!("{what}\n\n{rule}")
}

/// Runs something on a thread of its own, since it may hang.
fn apart<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> Receiver<thread::Result<T>> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || _ = send.send(catch_unwind(AssertUnwindSafe(run))));
    receive
}

fn left(ends: Instant) -> Duration {
    ends.saturating_duration_since(Instant::now())
}

fn check_pool(subject: &Arc<AnySubject>, threads: usize, ends: Instant) -> Result<(), String> {
    let make = subject.clone();
    let pool = match apart(move || make.pool(threads)).recv_timeout(left(ends)) {
        Ok(Ok(pool)) => Arc::new(pool),
        Ok(Err(_)) => return Err("making it panicked, see above".into()),
        Err(_) => return Err("making it does not end".into()),
    };
    if pool.threads() == 0 {
        return Err(breaks(ONE_THREAD, "it says that it has 0 threads"));
    }
    let checks = [spawns, spawns_from_a_job, runs_at_the_same_time];
    if let Some(what) = checks.iter().find_map(|check| check(&pool, ends).err()) {
        // Its drop would wait for a job that hangs.
        std::mem::forget(pool);
        return Err(what);
    }
    // All jobs have ended, and this is its last owner.
    match apart(move || drop(pool)).recv_timeout(left(ends)) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(breaks(P12, "dropping it panicked, see above")),
        Err(_) => Err(breaks(P12, "dropping it does not end, although no job is left")),
    }
}

/// Spawns a job that runs until it is told to end. It must begin, and `spawn` must not wait for its end.
fn spawns(pool: &Arc<AnyPool>, ends: Instant) -> Result<(), String> {
    let (begun, begins) = mpsc::channel::<ThreadId>();
    let (end, ended) = mpsc::channel::<()>();
    let own = pool.clone();
    let spawned = apart(move || {
        let handle = own.submit(move || {
            let _ = begun.send(thread::current().id());
            let _ = ended.recv();
        });
        (handle, thread::current().id())
    });
    // Half of what is left, so that there is time to see where it runs.
    match spawned.recv_timeout(left(ends) / 2) {
        Ok(Ok((handle, _))) => is_run(&begins, end, handle, ends),
        Ok(Err(_)) => Err(breaks(RULE_1, "`spawn` panicked, see above")),
        Err(_) => {
            drop(end);
            match (begins.try_recv(), spawned.recv_timeout(left(ends) / 2)) {
                (Ok(ran), Ok(Ok((_, called)))) if ran == called => {
                    Err(breaks(QUEUES, "`spawn` runs the job itself, and returns when it has ended"))
                }
                (Ok(_), Ok(_)) => Err(breaks(RULE_1, "`spawn` returns only when the job has ended")),
                _ => Err(breaks(RULE_1, "`spawn` does not return")),
            }
        }
    }
}

/// Waits for a job to begin, lets it end, and waits for that.
fn is_run(
    begins: &Receiver<ThreadId>,
    end: Sender<()>,
    mut handle: JobHandle<()>,
    ends: Instant,
) -> Result<(), String> {
    match begins.recv_timeout(left(ends)) {
        Ok(_) => {}
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            let what =
                "a job was dropped without having run, although the pool was neither terminated nor dropped";
            return Err(breaks(&format!("{RULE_2}\n\n{P12}"), what));
        }
        Err(mpsc::RecvTimeoutError::Timeout) => return Err(breaks(RULE_2, "a job never runs")),
    }
    drop(end);
    match handle.join_timeout(left(ends)) {
        Ok(_) => Ok(()),
        Err(_) => Err(breaks(RULE_2, "a job that was run does not end")),
    }
}

/// A job spawns another one, and ends without waiting for it.
fn spawns_from_a_job(pool: &Arc<AnyPool>, ends: Instant) -> Result<(), String> {
    let (begun, begins) = mpsc::channel();
    let (returned, returns) = mpsc::channel();
    let own = pool.clone();
    let outer = apart({
        let pool = pool.clone();
        move || {
            pool.submit(move || {
                drop(own.submit(move || _ = begun.send(())));
                drop(own);
                let _ = returned.send(());
            })
        }
    });
    let Ok(Ok(mut outer)) = outer.recv_timeout(left(ends)) else {
        return Err(breaks(RULE_1, "`spawn` does not return, or panicked, after another job has ended"));
    };
    match returns.recv_timeout(left(ends)) {
        Ok(()) => {}
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            return Err(breaks(RULE_1, "`spawn` panicked inside a job, or the job was dropped"));
        }
        Err(mpsc::RecvTimeoutError::Timeout) => {
            return Err(breaks(RULE_1, "`spawn` does not return inside a job"));
        }
    }
    if begins.recv_timeout(left(ends)).is_err() {
        return Err(breaks(RULE_2, "a job that was spawned inside another never runs"));
    }
    match outer.join_timeout(left(ends)) {
        Ok(_) => Ok(()),
        Err(_) => Err(breaks(RULE_2, "a job that was run does not end")),
    }
}

/// As many jobs as there are threads wait for each other.
fn runs_at_the_same_time(pool: &Arc<AnyPool>, ends: Instant) -> Result<(), String> {
    // Not millions of jobs for a pool that exaggerates.
    let threads = pool.threads().min(64);
    let meeting = Arc::new(Barrier::new(threads));
    let (met, meets) = mpsc::channel();
    for _ in 0..threads {
        let (meeting, met) = (meeting.clone(), met.clone());
        drop(pool.submit(move || {
            meeting.wait();
            let _ = met.send(());
        }));
    }
    drop(met);
    for _ in 0..threads {
        if meets.recv_timeout(left(ends)).is_err() {
            let what = format!(
                "it says that it has {} threads, and runs fewer jobs at the same time",
                pool.threads()
            );
            return Err(breaks(ONE_THREAD, &what));
        }
    }
    Ok(())
}
