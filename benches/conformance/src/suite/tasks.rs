//! What tests of futures need: a task that counts how often it has been woken, the runtimes of tokio, and what any stream of
//! results has to do.

use super::parts::{Alive, Counted, Gate, soon};
use crate::oracle::OnPurpose;
use futures::executor::block_on;
use futures::task::{ArcWake, waker};
use futures::{Stream, StreamExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;

/// A task that counts how often it has been woken.
#[derive(Default)]
pub(super) struct Woken(AtomicUsize);

impl ArcWake for Woken {
    fn wake_by_ref(task: &Arc<Self>) {
        task.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    pub(super) fn poll<S: Stream + Unpin>(self: &Arc<Self>, stream: &mut S) -> Poll<Option<S::Item>> {
        Pin::new(stream).poll_next(&mut Context::from_waker(&waker(self.clone())))
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

pub(super) fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

pub(super) fn multi_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

/// Its items are x + 1 for each x that is sent, and x is sent only when the task has the result before.
pub(super) fn plays_ping_pong(
    mut results: impl Stream<Item = u32> + Unpin,
    threads: usize,
    send: impl Fn(u32),
) {
    send(0);
    for expected in 1..=300 {
        let result = block_on(results.next()).unwrap();
        assert_eq!(result, expected, "threads {threads}");
        send(result);
    }
    drop(send);
    assert_eq!(block_on(results.next()), Some(301));
    assert_eq!(block_on(results.next()), None);
    assert_eq!(block_on(results.next()), None);
}

/// Its items are what is sent; the task sleeps between any two of them.
pub(super) fn is_woken_by_a_slow_input(
    mut results: impl Stream<Item = u64> + Unpin,
    send: impl Fn(u64) + Clone + Send + 'static,
) {
    let runtime = current_thread();
    for expected in 0..200 {
        let later = send.clone();
        let sender = thread::spawn(move || later(expected));
        assert_eq!(runtime.block_on(results.next()), Some(expected));
        sender.join().unwrap();
    }
    drop(send);
    assert_eq!(runtime.block_on(results.next()), None);
}

/// Its items are 0 to 20, of which the gate holds up 3.
pub(super) fn is_held_up_by_its_head_only(mut results: impl Stream<Item = u64> + Unpin, gate: &Gate) {
    for expected in 0..3 {
        assert_eq!(block_on(results.next()), Some(expected));
    }
    let task = Arc::new(Woken::default());
    assert!(task.poll(&mut results).is_pending());
    gate.open();
    soon("the task is woken", || task.count() > 0);
    assert!(block_on(results.collect::<Vec<_>>()).into_iter().eq(3..20));
}

/// The function of its items, 0 to 50, panics on purpose where x % 5 is 3.
pub(super) fn panics_at_their_places(mut results: impl Stream<Item = u64> + Unpin) {
    for expected in 0..50 {
        match catch_unwind(AssertUnwindSafe(|| block_on(results.next()))) {
            Ok(result) => assert_eq!(result, Some(expected)),
            Err(payload) => assert_eq!(payload.downcast_ref(), Some(&OnPurpose(expected))),
        }
    }
    assert_eq!(block_on(results.next()), None);
}

/// The same, where panics are values.
pub(super) fn has_panics_as_values<T, E>(caught: impl Stream<Item = Result<T, E>>) {
    let caught: Vec<_> = block_on(caught.map(|result| result.is_ok()).collect());
    assert!(caught.into_iter().eq((0..50).map(|x| x % 5 != 3)));
}

/// Its items are endless, and the gate holds up all from 10 on.
pub(super) fn is_cancelled_when_dropped(
    mut results: impl Stream<Item = Counted> + Unpin,
    gate: &Gate,
    alive: &Alive,
) {
    for _ in 0..10 {
        assert!(block_on(results.next()).is_some());
    }
    let task = Arc::new(Woken::default());
    assert!(task.poll(&mut results).is_pending());
    drop(results);
    assert_eq!(Arc::strong_count(&task), 1, "the waker is dropped with the stream");
    gate.open();
    alive.wait_for(0);
}

/// It has a hundred items.
pub(super) fn says_what_is_left(results: &mut (impl Stream + Unpin)) {
    for left in (0..=100).rev() {
        assert_eq!(results.size_hint(), (left, Some(left)));
        assert_eq!(block_on(results.next()).is_some(), left > 0);
    }
}

/// This task has polled last, and is woken for this result.
pub(super) fn is_woken_for(
    task: &Arc<Woken>,
    results: &mut (impl Stream<Item = u64> + Unpin),
    expected: u64,
) {
    // A task may be woken early, and polls again then.
    let mut seen = 0;
    let result = loop {
        soon("the last task is woken", || task.count() > seen);
        seen = task.count();
        if let Poll::Ready(result) = task.poll(results) {
            break result;
        }
    };
    assert_eq!(result, Some(expected));
}
