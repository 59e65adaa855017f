//! Runs a scenario: makes the pool, lets each part use it, and looks at what is left.

use super::drive::{Iterated, Polled, Way, consume};
use super::made::{Made, enter, make};
use super::oracle::Expected;
use super::parts;
use super::pool::{Pool, drop_quietly};
use super::scenario::{Entrance, Part, Plan, Scenario};
use super::values::{Ledger, Value};
use crate::subject::AnySubject;
use pool_core::{Budget, Executor, IterExt, JobError, Pooled};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How long is waited for what is dropped, or ends, a moment later.
const AFTERWARDS: Duration = Duration::from_secs(10);

/// Runs it, and gives the faults that it found.
pub(super) fn run(scenario: &Scenario, subject: &AnySubject) -> Vec<String> {
    let (ledger, threads_before) = (Ledger::default(), threads());
    let budget = scenario.shared_bytes.map(Budget::bytes);
    let pool = Pool {
        pool: Arc::new(subject.pool(scenario.threads)),
        threads: scenario.threads,
        ledger: ledger.clone(),
        terminated: Arc::default(),
        budget: budget.clone(),
    };
    thread::scope(|scope| {
        for part in &scenario.parts {
            let pool = pool.clone();
            scope.spawn(move || run_part(part, pool));
        }
        if let Some(after) = scenario.terminated.filter(|_| subject.terminates()) {
            let pool = pool.clone();
            scope.spawn(move || {
                thread::sleep(after);
                pool.terminated.store(true, Ordering::SeqCst);
                pool.pool.terminate();
            });
        }
        if !scenario.dropped_early {
            let pool = pool.clone();
            scope.spawn(move || check_pool(&pool));
        }
        drop(pool);
    });
    ledger.check_dropped(AFTERWARDS);
    if budget.is_some_and(|budget| budget.used() > 0) {
        ledger.note("bytes of a shared budget were not given back");
    }
    check_threads(threads_before, &ledger);
    ledger.faults()
}

/// Whether the pool does what it should beside all that, for another user.
fn check_pool(pool: &Pool) {
    let sum = catch_unwind(AssertUnwindSafe(|| pool.pool.imap(0..100u64, |x| x).sum::<u64>()));
    match sum {
        Ok(4950) => {}
        Ok(sum) => pool.ledger.note(format!("P14: another imap gave {sum}")),
        Err(_) if pool.terminated.load(Ordering::SeqCst) => {}
        Err(_) => pool.ledger.note("P14: another imap panicked"),
    }
}

fn run_part(part: &Part, pool: Pool) {
    let ledger = pool.ledger.clone();
    let part = part.clone();
    let in_job = match &part {
        Part::Imap(plan) | Part::Sink(plan) | Part::Map(plan) => plan.in_job,
        Part::Chain(_, second) => second.in_job,
        Part::Stream(_) | Part::Stage(_) | Part::Jobs(_) => false,
    };
    let result = catch_unwind(AssertUnwindSafe(|| {
        if !in_job {
            return use_pool(&part, &pool, true);
        }
        let inner = pool.clone();
        match pool.pool.submit(move || use_pool(&part, &inner, false)).join() {
            Err(JobError::Cancelled) if pool.terminated.load(Ordering::SeqCst) => {}
            Err(JobError::Panicked(panic)) => panic.resume(),
            result => result.expect("the pool was not terminated"),
        }
    }));
    if let Err(payload) = result {
        ledger.note(format!("a panic that no call should have: {}", parts::text(payload)));
    }
}

/// `waits` says that the thread is none of the pool's.
fn use_pool(part: &Part, pool: &Pool, waits: bool) {
    match part {
        Part::Imap(plan) => one::<Iterated>(plan, pool, waits),
        Part::Stream(plan) => one::<Polled>(plan, pool, waits),
        Part::Chain(first, second) => parts::chain(first, second, pool, waits),
        Part::Stage(plan) => parts::stage(plan, pool),
        Part::Sink(plan) => parts::sink(plan, pool, waits),
        Part::Map(plan) => parts::map(plan, pool, waits),
        Part::Jobs(plan) => parts::jobs(plan, pool),
    }
}

fn one<W: Way<Pooled>>(plan: &Plan, pool: &Pool, waits: bool) {
    let made = make(plan, pool, waits);
    let (plan, watch, expected) = (made.plan.clone(), made.watch.clone(), Expected::of(&made.plan));
    if plan.entrance == Entrance::Scoped {
        return scoped::<W>(made, expected, pool);
    }
    if plan.local {
        return local(made, expected, pool);
    }
    let sizes = plan.clone();
    let items = made.source.with_sizes(move |item| sizes.work.size(item.number));
    consume::<W, _>(enter(items, made.body, &plan, &pool.pool), &plan, expected, pool, &watch);
}

/// The consumer pulls.
fn local(made: Made, expected: Expected, pool: &Pool) {
    let Made { plan, watch, source, body } = made;
    let items = source.with_sizes(|item| plan.work.size(item.number)).local();
    let init = body.init();
    let imap = match plan.state {
        true => pool.pool.imap_init(items, init, move |_: &mut Value, item| body.run(item)),
        false => pool.pool.imap(items, move |item| body.run(item)),
    };
    consume::<Iterated, _>(imap, &plan, expected, pool, &watch);
}

/// The function borrows, and jobs that borrow run beside it.
fn scoped<W: Way<Pooled>>(made: Made, expected: Expected, pool: &Pool) {
    let Made { plan, watch, source, body } = made;
    let (done, jobs) = (AtomicUsize::new(0), plan.input.items % 4);
    let scope = AssertUnwindSafe(|| {
        pool.pool.scope(|s| {
            for _ in 0..jobs {
                drop(s.submit(|| done.fetch_add(1, Ordering::SeqCst)));
            }
            if plan.local {
                let items = source.with_sizes(|item| plan.work.size(item.number)).local();
                let imap = s.imap(items, |item| body.run(item));
                return consume::<Iterated, _>(imap, &plan, expected, pool, &watch);
            }
            let items = source.with_sizes(|item| plan.work.size(item.number));
            let imap = match plan.state {
                true => s.imap_init(items, || body.state(), |_: &mut Value, item| body.run(item)),
                false => s.imap(items, |item| body.run(item)),
            };
            consume::<W, _>(imap, &plan, expected, pool, &watch);
        });
    });
    let result = catch_unwind(scope);
    watch.check_idle();
    if let Err(payload) = result {
        pool.ledger.note(format!("a panic out of a scope: {}", parts::text(payload)));
    }
    if done.into_inner() as u64 != jobs && !pool.terminated.load(Ordering::SeqCst) {
        pool.ledger.note("a job of a scope did not run");
    }
    drop_quietly(body);
}

/// How many threads this process has. 0 where the system does not tell.
pub(super) fn threads() -> u64 {
    super::status("Threads:")
}

fn check_threads(before: u64, ledger: &Ledger) {
    let since = std::time::Instant::now();
    while threads() > before && since.elapsed() < AFTERWARDS {
        thread::sleep(Duration::from_micros(100));
    }
    if threads() > before {
        ledger.note(format!("{} threads are left, of {before} before", threads()));
    }
}
