//! Waiting for a [`CancelToken`] without looking at it again and again, and without a runtime.

use futures_core::Stream;
use pool_core::backend::Job;
use pool_core::{CancelToken, Executor};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Wake, Waker};

/// Keeps its jobs and never runs them. An imap on it ends when it is cancelled, and not before.
#[derive(Default)]
struct Never(Mutex<Vec<Job>>);

impl Executor for Never {
    fn threads(&self) -> usize {
        1
    }

    fn spawn(&self, job: Job) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(job);
    }
}

/// Ends when the token is cancelled.
///
/// A token tells imaps, so this is one: it has no items, on a pool that never runs anything.
pub fn cancelled(token: &CancelToken) -> impl Future<Output = ()> + Send + use<> {
    let token = token.clone();
    async move {
        let pool = Never::default();
        let imap = pool.imap(std::iter::empty::<()>(), |()| ()).cancel_with(&token);
        let mut stream = imap.into_stream();
        let _ = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await;
    }
}

/// Calls a function when a token is cancelled, for as long as it lives. The thread that cancels calls it.
pub struct OnCancel {
    _waiting: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl OnCancel {
    /// Calls `call` once or more often when `token` is cancelled; now, if it is already.
    pub fn new(token: &CancelToken, call: impl Fn() + Send + Sync + 'static) -> OnCancel {
        let mut waiting: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(cancelled(token));
        let waker = Waker::from(Arc::new(Call { token: token.clone(), call }));
        if waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            waker.wake();
            waiting = Box::pin(std::future::pending());
        }
        OnCancel { _waiting: waiting }
    }
}

impl fmt::Debug for OnCancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnCancel").finish_non_exhaustive()
    }
}

struct Call<F> {
    token: CancelToken,
    call: F,
}

impl<F: Fn() + Send + Sync> Wake for Call<F> {
    fn wake(self: Arc<Self>) {
        // A task may be woken without a reason.
        if self.token.is_cancelled() {
            (self.call)();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn the_function_is_called_before_or_meanwhile_and_not_without_a_reason() {
        let calls = Arc::new(AtomicU32::new(0));
        let count = |calls: &Arc<AtomicU32>| {
            let calls = calls.clone();
            move || {
                calls.fetch_add(1, Ordering::SeqCst);
            }
        };
        let token = CancelToken::new();
        let watched = OnCancel::new(&token, count(&calls));
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        let other = token.clone();
        std::thread::spawn(move || other.cancel()).join().unwrap();
        assert!(calls.load(Ordering::SeqCst) > 0);
        drop(watched);
        let late = Arc::new(AtomicU32::new(0));
        let _watched = OnCancel::new(&token, count(&late));
        assert!(late.load(Ordering::SeqCst) > 0);
    }

    #[test]
    fn what_is_gone_is_not_called() {
        let calls = Arc::new(AtomicU32::new(0));
        let counted = calls.clone();
        let token = CancelToken::new();
        drop(OnCancel::new(&token, move || {
            counted.fetch_add(1, Ordering::SeqCst);
        }));
        token.cancel();
        assert_eq!(calls.load(Ordering::SeqCst), 0);
    }
}
