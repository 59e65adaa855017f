//! The iteration over a line: the head from the front's lane, or else whatever a refill brings.

use super::cancel::CancelToken;
use super::front::{Arrival, Back, Front, Settings, Wait};
use super::line::Gauge;
use crate::error::{Cancelled, Panic, TimedOut};
use crate::sync::atomic::Ordering;
use std::cell::OnceCell;
use std::sync::Arc;

pub(super) struct LineIter<T, B: Back<T>> {
    pub(super) front: Front<T>,
    pub(super) back: B,
    pub(super) settings: Settings,
    pub(super) stage: Stage,
    pub(super) token: OnceCell<CancelToken>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    Lazy,
    Running,
    Ended,
    /// Ended early, by a token.
    Cancelled,
}

/// The next result or its panic; `None` at the end; [`TimedOut`] if it is late.
pub(super) type Next<T> = Result<Option<Result<T, Panic>>, TimedOut>;

impl<T, B: Back<T>> LineIter<T, B> {
    /// A line that has not begun.
    pub(super) fn new(gauge: Arc<Gauge>, back: B, window: u64) -> LineIter<T, B> {
        LineIter {
            front: Front::new(gauge),
            back,
            settings: Settings { window, chunk: None, unordered: false, eager: false },
            stage: Stage::Lazy,
            token: OnceCell::new(),
        }
    }

    pub(super) fn settings(&mut self) -> Option<&mut Settings> {
        (self.stage == Stage::Lazy).then_some(&mut self.settings)
    }

    pub(super) fn start(&mut self, wait: Wait<'_>) {
        if self.stage == Stage::Lazy {
            self.stage = Stage::Running;
            self.back.start(&self.settings, wait);
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<T> {
        if let Some(value) = self.next_ready() {
            return Some(value);
        }
        match self.next_slow(Wait::Forever) {
            Ok(Some(Ok(value))) => Some(value),
            Ok(Some(Err(panic))) => panic.resume(),
            Ok(None) | Err(_) => None,
        }
    }

    pub(super) fn next_caught(&mut self, wait: Wait<'_>) -> Next<T> {
        match self.next_ready() {
            Some(value) => Ok(Some(Ok(value))),
            None => self.next_slow(wait),
        }
    }

    /// The head, if it is in the lane that the front looks at.
    #[inline]
    fn next_ready(&mut self) -> Option<T> {
        let front = &mut self.front;
        // Whoever asks for the head has got everything before it.
        front.gauge.delivered.0.store(front.head, Ordering::Release);
        if front.head >= front.gauge.resume_at.0.load(Ordering::Relaxed) {
            self.back.make_room();
        }
        let value = front.lane.as_mut()?.pop()?;
        front.head += 1;
        Some(value)
    }

    #[cold]
    fn next_slow(&mut self, wait: Wait<'_>) -> Next<T> {
        if self.has_ended() {
            return Ok(None);
        }
        self.start(wait);
        loop {
            match self.back.refill(&mut self.front, wait) {
                Arrival::Ready => {
                    if let Some(value) = self.next_ready() {
                        return Ok(Some(Ok(value)));
                    }
                }
                Arrival::Panicked(payload) => {
                    self.front.head += 1;
                    return Ok(Some(Err(Panic::new(payload))));
                }
                Arrival::InputPanicked(payload) => {
                    self.end(Stage::Ended);
                    return Ok(Some(Err(Panic::new(payload))));
                }
                Arrival::End => {
                    self.end(Stage::Ended);
                    return Ok(None);
                }
                Arrival::Late => {
                    let waited = if let Wait::AtMost(limit) = wait { limit } else { Default::default() };
                    return Err(TimedOut { index: self.front.head, waited });
                }
                Arrival::Cancelled => {
                    self.end(Stage::Cancelled);
                    return Ok(None);
                }
                Arrival::Terminated => {
                    self.end(Stage::Ended);
                    return Ok(Some(Err(Panic::new(Box::new(Cancelled)))));
                }
            }
        }
    }

    pub(super) fn give_up(&mut self) -> bool {
        if !self.settings.unordered {
            self.front.give_up();
        }
        !self.settings.unordered
    }

    pub(super) fn new_token(&self) -> CancelToken {
        let token = CancelToken::new();
        token.add(&self.front.gauge);
        token
    }

    pub(super) fn input_has_panicked(&self) -> bool {
        !self.has_ended() && self.back.input_has_panicked()
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended | Stage::Cancelled)
    }

    fn end(&mut self, stage: Stage) {
        self.stage = stage;
        self.desert();
    }

    fn desert(&mut self) {
        drop(self.front.lane.take());
        drop(self.front.late.take());
        self.front.given_up.clear();
        self.back.desert();
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        if self.has_ended() {
            return (0, Some(0));
        }
        // A panic takes no place in the hint's count of results, but it does in the iteration's.
        let (pulled, (least, most)) = self.back.hint();
        let in_flight = usize::try_from(pulled.saturating_sub(self.front.head)).unwrap_or(usize::MAX);
        let overtaken = usize::try_from(self.front.head.saturating_sub(pulled)).unwrap_or(usize::MAX);
        let adjust = |rest: usize| rest.saturating_sub(overtaken).saturating_add(in_flight);
        (adjust(least), most.map(adjust))
    }
}

impl<T, B: Back<T>> Drop for LineIter<T, B> {
    fn drop(&mut self) {
        if !self.has_ended() {
            self.desert();
        }
    }
}
