//! P5: no wake-up of the consumer is lost. The argument is in [`wakeup`](super::super::wakeup).

use super::{Count, Pool, model};
use crate::Executor;
use crate::sync::{Condvar, Mutex, lock};
use std::sync::Arc;

/// Feed, take, tell, consume, sleep, end: each result is told at the lock.
///
/// Red when `tell` does not wake the consumer, when `give_back_input` does not wake it at the end, and when a consumer that
/// sleeps has reserved no worker.
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
/// Red when a push does not look at the signal, or looks before it, and without the fence of `push` or that of `settle`.
#[test]
fn window_of_two_in_chunks() {
    let body = |pool: &Pool| {
        let results: Vec<_> = pool.imap(0..3, |x| x * 10).window(4).chunk(2).collect();
        assert_eq!(results, [0, 10, 20]);
    };
    model(2, 2, body, drop);
}

/// The second item of a chunk waits until the consumer has the result of the first (P5): only the
/// signal can wake it. The worker has the input in hand.
///
/// Red when a push does not look at the signal.
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
/// Red when `set_task` comes after the consumer has registered and looked.
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
/// Red when the consumer spawns no job: neither in `visit`, nor before it sleeps.
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

/// A panic in a chunk, while the item behind it waits until the consumer has had it: the results from there on go to
/// another ring.
///
/// Red when `note_panic` does not wake the consumer.
#[test]
fn panics() {
    let body = |pool: &Pool| {
        let had = Arc::new(Count::default());
        let seen = had.clone();
        let f = move |x| if x == 0 { std::panic::panic_any(7) } else { (seen.wait_for(x), x).1 };
        let panics = pool.imap(0..2, f).window(4).chunk(2).catch_panics();
        let results: Vec<_> = panics.inspect(|_| had.add(1)).collect();
        assert!(results.len() == 2 && results[0].is_err() && *results[1].as_ref().unwrap() == 1);
    };
    model(1, 3, body, drop);
}
