//! What a ticket does when its turn comes: feed, take, work, and again, for a slice of time.

use super::lane::Sender;
use super::line::{Chunk, Feeder, Hand, Items, Line, Locked, Output, Step};
use crate::Executor;
use crate::job::{Task, is_nested};
use crate::sync::Stamp;
use crate::unwind::{Payload, catch, drop_quietly};
use std::sync::Arc;
use std::time::Duration;

/// After so long a ticket goes back to the end of the pool's queue if others wait there, so that lines
/// share the pool (P14).
const SLICE: Duration = Duration::from_micros(500);

impl<I, F, T> Task for Line<I, F, T>
where
    I: Iterator + Send,
    I::Item: Send,
    F: Fn(I::Item) -> T + Send + Sync,
    T: Send,
{
    fn run(self: Arc<Self>, executor: &dyn Executor) {
        self.turn(executor);
    }

    fn discard(self: Arc<Self>) {
        let mut state = self.lock();
        state.tickets -= 1;
        state.queued -= 1;
        state.abandoned = true;
        self.wake(&mut state);
    }
}

impl<I, F, T> Line<I, F, T>
where
    I: Iterator,
    F: Fn(I::Item) -> T,
{
    pub(crate) fn spawn_ticket(self: &Arc<Self>, executor: &dyn Executor) {
        executor.spawn((self.ticket)(self.clone()));
    }

    fn turn(self: &Arc<Self>, executor: &dyn Executor) {
        let mut began = Stamp::now();
        let mut now = began;
        let mut state = self.lock();
        state.queued -= 1;
        let mut step = self.begin_step(state, executor, now);
        loop {
            match step {
                Step::Work(chunk) => {
                    let first = chunk.first;
                    let chunk = self.work(chunk, || false);
                    let worked = (chunk.next() - first) as usize;
                    let before = std::mem::replace(&mut now, Stamp::now());
                    if self.gauge.is_cancelled() {
                        drop_quietly(chunk);
                        self.lock().tickets -= 1;
                        return;
                    }
                    let mut state = self.lock();
                    state.pace.worked(worked, now.since(before));
                    if state.put_back(chunk) {
                        self.wake(&mut state);
                    }
                    if now.since(began) >= SLICE {
                        // On top of another job this one keeps a thread from what is below it.
                        if executor.has_waiting() || is_nested() {
                            state.queued += 1;
                            drop(state);
                            return self.spawn_ticket(executor);
                        }
                        began = now;
                    }
                    step = self.begin_step(state, executor, now);
                }
                Step::PullOne(feeder) => {
                    let (hand, mut state) = self.pull_one(feeder);
                    let before = std::mem::replace(&mut now, Stamp::now());
                    state.pace.pulled(1, now.since(before));
                    step = match hand {
                        Some(chunk) => {
                            self.leave(state, executor);
                            Step::Work(chunk)
                        }
                        None => self.begin_step(state, executor, now),
                    };
                }
                Step::Fill(feeder, sender, len) => {
                    let (pulled, mut state) = self.fill(feeder, sender, len);
                    let before = std::mem::replace(&mut now, Stamp::now());
                    state.pace.pulled(pulled, now.since(before));
                    step = self.begin_step(state, executor, now);
                }
                Step::Nothing => return,
            }
        }
    }

    /// Decides what to do next, and leaves the lock. The ticket is given up if there is nothing.
    fn begin_step(
        self: &Arc<Self>,
        mut state: Locked<'_, I, T>,
        executor: &dyn Executor,
        now: Stamp,
    ) -> Step<I, T> {
        state.now = now;
        let step =
            if state.tickets > self.most_tickets(&state) { Step::Nothing } else { self.step(&mut state) };
        if matches!(step, Step::Nothing) {
            state.tickets -= 1;
            // Nobody will come any more to an abandoned line.
            if state.abandoned {
                self.wake(&mut state);
            }
        } else {
            self.leave(state, executor);
        }
        step
    }

    /// Leaves the lock, and calls a ticket if there is work left behind.
    pub(crate) fn leave(self: &Arc<Self>, mut state: Locked<'_, I, T>, executor: &dyn Executor) {
        let call = self.call(&mut state);
        drop(state);
        if call {
            self.spawn_ticket(executor);
        }
    }

    /// Goes through a chunk until it is empty, `stop` says so, or the line is cancelled.
    pub(crate) fn work(&self, mut chunk: Chunk<I::Item, T>, stop: impl Fn() -> bool) -> Chunk<I::Item, T> {
        while let Err(payload) = catch(|| self.work_until_panic(&mut chunk, &stop)) {
            // The panicking item ends this lane of results; the next one begins behind it.
            let panicked = chunk.next();
            let most = chunk.items.most();
            let mut state = self.lock();
            let fresh = state.open_results(panicked + 1, most);
            if self.gauge.is_cancelled() {
                fresh.ring_bell();
            }
            let ended = std::mem::replace(&mut chunk.results, fresh);
            chunk.first = panicked + 1;
            state.result_lanes.close(ended);
            state.reorder.insert(panicked, Output::Panicked(payload));
            self.wake(&mut state);
            drop(state);
            if stop() {
                break;
            }
        }
        chunk
    }

    /// The loop that every item goes through. It looks at nothing shared but the rings and the bell,
    /// which is set for a cancelled line, too.
    fn work_until_panic(&self, chunk: &mut Chunk<I::Item, T>, stop: &impl Fn() -> bool) {
        if self.gauge.is_cancelled() {
            return;
        }
        let Chunk { items, results, .. } = chunk;
        match items {
            Items::One(item) => {
                if let Some(item) = item.take()
                    && results.push((self.function)(item))
                {
                    self.answer_bell(results);
                }
            }
            Items::Lane(lane) => {
                while !lane.is_empty() {
                    for item in lane.drain() {
                        if results.push((self.function)(item)) {
                            self.answer_bell(results);
                            if self.gauge.is_cancelled() {
                                return;
                            }
                        }
                        if stop() {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Pulls one item, gives the input back, and begins a chunk of that item.
    pub(crate) fn pull_one(&self, mut feeder: Box<Feeder<I>>) -> (Hand<I, T>, Locked<'_, I, T>) {
        let index = feeder.pulled;
        let (item, end) = match catch(|| feeder.input.next()) {
            Ok(Some(item)) => (Some(item), None),
            Ok(None) => (None, Some(None)),
            Err(payload) => (None, Some(Some(payload))),
        };
        feeder.pulled += u64::from(item.is_some());
        let mut state = self.return_feeder(feeder, end);
        let hand = item.map(|item| state.begin(index, Items::One(Some(item))));
        (hand, state)
    }

    /// Pulls up to `len` items into a lane, where each can be seen at once. Returns how many there were.
    fn fill(
        &self,
        mut feeder: Box<Feeder<I>>,
        mut sender: Sender<I::Item>,
        len: usize,
    ) -> (usize, Locked<'_, I, T>) {
        let input = &mut feeder.input;
        let filled = catch(|| {
            while sender.pushed() < len && !self.gauge.is_cancelled() {
                let Some(item) = input.next() else { return Some(None) };
                if sender.push(item) {
                    self.answer_bell(&sender);
                }
            }
            None
        });
        let end = filled.unwrap_or_else(|payload| Some(Some(payload)));
        let pulled = sender.pushed();
        feeder.pulled += pulled as u64;
        let mut state = self.return_feeder(feeder, end);
        state.item_lanes.close(sender);
        (pulled, state)
    }

    /// Puts the input back, or notes that it has ended: `end` is then the panic that ended it, if any.
    fn return_feeder(&self, feeder: Box<Feeder<I>>, end: Option<Option<Payload>>) -> Locked<'_, I, T> {
        let pulled = feeder.pulled;
        let Some(panic) = end else {
            let hint = catch(|| feeder.input.size_hint()).unwrap_or((0, None));
            if self.gauge.is_cancelled() {
                drop_quietly(feeder);
                return self.lock();
            }
            let mut state = self.lock();
            state.hint = (pulled, hint);
            state.feeder = Some(feeder);
            return state;
        };
        drop_quietly(feeder);
        let mut state = self.lock();
        state.end = Some(pulled);
        state.hint = (pulled, (0, Some(0)));
        state.input_panic = panic;
        self.wake(&mut state);
        state
    }
}
