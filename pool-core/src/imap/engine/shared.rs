//! What the jobs of an imap and its consumer share, and how they leave its lock.

use super::control::Control;
use super::cursor::Settings;
use super::input::{InputEnd, hint_of};
use super::ring::Receiver;
use super::state::{Asleep, Chunk, Output, State};
use crate::Executor;
use crate::executor::threads_of;
use crate::imap::policy::{Policy, Task};
use crate::job::Job;
use crate::lease::Lease;
use crate::sync::Parker;
use crate::sync::{Mutex, MutexGuard, lock};
use crate::unwind::{Payload, drop_each, drop_quietly};
use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

pub(crate) struct Shared<I: Iterator, F, T> {
    pub(super) function: F,
    pub(super) threads: usize,
    job: fn(&Arc<Shared<I, F, T>>) -> Job,
    pub(crate) control: Arc<Control>,
    /// What its jobs go through, if it borrows.
    pub(crate) lease: OnceLock<Arc<Lease>>,
    state: Mutex<State<I, T>>,
}

/// A chunk, if there is one.
pub(super) type Hand<I, T> = Option<Chunk<<I as Iterator>::Item, T>>;

/// The state, under the lock. The consumer is woken after the lock has been left: else it would wake up only to wait
/// for it.
pub(crate) struct Locked<'a, I: Iterator, T> {
    // Dropped in this order.
    state: MutexGuard<'a, State<I, T>>,
    wake: Wake<'a>,
}

struct Wake<'a> {
    parker: &'a Parker,
    wanted: bool,
}

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        if self.wanted {
            self.parker.notify();
        }
    }
}

impl<I: Iterator, T> Locked<'_, I, T> {
    /// Wakes the consumer if it sleeps. It looks for itself whether that was worth it.
    pub(super) fn wake(&mut self) {
        self.wake.wanted |= std::mem::replace(&mut self.state.asleep, Asleep::No) != Asleep::No;
    }

    /// Wakes the consumer if it naps.
    pub(super) fn wake_napper(&mut self) {
        if self.state.asleep == Asleep::Nap {
            self.wake();
        }
    }
}

impl<I: Iterator, T> Deref for Locked<'_, I, T> {
    type Target = State<I, T>;
    fn deref(&self) -> &State<I, T> {
        &self.state
    }
}

impl<I: Iterator, T> DerefMut for Locked<'_, I, T> {
    fn deref_mut(&mut self) -> &mut State<I, T> {
        &mut self.state
    }
}

impl<I: Iterator, F, T> Shared<I, F, T> {
    /// For this input; `None` if the consumer has it.
    pub(crate) fn new(
        source: Option<I>,
        function: F,
        executor: &dyn Executor,
        job: fn(&Arc<Shared<I, F, T>>) -> Job,
    ) -> Shared<I, F, T> {
        let (threads, control) = (threads_of(executor), Arc::new(Control::new()));
        let state = Mutex::new(State::new(source, threads, &control));
        Shared { function, threads, job, control, lease: OnceLock::new(), state }
    }

    pub(super) fn lock(&self) -> Locked<'_, I, T> {
        Locked { state: lock(&self.state), wake: Wake { parker: &self.control.parker, wanted: false } }
    }

    /// Takes over what was set before the iteration began.
    pub(super) fn configure(&self, settings: &Settings) {
        let mut state = self.lock();
        state.unordered = settings.unordered;
        state.strict = settings.item_limit.is_some();
        state.item_limit = settings.item_limit.clone();
        state.policy = Policy::new(Task {
            threads: self.threads,
            window: settings.window,
            chunk: settings.chunk,
            unordered: settings.unordered,
        });
    }

    /// Leaves the lock, and spawns a job if there is work left behind.
    ///
    /// # Panics
    ///
    /// With the panic of the executor's `spawn`. The job counts as dropped then, unless the executor has kept it.
    pub(super) fn unlock_and_spawn(self: &Arc<Self>, mut state: Locked<'_, I, T>, executor: &dyn Executor) {
        let spawns = self.try_reserve_worker(&mut state);
        drop(state);
        if spawns {
            self.spawn_job(executor);
        }
    }

    pub(super) fn spawn_job(self: &Arc<Self>, executor: &dyn Executor) {
        executor.spawn((self.job)(self));
    }

    /// Whether one more job should come: there is work that no thread has taken. Counts the job; the caller must spawn
    /// it, after it has left the lock.
    pub(super) fn try_reserve_worker(&self, state: &mut State<I, T>) -> bool {
        let full = state.workers.is_full();
        // A consumer that waits behind all that was pulled needs the end, whatever the input says of itself.
        let wanted = matches!(state.asleep, Asleep::At(head) if head >= state.input.pulled());
        let can_pull = state.input.is_here() && (wanted || !state.input.seems_empty());
        let more = state.has_waiting() || can_pull;
        self.control.note_busy(full && more);
        if full || self.control.is_cancelled() {
            return false;
        }
        let window = state.window(&self.control);
        // Where no worker is left, the end must be found, whatever the input says of itself.
        let can_feed = (more || (state.input.is_here() && state.workers.is_empty()))
            && state.input.end().is_none()
            && window.room() > 0
            && !window.is_stalled();
        // A feeder may be blocked in the input beside these, with no other worker to come back for them.
        let can_take = state.has_visible() && (state.local || state.workers.active() <= 1);
        let reserved = (state.has_waiting() || can_feed || can_take) && state.workers.try_reserve();
        if reserved {
            self.control.forget_stall();
        }
        reserved
    }

    /// The consumer has got so many results that the waiting feeder should be called.
    pub(super) fn wake_feeder(self: &Arc<Self>, executor: &dyn Executor) {
        let state = self.lock();
        self.control.forget_stall();
        self.unlock_and_spawn(state, executor);
    }

    /// Puts the input back after a pull, or notes that it has ended. `pulled` is not counted yet.
    pub(super) fn return_input(
        &self,
        source: Box<I>,
        end: Option<InputEnd>,
        count: impl FnOnce(&mut State<I, T>),
    ) -> Locked<'_, I, T> {
        match end {
            None => {
                let hint = hint_of(&*source);
                let mut state = self.lock();
                count(&mut state);
                state.input.give_back(source, hint);
                state
            }
            Some(end) => {
                drop_quietly(source);
                let mut state = self.lock();
                count(&mut state);
                state.input.finish(end);
                state.wake();
                state
            }
        }
    }

    /// Ends the imap for a consumer that goes, and gives back these rings. Nothing is kept.
    pub(super) fn desert(&self, rings: Vec<Receiver<T>>)
    where
        F: Clear,
    {
        let mut state = self.lock();
        state.consumer_gone = true;
        rings.into_iter().for_each(|ring| state.result_rings.give_back(ring));
        self.clear(state);
        #[cfg(feature = "stream")]
        self.control.parker.set_task(None);
        if let Some(lease) = self.lease.get() {
            lease.close();
        }
    }

    /// Drops everything that no thread will come for. A worker that is still at work does the same when it has brought
    /// back what it has, so that nothing waits for a job that is still queued somewhere.
    ///
    /// Rings are emptied value by value: one whose two halves are together is dropped empty.
    pub(super) fn clear<'a>(&'a self, mut state: Locked<'a, I, T>)
    where
        F: Clear,
    {
        loop {
            let rest = state.take_rest();
            drop(state);
            let Some((items, results)) = rest.drop_each() else { break };
            state = self.lock();
            // Their senders may still push: what comes is dropped when both halves are together.
            items.into_iter().for_each(|ring| state.item_rings.give_back(ring));
            results.into_iter().for_each(|ring| state.result_rings.give_back(ring));
        }
        self.function.clear();
    }
}

/// Rings of items and of results whose senders are not back yet.
type Emptied<A, T> = (Vec<Receiver<A>>, Vec<Receiver<T>>);

/// What is left in the state of an imap that has lost its consumer.
struct Rest<I: Iterator, T> {
    source: Option<Box<I>>,
    panic: Option<Payload>,
    items: Vec<Receiver<I::Item>>,
    outputs: VecDeque<(u64, Output<T>)>,
    /// Rings in no thread's hands.
    unused_items: Vec<Receiver<I::Item>>,
    unused_results: Vec<Receiver<T>>,
}

impl<I: Iterator, T> State<I, T> {
    fn take_rest(&mut self) -> Rest<I, T> {
        let mut items: Vec<_> = self.waiting.drain(..).map(|lot| lot.items).collect();
        // Its feeder will find that it is gone.
        items.extend(self.filling.take().map(|lot| lot.items));
        Rest {
            source: self.input.take(),
            panic: self.input.take_panic(),
            items,
            outputs: self.reorder.take_all(),
            unused_items: self.item_rings.take_unused(),
            unused_results: self.result_rings.take_unused(),
        }
    }
}

impl<I: Iterator, T> Rest<I, T> {
    /// Drops every value, and gives the rings whose senders are not back yet. `None` if there was nothing to give back,
    /// so that nothing can have come to be unused by that.
    fn drop_each(mut self) -> Option<Emptied<I::Item, T>> {
        drop_quietly(self.source);
        drop_quietly(self.panic);
        drop_each(self.unused_items);
        drop_each(self.unused_results);
        self.items.iter_mut().for_each(|ring| ring.drop_values());
        let mut results = Vec::new();
        for (_, output) in self.outputs {
            match output {
                Output::Ring(mut ring) => {
                    ring.drop_values();
                    results.push(ring);
                }
                Output::Panicked(payload) => drop_quietly(payload),
            }
        }
        let empty = self.items.is_empty() && results.is_empty();
        (!empty).then_some((self.items, results))
    }
}

/// Drops what the function keeps from one chunk to the next.
pub(crate) trait Clear {
    fn clear(&self);
}
