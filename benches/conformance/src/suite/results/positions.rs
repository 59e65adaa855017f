//! P11: where an imap is, for a program that goes on there later: `next_index` behind everything that leaves results out.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::{Gate, SHORT};
use pool_core::Executor;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Panics on some items.
fn f(x: u64) -> u64 {
    if x % 11 == 5 { panic_on_purpose(x) } else { x }
}

promises! {
    /// What is late comes later, and changes nothing.
    fn p11_next_index_after_give_up(subject) {
        const HANG: [u64; 3] = [2, 3, 12];
        let pool = subject.pool(4);
        let gate = Gate::closed();
        let door = gate.door();
        let imap = pool.imap(0..60u64, move |x| {
            if HANG.contains(&x) {
                door.pass();
            }
            x
        });
        let mut results = imap.chunk(1).timeout(SHORT);
        let (mut next, mut given_up) = (0, Vec::new());
        while let Some(result) = results.next() {
            match result {
                Ok(x) => assert_eq!(x, next),
                Err(late) => {
                    assert_eq!((late.index(), results.next_index()), (next, next));
                    if !HANG.contains(&next) {
                        continue;
                    }
                    assert!(results.give_up());
                    given_up.push(next);
                }
            }
            next += 1;
            assert_eq!(results.next_index(), next);
            if next == 30 {
                gate.open();
            }
        }
        assert_eq!((next, &given_up[..]), (60, &HANG[..]));
    }

    fn p11_next_index_behind_adapters(subject) {
        for threads in [1, 3] {
            let pool = subject.pool(threads);
            let mut results = pool.imap(0..5_000u64, |x| x);
            while let Some(x) = results.by_ref().filter(|x| x % 7 == 3).map(|x| x + 1).next() {
                assert_eq!(results.next_index(), x);
            }
            assert_eq!(results.next_index(), 5_000);
            let mut caught = pool.imap(0..500u64, f).catch_panics().numbered();
            while let Some((index, x)) = caught.by_ref().find_map(|(index, x)| Some((index, x.ok()?))) {
                assert_eq!((index, caught.next_index()), (x, x + 1));
            }
            assert_eq!(caught.next_index(), 500);
            // A panic that is not a value counts, too.
            let mut results = pool.imap(0..60u64, f);
            for next in 1..=60 {
                let panicked = catch_unwind(AssertUnwindSafe(|| results.next())).is_err();
                assert_eq!((panicked, results.next_index()), ((next - 1) % 11 == 5, next));
            }
        }
    }

    /// Each run begins where the one before has stopped, and is dropped in the middle.
    fn p11_next_index_is_where_to_go_on(subject) {
        for threads in [1, 2, 4] {
            let pool = subject.pool(threads);
            let (mut output, mut done) = (Vec::new(), 0);
            for run in 1.. {
                let begin = done;
                let mut results = pool.imap(begin..1_000, f).catch_panics();
                for _ in 0..run * 37 % 61 {
                    output.extend(results.by_ref().find_map(Result::ok));
                }
                done = begin + results.next_index();
                if done == 1_000 {
                    break;
                }
            }
            assert!(output.into_iter().eq((0..1_000).filter(|x| x % 11 != 5)), "threads {threads}");
        }
    }
}
