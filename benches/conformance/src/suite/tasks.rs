//! What tests of futures need: a task that counts how often it has been woken, and the runtimes of tokio.

use futures::Stream;
use futures::task::{ArcWake, waker};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

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
