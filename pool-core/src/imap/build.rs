//! How an imap comes to be, for each kind of function and input.

use super::engine::ExecutorRef;
use super::engine::{Consumer, Control, Function, NoOwn, OwnInput, Plain, Shared, WithState};
use super::input::Input;
use super::input::sealed::Share;
use super::iter::Imap;
use super::place::{Inner, Local, Place, Pooled};
use super::results::Results;
use crate::Executor;
use crate::executor::is_sequential;
use crate::job::{Job, Task};
use crate::lease::Lease;
use std::iter::Empty;
use std::sync::Arc;

impl<'p, T: Send + 'static, P: Place> Imap<'p, T, P> {
    pub(crate) fn new<I, F>(executor: ExecutorRef<'p>, input: I, f: F) -> Imap<'p, T, P>
    where
        I: Input<'static, Place = P> + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
    {
        input.imap(executor, Plain(f), own)
    }

    pub(crate) fn with_state<I, N, S, F>(executor: ExecutorRef<'p>, input: I, init: N, f: F) -> Imap<'p, T, P>
    where
        I: Input<'static, Place = P> + 'p,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'static,
    {
        input.imap(executor, WithState::new(init, f), own)
    }
}

impl<'p, T: Send + 'p, P: Place> Imap<'p, T, P> {
    /// One that borrows. `lease` makes what its jobs go through.
    pub(crate) fn scoped<I, F>(
        executor: ExecutorRef<'p>,
        input: I,
        f: F,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Imap<'p, T, P>
    where
        I: Input<'p, Place = P> + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'p,
    {
        input
            .imap(executor, Plain(f), |input, f, executor: &dyn Executor| in_lease(input, f, executor, lease))
    }

    /// One that borrows, and has a state.
    pub(crate) fn scoped_with_state<I, N, S, F>(
        executor: ExecutorRef<'p>,
        input: I,
        init: N,
        f: F,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Imap<'p, T, P>
    where
        I: Input<'p, Place = P> + 'p,
        N: Fn() -> S + Send + Sync + 'p,
        S: Send + 'p,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'p,
    {
        let function = WithState::new(init, f);
        input
            .imap(executor, function, |input, f, executor: &dyn Executor| in_lease(input, f, executor, lease))
    }
}

impl<'p, T: Send + 'p> Imap<'p, T> {
    /// `share` makes what its jobs share.
    pub(super) fn pooled<I, F>(
        executor: ExecutorRef<'p>,
        input: I,
        function: F,
        share: impl Share<I, F, T>,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
    {
        let has_no_threads = is_sequential(executor.get());
        let shared = share(Some(input), function, executor.get());
        Imap::pulled(shared, executor, has_no_threads)
    }

    /// Threads of the pool pull, or the consumer, where there are none.
    fn pulled<I, F>(
        shared: Arc<Shared<I, F, T>>,
        executor: ExecutorRef<'p>,
        has_no_threads: bool,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
    {
        let control = shared.control().clone();
        let consumer = Consumer::new(shared, executor, NoOwn, has_no_threads);
        Imap::<'p, T, Pooled>::over(control, Box::new(consumer))
    }

    /// Over an input that the consumer polls, and which never blocks. It is `Send`, and so is the imap. `share` makes what
    /// its jobs share.
    pub(super) fn polled<J, F>(
        executor: ExecutorRef<'p>,
        input: J,
        function: F,
        share: impl Share<Empty<J::Item>, F, T>,
    ) -> Imap<'p, T>
    where
        J: Iterator + Send + 'p,
        J::Item: Send + 'p,
        F: Function<J::Item, Output = T> + Send + Sync + 'p,
    {
        if is_sequential(executor.get()) {
            return Imap::pulled(without_jobs(input, function, executor.get()), executor, true);
        }
        let shared = share(None, function, executor.get());
        let control = shared.control().clone();
        let consumer = Consumer::new(shared, executor, OwnInput::polled(input), false);
        Imap::<'p, T, Pooled>::over(control, Box::new(consumer))
    }
}

impl<'p, T: Send + 'p> Imap<'p, T, Local> {
    /// `share` makes what its jobs share.
    pub(super) fn local<J, F>(
        executor: ExecutorRef<'p>,
        input: J,
        function: F,
        share: impl Share<Empty<J::Item>, F, T>,
    ) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'p,
        F: Function<J::Item, Output = T> + Send + Sync + 'p,
    {
        if is_sequential(executor.get()) {
            let shared = without_jobs(input, function, executor.get());
            let control = shared.control().clone();
            let consumer = Consumer::new(shared, executor, NoOwn, true);
            return Imap::<'p, T, Local>::over(control, Box::new(consumer));
        }
        let shared = share(None, function, executor.get());
        let control = shared.control().clone();
        let consumer = Consumer::new(shared, executor, OwnInput::new(input), false);
        Imap::<'p, T, Local>::over(control, Box::new(consumer))
    }
}

/// What an imap has of an executor without threads. It needs no jobs, so the input is like any other.
fn without_jobs<I: Iterator, F, T>(input: I, function: F, executor: &dyn Executor) -> Arc<Shared<I, F, T>> {
    let no_job = |_: &Arc<_>| unreachable!("an executor without threads gets no job");
    Arc::new(Shared::new(Some(input), function, executor, no_job))
}

/// What the jobs of an imap share that borrows nothing.
pub(super) fn own<I, F, T>(input: Option<I>, function: F, executor: &dyn Executor) -> Arc<Shared<I, F, T>>
where
    I: Iterator + Send + 'static,
    I::Item: Send + 'static,
    F: Function<I::Item, Output = T> + Send + Sync + 'static,
    T: Send + 'static,
{
    Arc::new(Shared::new(input, function, executor, |shared| Job::from_task(shared.clone())))
}

/// What the jobs of an imap share that borrows: it has its lease before the first job.
pub(super) fn in_lease<'p, I, F, T>(
    input: Option<I>,
    function: F,
    executor: &dyn Executor,
    lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
) -> Arc<Shared<I, F, T>>
where
    I: Iterator + Send + 'p,
    I::Item: Send + 'p,
    F: Function<I::Item, Output = T> + Send + Sync + 'p,
    T: Send + 'p,
{
    let shared = Arc::new(Shared::new(input, function, executor, job_of_lease));
    shared.set_lease(lease(shared.clone(), shared.control().clone()));
    shared
}

fn job_of_lease<I: Iterator, F, T>(shared: &Arc<Shared<I, F, T>>) -> Job {
    let lease = shared.lease().expect("it was set before the first job");
    Job::from_task(lease.clone())
}

impl<'p, T, P: Place> Imap<'p, T, P> {
    fn over(control: Arc<Control>, source: P::Source<'p, T>) -> Imap<'p, T, P> {
        Imap { inner: Inner::Results(Results::new(control, source)), late: None }
    }
}
