//! An input that is pulled on the consumer's thread, since it may not leave it.
//!
//! The state has no input then. A consumer that does not find the head pulls items into a ring, which workers take
//! from as ever. It looks for the head before each pull, since a pull may block; and before a pull that would leave
//! items alone, it calls a worker: a worker that ends its turn sets the ring's flag.

use super::cursor::Cursor;
use super::function::Function;
use super::input::{InputEnd, hint_of, pull};
use super::ring::Sender;
use super::shared::Shared;
use crate::Executor;
use crate::unwind::{catch, drop_quietly};
use std::panic::resume_unwind;
use std::sync::Arc;

/// Where the input of an imap is, seen from the consumer.
pub(crate) trait Supply<A> {
    /// Whether it is here, with the consumer.
    const HERE: bool;
    /// The next item, or how the input has ended.
    fn pull(&mut self) -> Result<A, InputEnd>;
    fn size_hint(&self) -> (usize, Option<usize>);
    fn close(&mut self);
}

/// In the state, and workers pull from it.
pub(crate) struct Elsewhere;

impl<A> Supply<A> for Elsewhere {
    const HERE: bool = false;
    fn pull(&mut self) -> Result<A, InputEnd> {
        Err(InputEnd::Finished)
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

    fn pull(&mut self) -> Result<J::Item, InputEnd> {
        self.0.as_mut().map_or(Err(InputEnd::Finished), pull)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.as_ref().map_or((0, Some(0)), hint_of)
    }

    fn close(&mut self) {
        drop_quietly(self.0.take());
    }
}

impl<I, F, T> Shared<I, F, T>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    /// Pulls up to `len` items for workers, until the head has been found. To be called without the lock.
    ///
    /// # Panics
    ///
    /// With the panic of the executor's `spawn`, after all else is done.
    pub(super) fn pull_here(
        self: &Arc<Self>,
        executor: &dyn Executor,
        supply: &mut impl Supply<I::Item>,
        cursor: &Cursor<T>,
        len: usize,
    ) {
        let (mut end, mut spawned) = (None, Ok(()));
        match supply.pull() {
            Ok(item) => {
                let mut state = self.lock();
                let mut sender = state.begin_filling(len);
                sender.push(item);
                spawned = catch(|| self.unlock_and_spawn(state, executor));
                if spawned.is_ok() {
                    (end, spawned) = self.fill_here(executor, supply, cursor, &mut sender, len);
                }
                let mut state = self.lock();
                if let Some(lot) = state.end_filling(sender) {
                    state.offer(lot);
                }
            }
            Err(ended) => end = Some(ended),
        }
        match end {
            None => {
                let hint = supply.size_hint();
                self.lock().input.set_hint(hint);
            }
            Some(end) => {
                supply.close();
                self.lock().input.finish(end);
            }
        }
        if let Err(payload) = spawned {
            resume_unwind(payload);
        }
    }

    fn fill_here(
        self: &Arc<Self>,
        executor: &dyn Executor,
        supply: &mut impl Supply<I::Item>,
        cursor: &Cursor<T>,
        sender: &mut Sender<I::Item>,
        len: usize,
    ) -> (Option<InputEnd>, std::thread::Result<()>) {
        let mut flag = sender.flag_is_set();
        while sender.pushed() < len && !self.control.is_cancelled() {
            if flag {
                sender.clear_flag();
                let state = self.lock();
                if let Err(payload) = catch(|| self.unlock_and_spawn(state, executor)) {
                    return (None, Err(payload));
                }
            }
            if cursor.is_ready() || (cursor.ring.is_none() && self.lock().has_news(cursor.head)) {
                break;
            }
            match supply.pull() {
                Ok(item) => flag = sender.push(item),
                Err(end) => return (Some(end), Ok(())),
            }
        }
        (None, Ok(()))
    }
}
