//! P5, P6: what a thread has in hand, and the loop that every item goes through.
//!
//! **Promise.** Each result can be seen as soon as it is there. A panic takes one item's place, and the rest of the chunk
//! goes on behind it. Items behind one that takes long are handed back where threads are idle.
//!
//! A chunk of one item has no rings: its thread comes to the lock anyway when it has done it, and brings the result. The
//! results of a longer chunk are pushed into a ring, one by one. Its loop looks at nothing shared but the two rings and the
//! signals.

use super::control::Control;
use super::fail_fast::FailFast;
use super::function::Function;
use super::nesting::enter_item;
use super::order::Output;
use super::ring::{Receiver, Sender};
use crate::imap::policy::{self, ClockSampler};
use crate::sync::Instant;
use crate::unwind::{catch, drop_quietly};
use std::time::Duration;

/// What a thread has in hand. It lies in the thread's frame for as long as the turn lasts, and items and results are moved
/// into it and out of it: one that is large would take room on the stack with each call that returns it.
pub(super) struct Hand<I: Iterator, T> {
    /// A single item, and what has come of it.
    item: Option<I::Item>,
    output: Option<Output<T>>,
    chunk: Chunk<I::Item, T>,
    /// Where the chunk is written down while it runs.
    slot: Option<usize>,
}

pub(super) enum Chunk<A, T> {
    Nothing,
    /// The single item, which has this index.
    One(u64),
    Many(Many<A, T>),
}

/// Items that a thread has taken, and where their results go.
pub(super) struct Many<A, T> {
    /// The index of the first result in `results`.
    first: u64,
    /// Nothing if the thread has the input in hand.
    items: Option<Receiver<A>>,
    results: Sender<T>,
    /// How many results there may be.
    most: usize,
    /// How often workers had been asked to look up.
    looked_up: u64,
    timer: HandBackTimer,
}

impl<I: Iterator, T> Hand<I, T> {
    pub(super) fn new() -> Hand<I, T> {
        Hand { item: None, output: None, chunk: Chunk::Nothing, slot: None }
    }

    /// Where a single item is put.
    pub(super) fn slot(&mut self) -> &mut Option<I::Item> {
        &mut self.item
    }

    pub(super) fn begin(&mut self, chunk: Chunk<I::Item, T>, slot: usize) {
        (self.chunk, self.slot) = (chunk, Some(slot));
    }

    /// Where the chunk was written down.
    pub(super) fn take_slot(&mut self) -> Option<usize> {
        self.slot.take()
    }

    /// The index of the item that is alone.
    pub(super) fn single(&self) -> Option<u64> {
        if let Chunk::One(index) = self.chunk { Some(index) } else { None }
    }

    pub(super) fn has_chunk(&self) -> bool {
        !matches!(self.chunk, Chunk::Nothing)
    }

    /// Whether there is an item that has not begun, wanted or not.
    pub(super) fn is_full(&self) -> bool {
        self.has_chunk() || self.item.is_some()
    }

    /// The chunk, and the result of a single item, if it has one.
    pub(super) fn take(&mut self) -> (Chunk<I::Item, T>, Option<Output<T>>) {
        (std::mem::replace(&mut self.chunk, Chunk::Nothing), self.output.take())
    }

    pub(super) fn many(&mut self) -> Option<&mut Many<I::Item, T>> {
        if let Chunk::Many(many) = &mut self.chunk { Some(many) } else { None }
    }

    /// Works on the single item. Returns how many that were. An item that is not wanted any more is dropped.
    pub(super) fn work_on_one<F>(
        &mut self,
        function: &F,
        session: &mut F::Session,
        (control, fail_fast): (&Control, FailFast<T>),
    ) -> usize
    where
        F: Function<I::Item, Output = T>,
    {
        let Hand { item, output, chunk, .. } = self;
        let Chunk::One(index) = *chunk else {
            drop_quietly(item.take());
            return 0;
        };
        if control.keeps_from(index) {
            drop_quietly(item.take());
            return 0;
        }
        enter_item(index);
        let ran = catch(|| *output = item.take().map(|item| Output::Value(function.call(session, item))));
        if let Some(Output::Value(result)) = output {
            fail_fast.look_at(result, index, control);
        }
        if let Err(payload) = ran {
            function.poison(session);
            fail_fast.note_panic(index, control);
            *output = Some(Output::Panicked(payload));
        }
        1
    }
}

impl<I: Iterator, T> Drop for Hand<I, T> {
    fn drop(&mut self) {
        drop_quietly(self.item.take());
        drop_quietly(self.output.take());
    }
}

impl<A, T> Many<A, T> {
    /// `items` are the ones from the index `first` on; their results go to `results`.
    pub(super) fn new(
        first: u64,
        items: Option<Receiver<A>>,
        results: Sender<T>,
        most: usize,
        control: &Control,
        timer: HandBackTimer,
    ) -> Many<A, T> {
        Many { first, items, results, most, looked_up: control.look_up(), timer }
    }

    /// The index of the next item to begin, while none is being worked on.
    pub(super) fn next(&self) -> u64 {
        self.first + self.results.pushed()
    }

    /// How many results there may still be.
    pub(super) fn left(&self) -> usize {
        self.most - self.results.pushed() as usize
    }

    /// The next item has panicked: results go on behind it, into this ring. The one before is closed.
    pub(super) fn go_on_behind_panic(&mut self, results: Sender<T>) {
        (self.first, self.most) = (self.next() + 1, self.left() - 1);
        self.results = results;
    }

    /// Ends the chunk: the ring of results is closed. Gives what has not begun.
    pub(super) fn into_rest(self) -> Option<Receiver<A>> {
        self.items
    }

    /// Makes a result visible. Returns whether its thread should look up: then the consumer has been notified.
    #[inline(always)]
    pub(super) fn publish(&mut self, value: T, control: &Control) -> bool {
        publish(self.first, &mut self.results, value, (&mut self.looked_up, &mut self.timer), control)
    }

    /// Goes through the items until there are none, the rest should be handed back, the imap is cancelled, or `stops` says so
    /// between two items.
    pub(super) fn work<F>(
        &mut self,
        function: &F,
        session: &mut F::Session,
        (control, fail_fast): (&Control, FailFast<T>),
        stops: &mut impl FnMut() -> bool,
    ) where
        F: Function<A, Output = T>,
    {
        let Many { first, items, results, looked_up, timer, .. } = self;
        if control.keeps_from(*first + results.pushed()) {
            return;
        }
        for item in items.iter_mut().flat_map(Receiver::drain) {
            enter_item(*first + results.pushed());
            let result = function.call(session, item);
            fail_fast.look_at(&result, *first + results.pushed(), control);
            let looks_up = publish(*first, results, result, (looked_up, timer), control);
            if (looks_up && control.keeps_from(*first + results.pushed())) || timer.is_over() || stops() {
                return;
            }
        }
    }
}

/// See [`Many::publish`].
#[inline(always)]
fn publish<T>(
    first: u64,
    results: &mut Sender<T>,
    value: T,
    (looked_up, timer): (&mut u64, &mut HandBackTimer),
    control: &Control,
) -> bool {
    let index = first + results.pushed();
    results.push(value);
    let calls = control.is_awaited(index) || control.has_called(*looked_up);
    if calls {
        control.answer(index);
        let now = control.look_up();
        if std::mem::replace(looked_up, now) != now {
            timer.begin();
        }
    }
    calls
}

/// When to hand back what is left of a chunk.
pub(super) struct HandBackTimer {
    limit: Duration,
    /// Since when, and when the clock was read last. Not while all threads are busy.
    since: Option<(Instant, Instant)>,
    sampler: ClockSampler,
}

impl HandBackTimer {
    /// After `limit`, idle threads get what is left. `threads_idle` says whether there are some now.
    pub(super) fn new(limit: Duration, threads_idle: bool) -> HandBackTimer {
        let mut timer =
            HandBackTimer { limit, since: None, sampler: ClockSampler::new(policy::MOST_WATCHED) };
        if threads_idle {
            timer.begin();
        }
        timer
    }

    fn begin(&mut self) {
        let now = Instant::now();
        self.since.get_or_insert((now, now));
    }

    #[inline(always)]
    fn is_over(&mut self) -> bool {
        let Some((since, last)) = &mut self.since else { return false };
        if !self.sampler.is_due() {
            return false;
        }
        let now = Instant::now();
        self.sampler.looked(now.since(std::mem::replace(last, now)));
        now.since(*since) >= self.limit
    }
}
