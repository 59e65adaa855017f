//! What the interface needs of an imap: how it is asked, what it answers, and the trait between the two.
//!
//! What is `pub` here is so for the sealed [`Place`](super::super::place::Place) only.

use super::begun::ItemLimit;
use super::cursor::Cursor;
use super::stats::ImapStats;
use crate::unwind::Payload;
use std::task::Waker;
use std::time::Duration;

/// How a call waits for the head.
#[derive(Clone, Copy)]
pub enum Wait<'a> {
    /// The thread sleeps, or works meanwhile if its pool needs it.
    Forever,
    /// The thread sleeps, for this long at most.
    AtMost(Duration),
    /// The same, but a thread that its pool needs works meanwhile, and cannot leave an item that it has begun.
    Helping(Duration),
    /// The call returns, and wakes this task later.
    #[cfg_attr(not(feature = "stream"), allow(dead_code))]
    Task(&'a Waker),
}

/// How a refill ended.
pub enum Head {
    /// The head is in the cursor's ring.
    Ready,
    /// The head panicked.
    Panicked(Payload),
    /// The input panicked, and every result has been delivered.
    InputPanicked(Payload),
    /// Every result has been delivered.
    End,
    /// The limit has passed, or the task will be woken.
    Late,
    /// A token has cancelled the imap, and the head was not finished by then.
    Cancelled,
    /// The pool has dropped the imap's jobs.
    Terminated,
}

/// What is set before the iteration begins.
pub struct Settings {
    pub(in crate::imap) window: Option<u64>,
    pub(in crate::imap) chunk: Option<usize>,
    pub(in crate::imap) unordered: bool,
    /// How long an item may take.
    pub(in crate::imap) item_limit: Option<ItemLimit>,
    /// The pool is to be at work while the consumer does something else.
    pub(in crate::imap) started: bool,
}

/// Where results come from: the imap, without the types of its input and function.
pub trait Source<T> {
    /// Takes the settings. Spawns nothing yet; a refill does.
    fn start(&mut self, settings: &Settings);
    fn refill(&mut self, cursor: &mut Cursor<T>, wait: Wait<'_>) -> Head;
    /// The consumer has made the room that a feeder waits for.
    fn wake_feeder(&mut self);
    /// How many items have been pulled, and the input's size hint after that.
    fn hint(&self) -> (u64, (usize, Option<usize>));
    /// Whether the input has panicked, and that panic is still to be delivered.
    fn input_has_panicked(&self) -> bool;
    fn stats(&self, cursor: &Cursor<T>) -> ImapStats;
    /// The consumer goes: nothing begins any more, and nothing is kept.
    fn consumer_gone(&mut self, cursor: &mut Cursor<T>);
}

impl<T, S: Source<T> + ?Sized> Source<T> for Box<S> {
    fn start(&mut self, settings: &Settings) {
        (**self).start(settings);
    }
    fn refill(&mut self, cursor: &mut Cursor<T>, wait: Wait<'_>) -> Head {
        (**self).refill(cursor, wait)
    }
    fn wake_feeder(&mut self) {
        (**self).wake_feeder();
    }
    fn hint(&self) -> (u64, (usize, Option<usize>)) {
        (**self).hint()
    }
    fn input_has_panicked(&self) -> bool {
        (**self).input_has_panicked()
    }
    fn stats(&self, cursor: &Cursor<T>) -> ImapStats {
        (**self).stats(cursor)
    }
    fn consumer_gone(&mut self, cursor: &mut Cursor<T>) {
        (**self).consumer_gone(cursor);
    }
}
