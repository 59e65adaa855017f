//! Wakers that panic cost one wake-up of their own task, and nothing else. Each test has a process of its own, which
//! aborts if a panic goes off in a destructor that should have caught it.

use crate::oracle::panic_on_purpose;
use crate::own_process::in_own_process;
use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG, soon};
use crate::suite::tasks::Woken;
use crate::suite::whereabouts::all_threads_are_there;
use futures::Stream;
use futures::StreamExt;
use futures::executor::block_on;
use pool_core::{CancelToken, Executor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// Panics when it wakes.
struct BadToWake(Arc<AtomicUsize>);

impl Wake for BadToWake {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic_on_purpose(0);
    }
}

/// Panics when its last clone is dropped.
struct BadToDrop(Arc<AtomicUsize>);

impl Wake for BadToDrop {
    fn wake(self: Arc<Self>) {}
}

impl Drop for BadToDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic_on_purpose(0);
    }
}

/// Polls once. A waker that is dropped here, by its last owner, may panic here.
fn poll_with<S: Stream + Unpin>(stream: &mut S, waker: Waker) -> Poll<Option<S::Item>> {
    let result = Pin::new(stream).poll_next(&mut Context::from_waker(&waker));
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    result
}

promises! {
    fn p9_stream_a_waker_that_panics_costs_no_thread(subject) {
        in_own_process(&format!("{}::p9_stream_a_waker_that_panics_costs_no_thread", subject.name()), || {
            for threads in [1, 2] {
                let pool = subject.pool(threads);
                for chunk in [None, Some(8)] {
                    let woken = Arc::new(AtomicUsize::new(0));
                    for round in 1..=20 {
                        let gate = Gate::closed();
                        let door = gate.door();
                        let imap = pool.imap(0..50u64, move |x| (door.pass(), x).1);
                        let imap = if let Some(chunk) = chunk { imap.chunk(chunk) } else { imap };
                        let mut stream = imap.into_stream();
                        assert!(poll_with(&mut stream, Arc::new(BadToWake(woken.clone())).into()).is_pending());
                        gate.open();
                        soon("it is woken", || woken.load(Ordering::SeqCst) >= round);
                        // The next task gets all of them.
                        assert!(block_on(stream.collect::<Vec<_>>()).into_iter().eq(0..50));
                    }
                    all_threads_are_there(&pool);
                }
            }
        });
    }

    /// Registered, and then replaced by the waker of the next poll, or dropped with the stream.
    fn p9_stream_a_waker_whose_drop_panics(subject) {
        in_own_process(&format!("{}::p9_stream_a_waker_whose_drop_panics", subject.name()), || {
            for threads in [1, 2] {
                let pool = subject.pool(threads);
                for then_polled in [false, true] {
                    let dropped = Arc::new(AtomicUsize::new(0));
                    let gate = Gate::closed();
                    let door = gate.door();
                    let mut stream = pool.imap(0..50u64, move |x| (door.pass(), x).1).into_stream();
                    let bad = Arc::new(BadToDrop(dropped.clone()));
                    assert!(poll_with(&mut stream, bad.into()).is_pending());
                    if then_polled {
                        let task = Arc::new(Woken::default());
                        assert!(task.poll(&mut stream).is_pending());
                        assert_eq!(dropped.load(Ordering::SeqCst), 1, "the one before is not kept");
                        gate.open();
                        soon("the task is woken", || task.count() > 0);
                        assert!(block_on(stream.collect::<Vec<_>>()).into_iter().eq(0..50));
                    } else {
                        drop(stream);
                        assert_eq!(dropped.load(Ordering::SeqCst), 1, "it goes with the stream");
                        gate.open();
                    }
                    all_threads_are_there(&pool);
                }
            }
        });
    }

    /// A stream that yields wakes its task itself.
    fn p9_stream_a_waker_that_panics_does_not_end_a_poll(subject) {
        in_own_process(&format!("{}::p9_stream_a_waker_that_panics_does_not_end_a_poll", subject.name()), || {
            let pool = subject.pool(2);
            let woken = Arc::new(AtomicUsize::new(0));
            let imap = pool.imap(0..5_000u64, |x| x).window(5_000).start();
            soon("all are finished", || imap.stats().blocked == 5_000);
            let mut stream = imap.into_stream();
            let bad = Waker::from(Arc::new(BadToWake(woken.clone())));
            let mut expected = 0;
            let began = Instant::now();
            loop {
                match Pin::new(&mut stream).poll_next(&mut Context::from_waker(&bad)) {
                    Poll::Ready(Some(x)) => {
                        assert_eq!(x, expected);
                        expected += 1;
                    }
                    Poll::Ready(None) => break,
                    Poll::Pending => assert!(began.elapsed() < LONG),
                }
            }
            assert_eq!(expected, 5_000);
            assert!(woken.load(Ordering::SeqCst) > 0, "it has yielded on the way");
        });
    }

    fn p9_stream_a_waker_that_panics_and_an_end_by_panic(subject) {
        in_own_process(&format!("{}::p9_stream_a_waker_that_panics_and_an_end_by_panic", subject.name()), || {
            let pool = subject.pool(2);
            let woken = Arc::new(AtomicUsize::new(0));
            let (send, receive) = mpsc::channel::<u64>();
            let input = receive.into_iter().chain(std::iter::from_fn(|| panic_on_purpose(7)));
            let mut stream = pool.imap(input, |x| x).into_stream();
            assert!(poll_with(&mut stream, Arc::new(BadToWake(woken.clone())).into()).is_pending());
            drop(send);
            soon("it is woken", || woken.load(Ordering::SeqCst) > 0);
            assert!(catch_unwind(AssertUnwindSafe(|| block_on(stream.next()))).is_err());
            assert_eq!(block_on(stream.next()), None);
            all_threads_are_there(&pool);
        });
    }

    /// The first of three, whichever that is for the token.
    fn p9_cancel_reaches_all_imaps_of_a_token_beside_a_waker_that_panics(subject) {
        in_own_process(&format!("{}::p9_cancel_reaches_all_imaps_of_a_token_beside_a_waker_that_panics", subject.name()), || {
            let pool = subject.pool(2);
            for bad in 0..3 {
                let gate = Gate::closed();
                let token = CancelToken::new();
                let woken = Arc::new(AtomicUsize::new(0));
                let mut streams: Vec<_> = (0..3).map(|_| {
                    let door = gate.door();
                    pool.imap(0..10u64, move |x| (door.pass(), x).1).cancel_with(&token).into_stream()
                }).collect();
                let task = Arc::new(Woken::default());
                for (index, stream) in streams.iter_mut().enumerate() {
                    let poll = match index == bad {
                        true => poll_with(stream, Arc::new(BadToWake(woken.clone())).into()),
                        false => task.poll(stream),
                    };
                    assert!(poll.is_pending());
                }
                // Consumers that sleep, too.
                thread::scope(|scope| {
                    let sleepers: Vec<_> = (0..2).map(|_| {
                        let door = gate.door();
                        let mut imap = pool.imap(0..10u64, move |x| (door.pass(), x).1).cancel_with(&token);
                        let (asks, asked) = mpsc::channel();
                        let sleeper = scope.spawn(move || {
                            asks.send(()).unwrap();
                            imap.next()
                        });
                        asked.recv().unwrap();
                        sleeper
                    }).collect();
                    thread::sleep(Duration::from_millis(5));
                    // Whether the panic is handed on is not the question here.
                    let _ = catch_unwind(AssertUnwindSafe(|| token.cancel()));
                    assert!(task.count() >= 2, "waker {bad} panics");
                    for sleeper in sleepers {
                        assert_eq!(sleeper.join().unwrap(), None);
                    }
                });
                for stream in &mut streams {
                    assert_eq!(task.poll(stream), Poll::Ready(None));
                    assert!(stream.get_ref().is_cancelled());
                }
                assert!(woken.load(Ordering::SeqCst) > 0);
            }
        });
    }
}
