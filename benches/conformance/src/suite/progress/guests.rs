//! Streams as good guests: `poll_next` leaves the thread to other tasks from time to time, also while results are ready.

use crate::suite::list::promises;
use crate::suite::parts::soon;
use crate::suite::tasks::Woken;
use pool_core::Executor;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// A stream says that nothing is ready after at most this number of results, and wakes its task at once.
const MOST: u64 = 128;

promises! {
    fn p14_stream_yields_after_128_ready_results(subject) {
        for threads in [1, 2] {
            for unordered in [false, true] {
                let pool = subject.pool(threads);
                let imap = pool.imap(0..10_000u64, |x| x).window(10_000);
                let imap = if unordered { imap.unordered() } else { imap };
                let imap = imap.start();
                soon("all are finished", || imap.stats().blocked == 10_000);
                let mut stream = imap.into_stream();
                let task = Arc::new(Woken::default());
                let (mut got, mut in_a_row) = (0, 0);
                while got < 10_000 {
                    let woken = task.count();
                    match task.poll(&mut stream) {
                        Poll::Ready(Some(_)) => {
                            got += 1;
                            in_a_row += 1;
                            assert!(in_a_row <= MOST, "{in_a_row} results without a pause");
                        }
                        Poll::Ready(None) => panic!("{got} results"),
                        Poll::Pending => {
                            assert!(task.count() > woken, "it has results and does not wake its task");
                            assert!(in_a_row > 0, "pauses follow each other, while results are ready");
                            in_a_row = 0;
                        }
                    }
                }
                while task.poll(&mut stream).is_pending() {}
            }
        }
    }

    /// The task itself takes 100 µs for each result.
    fn p14_stream_yields_after_a_time(subject) {
        let pool = subject.pool(2);
        let imap = pool.imap(0..500u64, |x| x).window(500).start();
        soon("all are finished", || imap.stats().blocked == 500);
        let mut stream = imap.into_stream();
        let task = Arc::new(Woken::default());
        let (mut got, mut in_a_row) = (0, 0);
        while got < 500 {
            match task.poll(&mut stream) {
                Poll::Ready(_) => {
                    got += 1;
                    in_a_row += 1;
                    assert!(in_a_row <= 16, "{in_a_row} results, of 100 µs each, without a pause");
                    let began = Instant::now();
                    while began.elapsed() < Duration::from_micros(100) {
                        std::hint::spin_loop();
                    }
                }
                Poll::Pending => in_a_row = 0,
            }
        }
    }

    /// A pause counts, whether the stream or its task made it.
    fn p13_stream_wakes_no_task_while_it_waits(subject) {
        let pool = subject.pool(2);
        let (send, receive) = std::sync::mpsc::channel();
        let mut stream = pool.imap(receive, |x: u64| x).into_stream();
        let task = Arc::new(Woken::default());
        for expected in 0..300 {
            send.send(expected).unwrap();
            loop {
                let before = task.count();
                match task.poll(&mut stream) {
                    Poll::Ready(result) => {
                        assert_eq!(result, Some(expected));
                        break;
                    }
                    Poll::Pending => soon("it is woken", || task.count() > before),
                }
            }
        }
        let _ = task.poll(&mut stream);
        let quiet = (0..20).any(|_| {
            let before = task.count();
            std::thread::sleep(Duration::from_millis(20));
            let _ = task.poll(&mut stream);
            task.count() == before
        });
        assert!(quiet, "a task with nothing to do is woken again and again");
        drop(send);
    }
}
