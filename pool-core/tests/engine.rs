//! The engine on executors that run jobs exactly when the test says so.

use pool_core::doubles::{Inline, Manual};
use pool_core::watchdog::{LIMIT, within};
use pool_core::{Cancelled, Executor, JobError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[test]
fn jobs_that_run_inside_spawn() {
    within(LIMIT, || {
        for window in [1, 2, 100] {
            let imap = Inline.imap(0..5_000u64, |x| x + 1).window(window);
            assert!(imap.eq(1..=5_000), "window {window}");
        }
        assert_eq!(Inline.submit(|| 5).join().unwrap(), 5);
    });
}

#[test]
fn p2_no_job_is_spawned_before_the_first_next() {
    let pool = Manual::new(4);
    let imap = pool.imap(0..10, |x| x);
    assert!(pool.is_empty());
    let imap = imap.start();
    assert_eq!(pool.len(), 1, "one ticket, which calls the others");
    drop(imap);
}

#[test]
fn at_most_one_ticket_for_each_thread() {
    let pool = Manual::new(3);
    let mut imap = pool.imap(0..1_000u64, |x| x).window(4).start();
    let mut results = Vec::new();
    while results.len() < 1_000 {
        assert!(pool.len() <= 3);
        pool.run_one();
        results.extend(std::iter::from_fn(|| imap.next_timeout(Duration::ZERO).ok().flatten()));
    }
    assert!(results.into_iter().eq(0..1_000));
}

#[test]
fn p3_tickets_stop_at_the_window() {
    let pool = Manual::new(2);
    let pulled = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = pulled.clone();
    let input = (0..100).inspect(move |_| _ = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
    let mut imap = pool.imap(input, |x| x).window(7).start();
    while pool.run_one() {}
    assert_eq!(pulled.load(std::sync::atomic::Ordering::SeqCst), 7);
    assert_eq!(imap.next_timeout(Duration::ZERO), Ok(Some(0)));
    while pool.run_one() {}
    assert_eq!(pulled.load(std::sync::atomic::Ordering::SeqCst), 7, "result 0 may still be in the making");
    assert_eq!(imap.next_timeout(Duration::ZERO), Ok(Some(1)));
    while pool.run_one() {}
    assert_eq!(pulled.load(std::sync::atomic::Ordering::SeqCst), 8);
}

#[test]
fn p9_tickets_of_a_dropped_imap_do_nothing() {
    let pool = Manual::new(2);
    let imap = pool.imap(0..10, |_| panic!("it must not begin")).start();
    drop(imap);
    while pool.run_one() {}
}

#[test]
fn p12_a_consumer_whose_tickets_were_discarded_gets_cancelled() {
    within(LIMIT, || {
        let pool = Manual::new(2);
        let mut imap = pool.imap(0..10, |x| x).start();
        pool.discard();
        let payload = catch_unwind(AssertUnwindSafe(|| imap.next())).unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&Cancelled));
        assert_eq!(imap.next(), None);

        let handle = pool.submit(|| ());
        pool.discard();
        assert!(handle.is_finished());
        assert!(matches!(handle.join(), Err(JobError::Cancelled)));
    });
}

#[test]
fn p12_what_was_computed_before_is_still_delivered() {
    within(LIMIT, || {
        let pool = Manual::new(1);
        let mut imap = pool.imap(0..10, |x| x).window(3).start();
        while pool.run_one() {}
        assert_eq!(imap.next(), Some(0));
        assert_eq!(imap.next(), Some(1));
        pool.discard();
        assert_eq!(imap.next(), Some(2));
    });
}

#[test]
fn a_cancelled_job_never_runs() {
    let pool = Manual::new(1);
    let handle = pool.submit(|| panic!("it must not run"));
    assert!(handle.cancel());
    assert!(!handle.cancel(), "once");
    assert!(pool.run_one());
    assert!(matches!(handle.join(), Err(JobError::Cancelled)));
}

#[test]
fn a_late_job_is_waited_for_again() {
    let pool = Manual::new(1);
    let mut handle = pool.submit(|| 3);
    assert!(handle.join_timeout(Duration::from_millis(5)).is_err());
    assert!(!handle.is_finished());
    assert!(pool.run_one());
    assert_eq!(handle.join_timeout(Duration::from_secs(30)).unwrap().unwrap(), 3);
    // Its result has been taken.
    assert!(matches!(handle.join(), Err(JobError::Cancelled)));
}
