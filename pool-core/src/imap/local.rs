//! An input that is pulled on the consumer's thread, since it may not leave it.
//!
//! The line itself has no input then, and no feeder. A consumer that does not find the head pulls items
//! into a lane, which workers take as ever. It looks for the head before each pull, since a pull may block.

use super::front::Front;
use super::function::Function;
use super::lane::Sender;
use super::line::Line;
use crate::Executor;
use crate::unwind::{Payload, catch, drop_quietly};
use std::sync::Arc;

/// Where a line's input is, seen from the consumer.
pub(crate) trait Supply<A> {
    /// Whether it is here, with the consumer.
    const HERE: bool;
    /// The next item, or that there is none, or the panic of the input.
    fn pull(&mut self) -> Result<Option<A>, Payload>;
    fn size_hint(&self) -> (usize, Option<usize>);
    fn close(&mut self);
}

/// In the line, and workers pull from it.
pub(crate) struct InLine;

impl<A> Supply<A> for InLine {
    const HERE: bool = false;
    fn pull(&mut self) -> Result<Option<A>, Payload> {
        Ok(None)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(0))
    }
    fn close(&mut self) {}
}

/// Here, until it has ended.
pub(crate) struct Here<J>(pub(crate) Option<J>);

impl<J: Iterator> Supply<J::Item> for Here<J> {
    const HERE: bool = true;

    fn pull(&mut self) -> Result<Option<J::Item>, Payload> {
        match &mut self.0 {
            Some(input) => catch(|| input.next()),
            None => Ok(None),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let Some(input) = &self.0 else { return (0, Some(0)) };
        catch(|| input.size_hint()).unwrap_or((0, None))
    }

    fn close(&mut self) {
        drop_quietly(self.0.take());
    }
}

/// How the input ended, if it did: with which panic, if any.
pub(super) type End = Option<Option<Payload>>;

impl<I, F, T> Line<I, F, T>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    /// Pulls items into a lane, until it is full or the head has been found. To be called without the lock.
    pub(super) fn pull_here(
        self: &Arc<Self>,
        executor: &dyn Executor,
        supply: &mut impl Supply<I::Item>,
        front: &Front<T>,
        len: usize,
    ) {
        let end = match supply.pull() {
            Ok(Some(item)) => {
                let mut state = self.lock();
                let mut sender = state.open_items(len);
                sender.push(item);
                self.leave(state, executor);
                let end = self.fill_here(supply, front, &mut sender, len);
                let mut state = self.lock();
                state.pulled += sender.pushed() as u64;
                state.item_lanes.close(sender);
                end
            }
            Ok(None) => Some(None),
            Err(panic) => Some(Some(panic)),
        };
        match end {
            None => {
                let hint = supply.size_hint();
                self.lock().hint = hint;
            }
            Some(panic) => {
                supply.close();
                self.lock().finish(panic);
            }
        }
    }

    fn fill_here(
        &self,
        supply: &mut impl Supply<I::Item>,
        front: &Front<T>,
        sender: &mut Sender<I::Item>,
        len: usize,
    ) -> End {
        while sender.pushed() < len && !self.gauge.is_cancelled() {
            if front.is_ready() || (front.lane.is_none() && self.lock().has_news(front.head)) {
                return None;
            }
            match supply.pull() {
                Ok(Some(item)) => {
                    sender.push(item);
                }
                Ok(None) => return Some(None),
                Err(panic) => return Some(Some(panic)),
            }
        }
        None
    }
}
