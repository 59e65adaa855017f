//! An imap whose input is a stream: a stage between two streams.
//!
//! For the engine the input is an iterator. Its `next` polls the stream with the waker of the poll that is under way, and
//! says that it has [nothing yet](NoItem::NothingYet) where the stream is pending. So the task that polls the results is woken
//! by the stream, and by the engine as ever.

use super::build::own;
use super::cancel::CancelToken;
use super::engine::{ExecutorRef, Function, ImapStats, Plain, WithState};
use super::iter::Imap;
use super::stream::{ImapStream, ThreadTime, wakes};
use crate::error::Panic;
use crate::no_item::{self, NoItem};
use crate::sync::{Mutex, lock};
use crate::unwind::{catch, drop_quietly};
use futures_core::Stream;
use std::fmt;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The results of a function on the items of a stream, in their order, as a `Stream`. From
/// [`StreamImapExt::imap`](crate::StreamImapExt::imap).
///
/// It is `Send`, and fused. Its `size_hint` is exact where the stream's is: what is under way is counted. Dropping it cancels
/// what has not begun, and does not wait.
#[must_use = "a stream does nothing until it is polled"]
pub struct StreamImap<'p, T> {
    results: ImapStream<'p, T>,
    present: Present,
}

impl<'p, T: Send + 'static> StreamImap<'p, T> {
    pub(crate) fn new<S, F>(executor: ExecutorRef<'p>, stream: S, f: F) -> StreamImap<'p, T>
    where
        S: Stream + Send + 'p,
        S::Item: Send + 'static,
        F: Fn(S::Item) -> T + Send + Sync + 'static,
    {
        StreamImap::of_function(executor, stream, Plain(f))
    }

    pub(crate) fn with_state<I, N, S, F>(executor: ExecutorRef<'p>, stream: I, init: N, f: F) -> Self
    where
        I: Stream + Send + 'p,
        I::Item: Send + 'static,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'static,
    {
        StreamImap::of_function(executor, stream, WithState::new(init, f))
    }

    fn of_function<S, F>(executor: ExecutorRef<'p>, stream: S, function: F) -> StreamImap<'p, T>
    where
        S: Stream + Send + 'p,
        S::Item: Send + 'static,
        F: Function<S::Item, Output = T, Session: Send> + Send + Sync + 'static,
    {
        let present = Present::default();
        let input = StreamInput { stream: Box::pin(stream), present: present.clone() };
        StreamImap::over(Imap::polled(executor, input, function, own), present)
    }
}

impl<'p, T> StreamImap<'p, T> {
    /// The same with another imap.
    fn over(results: Imap<'p, T>, present: Present) -> StreamImap<'p, T> {
        StreamImap { results: results.into_stream(), present }
    }

    /// As [`Imap::window`].
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the stream has been polled.
    #[track_caller]
    pub fn window(self, n: usize) -> Self {
        StreamImap::over(self.results.into_inner().window(n), self.present)
    }

    /// As [`Imap::chunk`].
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the stream has been polled.
    #[track_caller]
    pub fn chunk(self, n: usize) -> Self {
        StreamImap::over(self.results.into_inner().chunk(n), self.present)
    }

    /// As [`Imap::unordered`].
    ///
    /// # Panics
    ///
    /// If the stream has been polled.
    #[track_caller]
    pub fn unordered(self) -> Self {
        StreamImap::over(self.results.into_inner().unordered(), self.present)
    }

    /// As [`Imap::threads`].
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the stream has been polled.
    #[track_caller]
    pub fn threads(self, n: usize) -> Self {
        StreamImap::over(self.results.into_inner().threads(n), self.present)
    }

    /// As [`Imap::catch_panics`]: a panic of the function is an `Err` at its place, one of the stream is the last.
    pub fn catch_panics(self) -> StreamImap<'p, Result<T, Panic>>
    where
        T: Send + 'p,
    {
        StreamImap::over(self.results.into_inner().catch_panics(), self.present)
    }

    /// As [`Imap::cancel_with`].
    pub fn cancel_with(self, token: &CancelToken) -> Self {
        StreamImap { results: self.results.cancel_with(token), present: self.present }
    }

    /// As [`Imap::cancel_token`].
    pub fn cancel_token(&self) -> CancelToken {
        self.results.cancel_token()
    }

    /// As [`Imap::is_cancelled`]; also where the stream is made of an imap that has ended early.
    pub fn is_cancelled(&self) -> bool {
        self.results.is_cancelled()
    }

    /// As [`Imap::next_index`].
    pub fn next_index(&self) -> u64 {
        self.results.next_index()
    }

    /// As [`Imap::stats`].
    pub fn stats(&self) -> ImapStats {
        self.results.stats()
    }
}

impl<U, E> StreamImap<'_, Result<U, E>> {
    /// As [`Imap::fail_fast`]: the stream is not polled either behind an item that has failed.
    ///
    /// # Panics
    ///
    /// If the stream has been polled.
    #[track_caller]
    pub fn fail_fast(self) -> Self {
        StreamImap::over(self.results.into_inner().fail_fast(), self.present)
    }
}

impl<T> Stream for StreamImap<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        this.present.set(Some(PresentPoll::new(context.waker().clone())));
        let result = catch(|| Pin::new(&mut this.results).poll_next(context));
        drop_quietly(this.present.take());
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.results.size_hint()
    }
}

impl<T> fmt::Debug for StreamImap<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamImap").field(self.results.get_ref()).finish()
    }
}

/// The poll that is under way, if there is one: what the stage and its input share.
#[derive(Clone, Default)]
struct Present(Arc<Mutex<Option<PresentPoll>>>);

impl Present {
    fn set(&self, poll: Option<PresentPoll>) {
        let before = std::mem::replace(&mut *lock(&self.0), poll);
        drop_quietly(before);
    }

    fn take(&self) -> Option<PresentPoll> {
        lock(&self.0).take()
    }
}

struct PresentPoll {
    waker: Waker,
    time: ThreadTime,
    has_polled: bool,
    /// The stream is not polled any more: it was pending, or it has had its time.
    is_over: bool,
}

impl PresentPoll {
    fn new(waker: Waker) -> PresentPoll {
        PresentPoll { waker, time: ThreadTime::new(), has_polled: false, is_over: false }
    }

    /// Whether to leave the thread to other tasks now. Not if the task could not be woken afterwards.
    fn yields(&mut self) -> bool {
        let is_over = self.time.is_over();
        self.has_polled && is_over && wakes(&self.waker)
    }

    fn poll<S: Stream>(&mut self, stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
        self.is_over = self.is_over || self.yields();
        if self.is_over {
            return Poll::Pending;
        }
        self.has_polled = true;
        // A stream that is made of an imap may note an early end from here on.
        no_item::take();
        let polled = stream.poll_next(&mut Context::from_waker(&self.waker));
        self.is_over = polled.is_pending();
        polled
    }
}

/// The input of the imap.
struct StreamInput<S> {
    stream: Pin<Box<S>>,
    present: Present,
}

impl<S: Stream> Iterator for StreamInput<S> {
    type Item = S::Item;

    fn next(&mut self) -> Option<S::Item> {
        // Outside of a poll there is no task that could be woken.
        let polled = self.present.take().map(|mut present| {
            let polled = catch(|| present.poll(self.stream.as_mut()));
            self.present.set(Some(present));
            polled.unwrap_or_else(|payload| resume_unwind(payload))
        });
        match polled {
            Some(Poll::Ready(item)) => item,
            Some(Poll::Pending) | None => {
                no_item::note(NoItem::NothingYet);
                None
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.stream.size_hint()
    }
}
