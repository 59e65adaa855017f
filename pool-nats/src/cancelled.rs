//! Waiting for a [`CancelToken`] without looking at it again and again.

use futures::StreamExt;
use pool_core::backend::Job;
use pool_core::{CancelToken, Executor};
use std::sync::{Mutex, PoisonError};

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
pub(crate) fn cancelled(token: &CancelToken) -> impl Future<Output = ()> + Send + use<> {
    let token = token.clone();
    async move {
        let pool = Never::default();
        let imap = pool.imap(std::iter::empty::<()>(), |()| ()).cancel_with(&token);
        imap.into_stream().next().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn it_ends_when_the_token_is_cancelled_before_or_meanwhile() {
        let token = CancelToken::new();
        let mut waiting = Box::pin(cancelled(&token));
        assert!(waiting.as_mut().now_or_never().is_none());
        let other = token.clone();
        let canceller = std::thread::spawn(move || other.cancel());
        futures::executor::block_on(waiting);
        canceller.join().unwrap();
        futures::executor::block_on(cancelled(&token));
    }
}
