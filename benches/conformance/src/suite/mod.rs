//! The promises as tests, the same for every backend.
//!
//! A folder holds what belongs together, and a file the tests of a few promises. The macro `promises!` turns the functions of a
//! file into a list, and `files!` the files of a folder, so that each is named once and none can be forgotten. The names begin
//! with the promise that they check.
//!
//! With `--cfg suite_slice` there are two of the folders, the ones about borrowed data, nesting and ends: a sanitizer makes the
//! whole suite take minutes to compile.
#![cfg_attr(suite_slice, allow(dead_code, reason = "parts that other folders use"))]

mod asks;
mod ends;
#[cfg(not(suite_slice))]
mod inputs;
#[cfg(not(suite_slice))]
mod limits;
mod list;
mod nesting;
mod parts;
#[cfg(not(suite_slice))]
mod progress;
#[cfg(not(suite_slice))]
mod results;
mod smoke;
mod tasks;
mod whereabouts;
mod wrapped;

pub use smoke::smoke;

use crate::own_process::is_child;
use crate::subject::{AnySubject, Subject};
use libtest_mimic::{Arguments, Completion, Trial};
use list::Test;
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, process, thread};

/// The tests of each backend.
fn tests() -> impl Iterator<Item = Test> {
    #[cfg_attr(suite_slice, expect(unused_mut, reason = "the sanitizers have no more"))]
    let mut folders = vec![nesting::tests(), ends::tests()];
    #[cfg(not(suite_slice))]
    folders.extend([results::tests(), progress::tests(), limits::tests(), inputs::tests()]);
    folders.into_iter().flatten()
}

/// The tests of all subjects, and the command line that chooses among them.
#[derive(Debug)]
pub struct Suite {
    arguments: Arguments,
    /// Set by the first test that fails; `None` if the others go on.
    failed: Option<Arc<AtomicBool>>,
    subjects: Vec<Arc<AnySubject>>,
    trials: Vec<Trial>,
}

impl Suite {
    /// An empty suite, for the command line of this process.
    ///
    /// The options are those of every Rust test (`--list`, a filter, `--test-threads`, by default three for each core, since
    /// tests wait more than they compute), and `--fail-fast`: once a test has failed, no other begins. Those that have begun
    /// by then end first; the rest is shown as ignored.
    pub fn from_args() -> Suite {
        Suite::with_args(env::args())
    }

    /// The same for another command line, whose first word is the name of the program.
    pub fn with_args(args: impl IntoIterator<Item = String>) -> Suite {
        let (fail_fast, others): (Vec<_>, Vec<_>) = args.into_iter().partition(|arg| arg == "--fail-fast");
        let mut arguments = Arguments::from_iter(others);
        // Tests wait more than they compute.
        let cores = thread::available_parallelism().map_or(1, usize::from);
        arguments.test_threads.get_or_insert(3 * cores);
        Suite {
            arguments,
            failed: (!fail_fast.is_empty()).then(Arc::default),
            subjects: Vec::new(),
            trials: Vec::new(),
        }
    }

    /// Puts a backend under every test.
    pub fn add<P: Executor + 'static>(&mut self, subject: Subject<P>) {
        let subject = Arc::new(subject.erased());
        for (name, test) in tests() {
            let tested = subject.clone();
            self.add_test(format!("{}::{name}", subject.name()), move || test(tested));
        }
        self.subjects.push(subject);
    }

    /// Adds the tests of what a pool that panics cannot break: `hostile::…`.
    pub fn add_hostile(&mut self) {
        for (name, test) in ends::hostile::on_hostile_pools() {
            self.add_test(format!("hostile::{name}"), test);
        }
    }

    fn add_test(&mut self, name: String, test: impl FnOnce() + Send + 'static) {
        let failed = self.failed.clone();
        self.trials.push(Trial::ignorable_test(name, move || {
            if failed.as_ref().is_some_and(|failed| failed.load(Ordering::Relaxed)) {
                return Ok(Completion::ignored_with("another test has failed"));
            }
            let _on_panic = SetOnPanic(failed);
            within(LIMIT, test);
            Ok(Completion::Completed)
        }));
    }

    /// The names of the tests, as `subject::promise_…`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trials.iter().map(Trial::name)
    }

    /// Runs the tests and ends the process, with status 101 if one failed.
    ///
    /// The [smoke test](smoke) comes first, for each backend of which a test was chosen. If a backend fails it, what is
    /// wrong is printed, and nothing else runs.
    pub fn run(self) -> ! {
        if !self.arguments.list && !is_child() {
            for subject in self.subjects.iter().filter(|subject| self.is_chosen(subject)) {
                if let Err(what) = smoke::check(subject) {
                    eprintln!(
                        "{}: the smoke test failed, so no other test was run.\n\n{what}",
                        subject.name()
                    );
                    process::exit(101);
                }
            }
        }
        libtest_mimic::run(&self.arguments, self.trials).exit()
    }

    /// Whether a test of this subject was chosen.
    fn is_chosen(&self, subject: &AnySubject) -> bool {
        let prefix = format!("{}::", subject.name());
        let mut chosen = self.trials.iter().filter(|trial| !self.arguments.is_filtered_out(trial));
        chosen.any(|trial| trial.name().starts_with(&prefix))
    }
}

/// Notes that a test has failed.
struct SetOnPanic(Option<Arc<AtomicBool>>);

impl Drop for SetOnPanic {
    fn drop(&mut self) {
        if let Some(failed) = self.0.as_ref().filter(|_| thread::panicking()) {
            failed.store(true, Ordering::Relaxed);
        }
    }
}
