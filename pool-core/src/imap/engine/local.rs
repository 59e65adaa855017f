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

/// The input of an imap, as far as the consumer has it.
pub(crate) trait ConsumerInput<A> {
    /// Whether it is here, with the consumer.
    const HERE: bool;
    /// The next item, or how the input has ended.
    fn pull(&mut self) -> Result<A, InputEnd>;
    fn size_hint(&self) -> (usize, Option<usize>);
    fn close(&mut self);
}

/// It is in the state, and workers pull from it.
pub(crate) struct InState;

impl<A> ConsumerInput<A> for InState {
    const HERE: bool = false;
    fn pull(&mut self) -> Result<A, InputEnd> {
        Err(InputEnd::Finished)
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(0))
    }
    fn close(&mut self) {}
}

/// The consumer has it, until it has ended.
pub(crate) struct WithConsumer<J>(Option<J>);

impl<J> WithConsumer<J> {
    pub(crate) fn new(input: J) -> WithConsumer<J> {
        WithConsumer(Some(input))
    }
}

impl<J: Iterator> ConsumerInput<J::Item> for WithConsumer<J> {
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

/// How a filling has ended: the end of the input, if it was reached, or the panic of `spawn`.
type Filled = std::thread::Result<Option<InputEnd>>;

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
        input: &mut impl ConsumerInput<I::Item>,
        cursor: &Cursor<T>,
        len: usize,
    ) {
        let filled = match input.pull() {
            Err(end) => Ok(Some(end)),
            Ok(item) => {
                let (mut sender, spawns) = self.locked(|state| {
                    let mut sender = state.begin_filling(len);
                    sender.push(item);
                    (sender, state.try_reserve_worker())
                });
                let spawned = catch(|| {
                    if spawns {
                        self.spawn_job(executor);
                    }
                });
                let filled = spawned.and_then(|()| self.fill_here(executor, input, cursor, &mut sender, len));
                self.locked(|state| state.end_filling(sender));
                filled
            }
        };
        match filled {
            Ok(Some(end)) => {
                input.close();
                self.locked(|state| state.finish_input(end));
            }
            other => {
                let hint = input.size_hint();
                self.locked(|state| state.set_hint(hint));
                if let Err(payload) = other {
                    resume_unwind(payload);
                }
            }
        }
    }

    fn fill_here(
        self: &Arc<Self>,
        executor: &dyn Executor,
        input: &mut impl ConsumerInput<I::Item>,
        cursor: &Cursor<T>,
        sender: &mut Sender<I::Item>,
        len: usize,
    ) -> Filled {
        let mut flag = sender.flag_is_set();
        while sender.pushed() < len && !self.control().is_cancelled() {
            if flag {
                sender.clear_flag();
                catch(|| self.spawn_if_needed(executor))?;
            }
            let has_news = || self.locked(|state| state.has_news(cursor.head()));
            if cursor.is_ready() || (!cursor.has_ring() && has_news()) {
                break;
            }
            match input.pull() {
                Ok(item) => flag = sender.push(item),
                Err(end) => return Ok(Some(end)),
            }
        }
        Ok(None)
    }
}
