//! P5: no wake-up of the consumer is lost. The argument is in [`wakeup`](super::super::wakeup).

use super::{Count, Pool, model};
use crate::Executor;
use crate::sync::{Condvar, Mutex, lock};
use std::sync::Arc;

/// Feed, take, publish, consume, sleep, end; the window is read outside the lock.
///
/// Red when `Outputs::open` does not set the flag of the ring that the consumer waits for, and when `give_back_input` does
/// not wake it at the end.
#[test]
fn window_of_one() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap(0..2, |x| x * 10).window(1).collect();
        assert_eq!(results, [0, 10]);
    };
    model(2, 2, body, drop);
}

/// Rings of two items: the consumer sleeps beside one while its results come one by one.
///
/// Red when `Outputs::open` does not set the flag.
#[test]
fn window_of_two_in_chunks() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap(0..3, |x| x * 10).window(4).chunk(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(2, 2, body, drop);
}

/// The second item of a chunk waits until the consumer has the result of the first (P5): only the
/// flag can wake it.
///
/// Red when `push` leaves its fence out, or looks at the flag before it pushes.
#[test]
fn item_that_waits_for_the_result() {
    let body = |pool: &Pool| {
        let received = Arc::new(Count::default());
        let seen = received.clone();
        let wait_for_result = move |item| {
            seen.wait_for(item);
            item
        };
        for (index, result) in (0..).zip(pool.imap(0..2, wait_for_result).window(4).chunk(2)) {
            assert_eq!(index, result);
            received.set(index + 1);
        }
    };
    model(1, 3, body, drop);
}

/// A task in place of the sleeping thread: its waker is called, or it need not wait.
///
/// Red when `set_task` comes after the last look at the head.
#[cfg(feature = "stream")]
#[test]
fn task_that_waits() {
    use futures_core::Stream;
    use std::pin::Pin;
    use std::task::{Context, Poll, Wake, Waker};

    #[derive(Default)]
    struct Alarm(Mutex<bool>, Condvar);
    impl Wake for Alarm {
        fn wake(self: Arc<Self>) {
            *lock(&self.0) = true;
            self.1.notify_one();
        }
    }

    let body = |pool: &Pool| {
        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(alarm.clone());
        let mut stream = pool.imap(0..2, |x| x * 10).window(4).chunk(2).into_stream();
        let mut results = Vec::new();
        loop {
            match Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker)) {
                Poll::Ready(Some(result)) => results.push(result),
                Poll::Ready(None) => break,
                Poll::Pending => {
                    let mut woken = lock(&alarm.0);
                    while !*woken {
                        woken = alarm.1.wait(woken).unwrap();
                    }
                    *woken = false;
                }
            }
        }
        assert_eq!(results, [0, 10]);
    };
    model(2, 2, body, drop);
}

/// Started, and consumed later.
///
/// Red when the consumer spawns no job: neither when there is room again, nor before it sleeps.
#[test]
fn started() {
    let body = |pool: &Pool| {
        let mut imap = pool.imap(0..2, |x| x).window(1).start();
        loom::thread::yield_now();
        assert_eq!(imap.next(), Some(0));
        assert_eq!(imap.next(), Some(1));
        assert_eq!(imap.next(), None);
    };
    model(1, 3, body, drop);
}

/// A panic in a chunk: the results behind it go to another ring.
///
/// Red when `note_panic` does not wake the consumer.
#[test]
fn panics() {
    let body = |pool: &Pool| {
        let f = |x| if x == 0 { std::panic::panic_any(7) } else { x };
        let results: Vec<_> = pool.imap(0..2, f).window(4).chunk(2).catch_panics().collect();
        assert!(results.len() == 2 && results[0].is_err() && *results[1].as_ref().unwrap() == 1);
    };
    model(1, 3, body, drop);
}
