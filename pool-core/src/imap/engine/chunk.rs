//! P5, P6: what a worker has in hand, and the loop that every item goes through.
//!
//! **Promise.** Each result can be seen as soon as it is there. A panic takes one item's place, and the rest of the chunk
//! goes on behind it. Items behind one that takes long are handed back where threads are idle.
//!
//! The loop looks at nothing shared but the two rings and the waiter flag, which a cancel sets, too.

use super::control::Control;
use super::function::Function;
use super::ring::{Receiver, Sender};
use crate::imap::policy::{self, Looks};
use crate::sync::Instant;
use std::time::Duration;

/// Items in the hands of a worker.
pub(super) enum Items<A> {
    One(Option<A>),
    Ring(Receiver<A>),
}

/// What a thread works on now. A chunk is large, so [`State`](super::state::State) writes it here instead of returning
/// it: where chunks have one item, to return it through each call takes a tenth of the time.
pub(super) type Current<A, T> = Option<Chunk<A, T>>;

/// What a worker has taken, and where its results go.
pub(super) struct Chunk<A, T> {
    /// The index of the first result in `results`.
    first: u64,
    items: Items<A>,
    results: Sender<T>,
    /// How many results there may be.
    most: usize,
    /// After this time, idle threads get what is left.
    hand_back_after: Duration,
    /// Whether there were idle threads when it was taken.
    threads_idle: bool,
}

impl<A, T> Chunk<A, T> {
    /// After `hand_back_after`, idle threads get what is left of it. `threads_idle` says whether there are some now.
    pub(super) fn new(
        first: u64,
        items: Items<A>,
        results: Sender<T>,
        most: usize,
        hand_back_after: Duration,
        threads_idle: bool,
    ) -> Chunk<A, T> {
        Chunk { first, items, results, most, hand_back_after, threads_idle }
    }

    /// The index of the next item to begin, while none is being worked on.
    pub(super) fn next(&self) -> u64 {
        self.first + self.results.pushed() as u64
    }

    /// How many results there may still be.
    pub(super) fn left(&self) -> usize {
        self.most - self.results.pushed()
    }

    /// For the time that is worked on it, panics and all.
    pub(super) fn watch(&self) -> Watch {
        let mut watch = Watch::new(self.hand_back_after);
        if self.threads_idle {
            watch.begin();
        }
        watch
    }

    /// The next item has panicked: results go on behind it, into this ring. Gives the ring that has ended.
    pub(super) fn go_on_behind_panic(&mut self, results: Sender<T>) -> Sender<T> {
        (self.first, self.most) = (self.next() + 1, self.left());
        std::mem::replace(&mut self.results, results)
    }

    /// The ring of results, and what has not begun.
    pub(super) fn into_parts(self) -> (Sender<T>, Items<A>) {
        (self.results, self.items)
    }

    /// Works on one item. Returns whether a flag is set: then the consumer has been notified.
    #[inline(always)]
    pub(super) fn publish<F>(
        &mut self,
        function: &F,
        session: &mut F::Session,
        item: A,
        control: &Control,
    ) -> bool
    where
        F: Function<A, Output = T>,
    {
        publish(&mut self.results, function, session, item, control)
    }

    /// Goes through the items until there are none, the rest should be handed back, or the imap is cancelled.
    pub(super) fn work<F>(
        &mut self,
        function: &F,
        session: &mut F::Session,
        watch: &mut Watch,
        control: &Control,
    ) where
        F: Function<A, Output = T>,
    {
        let Chunk { items, results, .. } = self;
        if control.is_cancelled() {
            return;
        }
        match items {
            Items::One(item) => {
                if let Some(item) = item.take() {
                    publish(results, function, session, item, control);
                }
            }
            Items::Ring(ring) => {
                for item in ring.drain() {
                    if publish(results, function, session, item, control) {
                        if control.is_cancelled() {
                            return;
                        }
                        watch.begin();
                    }
                    if watch.is_over() {
                        return;
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn publish<A, T, F>(
    results: &mut Sender<T>,
    function: &F,
    session: &mut F::Session,
    item: A,
    control: &Control,
) -> bool
where
    F: Function<A, Output = T>,
{
    let flag = results.push(function.call(session, item));
    if flag {
        answer_flag(results, control);
    }
    flag
}

/// The consumer may wait for what was published just now.
#[cold]
fn answer_flag<T>(results: &Sender<T>, control: &Control) {
    results.clear_flag();
    control.parker().notify();
}

/// When to hand back what is left of a chunk.
pub(super) struct Watch {
    limit: Duration,
    /// Since when, and when the clock was read last. Not while all threads are busy.
    since: Option<(Instant, Instant)>,
    looks: Looks,
}

impl Watch {
    fn new(limit: Duration) -> Watch {
        Watch { limit, since: None, looks: Looks::new(policy::MOST_WATCHED) }
    }

    fn begin(&mut self) {
        let now = Instant::now();
        self.since.get_or_insert((now, now));
    }

    #[inline(always)]
    fn is_over(&mut self) -> bool {
        let Some((since, last)) = &mut self.since else { return false };
        if !self.looks.is_due() {
            return false;
        }
        let now = Instant::now();
        self.looks.looked(now.since(std::mem::replace(last, now)));
        now.since(*since) >= self.limit
    }
}
