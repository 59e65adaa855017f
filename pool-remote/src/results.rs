//! The way of the outcomes from the job to the consumer: a queue that wakes a task or a thread.

use crate::ledger::Segment;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// See the [module](self).
#[derive(Default)]
pub struct Results(Mutex<State>);

#[derive(Default)]
struct State {
    segments: VecDeque<Segment>,
    closed: bool,
    waker: Option<Waker>,
}

impl Results {
    /// Hands on what is ready.
    pub fn push(&self, segment: Segment) {
        let waker = {
            let mut state = self.lock();
            if !state.closed {
                state.segments.push_back(segment);
            }
            state.waker.take()
        };
        // Not under the lock: a waker is user code.
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Nothing more will come.
    pub fn close(&self) {
        let waker = {
            let mut state = self.lock();
            state.closed = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What is there, or the end. With nothing there the waker is woken when something comes.
    pub fn poll(&self, context: &Context<'_>) -> Poll<Option<Segment>> {
        let mut state = self.lock();
        match state.segments.pop_front() {
            Some(segment) => Poll::Ready(Some(segment)),
            None if state.closed => Poll::Ready(None),
            None => {
                let old = state.waker.replace(context.waker().clone());
                drop(state);
                drop(old);
                Poll::Pending
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Results").field("ready", &self.lock().segments.len()).finish_non_exhaustive()
    }
}
