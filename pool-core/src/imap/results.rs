//! The iteration over an imap: the next result from the order, or else what a refill brings.

use super::cancel::CancelToken;
use super::engine::Control;
use super::engine::{FailFast, Head, ImapStats, Order, Settings, Source, Wait};
use crate::error::{Cancelled, Panic, TimedOut};
use std::cell::OnceCell;
use std::convert::Infallible;
use std::fmt;
use std::ops::DerefMut;
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Results<T, S: DerefMut<Target: Source<T>>> {
    order: Order<T>,
    source: S,
    control: Arc<Control>,
    settings: Settings,
    fail_fast: FailFast<T>,
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

impl<T, S: DerefMut<Target: Source<T>>> Results<T, S> {
    /// An iteration that has not begun.
    pub(super) fn new(control: Arc<Control>, source: S) -> Results<T, S> {
        Results {
            order: Order::new(),
            source,
            control,
            settings: Settings::default(),
            fail_fast: FailFast::new(),
            stage: Stage::Lazy,
            token: OnceCell::new(),
        }
    }

    pub(super) fn settings(&mut self) -> Option<&mut Settings> {
        (self.stage == Stage::Lazy).then_some(&mut self.settings)
    }

    /// What counts as a failure, as long as that can be said.
    pub(super) fn fail_fast(&mut self) -> Option<&mut FailFast<T>> {
        (self.stage == Stage::Lazy).then_some(&mut self.fail_fast)
    }

    fn start(&mut self) {
        if self.stage == Stage::Lazy {
            self.stage = Stage::Running;
            if self.settings.unordered {
                self.order.set_unordered();
            }
            self.source.start(&self.settings, self.fail_fast);
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
                None => {}
                Some(Next::Panic(panic)) => panic.resume(),
                Some(_) => return None,
            }
        }
    }

    pub(super) fn next_caught(&mut self, wait: Wait<'_>) -> Next<T> {
        loop {
            if let Some(value) = self.next_ready() {
                return Next::Result(value);
            }
            if let Some(next) = self.advance(wait) {
                return next.map(|never| match never {});
            }
        }
    }

    /// The next result, if it is in the order already.
    #[inline]
    fn next_ready(&mut self) -> Option<T> {
        if self.order.is_visit_due() {
            self.visit();
        }
        let value = self.order.pop()?;
        if self.fail_fast.result.is_some_and(|fails| fails(&value)) {
            self.fail();
        }
        Some(value)
    }

    /// What is handed out now has failed: in order, nothing comes behind it.
    #[cold]
    fn fail(&mut self) {
        if !self.settings.unordered {
            self.end(Stage::Ended);
        }
    }

    #[cold]
    fn visit(&mut self) {
        self.source.visit(&mut self.order);
    }

    /// Brings the next result into the order, or gives what comes in its place. No result passes through here: the function
    /// may run below this frame, and a large result would take room on the stack each time it is moved.
    #[cold]
    fn advance(&mut self, wait: Wait<'_>) -> Option<Next<Infallible>> {
        if let Some(panic) = self.order.pop_panic() {
            if self.fail_fast.panic {
                self.fail();
            }
            return Some(Next::Panic(panic));
        }
        if self.has_ended() {
            return Some(Next::End);
        }
        self.start();
        let next = match self.source.refill(&mut self.order, wait) {
            Head::Ready => return None,
            Head::End => {
                self.end(Stage::Ended);
                Next::End
            }
            Head::Late => {
                let waited = if let Wait::AtMost(limit) = wait { limit } else { Duration::ZERO };
                self.control.span().note_late_call(self.order.head());
                Next::CallLate(TimedOut { index: self.order.head(), waited })
            }
            Head::ItemLate(index) => {
                self.control.span().note_late_item(index);
                if self.fail_fast.late {
                    self.fail();
                }
                let waited = self.settings.item_limit.unwrap_or_default();
                Next::ItemLate(TimedOut { index, waited })
            }
            Head::Cancelled => {
                self.end(Stage::Cancelled);
                Next::End
            }
            Head::Terminated => {
                self.end(Stage::Ended);
                Next::Panic(Panic::new(Box::new(Cancelled)))
            }
        };
        Some(next)
    }

    pub(super) fn give_up(&mut self) -> bool {
        let gives_up = !self.settings.unordered && self.control.give_up_head(self.order.head());
        if gives_up {
            self.order.give_up_head();
        }
        gives_up
    }

    /// Begins now, and keeps the pool at work while the consumer does something else.
    pub(super) fn start_now(&mut self) {
        self.settings.started = true;
        self.start();
        self.source.visit(&mut self.order);
    }

    pub(super) fn cancel_token(&self) -> CancelToken {
        let new = || {
            let token = CancelToken::new();
            token.add(&self.control);
            token
        };
        self.token.get_or_init(new).clone()
    }

    pub(super) fn cancel_with(&mut self, token: &CancelToken) {
        token.add(&self.control);
        let _ = self.token.set(token.clone());
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.stage == Stage::Cancelled
    }

    /// The index of the head.
    pub(super) fn head(&self) -> u64 {
        self.order.head()
    }

    /// The index of the item that was delivered last.
    pub(super) fn last(&self) -> u64 {
        self.order.last()
    }

    pub(super) fn stats(&self) -> ImapStats {
        self.source.stats(&self.order)
    }

    pub(super) fn input_has_panicked(&self) -> bool {
        !self.has_ended() && self.source.input_has_panicked()
    }

    fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended | Stage::Cancelled)
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.source.consumer_gone(&mut self.order);
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        if self.has_ended() {
            return (0, Some(0));
        }
        // A panic takes no place in the hint's count of results, but it does in the iteration's.
        let (pulled, (least, most)) = self.source.hint();
        let in_flight = usize::try_from(pulled.saturating_sub(self.order.head())).unwrap_or(usize::MAX);
        let overtaken = usize::try_from(self.order.head().saturating_sub(pulled)).unwrap_or(usize::MAX);
        let adjust = |rest: usize| rest.saturating_sub(overtaken).saturating_add(in_flight);
        // It may end at any item.
        let least = if self.fail_fast.is_set() { 0 } else { adjust(least) };
        (least, most.map(adjust))
    }
}

impl<T, S: DerefMut<Target: Source<T>>> fmt::Debug for Results<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap")
            .field("stage", &self.stage)
            .field("delivered", &self.order.head())
            .field("window", &self.settings.window)
            .finish_non_exhaustive()
    }
}

impl<T, S: DerefMut<Target: Source<T>>> Drop for Results<T, S> {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.source.consumer_gone(&mut self.order);
        }
    }
}
