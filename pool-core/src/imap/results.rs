//! The iteration over an imap: the head from the cursor's ring, or else what a refill brings.

use super::cancel::CancelToken;
use super::engine::Control;
use super::engine::ItemLimit;
use super::engine::{Cursor, Head, ImapStats, Settings, Source, Wait};
use crate::error::{Cancelled, Panic, TimedOut};
use std::cell::OnceCell;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) struct Results<T, S: Source<T>> {
    cursor: Cursor<T>,
    source: S,
    settings: Settings,
    stage: Stage,
    token: OnceCell<CancelToken>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Lazy,
    Running,
    Ended,
    /// Ended early, by a token.
    Cancelled,
}

/// What became of the head.
enum Advance {
    Ready,
    Panicked(Panic),
    Ended,
    Late(TimedOut),
}

/// What a call for the next result has found.
#[derive(Debug)]
pub enum Next<T> {
    Result(T),
    /// The panic of an item, at its place, or that of the input, which comes last.
    Panic(Panic),
    End,
    /// The limit of the call has passed: the next call waits for the same item again.
    CallLate(TimedOut),
    /// The limit of the item has passed: it was given up.
    ItemLate(TimedOut),
}

impl<T> Next<T> {
    /// The same, with another result.
    pub(super) fn map<U>(self, f: impl FnOnce(T) -> U) -> Next<U> {
        match self {
            Next::Result(value) => Next::Result(f(value)),
            Next::Panic(panic) => Next::Panic(panic),
            Next::End => Next::End,
            Next::CallLate(late) => Next::CallLate(late),
            Next::ItemLate(late) => Next::ItemLate(late),
        }
    }
}

/// The shortest pause between two looks whether the head has begun, if its limit counts from then. The first look comes
/// after the limit; the pauses grow, so that a long wait costs nothing.
const SHORTEST_LOOK: Duration = Duration::from_millis(1);
const LONGEST_LOOK: Duration = Duration::from_millis(10);

impl<T, S: Source<T>> Results<T, S> {
    /// An iteration that has not begun.
    pub(super) fn new(control: Arc<Control>, source: S) -> Results<T, S> {
        Results {
            cursor: Cursor::new(control),
            source,
            settings: Settings {
                window: None,
                chunk: None,
                unordered: false,
                item_limit: None,
                started: false,
            },
            stage: Stage::Lazy,
            token: OnceCell::new(),
        }
    }

    pub(super) fn settings(&mut self) -> Option<&mut Settings> {
        (self.stage == Stage::Lazy).then_some(&mut self.settings)
    }

    fn start(&mut self) {
        if self.stage == Stage::Lazy {
            self.stage = Stage::Running;
            self.source.start(&self.settings);
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<T> {
        loop {
            let value = self.next_ready();
            if value.is_some() {
                return value;
            }
            match self.advance(Wait::Forever) {
                Advance::Ready => {}
                Advance::Panicked(panic) => panic.resume(),
                Advance::Ended | Advance::Late(_) => return None,
            }
        }
    }

    pub(super) fn next_caught(&mut self, wait: Wait<'_>) -> Next<T> {
        match self.settings.item_limit.clone() {
            Some(limit) => self.next_in_time(wait, &limit),
            None => self.next_of_any_age(wait),
        }
    }

    /// The next result; or a late item, which is given up.
    fn next_in_time(&mut self, wait: Wait<'_>, limit: &ItemLimit) -> Next<T> {
        if let Some(value) = self.next_ready() {
            self.forget_delivered(limit);
            return Next::Result(value);
        }
        let asked = Instant::now();
        let mut look = limit.limit.max(SHORTEST_LOOK);
        loop {
            let until_late = limit.next_late(self.ordered_head()).map_or(look, |(_, left)| left);
            let left = match wait {
                Wait::AtMost(limit) | Wait::Helping(limit) => Some(limit.saturating_sub(asked.elapsed())),
                Wait::Forever | Wait::Task(_) => None,
            };
            let step = match (wait, left) {
                (Wait::Task(_), _) => wait,
                (_, Some(left)) => Wait::AtMost(left.min(until_late)),
                (_, None) => Wait::Helping(until_late),
            };
            let late = match self.next_of_any_age(step) {
                Next::CallLate(late) => late,
                next => {
                    self.forget_delivered(limit);
                    return next;
                }
            };
            if let Some((index, Duration::ZERO)) = limit.next_late(self.ordered_head()) {
                self.give_up_item(index);
                return Next::ItemLate(TimedOut { index, waited: limit.limit });
            }
            match wait {
                Wait::Task(_) => return Next::CallLate(late),
                Wait::AtMost(waited) | Wait::Helping(waited)
                    if left.is_some_and(|left| left <= until_late) =>
                {
                    return Next::CallLate(TimedOut { index: self.cursor.head(), waited });
                }
                _ => look = (2 * look).min(LONGEST_LOOK).max(limit.limit),
            }
        }
    }

    /// The head, where the order says which that is.
    fn ordered_head(&self) -> Option<u64> {
        (!self.settings.unordered).then_some(self.cursor.head())
    }

    fn forget_delivered(&self, limit: &ItemLimit) {
        match self.ordered_head() {
            Some(head) => limit.forget_before(head),
            None => limit.forget(self.cursor.index()),
        }
    }

    fn give_up_item(&mut self, index: u64) {
        if let Some(limit) = &self.settings.item_limit {
            limit.forget(index);
        }
        match self.settings.unordered {
            true => self.cursor.give_up_item(index),
            false => self.cursor.give_up(),
        }
    }

    fn next_of_any_age(&mut self, wait: Wait<'_>) -> Next<T> {
        loop {
            if let Some(value) = self.next_ready() {
                return Next::Result(value);
            }
            match self.advance(wait) {
                Advance::Ready => {}
                Advance::Panicked(panic) => return Next::Panic(panic),
                Advance::Ended => return Next::End,
                Advance::Late(late) => return Next::CallLate(late),
            }
        }
    }

    /// The head, if it is in the ring that the cursor looks at.
    #[inline]
    fn next_ready(&mut self) -> Option<T> {
        if self.cursor.deliver() {
            self.source.wake_feeder();
        }
        self.cursor.pop()
    }

    /// Brings the head into the cursor's ring. No result passes through here: the function may run below this frame,
    /// and a large result would take room on the stack each time it is moved.
    #[cold]
    fn advance(&mut self, wait: Wait<'_>) -> Advance {
        if self.has_ended() {
            return Advance::Ended;
        }
        self.start();
        match self.source.refill(&mut self.cursor, wait) {
            Head::Ready => Advance::Ready,
            Head::Panicked(payload) => {
                self.cursor.pass();
                Advance::Panicked(Panic::new(payload))
            }
            Head::InputPanicked(payload) => {
                self.end(Stage::Ended);
                Advance::Panicked(Panic::new(payload))
            }
            Head::End => {
                self.end(Stage::Ended);
                Advance::Ended
            }
            Head::Late => {
                let waited = match wait {
                    Wait::AtMost(limit) | Wait::Helping(limit) => limit,
                    Wait::Forever | Wait::Task(_) => Duration::ZERO,
                };
                Advance::Late(TimedOut { index: self.cursor.head(), waited })
            }
            Head::Cancelled => {
                self.end(Stage::Cancelled);
                Advance::Ended
            }
            Head::Terminated => {
                self.end(Stage::Ended);
                Advance::Panicked(Panic::new(Box::new(Cancelled)))
            }
        }
    }

    pub(super) fn give_up(&mut self) -> bool {
        if !self.settings.unordered {
            self.give_up_item(self.cursor.head());
        }
        !self.settings.unordered
    }

    /// Begins now, and keeps the pool at work while the consumer does something else.
    pub(super) fn start_now(&mut self) {
        self.settings.started = true;
        self.start();
        self.source.wake_feeder();
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        let new = || {
            let token = CancelToken::new();
            token.add(self.cursor.control());
            token
        };
        self.token.get_or_init(new).clone()
    }

    pub(super) fn cancel_with(&mut self, token: &CancelToken) {
        token.add(self.cursor.control());
        let _ = self.token.set(token.clone());
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.stage == Stage::Cancelled
    }

    /// The index of the head.
    pub(super) fn head(&self) -> u64 {
        self.cursor.head()
    }

    pub(super) fn stats(&self) -> ImapStats {
        self.source.stats(&self.cursor)
    }

    pub(super) fn input_has_panicked(&self) -> bool {
        !self.has_ended() && self.source.input_has_panicked()
    }

    fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended | Stage::Cancelled)
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.source.consumer_gone(&mut self.cursor);
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        if self.has_ended() {
            return (0, Some(0));
        }
        // A panic takes no place in the hint's count of results, but it does in the iteration's.
        let (pulled, (least, most)) = self.source.hint();
        let in_flight = usize::try_from(pulled.saturating_sub(self.cursor.head())).unwrap_or(usize::MAX);
        let overtaken = usize::try_from(self.cursor.head().saturating_sub(pulled)).unwrap_or(usize::MAX);
        let adjust = |rest: usize| rest.saturating_sub(overtaken).saturating_add(in_flight);
        (adjust(least), most.map(adjust))
    }
}

impl<T, S: Source<T>> fmt::Debug for Results<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap")
            .field("stage", &self.stage)
            .field("delivered", &self.cursor.head())
            .field("window", &self.settings.window)
            .finish_non_exhaustive()
    }
}

impl<T, S: Source<T>> Drop for Results<T, S> {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.source.consumer_gone(&mut self.cursor);
        }
    }
}
