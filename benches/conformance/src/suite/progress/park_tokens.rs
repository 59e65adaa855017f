//! Waiting for a job or a scope neither takes the `unpark` token of the thread that waits, nor leaves one behind: the
//! token is part of what std's threads offer to programs.

use crate::subject::AnyPool;
use crate::suite::list::promises;
use crate::suite::parts::{LONG, SHORT};
use pool_core::Executor;
use std::thread;
use std::time::{Duration, Instant};

/// A way to wait until something on the pool has ended, with its name.
type Way = (&'static str, fn(&AnyPool));

/// Each takes long enough for the thread to sleep.
const WAYS: [Way; 6] = [
    ("join", |pool| pool.submit(|| thread::sleep(SHORT)).join().unwrap()),
    ("join_timeout", |pool| pool.submit(|| thread::sleep(SHORT)).join_timeout(LONG).unwrap().unwrap()),
    ("a limit that passes", |pool| {
        let mut handle = pool.submit(|| thread::sleep(4 * SHORT));
        let _ = handle.join_timeout(SHORT);
        handle.join().unwrap();
    }),
    ("scope", |pool| pool.scope(|s| drop(s.submit(|| thread::sleep(SHORT))))),
    ("a scope's join", |pool| pool.scope(|s| s.submit(|| thread::sleep(SHORT)).join().unwrap())),
    ("map", |pool| assert_eq!(pool.map(0..2, |_| thread::sleep(SHORT)).len(), 2)),
];

/// Whether the token was there. It is not there any more.
fn takes_token(limit: Duration) -> bool {
    let began = Instant::now();
    thread::park_timeout(limit);
    began.elapsed() < limit
}

promises! {
    fn p16_waiting_does_not_take_the_threads_token(subject) {
        let pool = subject.pool(2);
        for (way, wait) in WAYS {
            thread::current().unpark();
            wait(&pool);
            assert!(takes_token(LONG), "{way} took it");
        }
    }

    fn p16_waiting_leaves_no_token_behind(subject) {
        let pool = subject.pool(2);
        for (way, wait) in WAYS {
            // A thread may wake up for no reason, but not each time.
            let left = (0..5).all(|_| {
                thread::park_timeout(Duration::ZERO);
                wait(&pool);
                takes_token(SHORT)
            });
            assert!(!left, "{way} left one");
        }
    }
}
