//! The imap of an executor without threads: `items.map(f)`, with the manners of every other imap.
//!
//! For each result the thread that iterates pulls an item and runs it. So nothing is pulled ahead (P3), and no result waits for
//! another item (P4, P5). There is no other thread, hence no job, no lock, and no clock: a limit is not kept, since a call that
//! returned before its item is finished would lose what has been done of it.

use super::control::Control;
use super::executor_ref::ExecutorRef;
use super::function::Function;
use super::input::{InHand, InputEnd, Ran};
use super::order::{Order, Output};
use super::source::{Head, Settings, Source, Wait};
use super::stats::ImapStats;
use crate::unwind::{Quiet, drop_quietly};
use std::sync::Arc;
use std::time::Duration;

pub(in crate::imap) struct SequentialSource<'p, I: Iterator, F: Function<I::Item>> {
    /// Once it has ended, it is kept until the imap is dropped, as elsewhere.
    input: Option<InHand<I>>,
    pulled: u64,
    end: Option<Head>,
    /// There is one, since there is one thread.
    session: F::Session,
    function: Quiet<F>,
    control: Arc<Control>,
    /// It is not asked any more, but may be the imap's own.
    _executor: ExecutorRef<'p>,
}

impl<'p, I: Iterator, F: Function<I::Item>> SequentialSource<'p, I, F> {
    pub(in crate::imap) fn new(executor: ExecutorRef<'p>, input: I, function: F) -> Self {
        let function = Quiet::new(function);
        SequentialSource {
            input: Some(InHand::new(Box::new(input))),
            pulled: 0,
            end: None,
            session: function.get().begin(),
            function,
            control: Arc::new(Control::new()),
            _executor: executor,
        }
    }

    pub(in crate::imap) fn control(&self) -> Arc<Control> {
        self.control.clone()
    }

    fn end(&mut self, head: Head) -> Head {
        self.end = Some(head);
        head
    }
}

impl<T, I, F> Source<T> for SequentialSource<'_, I, F>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    fn start(&mut self, _: &Settings) {}

    fn refill(&mut self, order: &mut Order<T>, _: Wait<'_>) -> Head {
        if let Some(head) = self.end {
            return head;
        }
        let Some(input) = self.input.as_mut().filter(|_| !self.control.is_cancelled()) else {
            return self.end(Head::Cancelled);
        };
        let function = self.function.get();
        // The result does not come out of `run`: each time that a large one is moved takes room on the stack.
        let ran = input.run(function, &mut self.session, |value| {
            order.put_own(value);
            true
        });
        self.pulled = input.pulled();
        match ran {
            Ran::Stopped => {}
            Ran::Panicked(payload) => {
                function.poison(&mut self.session);
                order.put(Output::Panicked(payload));
            }
            Ran::Ended(InputEnd::Panicked(payload)) => {
                self.end(Head::End);
                order.put(Output::InputPanicked(payload));
            }
            Ran::Ended(InputEnd::Early) => return self.end(Head::Cancelled),
            Ran::Ended(InputEnd::Finished) => return self.end(Head::End),
        }
        Head::Ready
    }

    fn visit(&mut self, _: &mut Order<T>) {}

    fn hint(&self) -> (u64, (usize, Option<usize>)) {
        let input = self.input.as_ref().filter(|_| self.end.is_none());
        (self.pulled, input.map_or((0, Some(0)), InHand::hint))
    }

    /// It is delivered by the call that finds it.
    fn input_has_panicked(&self) -> bool {
        false
    }

    fn stats(&self, order: &Order<T>) -> ImapStats {
        ImapStats {
            pulled: self.pulled,
            waiting: 0,
            running: 0,
            blocked: 0,
            delivered: order.head(),
            head_age: Duration::ZERO,
        }
    }

    fn consumer_gone(&mut self, order: &mut Order<T>) {
        order.drain();
        if self.end.is_none_or(|head| head == Head::Cancelled) {
            drop_quietly(self.input.take());
        }
        self.function.get().poison(&mut self.session);
    }
}

impl<I: Iterator, F: Function<I::Item>> Drop for SequentialSource<'_, I, F> {
    fn drop(&mut self) {
        drop_quietly(self.input.take());
        self.function.get().poison(&mut self.session);
    }
}
