//! What a ticket does when its turn comes: feed, take, work, and again, for a slice of time.

use super::function::Function;
use super::lane::Sender;
use super::line::{Line, Locked};
use super::outer::{Outer, Within};
use super::state::{Chunk, Hand, Items, Output, Step};
use crate::Executor;
use crate::executor::has_waiting;
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
    F: Function<I::Item, Output = T> + Send + Sync,
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
        state.wake();
    }
}

impl<I, F, T> Line<I, F, T>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    pub(crate) fn spawn_ticket(self: &Arc<Self>, executor: &dyn Executor) {
        executor.spawn((self.ticket)(self));
    }

    fn turn(self: &Arc<Self>, executor: &dyn Executor) {
        let mut outer = Some(Outer::new(executor, &self.gauge));
        let _within = Within::enter(&mut outer);
        let mut began = Stamp::now();
        let mut now = began;
        let mut state = self.lock();
        state.queued -= 1;
        // There may have been need of one more when it was called, but not now.
        let mut step = self.begin_step(state, executor, now, true);
        loop {
            match step {
                Step::Work(chunk) => {
                    let first = chunk.first;
                    let chunk = self.work(chunk, || false);
                    let worked = (chunk.next() - first) as usize;
                    let before = std::mem::replace(&mut now, Stamp::now());
                    let time = now.since(before);
                    let mut state = self.lock();
                    let switched_out = state.was_switched_out(worked as u64, time);
                    state.pace.worked(worked, time);
                    if state.put_back(chunk) {
                        state.wake();
                    }
                    if now.since(began) >= SLICE {
                        // On top of another job this one keeps a thread from what is below it.
                        if !state.deserted && (has_waiting(executor) || is_nested()) {
                            state.queued += 1;
                            drop(state);
                            return self.spawn_ticket(executor);
                        }
                        began = now;
                    }
                    step = self.begin_step(state, executor, now, switched_out);
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
                        None => self.begin_step(state, executor, now, false),
                    };
                }
                Step::Fill(feeder, sender, len) => {
                    let (pulled, mut state) = self.fill(feeder, sender, len);
                    let before = std::mem::replace(&mut now, Stamp::now());
                    state.pace.pulled(pulled, now.since(before));
                    step = self.begin_step(state, executor, now, false);
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
        switched_out: bool,
    ) -> Step<I, T> {
        state.now = now;
        let step = if self.leaves(&mut state, switched_out) {
            Step::Nothing
        } else {
            let step = self.step(&mut state);
            if matches!(step, Step::Nothing) {
                self.gauge.note_idle();
            }
            step
        };
        if matches!(step, Step::Nothing) {
            state.tickets -= 1;
            // Nobody will come any more to an abandoned line.
            if state.abandoned {
                state.wake();
            }
            if state.deserted {
                self.clear(state);
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
            // A panic must not take along what the caller holds: the step that it is about to do. The ticket was
            // dropped, which its `discard` has noted, or queued before.
            drop_quietly(catch(|| self.spawn_ticket(executor)));
        }
    }

    /// Drops everything that nobody will come for. A worker that is still at work does the same when it
    /// has brought back what it has.
    pub(crate) fn clear(&self, mut state: Locked<'_, I, T>) {
        let feeder = state.feeder.take();
        let staged = std::mem::take(&mut state.staged);
        let finished = state.reorder.take_all();
        let item_lanes = state.item_lanes.take_closed();
        let result_lanes = state.result_lanes.take_closed();
        let panic = state.input_panic.take();
        drop(state);
        drop_quietly(staged);
        drop_quietly(finished);
        drop_quietly(item_lanes);
        drop_quietly(result_lanes);
        drop_quietly(panic);
        drop_quietly(feeder);
        self.function.clear();
    }

    /// Goes through a chunk until it is empty, `stop` says so, or the line is cancelled.
    pub(crate) fn work(&self, mut chunk: Chunk<I::Item, T>, stop: impl Fn() -> bool) -> Chunk<I::Item, T> {
        let mut session = self.function.begin();
        while let Err(payload) = catch(|| self.work_until_panic(&mut chunk, &mut session, &stop)) {
            self.function.spoil(&mut session);
            // The panicking item ends this lane of results; the next one begins behind it.
            let panicked = chunk.next();
            let most = chunk.items.most();
            let mut state = self.lock();
            let fresh = state.open_results(panicked + 1, most);
            let ended = std::mem::replace(&mut chunk.results, fresh);
            chunk.first = panicked + 1;
            state.result_lanes.close(ended);
            state.reorder.insert(panicked, Output::Panicked(payload));
            state.wake();
            drop(state);
            if stop() {
                break;
            }
        }
        self.function.end(session);
        chunk
    }

    /// The loop that every item goes through. It looks at nothing shared but the rings and the bell, which
    /// is set for a cancelled line, too.
    fn work_until_panic(
        &self,
        chunk: &mut Chunk<I::Item, T>,
        session: &mut F::Session,
        stop: &impl Fn() -> bool,
    ) {
        let Chunk { items, results, .. } = chunk;
        if self.gauge.is_cancelled() {
            return;
        }
        match items {
            Items::One(item) => {
                if let Some(item) = item.take()
                    && results.push(self.function.call(session, item))
                {
                    self.answer_bell(results);
                }
            }
            Items::Lane(lane) => {
                while !lane.is_empty() {
                    for item in lane.drain() {
                        if results.push(self.function.call(session, item)) {
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
    pub(crate) fn pull_one(&self, mut feeder: Box<I>) -> (Hand<I, T>, Locked<'_, I, T>) {
        let (item, end) = match catch(|| feeder.next()) {
            Ok(Some(item)) => (Some(item), None),
            Ok(None) => (None, Some(None)),
            Err(payload) => (None, Some(Some(payload))),
        };
        let mut state = self.return_feeder(feeder, u64::from(item.is_some()), end);
        let hand = item.map(|item| {
            let index = state.pulled - 1;
            state.begin(index, Items::One(Some(item)))
        });
        (hand, state)
    }

    /// Pulls up to `len` items into a lane, where each can be seen at once. Returns how many there were.
    fn fill(&self, mut feeder: Box<I>, mut sender: Sender<I::Item>, len: usize) -> (usize, Locked<'_, I, T>) {
        let filled = catch(|| {
            while sender.pushed() < len && !self.gauge.is_cancelled() {
                let Some(item) = feeder.next() else { return Some(None) };
                if sender.push(item) {
                    self.answer_bell(&sender);
                }
            }
            None
        });
        let end = filled.unwrap_or_else(|payload| Some(Some(payload)));
        let pulled = sender.pushed();
        let mut state = self.return_feeder(feeder, pulled as u64, end);
        state.item_lanes.close(sender);
        (pulled, state)
    }

    /// Puts the input back, or notes that it has ended: `end` is then the panic that ended it, if any.
    pub(crate) fn return_feeder(
        &self,
        feeder: Box<I>,
        pulled: u64,
        end: Option<Option<Payload>>,
    ) -> Locked<'_, I, T> {
        match end {
            None => {
                let hint = catch(|| feeder.size_hint()).unwrap_or((0, None));
                let mut state = self.lock();
                state.pulled += pulled;
                state.hint = hint;
                state.feeder = Some(feeder);
                state
            }
            Some(panic) => {
                drop_quietly(feeder);
                let mut state = self.lock();
                state.pulled += pulled;
                state.finish(panic);
                state.wake();
                state
            }
        }
    }
}
