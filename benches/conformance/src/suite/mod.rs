//! The promises as tests, the same for every backend.
//!
//! A file holds the tests of a few promises; the macro `promises!` turns the functions in it into the list, so
//! that none can be forgotten. The names begin with the promise that they check.

mod alone;
mod alone_results;
mod apart;
mod asks;
mod away;
mod batched;
mod bombs;
mod cancel;
mod chaining;
mod dropping;
mod effects;
mod erased;
mod fallible;
mod giving_up;
mod guests;
mod handles;
mod hogs;
mod home;
mod hostile;
mod item_limits;
mod limits;
mod live;
mod local;
mod manners;
mod nesting;
mod order;
mod owned;
mod panics;
mod parts;
mod pool_stats;
mod pools;
mod random;
mod reach;
mod scope_imaps;
mod scopes;
mod sharing;
mod states;
mod stats;
mod stream;
mod tasks;
mod unordered;
mod unwanted;
mod wakers;
mod whereabouts;
mod windows;

use crate::Subject;
use libtest_mimic::{Arguments, Trial};
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use std::sync::Arc;

type Test<P> = (&'static str, fn(Arc<Subject<P>>));

/// Defines tests as functions of the subject, and `tests()`, the list of them.
macro_rules! promises {
    ($($(#[$attribute:meta])* fn $name:ident($subject:ident) $body:block)*) => {
        pub(super) fn tests<P: pool_core::Executor + 'static>() -> Vec<super::Test<P>> {
            $($(#[$attribute])*
            fn $name<P: pool_core::Executor + 'static>(
                $subject: std::sync::Arc<crate::Subject<P>>
            ) $body)*
            vec![$((stringify!($name), $name::<P>)),*]
        }
    };
}
pub(crate) use promises;

/// The tests of all subjects, and the command line that chooses among them.
#[derive(Debug)]
pub struct Suite {
    arguments: Arguments,
    trials: Vec<Trial>,
}

impl Suite {
    /// An empty suite; the options are those of every Rust test (`--list`, a filter, `--test-threads`).
    pub fn from_args() -> Suite {
        Suite { arguments: Arguments::from_args(), trials: Vec::new() }
    }

    /// Puts a backend under every test.
    pub fn add<P: Executor + 'static>(&mut self, subject: Subject<P>) {
        let subject = Arc::new(subject);
        let files = [
            order::tests(),
            live::tests(),
            limits::tests(),
            cancel::tests(),
            chaining::tests(),
            unordered::tests(),
            states::tests(),
            local::tests(),
            fallible::tests(),
            stats::tests(),
            stream::tests(),
            handles::tests(),
            giving_up::tests(),
            away::tests(),
            panics::tests(),
            nesting::tests(),
            alone::tests(),
            alone_results::tests(),
            dropping::tests(),
            manners::tests(),
            pools::tests(),
            pool_stats::tests(),
            random::tests(),
            scopes::tests(),
            hostile::tests(),
            home::tests(),
            hogs::tests(),
            reach::tests(),
            effects::tests(),
            sharing::tests(),
            windows::tests(),
            bombs::tests(),
            wakers::tests(),
            guests::tests(),
            owned::tests(),
            erased::tests(),
            item_limits::tests(),
            batched::tests(),
            scope_imaps::tests(),
            unwanted::tests(),
        ];
        for (name, test) in files.into_iter().flatten() {
            let subject = subject.clone();
            self.trials.push(Trial::test(format!("{}::{name}", subject.name()), move || {
                within(LIMIT, move || test(subject));
                Ok(())
            }));
        }
    }

    /// Adds the tests of what a pool that panics cannot break: `hostile::…`.
    pub fn add_hostile(&mut self) {
        for (name, test) in hostile::on_hostile_pools() {
            self.trials.push(Trial::test(format!("hostile::{name}"), move || {
                within(LIMIT, test);
                Ok(())
            }));
        }
    }

    /// Runs the tests and ends the process, with status 101 if one failed.
    pub fn run(self) -> ! {
        libtest_mimic::run(&self.arguments, self.trials).exit()
    }
}
