//! The consumer's side: take what is ready, or wait.
//!
//! When the next result is not in its order, [`refill`](Source::refill) asks under the lock what to do
//! ([`State::ask`](super::state::State::ask)), does that without the lock, and asks again, until there is
//! something to return.
//!
//! **On a thread that its pool needs** (P8, P17) the consumer is a worker: it runs items of its own imap that no thread has
//! begun, in chunks, and looks for its head between two of them, at least after [`LONGEST_WORK`](policy::LONGEST_WORK). It
//! runs no other job, so stacks stay flat, and no foreign item runs on top of what the caller holds. So its head
//! may wait for an item that it has begun, and there an item must not wait for the consumer to have an earlier result.
//!
//! While the imap around it keeps all threads busy it works [alone](super::alone).
//!
//! Why two such consumers never wait for each other: a consumer sleeps only while another thread holds an item of its
//! imap, or pulls the head. What that thread waits for in turn are items of imaps that this item created. So waiting
//! goes from an imap to imaps inside it, and cannot come back. (A function that waits in `rayon::join` on a
//! `RayonPool` is outside of this argument: rayon may put foreign work on top of it.)

use super::alone::Alone;
use super::chunk::Hand;
use super::executor_ref::ExecutorRef;
use super::fail_fast::FailFast;
use super::function::Function;
use super::input::Hint;
use super::local::Own;
use super::nesting::{Nesting, Within, is_in};
use super::order::Order;
use super::shared::Shared;
use super::source::{Head, Settings, Source, Wait};
use super::state::{Answer, Call, Done, Step};
use super::stats::ImapStats;
use crate::executor::is_worker;
use crate::imap::policy::{self, ClockSampler};
use crate::job::Inside;
use crate::sync;
use crate::unwind::{catch, drop_quietly};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// `O` is the input that the consumer has itself, if there is one, and `I` the one that workers pull from.
pub(crate) struct Consumer<'p, I: Iterator, F: Function<I::Item>, T, O> {
    shared: Arc<Shared<I, F, T>>,
    executor: ExecutorRef<'p>,
    own: O,
    alone: Alone<I, F>,
    /// What the state has not been told.
    settings: Option<Settings>,
    /// It was started before the first call, so that others go on while the consumer is away: never alone.
    started: bool,
    /// The imap that nested calls on this thread see as the outer one.
    nesting: Option<Nesting>,
}

impl<'p, I: Iterator, F: Function<I::Item>, T, O> Consumer<'p, I, F, T, O> {
    /// `for_good`: the executor has no threads.
    pub(crate) fn new(
        shared: Arc<Shared<I, F, T>>,
        executor: ExecutorRef<'p>,
        own: O,
        for_good: bool,
    ) -> Self {
        let alone = Alone::new(for_good);
        let nesting = Some(Nesting::new(executor.get(), shared.control()));
        Consumer { shared, executor, own, alone, settings: None, started: false, nesting }
    }
}

impl<I, F, T, O> Source<T> for Consumer<'_, I, F, T, O>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    O: Own<I::Item>,
{
    fn start(&mut self, settings: &Settings, fail_fast: FailFast<T>) {
        let mut settings = settings.clone();
        // Without threads there is one item at a time, and none is counted.
        settings.budget.take_if(|_| self.alone.is_for_good());
        self.shared.set_asked(fail_fast, settings.budget.clone());
        self.started = settings.started;
        self.settings = Some(settings);
    }

    fn refill(&mut self, order: &mut Order<T>, wait: Wait<'_>) -> Head {
        self.shared.control().unwanted().note_caller(is_in);
        let works =
            self.alone.is_for_good() || (matches!(wait, Wait::Forever) && is_worker(self.executor.get()));
        let mut call = Call::new(wait, works);
        // Before all else: who cancels after the last look for that must find the task.
        #[cfg(feature = "stream")]
        if let Wait::Task(waker) = wait {
            let parker = self.shared.control().parker();
            parker.prepare();
            parker.set_task(Some(waker.clone()));
        }
        let how = (works, &mut self.nesting);
        let head = match self.alone.go_on(self.executor.get(), &self.shared, order, how) {
            Some(head) => head,
            None => self.wait(order, &mut call),
        };
        if call.is_poll() && head != Head::Late {
            self.shared.control().parker().set_task(None);
        }
        head
    }

    fn visit(&mut self, order: &mut Order<T>) {
        if self.alone.is_for_good() {
            return;
        }
        let (settings, hint) = self.take_settings();
        let spawns = self.shared.locked(|state| {
            settings.iter().for_each(|settings| state.configure(settings));
            hint.into_iter().for_each(|hint| state.set_hint(hint));
            state.visit(order)
        });
        if spawns {
            self.shared.spawn_job(self.executor.get());
        }
        self.offer_ahead();
    }

    fn hint(&self) -> (u64, Hint) {
        let (pulled, hint) = self.shared.locked(|state| state.input_figures());
        match self.alone.figures() {
            Some((more, hint)) => (pulled + more, hint),
            None => (pulled, self.own.hint().unwrap_or(hint)),
        }
    }

    fn input_has_panicked(&self) -> bool {
        self.shared.locked(|state| state.input_has_panicked())
    }

    fn stats(&self, order: &Order<T>) -> ImapStats {
        let in_hand = self.alone.figures().map_or(0, |figures| figures.0);
        self.shared.locked(|state| state.stats(order, in_hand))
    }

    fn consumer_gone(&mut self, order: &mut Order<T>) {
        // First of all, so that nothing begins while destructors run.
        self.shared.control().cancel();
        let rings = order.drain();
        self.alone.close(self.shared.function());
        self.own.close();
        self.shared.consumer_gone(rings);
    }
}

impl<I, F, T, O> Consumer<'_, I, F, T, O>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    O: Own<I::Item>,
{
    /// The settings, if the state has not got them, with the hint of an input of its own.
    fn take_settings(&mut self) -> (Option<Settings>, Option<Hint>) {
        let settings = self.settings.take();
        let hint = settings.as_ref().and_then(|_| self.own.hint());
        (settings, hint)
    }

    /// Works and waits until there is something to return.
    fn wait(&mut self, order: &mut Order<T>, call: &mut Call<'_>) -> Head {
        let (mut settings, mut hint) = self.take_settings();
        let (mut hand, mut done) = (Hand::new(), Done::Nothing);
        loop {
            if matches!(done, Done::Nothing) && order.find() {
                return Head::Ready;
            }
            call.set_alone(self.should_be_alone(call));
            let (answer, spawns, ended) = self.shared.locked(|state| {
                settings.take().iter().for_each(|settings| state.configure(settings));
                hint.take().into_iter().for_each(|hint| state.set_hint(hint));
                let (answer, spawns) = state.ask(order, &mut hand, done, call);
                (answer, spawns, if call.works() { state.take_ended() } else { None })
            });
            order.sort();
            self.alone.keep(ended);
            if spawns {
                self.spawn(&answer);
            }
            done = Done::Nothing;
            let head = match answer {
                Answer::Do(step) => {
                    done = self.work(step, order, &mut hand);
                    None
                }
                other => self.answer(other, order, call),
            };
            if let Some(head) = head {
                return head;
            }
        }
    }

    /// Does what is no work. Gives what is to be returned.
    fn answer(&mut self, answer: Answer<I>, order: &mut Order<T>, call: &mut Call<'_>) -> Option<Head> {
        match answer {
            Answer::Return(head) => return Some(head),
            Answer::GiveUp(index) => {
                let control = self.shared.control();
                let is_unordered = order.is_unordered();
                let gave_up = if is_unordered { control.give_up(index) } else { control.give_up_head(index) };
                if !gave_up {
                    return None;
                }
                order.give_up_item(index);
                self.shared.fail_fast().note_late(index, self.shared.control());
                return Some(Head::ItemLate(index));
            }
            Answer::TakeInput(input) => {
                order.visit_at(u64::MAX);
                self.alone.begin(input, order.head(), &self.shared);
                return self.alone.go_on(self.executor.get(), &self.shared, order, (true, &mut self.nesting));
            }
            Answer::Offer(len) => {
                let control = self.shared.control();
                let has_found = || control.has_news() || order.is_ready();
                let how = (len, call.works());
                if !self.own.offer(&self.shared, self.executor.get(), has_found, how) {
                    call.input_is_dry();
                }
            }
            Answer::Look(limit) => self.look(order, limit),
            Answer::Nap(limit) => self.shared.control().parker().park(Some(limit)),
            Answer::Sleep(limit) => return self.sleep(order, call, limit),
            Answer::Received | Answer::Do(_) => {}
        }
        None
    }

    /// Pulls what there is room for, from an input that never blocks.
    fn offer_ahead(&mut self) {
        while self.own.is_polled() && !self.shared.control().is_cancelled() {
            let len = self.shared.locked(|state| state.offer_len());
            if len == 0 || !self.own.offer(&self.shared, self.executor.get(), || false, (len, false)) {
                return;
            }
        }
    }

    /// Whether no other thread is free to come.
    fn should_be_alone(&self, call: &Call<'_>) -> bool {
        self.alone.is_for_good()
            || (call.works()
                && !self.started
                && self.shared.budget().is_none()
                && self.alone.is_better(self.executor.get(), self.shared.threads()))
    }

    /// Spawns a job that has been reserved. A panic of `spawn` goes to the caller only if nothing is lost by it.
    fn spawn(&self, answer: &Answer<I>) {
        let spawned = catch(|| self.shared.spawn_job(self.executor.get()));
        match answer {
            Answer::Do(_) | Answer::TakeInput(_) => drop_quietly(spawned),
            _ => spawned.unwrap_or_else(|payload| resume_unwind(payload)),
        }
    }

    /// Does a step, like a worker.
    fn work(&mut self, step: Step<I>, order: &Order<T>, hand: &mut Hand<I, T>) -> Done<I> {
        let shared = &self.shared;
        match step {
            Step::PullOne(input) => shared.pull_one(input, hand),
            Step::Work => {
                let _within = Within::enter(&mut self.nesting);
                // What the function waits for in a pool must not need this thread's own imap to move on.
                let _inside = Inside::enter();
                let began = sync::Instant::now();
                let (mut sampler, mut last) = (ClockSampler::new(policy::MOST_WATCHED), began);
                let items = shared.work(hand, || {
                    if !sampler.is_due() {
                        return false;
                    }
                    let now = sync::Instant::now();
                    sampler.looked(now.since(std::mem::replace(&mut last, now)));
                    let long = now.since(began) >= policy::LONGEST_WORK;
                    long && (shared.control().has_news() || order.is_ready())
                });
                Done::Worked { items, time: sync::Instant::now().since(began) }
            }
            _ => Done::Nothing,
        }
    }

    /// Looks for a moment whether there is something, and offers its core.
    fn look(&self, order: &Order<T>, limit: Duration) {
        let began = Instant::now();
        while !order.is_ready() && !self.shared.control().has_news() && began.elapsed() < limit {
            std::thread::yield_now();
        }
    }

    /// Sleeps, having registered. A poll returns instead.
    fn sleep(&self, order: &Order<T>, call: &Call<'_>, limit: Option<Duration>) -> Option<Head> {
        let sure = order.settle();
        let parker = self.shared.control().parker();
        if order.is_ready() {
            return None;
        }
        if call.is_poll() {
            if !sure {
                parker.notify();
            }
            return Some(Head::Late);
        }
        parker.park(limit.into_iter().chain((!sure).then_some(policy::LONGEST_NAP)).min());
        None
    }
}
