//! The function of an imap, with what it needs on the thread that runs it.

use crate::sync::{Mutex, lock};
use crate::unwind::{Quiet, drop_each, drop_quietly};

/// Drops what the function keeps from one chunk to the next.
pub trait Clear {
    fn clear(&self);
}

/// What is done with each item. A session is what one worker holds while it goes through a chunk.
pub trait Function<A>: Clear {
    type Output;
    type Session: Send;

    /// Begins a session. Runs no user code.
    fn begin(&self) -> Self::Session;
    fn call(&self, session: &mut Self::Session, item: A) -> Self::Output;
    /// The call has panicked: what is left in the session is not to be used again.
    fn poison(&self, session: &mut Self::Session);
    fn end(&self, session: Self::Session);
}

/// `f(item)`.
pub(crate) struct Plain<F>(pub(crate) F);

impl<A, T, F: Fn(A) -> T> Function<A> for Plain<F> {
    type Output = T;
    type Session = ();

    fn begin(&self) {}
    #[inline(always)]
    fn call(&self, (): &mut (), item: A) -> T {
        (self.0)(item)
    }
    fn poison(&self, (): &mut ()) {}
    fn end(&self, (): ()) {}
}

impl<F> Clear for Plain<F> {
    fn clear(&self) {}
}

/// `f(&mut state, item)`, with states that are made when one is needed and none is free. So there are as
/// many as there are threads at work at the same time. A state that was in use when the function
/// panicked is dropped, since the panic may have left it half changed.
///
/// `f` is the only part whose drop may panic: the imap holds a function in a [`Quiet`]. It is called for each item, so it
/// is not in one of its own.
pub(crate) struct WithState<N, F, S> {
    init: Quiet<N>,
    f: F,
    free: Mutex<Free<S>>,
}

/// States that no thread uses, dropped one by one.
struct Free<S>(Vec<S>);

impl<S> Drop for Free<S> {
    fn drop(&mut self) {
        drop_each(self.0.drain(..));
    }
}

impl<N, F, S> WithState<N, F, S> {
    pub(crate) fn new(init: N, f: F) -> WithState<N, F, S> {
        WithState { init: Quiet::new(init), f, free: Mutex::new(Free(Vec::new())) }
    }
}

impl<A, T, N: Fn() -> S, F: Fn(&mut S, A) -> T, S: Send> Function<A> for WithState<N, F, S> {
    type Output = T;
    type Session = Option<S>;

    fn begin(&self) -> Option<S> {
        lock(&self.free).0.pop()
    }

    fn call(&self, session: &mut Option<S>, item: A) -> T {
        (self.f)(session.get_or_insert_with(self.init.get()), item)
    }

    fn poison(&self, session: &mut Option<S>) {
        drop_quietly(session.take());
    }

    fn end(&self, session: Option<S>) {
        if let Some(state) = session {
            lock(&self.free).0.push(state);
        }
    }
}

impl<N, F, S> Clear for WithState<N, F, S> {
    fn clear(&self) {
        let free = std::mem::take(&mut lock(&self.free).0);
        drop_each(free);
    }
}
