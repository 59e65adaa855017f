//! What the lists say of contenders is what an experiment finds.

use libtest_mimic::{Arguments, Trial};
use pool_core::watchdog::{LIMIT, within};
use pool_harness::contender::{self, Entry, Settings};
use pool_harness::facts::Facts;

/// One thread, since a warm pool with more may run each call on another of them.
const SETTINGS: Settings = Settings { threads: 1, window: 64 };

fn check(index: usize) {
    within(LIMIT, move || {
        let entry = contender::all().swap_remove(index);
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
    let trials = contender::all().into_iter().enumerate().map(test).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
