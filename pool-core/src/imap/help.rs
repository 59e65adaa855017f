//! A consumer that works instead of sleeping.
//!
//! It takes a lane of items like a worker, but stops when the head has become ready (P5), for which it looks after
//! every item, or every 50 µs where items are shorter. The rest stays in its hand for the next time. It never pulls from the input while a result is under
//! way, since the input may block (P4); when everything that was pulled has been delivered there is nothing
//! to be late for, and it pulls a single item.
//!
//! It helps when items are measured to be short, since a sleep and a wake-up cost more than they do, and
//! always on a thread that a pool needs for its jobs (P8): there it must not rely on any other thread. It
//! runs items of its own line only, never another job, so stacks stay flat and no lock is met twice. In
//! one more case it takes just the head: when that was pulled, but the feeder has not come back from the
//! input, in which it may be blocked for ever (P4).
//!
//! Why two nested consumers never wait for each other: a consumer sleeps only while another thread holds
//! an item of its line. What that thread waits for in turn are items of lines that this item created.
//! So waiting goes from a line to lines inside it, and cannot come back. (A function that waits in
//! `rayon::join` on a `RayonPool` is outside of this argument: rayon may put another job on top of it.)

use super::consumer::{Own, Place};
use super::crowd::Helper;
use super::front::Front;
use super::function::Function;
use super::lane::Receiver;
use super::line::{Line, Locked};
use super::outer::{Outer, Within};
use super::state::{Chunk, Hand, State};
use crate::Executor;
use crate::executor::is_worker;
use crate::job::Inside;
use crate::sync::Stamp;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

/// How often a helping consumer looks for the head. To look is to take a cache line from the worker that has the head,
/// and to take results from it one by one is to free memory that it allocates from at that moment: with strings, a
/// look every 5 µs made the whole half slower again.
#[cfg(not(loom))]
const LOOK: Duration = Duration::from_micros(50);
#[cfg(loom)]
const LOOK: Duration = Duration::ZERO;

impl<I, F, T> Line<I, F, T>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    /// If the head is in the consumer's own hand: runs it, without a look under the lock.
    pub(super) fn continue_with_head(&self, own: &mut Own<I, T>, front: &mut Front<T>) -> bool {
        let Own { hand, outer } = own;
        let (Some(chunk), Some(lane)) = (hand.as_ref(), &front.lane) else { return false };
        if chunk.results.id() != lane.id() {
            return false;
        }
        if let Some(chunk) = hand.take() {
            *hand = Some(self.work_until_ready(chunk, outer, front));
        }
        front.is_ready()
    }

    /// Works on a chunk, and looks at the clock after every so many items whether it is time to look for
    /// the head.
    fn work_until_ready(
        &self,
        chunk: Chunk<I::Item, T>,
        outer: &mut Option<Outer>,
        front: &mut Front<T>,
    ) -> Chunk<I::Item, T> {
        let first = chunk.next();
        let _within = Within::enter(outer);
        // What the function waits for in a pool must not need this thread's own line to move on.
        let _inside = Inside::enter();
        let left = Cell::new(front.every);
        let looked = Cell::new(Stamp::now());
        let chunk = self.work(chunk, || {
            left.set(left.get() - 1);
            if left.get() > 0 {
                return false;
            }
            left.set(front.every);
            let now = Stamp::now();
            if front.every > 1 && now.since(looked.get()) < LOOK {
                return false;
            }
            looked.set(now);
            front.is_ready() || front.lane.as_ref().is_some_and(Receiver::has_ended)
        });
        front.helped += chunk.next() - first;
        chunk
    }

    /// Works on something, or says that there is nothing that it may do. Unless it may do all kinds of work
    /// (`freely`), it takes only a head that is stuck.
    pub(super) fn help<'a>(
        self: &'a Arc<Self>,
        executor: &dyn Executor,
        own: &mut Own<I, T>,
        mut state: Locked<'a, I, T>,
        front: &mut Front<T>,
        untaken: bool,
        freely: bool,
    ) -> (bool, Locked<'a, I, T>) {
        let Own { hand, outer } = own;
        // Only the head, as long as nothing is measured.
        let trusts = freely && untaken && state.probably_short && !state.pace.is_measured();
        let may = freely && (trusts || is_worker(executor) || state.pace.is_short());
        // In nobody's hands, and the feeder does not come back.
        let stuck = untaken && state.is_feeding();
        let is_done_with =
            |hand: &Hand<I, T>| hand.as_ref().is_some_and(|chunk| !may || chunk.items.is_empty());
        if is_done_with(hand) {
            self.lay_down(hand, &mut state);
            // The head may have been in it: look again.
            return (true, state);
        }
        if hand.is_none() && (may || stuck) {
            *hand = state.take_chunk();
            if hand.is_none()
                && may
                && untaken
                && let Some(feeder) = state.feeder.take()
            {
                drop(state);
                (*hand, state) = self.pull_one(feeder);
                if hand.is_none() {
                    // The input has ended: look again.
                    return (true, state);
                }
            }
        }
        let Some(chunk) = hand.take() else { return (false, state) };
        if state.unordered {
            state.look_at(front, chunk.results.id());
        } else if untaken {
            // The head is in the hand: the front looks at the hand's results.
            let place = state.find(front);
            debug_assert!(matches!(place, Place::Taken));
        }
        front.every = if may { state.pace.items_per_look() } else { 1 };
        state.helper = if may { Helper::AtWork } else { Helper::No };
        // There may be no worker that looks at the clock.
        state.now = Stamp::now();
        let (began, before) = (state.now, front.helped);
        self.leave(state, executor);
        *hand = Some(self.work_until_ready(chunk, outer, front));
        let mut state = self.lock();
        if may {
            state.now = Stamp::now();
            let (items, time) = (front.helped - before, state.now.since(began));
            state.helper = match state.was_switched_out(items, time) {
                true => Helper::Leaves,
                false => Helper::Was(state.now),
            };
            if trusts {
                state.pace.worked(items as usize, time);
            }
        }
        if is_done_with(hand) {
            self.lay_down(hand, &mut state);
        }
        (true, state)
    }

    /// Gives back what is in the consumer's hand, so that others can take it.
    pub(super) fn lay_down(&self, hand: &mut Hand<I, T>, state: &mut State<I, T>) {
        if let Some(chunk) = hand.take() {
            let _ = state.put_back(chunk);
        }
    }
}
