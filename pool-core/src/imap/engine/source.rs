//! What the interface needs of an imap: how it is asked, what it answers, and the trait between the two.
//!
//! What is `pub` here is so for the sealed [`Place`](super::super::place::Place) only.

use super::budget::Budget;
use super::fail_fast::FailFast;
use super::order::Order;
use super::stats::ImapStats;
use std::task::Waker;
use std::time::Duration;

/// How a call waits for the head.
#[derive(Clone, Copy)]
pub enum Wait<'a> {
    /// The thread sleeps, or works meanwhile if its pool needs it.
    Forever,
    /// The thread sleeps, for this long at most.
    AtMost(Duration),
    /// The call returns, and wakes this task later.
    #[cfg_attr(not(feature = "stream"), allow(dead_code))]
    Task(&'a Waker),
    /// The call returns at once, and nothing wakes.
    Never,
}

/// How a refill ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Head {
    /// The next result, or its panic, is in the order.
    Ready,
    /// Every result has been delivered.
    End,
    /// The limit of the call has passed, or the task will be woken.
    Late,
    /// The limit of this item has passed, and it was given up.
    ItemLate(u64),
    /// A token has cancelled the imap, and the head was not finished by then; or an imap that is its input.
    Cancelled,
    /// The pool has dropped the imap's jobs.
    Terminated,
}

/// What is set before the iteration begins.
#[derive(Clone, Default)]
pub struct Settings {
    pub(in crate::imap) window: Option<u64>,
    pub(in crate::imap) budget: Option<Budget>,
    pub(in crate::imap) chunk: Option<usize>,
    pub(in crate::imap) unordered: bool,
    /// How many threads may be at work on it.
    pub(in crate::imap) threads: Option<usize>,
    /// How long an item may take.
    pub(in crate::imap) item_limit: Option<Duration>,
    /// The pool is to be at work while the consumer does something else.
    pub(in crate::imap) started: bool,
}

/// Where results come from: the imap, without the types of its input and function.
pub trait Source<T> {
    /// Takes the settings. Spawns nothing yet; a refill or a visit does.
    fn start(&mut self, settings: &Settings, fail_fast: FailFast<T>);
    /// Brings the next result into the order, or waits for it.
    fn refill(&mut self, order: &mut Order<T>, wait: Wait<'_>) -> Head;
    /// Tells how much the consumer has taken, so that workers go on.
    fn visit(&mut self, order: &mut Order<T>);
    /// How many items have been pulled, and the input's size hint after that.
    fn hint(&self) -> (u64, (usize, Option<usize>));
    /// Whether the input has panicked, and that panic is still to be delivered.
    fn input_has_panicked(&self) -> bool;
    fn stats(&self, order: &Order<T>) -> ImapStats;
    /// The consumer goes: nothing begins any more, and nothing is kept.
    fn consumer_gone(&mut self, order: &mut Order<T>);
}
