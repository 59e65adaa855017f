//! The consumer's side: take what is ready, or wait.
//!
//! When the cursor's ring is empty, [`refill`](Source::refill) asks under the lock what to do
//! ([`State::next_move`](super::state::State::next_move)), does that without the lock, and asks again, until there is
//! something to return.
//!
//! **On a thread that its pool needs** (P8) there may be no other thread. There the consumer works as well, but only on
//! the head (or an item before it that was given up), and only if no thread has begun with it: it takes that item, or pulls it if nothing has been pulled that
//! was not delivered. It runs no other item, since that could wait until the consumer has the head (P5), and no other
//! job, so stacks stay flat.
//!
//! Why two such consumers never wait for each other: a consumer sleeps only while another thread holds an item of its
//! imap, or pulls the head. What that thread waits for in turn are items of imaps that this item created. So waiting
//! goes from an imap to imaps inside it, and cannot come back. (A function that waits in `rayon::join` on a
//! `RayonPool` is outside of this argument: rayon may put foreign work on top of it.)

use super::chunk::Current;
use super::cursor::Cursor;
use super::function::Function;
use super::held::Held;
use super::inline::Inline;
use super::input::{InputEnd, Returned, hint_of};
use super::local::ConsumerInput;
use super::nesting::{self, Nesting, Within};
use super::shared::Shared;
use super::source::{Head, Settings, Source, Wait};
use super::state::{Call, Done, Move};
use super::stats::ImapStats;
use crate::executor::is_worker;
use crate::job::Inside;
use crate::unwind::{catch, drop_quietly};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) struct Consumer<'p, I: Iterator, F, T, S> {
    shared: Arc<Shared<I, F, T>>,
    executor: Held<'p>,
    /// The input, if it is with the consumer.
    input: S,
    /// The input of the state, while the consumer does everything itself.
    inline: Option<Inline<I, T>>,
    /// It was started before the first call, so that others go on while the consumer is away: never inline.
    started: bool,
    /// For what its thread works while it runs an item.
    nesting: Option<Nesting>,
}

impl<'p, I: Iterator, F, T, S> Consumer<'p, I, F, T, S> {
    pub(crate) fn new(shared: Arc<Shared<I, F, T>>, executor: Held<'p>, input: S) -> Self {
        let nesting = Some(Nesting::new(executor.get(), shared.control()));
        Consumer { shared, executor, input, inline: None, started: false, nesting }
    }
}

impl<I, F, T, S> Source<T> for Consumer<'_, I, F, T, S>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    S: ConsumerInput<I::Item>,
{
    fn start(&mut self, settings: &Settings) {
        self.started = settings.started;
        self.shared.locked(|state| state.configure(settings));
        if S::HERE {
            let hint = self.input.size_hint();
            self.shared.locked(|state| state.set_hint(hint));
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
        let works = (forever || matches!(wait, Wait::Helping(_))) && is_worker(self.executor.get());
        let mut call = Call::new(wait, works);
        let mut current = None;
        #[cfg(feature = "stream")]
        if let Wait::Task(waker) = wait {
            let parker = self.shared.control().parker();
            parker.prepare();
            parker.set_task(Some(waker.clone()));
        }
        loop {
            call.set_inline(forever && works && self.should_be_inline());
            let (next, spawns) = self.shared.locked(|state| state.next_move(cursor, &mut current, &mut call));
            if spawns {
                self.spawn(&next);
            }
            match next {
                Move::Found(head) => {
                    if let Wait::Task(_) = wait {
                        self.shared.control().parker().set_task(None);
                    }
                    return head;
                }
                Move::Return(head) => return head,
                Move::DropGivenUp(payload) => {
                    drop_quietly(payload);
                    cursor.drop_given_up();
                }
                Move::Inline(inline) => {
                    self.inline = Some(inline);
                    if let Some(head) = self.continue_inline(cursor) {
                        return head;
                    }
                }
                Move::Pull(len) => self.shared.pull_here(self.executor.get(), &mut self.input, cursor, len),
                Move::Work => self.run(&mut current, cursor),
                Move::PullHead(input) => self.pull_head(input, &mut current, cursor),
                Move::Look => std::thread::yield_now(),
                Move::Spawn => {}
                Move::Sleep(limit) => {
                    let began = Instant::now();
                    self.shared.control().parker().park(limit);
                    call.has_slept(began.elapsed());
                }
            }
        }
    }

    fn wake_feeder(&mut self) {
        if self.shared.locked(|state| state.wake_feeder()) {
            self.shared.spawn_job(self.executor.get());
        }
    }

    fn hint(&self) -> (u64, (usize, Option<usize>)) {
        let (pulled, hint, ended) = self.shared.locked(|state| state.input_figures());
        if let Some(inline) = &self.inline {
            return (pulled + inline.pulled(), hint_of(inline.input()));
        }
        if S::HERE && !ended {
            return (pulled, self.input.size_hint());
        }
        (pulled, hint)
    }

    fn input_has_panicked(&self) -> bool {
        self.shared.locked(|state| state.input_has_panicked())
    }

    fn stats(&self, cursor: &Cursor<T>) -> ImapStats {
        let inline = self.inline.as_ref().map_or(0, Inline::pulled);
        self.shared.locked(|state| state.stats(cursor, inline))
    }

    fn consumer_gone(&mut self, cursor: &mut Cursor<T>) {
        // First of all, so that nothing begins while destructors run.
        self.shared.control().cancel();
        let mut rings = cursor.take_rings();
        rings.iter_mut().for_each(|ring| ring.drop_values());
        drop_quietly(self.inline.take());
        self.input.close();
        self.shared.consumer_gone(rings);
    }
}

impl<I, F, T, S> Consumer<'_, I, F, T, S>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
{
    /// Spawns a job that has been reserved. A panic of `spawn` goes to the caller only if nothing is lost by it.
    fn spawn(&self, next: &Move<I, T>) {
        let spawned = catch(|| self.shared.spawn_job(self.executor.get()));
        match next {
            Move::Work => drop_quietly(spawned),
            Move::Found(head) if !matches!(head, Head::Ready) => drop_quietly(spawned),
            _ => spawned.unwrap_or_else(|payload| std::panic::resume_unwind(payload)),
        }
    }

    /// Runs one item, like a worker.
    fn run(&mut self, current: &mut Current<I::Item, T>, cursor: &mut Cursor<T>) {
        if let Some(chunk) = current {
            let _within = Within::enter(&mut self.nesting);
            // What the function waits for in a pool must not need this thread's own imap to move on.
            let _inside = Inside::enter();
            self.shared.work(chunk);
        }
        cursor.count_run();
        self.shared.locked(|state| {
            state.take_over(current, Done::Worked { items: 0, time: Duration::ZERO });
        });
    }

    /// Pulls the head, and runs it.
    fn pull_head(&mut self, input: Box<I>, current: &mut Current<I::Item, T>, cursor: &mut Cursor<T>) {
        let (item, returned) = self.shared.pull_one(input);
        self.shared.locked(|state| state.take_over(current, Done::PulledOne { item, returned }));
        if current.is_some() {
            // There may be work for others, too.
            drop_quietly(catch(|| self.shared.spawn_if_needed(self.executor.get())));
            self.run(current, cursor);
        }
    }

    /// Whether no other thread is free to come.
    fn should_be_inline(&self) -> bool {
        !self.started && nesting::is_inline_better(self.executor.get(), self.shared.threads())
    }

    /// Brings the next result, if the consumer works inline and still should.
    fn continue_inline(&mut self, cursor: &mut Cursor<T>) -> Option<Head> {
        let is_time = self.inline.as_mut()?.is_time_to_look();
        if self.shared.control().is_cancelled() || (is_time && !self.should_be_inline()) {
            self.end_inline(None);
            return None;
        }
        let head = self.inline.as_mut()?.advance(self.shared.function());
        match head {
            Ok(head) => {
                cursor.count_run();
                Some(head)
            }
            Err(end) => {
                self.end_inline(Some(end));
                None
            }
        }
    }

    /// Gives the input back, or notes that it has ended.
    fn end_inline(&mut self, end: Option<InputEnd>) {
        if let Some(inline) = self.inline.take() {
            let (input, pulled, results) = inline.into_parts();
            let returned = Returned::new(input, end);
            self.shared.locked(|state| state.end_inline(returned, pulled, results));
        }
    }
}
