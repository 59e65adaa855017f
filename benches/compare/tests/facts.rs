//! What the lists say of contenders is what an experiment finds.

use libtest_mimic::{Arguments, Trial};
use pool_compare::contender::Settings;
use pool_compare::entry::Entry;
use pool_compare::facts::Facts;
use pool_compare::registry;
use pool_core::watchdog::{LIMIT, within};

/// One thread, since a warm pool with more may run each call on another of them.
const SETTINGS: Settings = Settings { threads: 1, window: 64 };

fn check(index: usize) {
    within(LIMIT, move || {
        let entry = registry::all().swap_remove(index);
        let (traits, facts) = (&entry.traits, entry.ready(SETTINGS).facts());
        let listed = Facts { lazy: traits.lazy, live: traits.live, cold: traits.cold };
        assert_eq!(facts, listed, "found on the left, listed on the right");
    });
}

fn main() {
    let test = |(index, entry): (usize, Entry)| {
        Trial::test(entry.traits.name, move || {
            check(index);
            Ok(())
        })
    };
    let trials = registry::all().into_iter().enumerate().map(test).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
