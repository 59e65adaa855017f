//! A consumer that does everything itself, like sequential code: on a thread of its pool while the imap around its own
//! is [busy](super::nesting), or where the pool has no other thread.
//!
//! It has the input in its hand, and for each call it pulls an item, runs it, and hands out the result: no lock, and a
//! ring for one result. It begins only when all that was pulled has been delivered, so that nothing is late (P4, P5),
//! needs no other thread (P8), and ends as soon as it sees that threads are free: then it gives the input back, and
//! goes on as ever.

use super::function::Function;
use super::input::{InputEnd, pull};
use super::ring::Sender;
use super::source::Head;
use crate::imap::policy::{self, Looks};
use crate::job::Inside;
use crate::sync::Instant;
use crate::unwind::catch;
use std::time::Duration;

/// The input, with a consumer that works inline.
pub(crate) struct Inline<I, T> {
    input: Box<I>,
    /// How many items it has pulled.
    pulled: u64,
    /// To the cursor, which has the other end: one result at a time.
    results: Sender<T>,
    /// When it looks again whether threads are free, and when it did so last.
    looks: Looks,
    looked: Instant,
}

impl<I, T> Inline<I, T> {
    pub(super) fn new(input: Box<I>, results: Sender<T>) -> Inline<I, T> {
        // The first item needs no look: there was one just now.
        let mut looks = Looks::new(policy::MOST_INLINE);
        looks.looked(Duration::ZERO);
        Inline { input, pulled: 0, results, looks, looked: Instant::now() }
    }

    pub(super) fn input(&self) -> &I {
        &self.input
    }

    pub(super) fn pulled(&self) -> u64 {
        self.pulled
    }

    pub(super) fn into_parts(self) -> (Box<I>, u64, Sender<T>) {
        (self.input, self.pulled, self.results)
    }

    /// Whether it is time to look again whether threads are free.
    pub(super) fn is_time_to_look(&mut self) -> bool {
        let is_due = self.looks.is_due();
        if is_due {
            let now = Instant::now();
            self.looks.looked(now.since(std::mem::replace(&mut self.looked, now)));
        }
        is_due
    }
}

impl<I: Iterator, T> Inline<I, T> {
    /// Pulls an item and runs it. The result goes to the cursor's ring.
    pub(super) fn advance<F>(&mut self, function: &F) -> Result<Head, InputEnd>
    where
        F: Function<I::Item, Output = T>,
    {
        let item = pull(&mut *self.input)?;
        self.pulled += 1;
        let _inside = Inside::enter();
        let mut session = function.begin();
        // The result does not come out of `catch`: each time that a large one is moved takes room on the stack.
        let pushed = catch(|| self.results.push(function.call(&mut session, item)));
        if pushed.is_err() {
            function.spoil(&mut session);
        }
        function.end(session);
        Ok(match pushed {
            Ok(_) => Head::Ready,
            Err(payload) => Head::Panicked(payload),
        })
    }
}
