//! A consumer that does everything itself, like sequential code: while the line around its own is [busy](outer).
//!
//! It has the input in its hand, and for each call it pulls an item, runs it, and hands out the result: no lock,
//! and a lane for one result. It begins only when all that was pulled has been delivered, so that nothing is late
//! (P4, P5), needs no other thread (P8), and ends as soon as it sees that threads are free: then it gives the input
//! back, and goes on as ever.

use super::consumer::LineBack;
use super::front::{Arrival, Front};
use super::function::Function;
use super::lane::Sender;
use super::outer;
use super::state::State;
use crate::job::Inside;
use crate::sync::Stamp;
use crate::unwind::catch;
use std::time::Duration;

/// How often it looks whether threads are free.
const LOOK: Duration = Duration::from_micros(50);
/// The most items between two looks, in case that the next ones are longer.
const MOST: u32 = 64;

/// The input, with a consumer that is alone.
pub(crate) struct Alone<I, T> {
    pub(super) input: Box<I>,
    /// How many items it has pulled.
    pub(super) pulled: u64,
    /// To the front, which has the other end: one result at a time.
    results: Sender<T>,
    /// After so many items it looks again; it looked last at that time, and will have run so many since then.
    left: u32,
    batch: u32,
    looked: Stamp,
}

impl<I: Iterator, T> State<I, T> {
    /// Takes the input out for a consumer that is alone, if all that was pulled has been delivered.
    pub(super) fn go_alone(&mut self, front: &mut Front<T>) -> Option<Alone<I, T>> {
        let settled = self.staged.is_empty()
            && self.pulled == front.head
            && front.late.is_none()
            && front.given_up.is_empty();
        if !settled || self.end.is_some() {
            return None;
        }
        let input = self.feeder.take()?;
        // Without a fence: both ends are on this thread, and nobody sleeps there.
        let (results, receiver) = self.result_lanes.open(1, false);
        front.lane = Some(receiver);
        // The first item needs no look: there was one just now.
        Some(Alone { input, pulled: 0, results, left: 2, batch: 1, looked: Stamp::now() })
    }
}

impl<I, T> Alone<I, T> {
    /// Whether it is time to look, if the last items took as long as the next ones will.
    fn is_time(&mut self) -> bool {
        self.left -= 1;
        if self.left > 0 {
            return false;
        }
        let now = Stamp::now();
        let soon = now.since(self.looked) * 2 <= LOOK;
        self.batch = if soon { (self.batch * 2).min(MOST) } else { (self.batch / 2).max(1) };
        (self.left, self.looked) = (self.batch, now);
        true
    }
}

impl<I, F, T, S> LineBack<'_, I, F, T, S>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    /// Brings the next result, if the consumer is alone and stays so.
    pub(super) fn continue_alone(&mut self, front: &mut Front<T>) -> Option<Arrival> {
        let alone = self.alone.as_mut()?;
        let is_time = alone.is_time();
        if self.line.gauge.is_cancelled() || (is_time && !outer::is_busy(self.executor)) {
            self.end_alone(None);
            return None;
        }
        let item = match catch(|| alone.input.next()) {
            Ok(Some(item)) => item,
            Ok(None) => {
                self.end_alone(Some(None));
                return None;
            }
            Err(panic) => {
                self.end_alone(Some(Some(panic)));
                return None;
            }
        };
        alone.pulled += 1;
        front.helped += 1;
        let function = &self.line.function;
        let _inside = Inside::enter();
        let mut session = function.begin();
        // The result does not come out of `catch`: each time that a large one is moved takes room on the stack.
        let pushed = catch(|| alone.results.push(function.call(&mut session, item)));
        if pushed.is_err() {
            function.spoil(&mut session);
        }
        function.end(session);
        Some(match pushed {
            Ok(_) => Arrival::Ready,
            Err(payload) => Arrival::Panicked(payload),
        })
    }

    /// Gives the input back, or notes that it has ended: `end` is then the panic that ended it, if any.
    pub(super) fn end_alone(&mut self, end: super::local::End) {
        if let Some(Alone { input, pulled, results, .. }) = self.alone.take() {
            let mut state = self.line.return_feeder(input, pulled, end);
            state.result_lanes.close(results);
        }
    }
}
