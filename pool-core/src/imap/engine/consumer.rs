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
//! While the imap around it keeps all threads busy, or where the pool has no other thread, it calls no thread at all: it
//! takes the input [in hand](super::input::InHand), and for each call it pulls an item, runs it, and hands out the result. It
//! begins only when all that was pulled has been delivered, so that nothing is late (P4, P5), and ends as soon as it sees
//! that threads are free, or is called from another thread: then it gives the input back, and goes on as ever.
//!
//! Why two such consumers never wait for each other: a consumer sleeps only while another thread holds an item of its
//! imap, or pulls the head. What that thread waits for in turn are items of imaps that this item created. So waiting
//! goes from an imap to imaps inside it, and cannot come back. (A function that waits in `rayon::join` on a
//! `RayonPool` is outside of this argument: rayon may put foreign work on top of it.)
//!
//! **An input of its own** (`imap_local`) is *offered*: the consumer pulls items into a ring which workers take from as ever.
//! It looks for its head before each pull, since a pull may block; and before a pull that would leave items alone, it calls a
//! worker: a worker that ends its turn asks it to look up. To offer never blocks, and there is room or there is none.

use super::chunk::Hand;
use super::executor_ref::ExecutorRef;
use super::function::Function;
use super::input::{Hint, InHand, InputEnd, Ran, count_down, fill, hint_of, pull};
use super::nesting::{Nesting, Within, outer_is_saturated};
use super::order::{Order, Output};
use super::ring::Sender;
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

/// `J` is the input that the consumer has itself, if there is one, and `I` the one that workers pull from.
pub(crate) struct Consumer<'p, I: Iterator, F, T, J> {
    shared: Arc<Shared<I, F, T>>,
    executor: ExecutorRef<'p>,
    own: Option<J>,
    /// It has given its last item. Like one that was in hand, it is kept until the imap is dropped: its `drop` may wait for
    /// what comes after the caller's loop.
    own_ended: bool,
    ended: Option<Box<I>>,
    settings: Option<Settings>,
    alone: Option<Alone<I>>,
    /// It was started before the first call, so that others go on while the consumer is away: never alone.
    started: bool,
    /// For what its thread works while it runs an item.
    nesting: Option<Nesting>,
}

/// A consumer that has the input in hand, and looks from time to time whether threads are free.
struct Alone<I> {
    in_hand: InHand<I>,
    sampler: ClockSampler,
    looked: sync::Instant,
}

impl<I: Iterator> Alone<I> {
    fn new(input: Box<I>) -> Alone<I> {
        // The first item needs no look: there was one just now.
        let mut sampler = ClockSampler::new(policy::MOST_ALONE);
        sampler.looked(Duration::ZERO);
        Alone { in_hand: InHand::new(input), sampler, looked: sync::Instant::now() }
    }

    fn is_time_to_look(&mut self) -> bool {
        let is_due = self.sampler.is_due();
        if is_due {
            let now = sync::Instant::now();
            self.sampler.looked(now.since(std::mem::replace(&mut self.looked, now)));
        }
        is_due
    }
}

impl<'p, I: Iterator, F, T, J> Consumer<'p, I, F, T, J> {
    pub(crate) fn new(shared: Arc<Shared<I, F, T>>, executor: ExecutorRef<'p>, own: Option<J>) -> Self {
        let nesting = Some(Nesting::new(executor.get(), shared.control()));
        let own_ended = own.is_none();
        Consumer {
            shared,
            executor,
            own,
            own_ended,
            ended: None,
            settings: None,
            alone: None,
            started: false,
            nesting,
        }
    }
}

impl<I, F, T, J> Source<T> for Consumer<'_, I, F, T, J>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    J: Iterator<Item = I::Item>,
{
    fn start(&mut self, settings: &Settings) {
        self.started = settings.started;
        self.settings = Some(settings.clone());
    }

    fn refill(&mut self, order: &mut Order<T>, wait: Wait<'_>) -> Head {
        let works = matches!(wait, Wait::Forever) && is_worker(self.executor.get());
        if self.alone.is_some()
            && let Some(head) = self.go_on_alone(order, works)
        {
            return head;
        }
        let mut call = Call::new(wait, works);
        #[cfg(feature = "stream")]
        if let Wait::Task(waker) = wait {
            let parker = self.shared.control().parker();
            parker.prepare();
            parker.set_task(Some(waker.clone()));
        }
        let head = self.wait(order, &mut call);
        if call.is_poll() && head != Head::Late {
            #[cfg(feature = "stream")]
            self.shared.control().parker().set_task(None);
        }
        head
    }

    fn visit(&mut self, order: &mut Order<T>) {
        let (settings, hint) = self.take_settings();
        let spawns = self.shared.locked(|state| {
            settings.iter().for_each(|settings| state.configure(settings));
            hint.into_iter().for_each(|hint| state.set_hint(hint));
            state.visit(order)
        });
        if spawns {
            self.shared.spawn_job(self.executor.get());
        }
    }

    fn hint(&self) -> (u64, Hint) {
        let (pulled, hint, ended) = self.shared.locked(|state| state.input_figures());
        match (&self.alone, &self.own) {
            (Some(alone), _) => (pulled + alone.in_hand.pulled(), alone.in_hand.hint()),
            (None, Some(own)) if !ended => (pulled, hint_of(own)),
            _ => (pulled, hint),
        }
    }

    fn input_has_panicked(&self) -> bool {
        self.shared.locked(|state| state.input_has_panicked())
    }

    fn stats(&self, order: &Order<T>) -> ImapStats {
        let in_hand = self.alone.as_ref().map_or(0, |alone| alone.in_hand.pulled());
        self.shared.locked(|state| state.stats(order, in_hand))
    }

    fn consumer_gone(&mut self, order: &mut Order<T>) {
        // First of all, so that nothing begins while destructors run.
        self.shared.control().cancel();
        let rings = order.drain();
        if let Some(alone) = self.alone.take() {
            drop_quietly(alone);
        }
        if !self.own_ended {
            drop_quietly(self.own.take());
        }
        self.shared.consumer_gone(rings);
    }
}

impl<I: Iterator, F, T, J> Drop for Consumer<'_, I, F, T, J> {
    fn drop(&mut self) {
        drop_quietly(self.own.take());
        drop_quietly(self.ended.take());
    }
}

impl<I, F, T, J> Consumer<'_, I, F, T, J>
where
    I: Iterator,
    F: Function<I::Item, Output = T>,
    J: Iterator<Item = I::Item>,
{
    /// The settings, if the state has not got them, with the hint of an input of its own.
    fn take_settings(&mut self) -> (Option<Settings>, Option<Hint>) {
        let settings = self.settings.take();
        let hint = settings.as_ref().and(self.own.as_ref()).map(hint_of);
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
            let (answer, spawns) = self.shared.locked(|state| {
                settings.take().iter().for_each(|settings| state.configure(settings));
                hint.take().into_iter().for_each(|hint| state.set_hint(hint));
                state.ask(order, &mut hand, done, call)
            });
            order.sort();
            self.ended = hand.take_ended().or(self.ended.take());
            if spawns {
                self.spawn(&answer);
            }
            done = Done::Nothing;
            match answer {
                Answer::Received => {}
                Answer::Return(head) => return head,
                Answer::GiveUp(index) => {
                    order.give_up_item(index);
                    return Head::ItemLate(index);
                }
                Answer::Do(Step::InHand(input)) => {
                    order.visit_at(u64::MAX);
                    self.alone = Some(Alone::new(input));
                    if let Some(head) = self.go_on_alone(order, true) {
                        return head;
                    }
                }
                Answer::Do(step) => done = self.work(step, order, &mut hand),
                Answer::Offer(len) => self.offer(order, len),
                Answer::Look(limit) => self.look(order, limit),
                Answer::Nap(limit) => self.shared.control().parker().park(Some(limit)),
                Answer::Sleep(limit) => {
                    if let Some(head) = self.sleep(order, call, limit) {
                        return head;
                    }
                }
            }
        }
    }

    /// Spawns a job that has been reserved. A panic of `spawn` goes to the caller only if nothing is lost by it.
    fn spawn(&self, answer: &Answer<I>) {
        let spawned = catch(|| self.shared.spawn_job(self.executor.get()));
        match answer {
            Answer::Do(_) => drop_quietly(spawned),
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

    /// Whether no other thread is free to come.
    fn should_be_alone(&self, call: &Call<'_>) -> bool {
        call.works() && !self.started && outer_is_saturated(self.executor.get(), self.shared.threads())
    }

    /// Brings the next result, if the consumer is still to work alone. `works`: its thread is one that the pool needs.
    fn go_on_alone(&mut self, order: &mut Order<T>, works: bool) -> Option<Head> {
        let alone = self.alone.as_mut()?;
        let should = || outer_is_saturated(self.executor.get(), self.shared.threads());
        let goes_on =
            works && !self.shared.control().is_cancelled() && (!alone.is_time_to_look() || should());
        if !goes_on {
            self.end_alone(None);
            return None;
        }
        let function = self.shared.function();
        let _inside = Inside::enter();
        let mut session = function.begin();
        // The result does not come out of `run`: each time that a large one is moved takes room on the stack.
        let ran = alone.in_hand.run(function, &mut session, |value| {
            order.put(Output::Value(value));
            true
        });
        if let Ran::Panicked(_) = ran {
            function.spoil(&mut session);
        }
        function.end(session);
        match ran {
            Ran::Stopped => {}
            Ran::Panicked(payload) => order.put(Output::Panicked(payload)),
            Ran::Ended(end) => {
                self.end_alone(Some(end));
                return None;
            }
        }
        Some(Head::Ready)
    }

    /// Gives the input back, or notes that it has ended.
    fn end_alone(&mut self, end: Option<InputEnd>) {
        if let Some(alone) = self.alone.take() {
            let back = alone.in_hand.into_back(end);
            let mut hand = Hand::new();
            self.shared.locked(|state| state.give_back_input(&mut hand, back));
            self.ended = hand.take_ended();
        }
    }

    /// Pulls up to `len` items for workers, until the head has been found. To be called without the lock.
    ///
    /// # Panics
    ///
    /// With the panic of the executor's `spawn`, after all else is done.
    fn offer(&mut self, order: &Order<T>, len: usize) {
        let Some(own) = self.own.as_mut().filter(|_| !self.own_ended) else { return };
        let (hint, mut item) = (hint_of(own), None);
        let first = pull(own, &mut item);
        let (mut end, mut spawned, mut pulled) = (first, Ok(()), 0);
        if let Some(item) = item {
            let (mut sender, spawns) = self.shared.locked(|state| {
                let sender = state.begin_offer(len, item);
                (sender, state.try_reserve_worker(false))
            });
            let shared = &self.shared;
            let executor = self.executor.get();
            spawned = catch(|| {
                if spawns {
                    shared.spawn_job(executor)
                }
            });
            if spawned.is_ok() {
                let more = catch(|| offer_more(shared, executor, own, order, &mut sender, len));
                match more {
                    Ok(more) => end = more,
                    Err(payload) => spawned = Err(payload),
                }
            }
            pulled = sender.pushed();
            self.shared.locked(|state| state.end_offer(sender));
        }
        self.own_ended = end.is_some();
        self.shared.locked(|state| match end {
            Some(end) => state.finish_input(end),
            None => state.set_hint(count_down(hint, pulled)),
        });
        spawned.unwrap_or_else(|payload| resume_unwind(payload));
    }
}

/// Pulls on, until there are enough items or the head has been found.
fn offer_more<I, F, T, J>(
    shared: &Arc<Shared<I, F, T>>,
    executor: &dyn crate::Executor,
    own: &mut J,
    order: &Order<T>,
    sender: &mut Sender<I::Item>,
    len: usize,
) -> Option<InputEnd>
where
    I: Iterator,
    J: Iterator<Item = I::Item>,
{
    let control = shared.control();
    let mut looked_up = control.look_up();
    // A worker may have left before this.
    shared.spawn_if_needed(executor);
    while (sender.pushed() as usize) < len && !control.is_cancelled() {
        if order.is_ready() || control.has_news() {
            return None;
        }
        let mut ended = false;
        let end = fill(own, sender, |sender| {
            ended = control.has_called(looked_up)
                || sender.pushed() as usize == len
                || order.is_ready()
                || control.has_news();
            ended
        });
        if end.is_some() {
            return end;
        }
        if control.has_called(looked_up) {
            looked_up = control.look_up();
            shared.spawn_if_needed(executor);
        }
    }
    None
}
