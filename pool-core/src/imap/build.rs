//! How an imap comes to be, for each kind of function and input.

use super::engine::ExecutorRef;
use super::engine::{Consumer, Control, Function, Plain, Shared, WithState};
use super::iter::Imap;
use super::place::{Inner, Local, Place, Pooled};
use super::results::Results;
use crate::job::{Job, Task};
use crate::lease::Lease;
use std::iter::Empty;
use std::sync::Arc;

impl<'p, T: Send + 'static> Imap<'p, T> {
    pub(crate) fn new<I, F>(executor: ExecutorRef<'p>, input: I, f: F) -> Imap<'p, T>
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
    {
        Imap::pooled(executor, input, Plain(f), |shared| Job::from_task(shared.clone()))
    }

    pub(crate) fn with_state<I, N, S, F>(executor: ExecutorRef<'p>, input: I, init: N, f: F) -> Imap<'p, T>
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'static,
    {
        Imap::pooled(executor, input, WithState::new(init, f), |shared| Job::from_task(shared.clone()))
    }
}

impl<'p, T: Send + 'p> Imap<'p, T> {
    /// One that borrows. `lease` makes what its jobs go through.
    pub(crate) fn scoped<I, F>(
        executor: ExecutorRef<'p>,
        input: I,
        f: F,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'p,
    {
        let shared = in_lease(Shared::new(Some(input), Plain(f), executor.get(), job_of_lease), lease);
        Imap::from_shared(executor, shared)
    }

    /// One that borrows, and has a state.
    pub(crate) fn scoped_with_state<I, N, S, F>(
        executor: ExecutorRef<'p>,
        input: I,
        init: N,
        f: F,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        N: Fn() -> S + Send + Sync + 'p,
        S: Send + 'p,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'p,
    {
        let function = WithState::new(init, f);
        let shared = in_lease(Shared::new(Some(input), function, executor.get(), job_of_lease), lease);
        Imap::from_shared(executor, shared)
    }

    fn pooled<I, F>(
        executor: ExecutorRef<'p>,
        input: I,
        function: F,
        job: fn(&Arc<Shared<I, F, T>>) -> Job,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
    {
        let shared = Arc::new(Shared::new(Some(input), function, executor.get(), job));
        Imap::from_shared(executor, shared)
    }

    fn from_shared<I, F>(executor: ExecutorRef<'p>, shared: Arc<Shared<I, F, T>>) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
    {
        let control = shared.control().clone();
        Imap::<'p, T, Pooled>::over(
            control,
            Box::new(Consumer::new(shared, executor, None::<Empty<I::Item>>)),
        )
    }
}

impl<'p, T: Send + 'static> Imap<'p, T, Local> {
    pub(crate) fn local<J, F>(executor: ExecutorRef<'p>, input: J, f: F) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'static,
        F: Fn(J::Item) -> T + Send + Sync + 'static,
    {
        Imap::local_function(executor, input, Plain(f))
    }

    pub(crate) fn local_with_state<J, N, S, F>(
        executor: ExecutorRef<'p>,
        input: J,
        init: N,
        f: F,
    ) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'static,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, J::Item) -> T + Send + Sync + 'static,
    {
        Imap::local_function(executor, input, WithState::new(init, f))
    }

    fn local_function<J, F>(executor: ExecutorRef<'p>, input: J, function: F) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'static,
        F: Function<J::Item, Output = T> + Send + Sync + 'static,
    {
        let shared: Shared<Empty<J::Item>, F, T> =
            Shared::new(None, function, executor.get(), |shared| Job::from_task(shared.clone()));
        Imap::local_from_shared(executor, Arc::new(shared), input)
    }
}

impl<'p, T: Send + 'p> Imap<'p, T, Local> {
    /// One that borrows. `lease` makes what its jobs go through.
    pub(crate) fn scoped_local<J, F>(
        executor: ExecutorRef<'p>,
        input: J,
        f: F,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'p,
        F: Fn(J::Item) -> T + Send + Sync + 'p,
    {
        let shared = in_lease(Shared::new(None, Plain(f), executor.get(), job_of_lease), lease);
        Imap::local_from_shared(executor, shared, input)
    }

    fn local_from_shared<J, F>(
        executor: ExecutorRef<'p>,
        shared: Arc<Shared<Empty<J::Item>, F, T>>,
        input: J,
    ) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'p,
        F: Function<J::Item, Output = T> + Send + Sync + 'p,
    {
        let control = shared.control().clone();
        let consumer = Consumer::new(shared, executor, Some(input));
        Imap::<'p, T, Local>::over(control, Box::new(consumer))
    }
}

/// Gives what borrows a lease, before the first job.
fn in_lease<'p, I, F, T>(
    shared: Shared<I, F, T>,
    lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
) -> Arc<Shared<I, F, T>>
where
    I: Iterator + Send + 'p,
    I::Item: Send + 'p,
    F: Function<I::Item, Output = T> + Send + Sync + 'p,
    T: Send + 'p,
{
    let shared = Arc::new(shared);
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
