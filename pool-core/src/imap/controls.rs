//! What every imap can do, whatever its results are.

use super::cancel::CancelToken;
use super::engine::{ImapStats, Settings, Source};
use super::results::Results;
use std::fmt;
use std::ops::DerefMut;

/// An iteration without the type of its results, so that what [maps](super::place::Mapped) them has nothing to forward.
pub trait Controls: fmt::Debug {
    /// `None` once the iteration has begun.
    fn settings(&mut self) -> Option<&mut Settings>;
    /// These count as failures, too: panics, items whose limit has passed.
    fn fail_on(&mut self, panic: bool, late: bool);
    fn start(&mut self);
    /// Goes on to the next item, as if the head had been delivered. `false` without order.
    fn give_up(&mut self) -> bool;
    fn cancel_with(&mut self, token: &CancelToken);
    fn cancel_token(&self) -> CancelToken;
    fn is_cancelled(&self) -> bool;
    fn stats(&self) -> ImapStats;
    /// How many items have been delivered or given up: the index of the head.
    fn next_index(&self) -> u64;
    /// The index of the item that was delivered last: as a result, as a panic, or as late.
    fn delivered_index(&self) -> u64;
    /// Whether the iteration has ended, and its input had more, or may have had.
    fn has_ended_early(&self) -> bool;
}

impl<T, S: DerefMut<Target: Source<T>>> Controls for Results<T, S> {
    fn settings(&mut self) -> Option<&mut Settings> {
        self.settings()
    }

    fn fail_on(&mut self, panic: bool, late: bool) {
        if let Some(fail_fast) = self.fail_fast() {
            fail_fast.panic |= panic;
            fail_fast.late |= late;
        }
    }

    fn start(&mut self) {
        self.start_now();
    }

    fn give_up(&mut self) -> bool {
        self.give_up()
    }

    fn cancel_with(&mut self, token: &CancelToken) {
        self.cancel_with(token);
    }

    fn cancel_token(&self) -> CancelToken {
        self.cancel_token()
    }

    fn is_cancelled(&self) -> bool {
        self.is_cancelled()
    }

    fn stats(&self) -> ImapStats {
        self.stats()
    }

    fn next_index(&self) -> u64 {
        self.head()
    }

    fn delivered_index(&self) -> u64 {
        self.last()
    }

    // A panic of the input and the pool's `terminate` end it early, too, but are told as panics.
    fn has_ended_early(&self) -> bool {
        self.is_cancelled()
    }
}
