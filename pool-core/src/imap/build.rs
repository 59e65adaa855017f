//! How an imap comes to be, for each kind of function and input.

use super::cursor::Source;
use super::engine::{Consumer, Control, Elsewhere, Function, Here, Plain, Shared, WithState};
use super::held::Held;
use super::place::{Local, Place, Pooled};
use super::results::Results;
use super::{Imap, Inner};
use crate::job::{Job, Task};
use crate::slot::Slot;
use std::iter::Empty;
use std::sync::Arc;

impl<'p, T: Send + 'static> Imap<'p, T> {
    pub(crate) fn new<I, F>(executor: Held<'p>, input: I, f: F) -> Imap<'p, T>
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
    {
        Imap::pooled(executor, input, Plain(f), |shared| Job::from_task(shared.clone()))
    }

    pub(crate) fn with_state<I, N, S, F>(executor: Held<'p>, input: I, init: N, f: F) -> Imap<'p, T>
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
    /// One that borrows. `slot` makes what its jobs go through.
    pub(crate) fn scoped<I, F>(
        executor: Held<'p>,
        input: I,
        f: F,
        slot: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Slot>,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'p,
    {
        let job = |shared: &Arc<Shared<I, Plain<F>, T>>| {
            let slot = shared.slot.get().expect("it was set before the first job");
            Job::from_task(slot.clone())
        };
        let shared = Arc::new(Shared::new(Some(input), Plain(f), executor.get(), job));
        let _ = shared.slot.set(slot(shared.clone(), shared.control.clone()));
        Imap::from_shared(executor, shared)
    }

    fn pooled<I, F>(
        executor: Held<'p>,
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

    fn from_shared<I, F>(executor: Held<'p>, shared: Arc<Shared<I, F, T>>) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
    {
        let control = shared.control.clone();
        Imap::<'p, T, Pooled>::over(control, Box::new(Consumer::new(shared, executor, Elsewhere)))
    }
}

impl<'p, T: Send + 'static> Imap<'p, T, Local> {
    pub(crate) fn local<J, F>(executor: Held<'p>, input: J, f: F) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'static,
        F: Fn(J::Item) -> T + Send + Sync + 'static,
    {
        let shared: Shared<Empty<J::Item>, _, T> =
            Shared::new(None, Plain(f), executor.get(), |shared| Job::from_task(shared.clone()));
        let control = shared.control.clone();
        let consumer = Consumer::new(Arc::new(shared), executor, Here(Some(input)));
        Imap::<'p, T, Local>::over(control, Box::new(consumer))
    }
}

impl<'p, T, P: Place> Imap<'p, T, P> {
    fn over(control: Arc<Control>, source: P::Source<'p, T>) -> Imap<'p, T, P>
    where
        P::Source<'p, T>: Source<T>,
    {
        Imap { inner: Inner::Results(Results::new(control, source)) }
    }
}
