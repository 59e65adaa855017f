//! A consumer that does everything itself, like sequential code: on a thread of its pool while the imap around its own
//! is [busy](super::nesting), or where the pool has no other thread.
//!
//! It has the input in its hand, and for each call it pulls an item, runs it, and hands out the result: no lock, and a
//! ring for one result. It begins only when all that was pulled has been delivered, so that nothing is late (P4, P5),
//! needs no other thread (P8), and ends as soon as it sees that threads are free: then it gives the input back, and
//! goes on as ever.

use super::consumer::Consumer;
use super::cursor::{Cursor, Head};
use super::function::Function;
use super::input::{InputEnd, pull};
use super::nesting;
use super::ring::Sender;
use super::state::State;
use crate::imap::policy::{self, Looks};
use crate::job::Inside;
use crate::sync::Instant;
use crate::unwind::catch;
use std::time::Duration;

/// The input, with a consumer that works inline.
pub(crate) struct Inline<I, T> {
    pub(super) input: Box<I>,
    /// How many items it has pulled.
    pub(super) pulled: u64,
    /// To the cursor, which has the other end: one result at a time.
    results: Sender<T>,
    /// When it looks again whether threads are free, and when it did so last.
    looks: Looks,
    looked: Instant,
}

impl<I: Iterator, T> State<I, T> {
    /// Takes the input out for a consumer that works inline, if all that was pulled has been delivered.
    pub(super) fn begin_inline(&mut self, cursor: &mut Cursor<T>) -> Option<Inline<I, T>> {
        let settled = !self.has_waiting()
            && self.input.pulled() == cursor.head
            && cursor.late.is_none()
            && cursor.given_up.is_empty();
        if !settled || self.input.end().is_some() {
            return None;
        }
        let input = self.input.take()?;
        // Without a fence: both ends are on this thread, and neither sleeps.
        let (results, receiver) = self.result_rings.open(1, false);
        cursor.ring = Some(receiver.without_limit());
        // The first item needs no look: there was one just now.
        let mut looks = Looks::new(policy::MOST_INLINE);
        looks.looked(Duration::ZERO);
        Some(Inline { input, pulled: 0, results, looks, looked: Instant::now() })
    }
}

impl<I, T> Inline<I, T> {
    /// Whether it is time to look.
    fn is_time(&mut self) -> bool {
        let is_due = self.looks.is_due();
        if is_due {
            let now = Instant::now();
            self.looks.looked(now.since(std::mem::replace(&mut self.looked, now)));
        }
        is_due
    }
}

impl<I, F, T, S> Consumer<'_, I, F, T, S>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    /// Whether no other thread is free to come.
    pub(super) fn should_be_inline(&self) -> bool {
        !self.started && nesting::is_alone(self.executor.get(), self.shared.threads)
    }

    /// Brings the next result, if the consumer works inline and still should.
    pub(super) fn continue_inline(&mut self, cursor: &mut Cursor<T>) -> Option<Head> {
        let is_time = self.inline.as_mut()?.is_time();
        if self.shared.control.is_cancelled() || (is_time && !self.should_be_inline()) {
            self.end_inline(None);
            return None;
        }
        let inline = self.inline.as_mut()?;
        let item = match pull(&mut *inline.input) {
            Ok(item) => item,
            Err(end) => {
                self.end_inline(Some(end));
                return None;
            }
        };
        inline.pulled += 1;
        cursor.ran += 1;
        let function = &self.shared.function;
        let _inside = Inside::enter();
        let mut session = function.begin();
        // The result does not come out of `catch`: each time that a large one is moved takes room on the stack.
        let pushed = catch(|| inline.results.push(function.call(&mut session, item)));
        if pushed.is_err() {
            function.spoil(&mut session);
        }
        function.end(session);
        Some(match pushed {
            Ok(_) => Head::Ready,
            Err(payload) => Head::Panicked(payload),
        })
    }

    /// Gives the input back, or notes that it has ended.
    pub(super) fn end_inline(&mut self, end: Option<InputEnd>) {
        if let Some(Inline { input, pulled, results, .. }) = self.inline.take() {
            let mut state = self.shared.return_input(input, end, |state| state.input.count(pulled));
            state.result_rings.close(results);
        }
    }
}
