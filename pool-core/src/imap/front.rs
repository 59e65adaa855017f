//! What `next` touches for every item: the lane that holds the head of line, and nothing with a lock.
//!
//! What is `pub` here is so for the sealed [`Place`](super::place::Place) only.

use super::lane::Receiver;
use super::line::Gauge;
use super::stats::ImapStats;
use crate::unwind::{Payload, drop_quietly};
use std::hint;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

pub struct Front<T> {
    pub(crate) lane: Option<Receiver<T>>,
    /// The index of the next result.
    pub(crate) head: u64,
    /// After how many items a helping consumer looks at the clock.
    pub(crate) every: usize,
    /// How many items the consumer has run itself.
    pub(crate) helped: u64,
    /// In place of `lane`: the lane that the head may be in, behind so many results that were given up.
    pub(crate) late: Option<(Receiver<T>, u64)>,
    /// Lanes in which only results will come that were given up.
    pub(crate) given_up: Vec<Receiver<T>>,
    pub(crate) gauge: Arc<Gauge>,
}

impl<T> Front<T> {
    pub(crate) fn new(gauge: Arc<Gauge>) -> Front<T> {
        Front { lane: None, head: 0, every: 1, helped: 0, late: None, given_up: Vec::new(), gauge }
    }

    pub(crate) fn is_ready(&self) -> bool {
        let late = self.late.as_ref().map(|(lane, _)| lane);
        self.lane.as_ref().or(late).is_some_and(|lane| !lane.is_empty())
    }

    /// Looks a few times, for about a microsecond, whether the head is ready.
    pub(crate) fn look_for_a_moment(&self) {
        for _ in 0..4 {
            if self.is_ready() {
                return;
            }
            for _ in 0..16 {
                hint::spin_loop();
            }
        }
    }

    /// Goes on to the item behind the head, whose result is to be dropped when it comes.
    pub(crate) fn give_up(&mut self) {
        match (self.lane.take(), &mut self.late) {
            (Some(lane), late) => *late = Some((lane, 1)),
            (None, Some((_, given_up))) => *given_up += 1,
            (None, None) => {}
        }
        self.head += 1;
    }

    /// Drops the results that were given up and have come. Not under the lock.
    pub(crate) fn drop_given_up(&mut self) {
        for lane in &mut self.given_up {
            while let Some(value) = lane.pop() {
                drop_quietly(value);
            }
        }
        if let Some((mut lane, mut left)) = self.late.take() {
            while left > 0
                && let Some(value) = lane.pop()
            {
                drop_quietly(value);
                left -= 1;
            }
            if left == 0 {
                self.lane = Some(lane);
            } else {
                self.late = Some((lane, left));
            }
        }
    }
}

/// How a call waits for the head.
#[derive(Clone, Copy)]
pub enum Wait<'a> {
    /// The thread sleeps, or works meanwhile.
    Forever,
    /// The thread sleeps, for so long at most.
    AtMost(Duration),
    /// The call returns, and wakes this task later.
    #[cfg_attr(not(feature = "stream"), allow(dead_code))]
    Task(&'a Waker),
}

/// How a refill ended.
pub enum Arrival {
    /// The head is in the front's lane.
    Ready,
    /// The head panicked.
    Panicked(Payload),
    /// The input panicked, and every result has been delivered.
    InputPanicked(Payload),
    /// Every result has been delivered.
    End,
    /// The limit has passed, or the task will be woken.
    Late,
    /// A token has cancelled the line, and the head was not finished by then.
    Cancelled,
    /// The pool has dropped the line's tickets.
    Terminated,
}

/// What is set before the line begins.
pub struct Settings {
    pub(crate) window: u64,
    pub(crate) chunk: Option<usize>,
    pub(crate) unordered: bool,
    /// The pool is to be at work while the consumer does something else.
    pub(crate) eager: bool,
}

/// The line, without the types of its input and function.
pub trait Back<T> {
    /// Takes the settings. Calls nobody yet; a refill does.
    fn start(&mut self, settings: &Settings, wait: Wait<'_>);
    fn refill(&mut self, front: &mut Front<T>, wait: Wait<'_>) -> Arrival;
    /// Calls whoever has something to do: the consumer has made the room that a feeder waits for.
    fn make_room(&mut self);
    /// How many items have been pulled, and the input's size hint after that.
    fn hint(&self) -> (u64, (usize, Option<usize>));
    /// Whether the input has panicked, and that panic is still to be delivered.
    fn input_has_panicked(&self) -> bool;
    fn stats(&self, front: &Front<T>) -> ImapStats;
    /// The consumer goes: nothing begins any more, and nothing is kept.
    fn desert(&mut self);
}

impl<T, B: Back<T> + ?Sized> Back<T> for Box<B> {
    fn start(&mut self, settings: &Settings, wait: Wait<'_>) {
        (**self).start(settings, wait);
    }
    fn refill(&mut self, front: &mut Front<T>, wait: Wait<'_>) -> Arrival {
        (**self).refill(front, wait)
    }
    fn make_room(&mut self) {
        (**self).make_room();
    }
    fn hint(&self) -> (u64, (usize, Option<usize>)) {
        (**self).hint()
    }
    fn input_has_panicked(&self) -> bool {
        (**self).input_has_panicked()
    }
    fn stats(&self, front: &Front<T>) -> ImapStats {
        (**self).stats(front)
    }
    fn desert(&mut self) {
        (**self).desert();
    }
}
