//! A waker whose clone panics, which only unsafe code can make: a poll with it fails, and nothing else is lost.

use futures::StreamExt;
use futures::executor::block_on;
use pool_channel::ChannelPool;
use pool_conformance::chaos::Chaos;
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::task::{Context, RawWaker, RawWakerVTable, Waker};

/// Panics when it is cloned.
#[expect(unsafe_code, reason = "std has no safe way to a waker whose clone is not that of an `Arc`")]
fn bad_to_clone() -> Waker {
    static TABLE: RawWakerVTable = RawWakerVTable::new(|_| panic!("on purpose"), |_| {}, |_| {}, |_| {});
    // SAFETY: no function of the table looks at the pointer, and all may be called from any thread.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) }
}

fn check(pool: &(impl Executor + 'static)) {
    for _ in 0..20 {
        let (send, receive) = mpsc::channel();
        let mut stream = pool.imap(receive, |x: u64| x).into_stream();
        for expected in 0..20 {
            let waker = bad_to_clone();
            let mut context = Context::from_waker(&waker);
            // It may panic, since the task could not be woken.
            let early = catch_unwind(AssertUnwindSafe(|| stream.poll_next_unpin(&mut context)));
            assert!(early.is_err() || early.is_ok_and(|early| early.is_pending()));
            send.send(expected).unwrap();
            assert_eq!(block_on(stream.next()), Some(expected));
        }
        drop(send);
        assert_eq!(block_on(stream.next()), None);
    }
    let threads = pool.threads();
    let meeting = std::sync::Arc::new(std::sync::Barrier::new(threads));
    let job = |_| {
        let meeting = meeting.clone();
        pool.submit(move || _ = meeting.wait())
    };
    let jobs: Vec<_> = (0..threads).map(job).collect();
    jobs.into_iter().for_each(|job| job.join().unwrap());
}

#[test]
fn p9_stream_a_waker_whose_clone_panics() {
    within(LIMIT, || {
        for threads in [1, 2] {
            check(&ChannelPool::new(threads).unwrap());
            check(&StealingPool::new(threads).unwrap());
            check(&RayonPool::new(threads).unwrap());
            check(&Chaos::new(threads));
        }
    });
}
