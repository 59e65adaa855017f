//! The suite itself: what it says of a backend that cannot be tested, how it stops, and what its tests are called.

use pool_channel::ChannelPool;
use pool_conformance::chaos::Chaos;
use pool_conformance::{Subject, Suite, smoke};
use pool_core::backend::{Job, in_job};
use pool_core::doubles::{Inline, Manual};
use pool_core::watchdog::{LIMIT, within};
use pool_core::{Executor, PoolStats};
use pool_stealing::StealingPool;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn channel(threads: usize) -> ChannelPool {
    ChannelPool::new(threads).expect("threads start")
}

/// An executor made of functions, for one that breaks a rule.
struct Broken {
    threads: fn(&ChannelPool) -> usize,
    spawn: fn(&ChannelPool, Job),
    _on_drop: OnDrop,
    pool: ChannelPool,
}

struct OnDrop(fn());

impl Drop for OnDrop {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Broken {
    /// One that breaks none yet.
    fn new(threads: usize) -> Broken {
        let (threads_of, spawn) = (ChannelPool::threads, ChannelPool::spawn);
        Broken { threads: threads_of, spawn, _on_drop: OnDrop(|| ()), pool: channel(threads) }
    }
}

impl Executor for Broken {
    fn threads(&self) -> usize {
        (self.threads)(&self.pool)
    }
    fn spawn(&self, job: Job) {
        (self.spawn)(&self.pool, job);
    }
}

/// What the smoke test says of such executors, which must take less than five seconds.
fn says<P: Executor + 'static>(make: impl Fn(usize) -> P + Send + Sync + 'static) -> String {
    let began = Instant::now();
    let what = within(LIMIT, move || smoke(Subject::new("broken", make))).expect_err("it is broken");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}: {what}", began.elapsed());
    what
}

#[track_caller]
fn assert_says(what: &str, words: &[&str]) {
    for words in words {
        assert!(what.contains(words), "no {words:?} in: {what}");
    }
}

/// All at once, since they mostly wait.
#[test]
fn smoke_tells_what_is_wrong() {
    let faults: [fn(); 9] = [
        tells_of_jobs_that_never_run,
        tells_of_jobs_that_are_dropped,
        tells_of_no_threads,
        tells_of_threads_that_are_not_there,
        tells_of_a_spawn_that_runs_the_job,
        tells_of_a_spawn_that_waits_for_the_job,
        tells_of_a_spawn_that_panics,
        tells_of_a_spawn_that_hangs_inside_a_job,
        tells_of_a_pool_that_does_not_end,
    ];
    thread::scope(|scope| faults.iter().for_each(|fault| _ = scope.spawn(fault)));
}

#[test]
fn smoke_passes_what_can_be_tested() {
    within(LIMIT, || {
        smoke(Subject::new("channel", channel)).unwrap();
        smoke(Subject::new("stealing", |threads| StealingPool::new(threads).unwrap())).unwrap();
        smoke(Subject::new("chaos", Chaos::new)).unwrap();
        smoke(Subject::new("broken in nothing", Broken::new)).unwrap();
        // Its jobs run one at a time, and it says so.
        smoke(Subject::new("one thread", |_| channel(1))).unwrap();
    });
}

fn tells_of_jobs_that_never_run() {
    assert_says(&says(Manual::new), &["a job never runs", "Rule 2", "kept for ever"]);
}

fn tells_of_jobs_that_are_dropped() {
    let what = says(|threads| Broken { spawn: |_, job| drop(job), ..Broken::new(threads) });
    assert_says(&what, &["dropped without having run", "neither terminated nor dropped", "Rule 2", "P12"]);
}

fn tells_of_no_threads() {
    let what = says(|threads| Broken { threads: |_| 0, ..Broken::new(threads) });
    assert_says(&what, &["0 threads", "at least 1"]);
}

fn tells_of_threads_that_are_not_there() {
    let what = says(|threads| Broken { threads: |pool| pool.threads() + 1, ..Broken::new(threads) });
    assert_says(&what, &["A pool of 1: it says that it has 2 threads", "run at the same time"]);
}

fn tells_of_a_spawn_that_runs_the_job() {
    assert_says(&says(|_| Inline), &["`spawn` runs the job itself", "P16"]);
}

fn tells_of_a_spawn_that_waits_for_the_job() {
    let spawn = |pool: &ChannelPool, job: Job| {
        let (end, ended) = mpsc::channel::<()>();
        pool.spawn(Job::new(move |executor| {
            job.run(executor);
            drop(end);
        }));
        let _ = ended.recv();
    };
    let what = says(move |threads| Broken { spawn, ..Broken::new(threads) });
    assert_says(&what, &["returns only when the job has ended", "Rule 1", "does not block"]);
}

fn tells_of_a_spawn_that_panics() {
    let what = says(|threads| Broken { spawn: |_, _| panic!("on purpose"), ..Broken::new(threads) });
    assert_says(&what, &["`spawn` panicked", "Rule 1", "does not panic"]);
}

/// A lock that is held while a job runs.
fn tells_of_a_spawn_that_hangs_inside_a_job() {
    let spawn = |pool: &ChannelPool, job: Job| {
        if in_job() {
            thread::park_timeout(LIMIT);
        }
        pool.spawn(job);
    };
    let what = says(move |threads| Broken { spawn, ..Broken::new(threads) });
    assert_says(&what, &["`spawn` does not return inside a job", "Rule 1", "also from inside a job"]);
}

fn tells_of_a_pool_that_does_not_end() {
    let what =
        says(|threads| Broken { _on_drop: OnDrop(|| thread::park_timeout(LIMIT)), ..Broken::new(threads) });
    assert_says(&what, &["dropping it does not end", "P12"]);
}

/// What it quotes is in the documents of `pool-core`, word by word.
#[test]
fn smoke_quotes_the_contract() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let contract = std::fs::read_to_string(root.join("pool-core/src/executor.rs")).unwrap();
    let contract = words(&contract.replace("///", " ")).replace("[`Job::run`]", "`Job::run`");
    let source = std::fs::read_to_string(root.join("benches/conformance/src/suite/smoke.rs")).unwrap();
    // A line that goes on is joined, as the compiler does.
    let source = words(&source.replace("\\\n", " "));
    let quotes: Vec<_> = source.split('“').skip(1).filter_map(|rest| rest.split('”').next()).collect();
    assert_eq!(quotes.len(), 4);
    for quote in quotes {
        assert!(contract.contains(quote), "the contract does not say {quote:?}");
    }
}

/// Runs one of the programs below in a process of its own.
fn run(program: &str, args: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([program, "--exact", "--ignored", "--nocapture"])
        .env("SUITE_ARGS", args)
        .stdin(Stdio::null());
    within(LIMIT, move || command.output().unwrap())
}

/// A suite with the command line that [`run`] gives.
fn suite() -> Suite {
    let args = std::env::var("SUITE_ARGS").unwrap_or_default();
    Suite::with_args(std::iter::once("suite".into()).chain(args.split_whitespace().map(String::from)))
}

#[test]
#[ignore = "a program of another test, whose backend runs no job"]
fn program_that_runs_no_job() {
    let mut suite = suite();
    suite.add(Subject::new("lazy", Manual::new));
    suite.add(Subject::new("channel", channel));
    suite.run();
}

#[test]
#[ignore = "a program of another test, whose backend passes the smoke test and counts badly"]
fn program_that_counts_badly() {
    let mut suite = suite();
    suite.add(Subject::new("bad", channel).counted_by(|_| PoolStats::default()));
    suite.run();
}

#[test]
fn the_suite_stops_after_the_smoke_test() {
    let output = run("program_that_runs_no_job", "");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(101), "{said}{errors}");
    assert_says(
        &errors,
        &["lazy: the smoke test failed, so no other test was run", "a job never runs", "Rule 2"],
    );
    assert!(!said.contains("::p1_"), "{said}");

    // A backend of which no test is chosen is not asked; nor is any for a list.
    let other = run("program_that_runs_no_job", "channel::p1_results_come_in_input_order --exact");
    assert!(other.status.success(), "{}", String::from_utf8_lossy(&other.stderr));
    let list = run("program_that_runs_no_job", "--list");
    assert!(list.status.success() && String::from_utf8_lossy(&list.stdout).contains("lazy::p1_"));
}

#[test]
fn fail_fast_stops_after_the_first_failure() {
    let counts = |args: &str| {
        let output = run("program_that_counts_badly", args);
        assert_eq!(output.status.code(), Some(101));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let result = said.lines().find_map(|line| line.strip_prefix("test result: FAILED. "));
        let result = result.unwrap_or_else(|| panic!("{said}")).to_string();
        let count = |what: &str| {
            let part =
                result.split("; ").find(|part| part.ends_with(what)).unwrap_or_else(|| panic!("{result}"));
            part.split(' ').next().unwrap().parse::<usize>().unwrap()
        };
        [count("passed"), count("failed"), count("ignored")]
    };
    let [passed, failed, ignored] = counts("bad::p12_stats_ --test-threads=1");
    assert!(failed >= 2 && ignored == 0, "{passed} passed, {failed} failed, {ignored} ignored");
    let all = passed + failed;
    let [passed, failed, ignored] = counts("bad::p12_stats_ --fail-fast --test-threads=1");
    assert!(
        failed == 1 && ignored >= 1 && passed + failed + ignored == all,
        "{passed} passed, {ignored} ignored"
    );
}

#[test]
fn every_name_begins_with_its_promise() {
    let mut suite = Suite::with_args(["suite".into()]);
    suite.add(Subject::new("channel", channel));
    suite.add_hostile();
    let mut tests = BTreeMap::<u32, usize>::new();
    for name in suite.names() {
        let (_, test) = name.split_once("::").expect("a subject");
        let promise =
            test.strip_prefix('p').and_then(|rest| rest.split_once('_')).map(|(number, _)| number.parse());
        let Some(Ok(promise @ 1..=17)) = promise else { panic!("{name} begins with no promise") };
        *tests.entry(promise).or_default() += 1;
    }
    assert!(tests.keys().copied().eq(1..=17), "a promise without a test: {tests:?}");
}
