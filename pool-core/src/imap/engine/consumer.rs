//! The consumer's side: take what is ready, or wait.
//!
//! When the cursor's ring is empty, [`refill`](Source::refill) looks under the lock where the head is: in another ring,
//! or it panicked, or the imap has ended, and that is the answer. Else the consumer waits, in three steps:
//!
//! 1. It **looks** for a moment, and offers its core: only in a young imap, which may have ended by then.
//! 2. It **naps**: it sleeps for a set time, at most a millisecond, and has asked for no wake-up. That costs the
//!    workers nothing, and there will be many results to take at once. Only while items are short and the input is
//!    quick, and twice in a row at most.
//! 3. It **registers** and sleeps: under the lock it makes the parker remember notifications, sets the flag of the ring
//!    that it waits for, looks once more, and sleeps. If no worker has the head yet, the one that opens a ring for it
//!    under the lock sees `asleep` and sets the flag. A worker that finds its flag set notifies the parker.
//!
//! Before it sleeps it reserves a worker if there is work for one: once the consumer is parked and no worker runs, no
//! thread is left to do it. Calls with a limit and polls of a stream register at once.
//!
//! **On a thread that its pool needs** (P8) there may be no other thread. There the consumer works as well, but only on
//! the head, and only if no thread has begun with it: it takes that item, or pulls it if nothing has been pulled that
//! was not delivered. It runs no other item, since that could wait until the consumer has the head (P5), and no other
//! job, so stacks stay flat.
//!
//! Why two such consumers never wait for each other: a consumer sleeps only while another thread holds an item of its
//! imap, or pulls the head. What that thread waits for in turn are items of imaps that this item created. So waiting
//! goes from an imap to imaps inside it, and cannot come back. (A function that waits in `rayon::join` on a
//! `RayonPool` is outside of this argument: rayon may put foreign work on top of it.)
//!
//! **Unordered**, any result is as good as the head: the cursor takes whichever ring has one, and a sleeping consumer
//! sets the flags of all.

use super::cursor::{Cursor, Head, Settings, Source, Wait};
use super::function::Function;
use super::head::HeadState;
use super::held::Held;
use super::inline::Inline;
use super::local::Supply;
use super::nesting::{Outer, Within};
use super::shared::{Locked, Shared};
use super::state::{Asleep, Chunk, Output, State};
use super::stats::ImapStats;
use crate::executor::is_worker;
use crate::imap::policy;
use crate::job::Inside;
use crate::sync::atomic::Ordering;
use crate::sync::fence;
use crate::unwind::{catch, drop_quietly};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) struct Consumer<'p, I: Iterator, F, T, S> {
    pub(super) shared: Arc<Shared<I, F, T>>,
    pub(super) executor: Held<'p>,
    /// The input, if it is with the consumer.
    supply: S,
    /// The input of the state, while the consumer does everything itself.
    pub(super) inline: Option<Inline<I, T>>,
    /// It was started before the first call, so that others go on while the consumer is away: never inline.
    pub(super) started: bool,
    /// For what its thread works while it runs an item.
    outer: Option<Outer>,
    /// Which result it waited for when it last napped, until it waits again.
    napped_at: Option<u64>,
}

/// What a call has waited for so far.
#[derive(Default)]
struct Waited {
    since: Option<Instant>,
    naps: u32,
    /// It has pulled, so that a call whose limit has passed may return.
    has_pulled: bool,
}

impl Waited {
    /// How long it is since the first call of this.
    fn time(&mut self) -> Duration {
        self.since.get_or_insert_with(Instant::now).elapsed()
    }

    /// How much time is left until the limit, if there is one.
    fn left(&mut self, wait: Wait<'_>) -> Option<Duration> {
        match wait {
            Wait::AtMost(limit) | Wait::Helping(limit) => Some(limit.saturating_sub(self.time())),
            _ => None,
        }
    }
}

impl<'p, I: Iterator, F, T, S> Consumer<'p, I, F, T, S> {
    pub(crate) fn new(shared: Arc<Shared<I, F, T>>, executor: Held<'p>, supply: S) -> Self {
        let outer = Some(Outer::new(executor.get(), &shared.control));
        Consumer { shared, executor, supply, inline: None, started: false, outer, napped_at: None }
    }
}

impl<I, F, T, S> Source<T> for Consumer<'_, I, F, T, S>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    S: Supply<I::Item>,
{
    fn start(&mut self, settings: &Settings) {
        self.started = settings.started;
        self.shared.configure(settings);
        if S::HERE {
            let hint = self.supply.size_hint();
            self.shared.lock().input.set_hint(hint);
        }
    }

    fn refill(&mut self, cursor: &mut Cursor<T>, wait: Wait<'_>) -> Head {
        let forever = matches!(wait, Wait::Forever);
        if !forever {
            self.end_inline(None);
        }
        if let Some(head) = self.continue_inline(cursor) {
            return head;
        }
        cursor.drop_given_up();
        let shared = self.shared.clone();
        let works = (forever || matches!(wait, Wait::Helping(_))) && is_worker(self.executor.get());
        let mut waited = Waited::default();
        #[cfg(feature = "stream")]
        if let Wait::Task(waker) = wait {
            shared.control.parker.prepare();
            shared.control.parker.set_task(Some(waker.clone()));
        }
        let mut state = shared.lock();
        (state.asleep, state.sleeper_works) = (Asleep::No, false);
        state.strict |= matches!(wait, Wait::AtMost(_));
        loop {
            let untaken = match state.locate_head(cursor) {
                HeadState::Found(head) => return self.found(state, head, wait),
                HeadState::GivenUp(payload) => {
                    drop(state);
                    drop_quietly(payload);
                    cursor.drop_given_up();
                    state = shared.lock();
                    continue;
                }
                HeadState::Taken => false,
                HeadState::Untaken => true,
            };
            if shared.control.is_cancelled() {
                return Head::Cancelled;
            }
            if state.workers.is_lost() {
                return Head::Terminated;
            }
            if forever && works && untaken && self.should_be_inline() {
                self.inline = state.begin_inline(cursor);
                if self.inline.is_some() {
                    drop(state);
                    return self.refill(cursor, wait);
                }
            }
            let in_time = S::HERE && (!waited.has_pulled || waited.left(wait) != Some(Duration::ZERO));
            if in_time && self.can_pull(&state) {
                waited.has_pulled = true;
                let room = usize::try_from(state.window(&shared.control).room()).unwrap_or(usize::MAX);
                let len = if works { 1 } else { state.batch_len().min(room) };
                drop(state);
                shared.pull_here(self.executor.get(), &mut self.supply, cursor, len);
                state = shared.lock();
                continue;
            }
            if works && untaken {
                let worked;
                (worked, state) = self.work_on_head(&shared, state, cursor);
                if worked {
                    continue;
                }
            }
            state = match self.wait(&shared, state, cursor, wait, &mut waited, works) {
                Some(state) => state,
                None => return Head::Late,
            };
        }
    }

    fn wake_feeder(&mut self) {
        self.shared.wake_feeder(self.executor.get());
    }

    fn hint(&self) -> (u64, (usize, Option<usize>)) {
        let state = self.shared.lock();
        let (pulled, hint) = (state.input.pulled(), state.input.hint());
        let ended = state.input.end().is_some();
        drop(state);
        if let Some(inline) = &self.inline {
            return (pulled + inline.pulled, super::input::hint_of(&*inline.input));
        }
        if S::HERE && !ended {
            return (pulled, self.supply.size_hint());
        }
        (pulled, hint)
    }

    fn input_has_panicked(&self) -> bool {
        self.shared.lock().input.has_panicked()
    }

    fn stats(&self, cursor: &Cursor<T>) -> ImapStats {
        let mut state = self.shared.lock();
        let ready = |output: &Output<T>| match output {
            Output::Ring(ring) => ring.len() as u64,
            Output::Panicked(_) => 1,
        };
        let blocked = state.reorder.values().map(ready).sum::<u64>()
            + cursor.ring.as_ref().map_or(0, |ring| ring.len() as u64);
        let filling = state.filling.as_ref().map_or((0, 0), |lot| (lot.first, lot.items.len() as u64));
        let waiting = state.waiting.iter().map(|lot| lot.items.len() as u64).sum::<u64>() + filling.1;
        // A feeder counts when it comes back. What can be seen of its items was pulled.
        let inline = self.inline.as_ref().map_or(0, |inline| inline.pulled);
        let seen = cursor.head - cursor.skipped + waiting + blocked;
        let pulled = (state.input.pulled() + inline).max(filling.0 + filling.1).max(seen);
        let pulled = pulled.max(state.counts.pulled).max(self.shared.control.pulled.load(Ordering::Relaxed));
        state.counts.pulled = pulled;
        ImapStats {
            pulled,
            waiting,
            running: pulled.saturating_sub(cursor.head + waiting + blocked),
            blocked,
            delivered: cursor.head,
            chunk: state.chunk_len(),
            helped: cursor.ran,
            waited: state.counts.waited,
            head_blocked: state.counts.head_blocked,
        }
    }

    fn desert(&mut self, cursor: &mut Cursor<T>) {
        // First of all, so that nothing begins while destructors run.
        self.shared.control.cancel();
        let mut rings = cursor.take_rings();
        rings.iter_mut().for_each(|ring| ring.drop_values());
        if let Some(inline) = self.inline.take() {
            drop_quietly(inline.input);
        }
        self.supply.close();
        self.shared.desert(rings);
    }
}

impl<I, F, T, S> Consumer<'_, I, F, T, S>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    S: Supply<I::Item>,
{
    /// Leaves the lock with the head. The panic of a `spawn` goes to the caller only if nothing is lost by it.
    fn found(&self, state: Locked<'_, I, T>, head: Head, wait: Wait<'_>) -> Head {
        match head {
            Head::Ready => self.shared.unlock_and_spawn(state, self.executor.get()),
            _ => drop_quietly(catch(|| self.shared.unlock_and_spawn(state, self.executor.get()))),
        }
        if let Wait::Task(_) = wait {
            self.shared.control.parker.set_task(None);
        }
        head
    }

    /// Whether a consumer that has the input can pull.
    fn can_pull(&self, state: &State<I, T>) -> bool {
        S::HERE && state.input.end().is_none() && state.window(&self.shared.control).room() > 0
    }

    /// Takes the head, or pulls it, and works on it. Returns whether anything has changed.
    fn work_on_head<'a>(
        &mut self,
        shared: &'a Arc<Shared<I, F, T>>,
        mut state: Locked<'a, I, T>,
        cursor: &mut Cursor<T>,
    ) -> (bool, Locked<'a, I, T>) {
        if let Some(chunk) = state.take(1) {
            drop(state);
            self.run(shared, chunk, cursor);
            return (true, shared.lock());
        }
        if let Some(source) = state.input.take() {
            drop(state);
            let (chunk, state) = shared.pull_one(source);
            let Some(chunk) = chunk else { return (true, state) };
            drop(state);
            self.run(shared, chunk, cursor);
            return (true, shared.lock());
        }
        (false, state)
    }

    /// Runs one item, like a worker.
    fn run(&mut self, shared: &Arc<Shared<I, F, T>>, chunk: Chunk<I::Item, T>, cursor: &mut Cursor<T>) {
        // There may be work for others, too.
        drop_quietly(catch(|| shared.unlock_and_spawn(shared.lock(), self.executor.get())));
        let chunk = {
            let _within = Within::enter(&mut self.outer);
            // What the function waits for in a pool must not need this thread's own imap to move on.
            let _inside = Inside::enter();
            shared.work(chunk)
        };
        cursor.ran += 1;
        let _ = shared.lock().put_back(chunk);
    }

    /// Waits until something may have changed. `None` if the call is to return: its limit has passed, or it is a poll,
    /// whose task will be woken.
    fn wait<'a>(
        &mut self,
        shared: &'a Arc<Shared<I, F, T>>,
        mut state: Locked<'a, I, T>,
        cursor: &Cursor<T>,
        wait: Wait<'_>,
        waited: &mut Waited,
        works: bool,
    ) -> Option<Locked<'a, I, T>> {
        let control = &*shared.control;
        if let Some(before) = self.napped_at.take() {
            state.policy.napped(cursor.head - before);
        }
        if let Wait::Forever = wait {
            if state.policy.consumer_looks(waited.time(), cursor.head) {
                shared.unlock_and_spawn(state, self.executor.get());
                std::thread::yield_now();
                return Some(shared.lock());
            }
            if waited.naps < policy::MOST_NAPS
                && let Some(nap) = state.policy.nap()
            {
                waited.naps += 1;
                control.parker.prepare();
                if control.is_cancelled() {
                    return Some(state);
                }
                self.napped_at = Some(cursor.head);
                (state.asleep, state.sleeper_works) = (Asleep::Nap, works);
                return Some(self.sleep(shared, state, Some(nap.min(policy::LONGEST_NAP))));
            }
        }
        let left = waited.left(wait);
        if left == Some(Duration::ZERO) {
            // There may be room for fewer items than the feeder waits for.
            control.forget_stall();
            shared.unlock_and_spawn(state, self.executor.get());
            return None;
        }
        let is_task = matches!(wait, Wait::Task(_));
        if !is_task {
            control.parker.prepare();
        }
        let (ready, sure) = state.register(cursor);
        if ready || control.is_cancelled() {
            return Some(state);
        }
        control.forget_stall();
        (state.asleep, state.sleeper_works) = (Asleep::At(cursor.head), works);
        if shared.try_reserve_worker(&mut state) {
            (state.asleep, state.sleeper_works) = (Asleep::No, false);
            drop(state);
            shared.spawn_job(self.executor.get());
            return Some(shared.lock());
        }
        if is_task {
            drop(state);
            if !sure {
                control.parker.notify();
            }
            return None;
        }
        let left = if sure {
            left
        } else {
            Some(left.map_or(policy::LONGEST_NAP, |left| left.min(policy::LONGEST_NAP)))
        };
        Some(self.sleep(shared, state, left))
    }

    /// Leaves the lock and sleeps.
    fn sleep<'a>(
        &self,
        shared: &'a Arc<Shared<I, F, T>>,
        state: Locked<'a, I, T>,
        limit: Option<Duration>,
    ) -> Locked<'a, I, T> {
        shared.unlock_and_spawn(state, self.executor.get());
        let began = Instant::now();
        shared.control.parker.park(limit);
        let mut state = shared.lock();
        (state.asleep, state.sleeper_works) = (Asleep::No, false);
        state.slept(began.elapsed());
        state
    }
}

impl<I: Iterator, T> State<I, T> {
    /// Sets the flag of each ring that the head may come from, and looks once more. Returns whether the head is there,
    /// and whether a push that is not seen here will see the flag.
    fn register(&self, cursor: &Cursor<T>) -> (bool, bool) {
        let late = cursor.late.as_ref().map(|(ring, _)| ring);
        let own = cursor.ring.as_ref().or(late);
        let others = self.reorder.values().filter_map(|output| match output {
            Output::Ring(ring) if self.unordered => Some(ring),
            _ => None,
        });
        let rings = || own.into_iter().chain(others.clone());
        rings().for_each(|ring| ring.set_waiting());
        // One barrier serves all.
        let sure = fence::heavy(rings().all(|ring| ring.is_fenced()));
        let panicked =
            self.unordered && self.reorder.values().any(|output| matches!(output, Output::Panicked(_)));
        (panicked || rings().any(|ring| !ring.is_empty()), sure)
    }

    fn slept(&mut self, time: Duration) {
        self.counts.waited += time;
        // The first is the head, which has just come.
        if self.reorder.values().skip(1).any(Output::is_ready) {
            self.counts.head_blocked += time;
        }
    }
}
