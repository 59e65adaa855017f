//! What a job does when its turn comes: feed, take, work, publish, and again, for a slice of time.
//!
//! A worker that pulls fills a ring of its own. Others see each item as soon as it is pulled. When it has pulled enough
//! it works on these items itself, as far as that is a chunk, so they are in the cache of the thread that pulled them,
//! and are freed by the thread that allocated them. What is behind that chunk waits for all.
//!
//! **No item that was pulled waits for the input** (P4). A feeder that goes into the input with items that have not
//! begun could be blocked there for ever. It does so only while another worker is in its turn
//! ([`may_pull_ahead`](State::may_pull_ahead)), and that one comes back, and takes them. A worker that ends its turn
//! sets the flag of the ring that is being filled, and looks once more: either it sees the items, and stays, or the
//! feeder sees the flag with its next push, and works instead of pulling. Else, a feeder pulls a single item, gives the
//! input back, and begins with that item before anything else is pulled.
//!
//! **No item waits long behind one that takes long.** A worker that ends its turn sets the flags of all rings. A worker
//! that sees its flag, or sees when it takes a chunk that threads are idle, looks at the clock from time to time, and
//! hands back what is left of its chunk when that takes longer than chunks should.

use super::function::Function;
use super::input::{InputEnd, pull, pull_many};
use super::nesting::{Outer, Within};
use super::ring::{Sender, set_all};
use super::shared::{Hand, Locked, Shared};
use super::state::{Chunk, Items, Lot, Output, State};
use crate::Executor;
use crate::executor::has_waiting;
use crate::imap::policy::{self, Looks};
use crate::job::Task;
use crate::sync::Instant;
use crate::sync::atomic::Ordering;
use crate::unwind::{catch, drop_quietly};
use std::sync::Arc;
use std::time::Duration;

/// What a look under the lock gives a worker to do.
pub(super) enum Step<I: Iterator, T> {
    Work(Chunk<I::Item, T>),
    /// Pull one item and begin with it.
    PullOne(Box<I>),
    /// Pull so many items, and then work on them.
    Fill(Box<I>, Sender<I::Item>, usize),
    /// Pull and work, item by item, with the input in hand: there is no other thread that could pull.
    Solo(Box<I>, Chunk<I::Item, T>, usize),
    Nothing,
}

impl<I, F, T> Task for Shared<I, F, T>
where
    I: Iterator + Send,
    I::Item: Send,
    F: Function<I::Item, Output = T> + Send + Sync,
    T: Send,
{
    fn run(self: Arc<Self>, executor: &dyn Executor) {
        // Nothing in a turn unwinds, but for a fault in the engine. The consumer is told even then.
        if let Err(payload) = catch(|| self.turn(executor)) {
            let mut state = self.lock();
            state.workers.lose();
            state.wake();
            drop(state);
            drop_quietly(payload);
        }
    }

    fn discard(self: Arc<Self>) {
        let mut state = self.lock();
        state.workers.discard();
        state.wake();
    }
}

/// When a worker began what, for slices and measurements.
struct Clock {
    slice: Instant,
    now: Instant,
    /// Since when it has found nothing.
    idle: Option<Instant>,
}

impl Clock {
    /// How long it is since the last call.
    fn lap(&mut self) -> Duration {
        let before = std::mem::replace(&mut self.now, Instant::now());
        self.now.since(before)
    }
}

impl<I, F, T> Shared<I, F, T>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    fn turn(self: &Arc<Self>, executor: &dyn Executor) {
        let mut outer = Some(Outer::new(executor, &self.control));
        let _within = Within::enter(&mut outer);
        let now = Instant::now();
        let mut clock = Clock { slice: now, now, idle: None };
        let mut state = self.lock();
        state.workers.begin_turn();
        loop {
            state = match self.step(&mut state) {
                Step::Work(chunk) => {
                    self.call_others(state, executor);
                    self.work_on(chunk, &mut clock)
                }
                Step::PullOne(source) => {
                    drop(state);
                    match self.pull_one(source) {
                        (Some(chunk), mut state) => {
                            state.policy.pulled(1, clock.lap());
                            self.call_others(state, executor);
                            self.work_on(chunk, &mut clock)
                        }
                        (None, state) => state,
                    }
                }
                Step::Fill(source, sender, len) => {
                    self.call_others(state, executor);
                    let (pulled, lot, mut state) = self.fill(source, sender, len);
                    state.policy.pulled(pulled, clock.lap());
                    if let Some(lot) = lot {
                        state.offer(lot);
                    }
                    let len = state.chunk_len();
                    match state.take(len) {
                        Some(chunk) => {
                            self.call_others(state, executor);
                            self.work_on(chunk, &mut clock)
                        }
                        None => state,
                    }
                }
                Step::Solo(source, chunk, len) => {
                    drop(state);
                    self.work_alone(source, chunk, len, &mut clock)
                }
                Step::Nothing => match self.look_again(state, &mut clock) {
                    Some(state) => state,
                    None => return,
                },
            };
            if clock.now.since(clock.slice) >= policy::SLICE {
                drop(state);
                let makes_room = has_waiting(executor);
                clock.slice = Instant::now();
                state = self.lock();
                if makes_room && !state.consumer_gone && self.may_leave(&mut state) {
                    state.workers.requeue();
                    if state.sleeper_works {
                        state.wake();
                    }
                    drop(state);
                    return self.spawn_from_worker(executor);
                }
            }
        }
    }

    /// Leaves the lock, and spawns one more job if there is work for it. A worker has no caller who could be told of a
    /// panic of `spawn`: the job has been dropped then, or will run.
    fn call_others(self: &Arc<Self>, mut state: Locked<'_, I, T>, executor: &dyn Executor) {
        let spawns = self.try_reserve_worker(&mut state);
        drop(state);
        if spawns {
            self.spawn_from_worker(executor);
        }
    }

    fn spawn_from_worker(self: &Arc<Self>, executor: &dyn Executor) {
        drop_quietly(catch(|| self.spawn_job(executor)));
    }

    /// What to do next: what was handed back, so that the oldest items go first; else the input; else what a feeder
    /// has pulled.
    fn step(&self, state: &mut State<I, T>) -> Step<I, T> {
        if self.control.is_cancelled() {
            return Step::Nothing;
        }
        let len = state.chunk_len();
        if state.has_waiting()
            && let Some(chunk) = state.take(len)
        {
            return Step::Work(chunk);
        }
        if state.input.is_here() && state.input.end().is_none() {
            let batch = state.batch_len();
            let room = state.window(&self.control).room_or_stall(batch as u64);
            let batch = usize::try_from(room).unwrap_or(batch).min(batch);
            if batch > 0 {
                return Self::feed(state, batch);
            }
        }
        match state.take(len) {
            Some(chunk) => Step::Work(chunk),
            None => Step::Nothing,
        }
    }

    fn feed(state: &mut State<I, T>, len: usize) -> Step<I, T> {
        let ahead = len > 1 && state.may_pull_ahead();
        let solo = len > 1 && state.workers.most() == 1;
        let Some(source) = state.input.take() else { return Step::Nothing };
        if ahead {
            return Step::Fill(source, state.begin_filling(len), len);
        }
        if solo {
            let chunk = state.begin_solo(len);
            return Step::Solo(source, chunk, len);
        }
        Step::PullOne(source)
    }

    /// Works on a chunk, and brings it back.
    fn work_on(&self, chunk: Chunk<I::Item, T>, clock: &mut Clock) -> Locked<'_, I, T> {
        clock.idle = None;
        let first = chunk.first;
        let chunk = self.work(chunk);
        let worked = (chunk.next() - first) as usize;
        let time = clock.lap();
        self.bring_back(chunk, worked, time)
    }

    fn bring_back(&self, chunk: Chunk<I::Item, T>, worked: usize, time: Duration) -> Locked<'_, I, T> {
        let mut state = self.lock();
        state.policy.worked(worked, time);
        if state.put_back(chunk) {
            state.wake();
        }
        state
    }

    /// Nothing was found: looks for a moment, or ends the turn and gives `None`.
    fn look_again<'a>(&'a self, mut state: Locked<'a, I, T>, clock: &mut Clock) -> Option<Locked<'a, I, T>> {
        if clock.idle.is_none() {
            // Nothing will come before a consumer that naps has taken something.
            let another_pulls = !state.local && !state.input.is_here() && state.input.end().is_none();
            if !another_pulls {
                state.wake_napper();
            }
        }
        let now = Instant::now();
        let waited = now.since(*clock.idle.get_or_insert(now));
        clock.now = now;
        if !self.control.is_cancelled() && !state.finished() && state.policy.worker_looks(waited) {
            drop(state);
            std::thread::yield_now();
            return Some(self.lock());
        }
        if !self.may_leave(&mut state) {
            return Some(state);
        }
        state.workers.end_turn();
        // Under the lock, and only for as long as every thread has a job can it become busy again.
        self.control.note_busy(false);
        if state.workers.pool_is_gone() || state.sleeper_works {
            state.wake();
        }
        if state.consumer_gone {
            self.clear(state);
        }
        None
    }

    /// Whether a worker may end its turn: not if there are items in a feeder's ring, where none but this one may come
    /// for them. Afterwards the feeder, and those who work, know that a thread is idle.
    fn may_leave(&self, state: &mut State<I, T>) -> bool {
        if self.control.is_cancelled() {
            return true;
        }
        // Those at work see that a thread is idle, and a feeder that it should work.
        set_all(&self.control.flags);
        let Some(lot) = &state.filling else { return true };
        // Where the kernel refuses, the consumer looks in its place, every millisecond.
        let _ = lot.items.settle_flag();
        lot.items.is_empty()
    }

    /// Goes through a chunk until it is empty, it should be handed back, or the imap is cancelled.
    pub(super) fn work(&self, mut chunk: Chunk<I::Item, T>) -> Chunk<I::Item, T> {
        let mut session = self.function.begin();
        let mut watch = Watch::new(&chunk);
        while let Err(payload) = catch(|| self.work_until_panic(&mut chunk, &mut session, &mut watch)) {
            self.function.spoil(&mut session);
            self.note_panic(&mut chunk, payload);
        }
        self.function.end(session);
        chunk
    }

    /// The panicking item ends its ring of results; the next one begins behind it.
    fn note_panic(&self, chunk: &mut Chunk<I::Item, T>, payload: crate::unwind::Payload) {
        let panicked = chunk.next();
        let most = chunk.most - chunk.results.pushed();
        let mut state = self.lock();
        let fresh = state.open_results(panicked + 1, most);
        let ended = std::mem::replace(&mut chunk.results, fresh);
        chunk.first = panicked + 1;
        state.result_rings.close(ended);
        state.reorder.insert(panicked, Output::Panicked(payload));
        state.wake();
        drop(state);
        chunk.most = most;
    }

    /// The loop that every item goes through. It looks at nothing shared but the rings and the flag, which is set for
    /// a cancelled imap, too.
    fn work_until_panic(&self, chunk: &mut Chunk<I::Item, T>, session: &mut F::Session, watch: &mut Watch) {
        let Chunk { items, results, .. } = chunk;
        if self.control.is_cancelled() {
            return;
        }
        match items {
            Items::One(item) => {
                if let Some(item) = item.take()
                    && self.publish(results, session, item)
                {
                    self.answer_flag(results);
                }
            }
            Items::Ring(ring) => {
                for item in ring.drain() {
                    if self.publish(results, session, item) {
                        self.answer_flag(results);
                        if self.control.is_cancelled() {
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

    /// Works on one item. Returns whether the flag of its results is set.
    #[inline(always)]
    fn publish(&self, results: &mut Sender<T>, session: &mut F::Session, item: I::Item) -> bool {
        results.push(self.function.call(session, item))
    }

    /// For a worker whose flag is set: the consumer may wait for what it has just published.
    #[cold]
    fn answer_flag<A>(&self, results: &Sender<A>) {
        results.clear_flag();
        self.control.parker.notify();
    }

    /// Pulls one item, gives the input back, and begins a chunk of that item.
    pub(super) fn pull_one(&self, mut source: Box<I>) -> (Hand<I, T>, Locked<'_, I, T>) {
        let (item, end) = match pull(&mut *source) {
            Ok(item) => (Some(item), None),
            Err(end) => (None, Some(end)),
        };
        let count = |state: &mut State<I, T>| state.input.count(u64::from(item.is_some()));
        let mut state = self.return_input(source, end, count);
        let hand = item.map(|item| {
            let index = state.input.pulled() - 1;
            state.begin_one(index, item)
        });
        (hand, state)
    }

    /// Pulls up to `len` items into a ring, until its flag is set. Returns how many there were, and what others have
    /// left of them.
    fn fill(
        &self,
        mut source: Box<I>,
        mut sender: Sender<I::Item>,
        len: usize,
    ) -> (usize, Option<Lot<I::Item>>, Locked<'_, I, T>) {
        let end = if self.control.is_cancelled() {
            None
        } else {
            pull_many(&mut *source, |item| sender.push(item) || sender.pushed() == len)
        };
        let (pulled, mut lot) = (sender.pushed(), None);
        let state = self.return_input(source, end, |state| lot = state.end_filling(sender));
        (pulled, lot, state)
    }

    /// Pulls an item, works on it, and so on.
    fn work_alone(
        &self,
        mut source: Box<I>,
        mut chunk: Chunk<I::Item, T>,
        len: usize,
        clock: &mut Clock,
    ) -> Locked<'_, I, T> {
        clock.idle = None;
        let mut session = self.function.begin();
        let first = chunk.first;
        let (mut pulled, mut worked, mut pulling) = (0, 0, true);
        let mut end = None;
        while end.is_none() && worked < len && !self.control.is_cancelled() {
            let ended = catch(|| {
                while worked < len {
                    pulling = true;
                    let Some(item) = source.next() else { return true };
                    pulling = false;
                    pulled += 1;
                    worked += 1;
                    self.control.pulled.store(first + pulled, Ordering::Relaxed);
                    if self.publish(&mut chunk.results, &mut session, item) {
                        self.answer_flag(&chunk.results);
                        break;
                    }
                }
                false
            });
            match ended {
                Ok(false) => {}
                Ok(true) => end = Some(InputEnd::Finished),
                Err(payload) if pulling => end = Some(InputEnd::Panicked(payload)),
                Err(payload) => {
                    self.function.spoil(&mut session);
                    self.note_panic(&mut chunk, payload);
                }
            }
        }
        self.function.end(session);
        let time = clock.lap();
        drop(self.return_input(source, end, |state| state.input.count(pulled)));
        self.bring_back(chunk, worked, time)
    }
}

impl<I: Iterator, T> State<I, T> {
    /// Whether no work will come any more.
    fn finished(&self) -> bool {
        self.input.end().is_some() && self.waiting.is_empty() && self.filling.is_none()
    }
}

/// When to hand back what is left of a chunk.
struct Watch {
    limit: Duration,
    /// Since when, and when the clock was read last. Not while all threads are busy.
    since: Option<(Instant, Instant)>,
    looks: Looks,
}

impl Watch {
    fn new<A, T>(chunk: &Chunk<A, T>) -> Watch {
        let mut watch =
            Watch { limit: chunk.hand_back_after, since: None, looks: Looks::new(policy::MOST_WATCHED) };
        if chunk.threads_idle {
            watch.begin();
        }
        watch
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
