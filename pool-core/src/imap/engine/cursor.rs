//! What `next` touches for every item: the ring that holds the head, and nothing with a lock.
//!
//! What is `pub` here is so for the sealed [`Place`](super::super::place::Place) only.

use super::begun::ItemLimit;
use super::control::Control;
use super::ring::Receiver;
use super::stats::ImapStats;
use crate::unwind::{Payload, drop_quietly};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// Where the consumer is in the order of results.
pub struct Cursor<T> {
    pub(in crate::imap) ring: Option<Receiver<T>>,
    /// The index of the next result.
    pub(in crate::imap) head: u64,
    /// How many items were given up.
    pub(in crate::imap) skipped: u64,
    /// In place of `ring`: the ring that the head may be in, behind so many results that were given up.
    pub(in crate::imap) late: Option<(Receiver<T>, u64)>,
    /// Rings in which only results will come that were given up.
    pub(in crate::imap) given_up: Vec<Receiver<T>>,
    /// Without order: the item in `ring`, if it is alone there, and the items that were given up and still run.
    pub(in crate::imap) index: u64,
    pub(in crate::imap) given_up_items: Vec<u64>,
    /// How many items the consumer has run itself.
    pub(in crate::imap) ran: u64,
    pub(in crate::imap) control: Arc<Control>,
}

impl<T> Cursor<T> {
    pub(in crate::imap) fn new(control: Arc<Control>) -> Cursor<T> {
        Cursor {
            ring: None,
            head: 0,
            skipped: 0,
            late: None,
            given_up: Vec::new(),
            index: 0,
            given_up_items: Vec::new(),
            ran: 0,
            control,
        }
    }

    /// The head, if it is in the ring that the cursor looks at.
    #[inline]
    pub(in crate::imap) fn pop(&mut self) -> Option<T> {
        let value = self.ring.as_mut()?.pop();
        self.head += u64::from(value.is_some());
        value
    }

    pub(in crate::imap) fn is_ready(&self) -> bool {
        let late = self.late.as_ref().map(|(ring, _)| ring);
        self.ring.as_ref().or(late).is_some_and(|ring| !ring.is_empty())
    }

    /// Goes on to the item behind the head, whose result is to be dropped when it comes.
    pub(in crate::imap) fn give_up(&mut self) {
        match (self.ring.take(), &mut self.late) {
            (Some(ring), late) => *late = Some((ring, 1)),
            (None, Some((_, given_up))) => *given_up += 1,
            (None, None) => {}
        }
        self.head += 1;
        self.skipped += 1;
    }

    /// Without order: as if this item had been delivered.
    pub(in crate::imap) fn give_up_item(&mut self, index: u64) {
        self.given_up_items.push(index);
        self.head += 1;
        self.skipped += 1;
    }

    /// Whether this item was given up; once.
    pub(in crate::imap) fn was_given_up(&mut self, index: u64) -> bool {
        let at = self.given_up_items.iter().position(|item| *item == index);
        at.is_some_and(|at| self.given_up_items.swap_remove(at) == index)
    }

    /// Drops the results that were given up and have come. Not under the lock.
    pub(in crate::imap) fn drop_given_up(&mut self) {
        for ring in &mut self.given_up {
            ring.drop_values();
        }
        if let Some((mut ring, mut left)) = self.late.take() {
            while left > 0
                && let Some(value) = ring.pop()
            {
                drop_quietly(value);
                left -= 1;
            }
            if left == 0 {
                self.ring = Some(ring);
            } else {
                self.late = Some((ring, left));
            }
        }
    }

    /// The rings that it holds.
    pub(in crate::imap) fn take_rings(&mut self) -> Vec<Receiver<T>> {
        let mut rings = std::mem::take(&mut self.given_up);
        rings.extend(self.ring.take());
        rings.extend(self.late.take().map(|(ring, _)| ring));
        rings
    }
}

/// How a call waits for the head.
#[derive(Clone, Copy)]
pub enum Wait<'a> {
    /// The thread sleeps, or works meanwhile if its pool needs it.
    Forever,
    /// The thread sleeps, for so long at most.
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
    fn desert(&mut self, cursor: &mut Cursor<T>);
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
    fn desert(&mut self, cursor: &mut Cursor<T>) {
        (**self).desert(cursor);
    }
}
