//! How a line comes to be, for each kind of function and input.

use super::consumer::{LineBack, Own};
use super::front::Back;
use super::function::{Function, Plain, WithState};
use super::line::{Gauge, Line};
use super::line_iter::LineIter;
use super::local::{Here, InLine};
use super::outer::Outer;
use super::place::{Local, Place, Pooled};
use super::{Imap, Source};
use crate::Executor;
use crate::executor::threads_of;
use crate::job::{Job, Task};
use crate::slot::Slot;
use std::iter::Empty;
use std::sync::Arc;

/// How many items of the input may be on their way for each thread of the pool, unless
/// [`Imap::window`] says otherwise.
pub const DEFAULT_WINDOW_PER_THREAD: usize = 4096;

impl<'p, T: Send + 'static> Imap<'p, T> {
    pub(crate) fn new<I, F>(executor: &'p dyn Executor, input: I, f: F) -> Imap<'p, T>
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
    {
        Imap::pooled(executor, input, Plain(f), |line| Job::from_task(line.clone()))
    }

    pub(crate) fn with_state<I, N, S, F>(executor: &'p dyn Executor, input: I, init: N, f: F) -> Imap<'p, T>
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'static,
    {
        Imap::pooled(executor, input, WithState::new(init, f), |line| Job::from_task(line.clone()))
    }
}

impl<'p, T: Send + 'p> Imap<'p, T> {
    /// A line that borrows. `slot` makes what its tickets go through.
    pub(crate) fn scoped<I, F>(
        executor: &'p dyn Executor,
        input: I,
        f: F,
        slot: impl FnOnce(Arc<dyn Task + 'p>, Arc<Gauge>) -> Arc<Slot>,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'p,
    {
        let ticket = |line: &Arc<Line<I, Plain<F>, T>>| {
            let slot = line.slot.get().expect("it was set before the first ticket");
            Job::from_task(slot.clone())
        };
        let line = Line::new(Some(input), Plain(f), threads_of(executor), ticket);
        let line = Arc::new(line);
        let _ = line.slot.set(slot(line.clone(), line.gauge.clone()));
        Imap::from_line(executor, line)
    }

    fn pooled<I, F>(
        executor: &'p dyn Executor,
        input: I,
        function: F,
        ticket: fn(&Arc<Line<I, F, T>>) -> Job,
    ) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
    {
        Imap::from_line(executor, Arc::new(Line::new(Some(input), function, threads_of(executor), ticket)))
    }

    fn from_line<I, F>(executor: &'p dyn Executor, line: Arc<Line<I, F, T>>) -> Imap<'p, T>
    where
        I: Iterator + Send + 'p,
        I::Item: Send + 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
    {
        let gauge = line.gauge.clone();
        let own = Own { hand: None, outer: Some(Outer::new(executor, &gauge)) };
        let back = LineBack { line, executor, own, supply: InLine, alone: None, eager: false };
        Imap::<'p, T, Pooled>::over(executor, gauge, Box::new(back))
    }
}

impl<'p, T: Send + 'static> Imap<'p, T, Local> {
    pub(crate) fn local<J, F>(executor: &'p dyn Executor, input: J, f: F) -> Imap<'p, T, Local>
    where
        J: Iterator + 'p,
        J::Item: Send + 'static,
        F: Fn(J::Item) -> T + Send + Sync + 'static,
    {
        let line: Line<Empty<J::Item>, _, T> =
            Line::new(None, Plain(f), threads_of(executor), |line| Job::from_task(line.clone()));
        let line = Arc::new(line);
        let gauge = line.gauge.clone();
        let own = Own { hand: None, outer: Some(Outer::new(executor, &gauge)) };
        let back = LineBack { line, executor, own, supply: Here(Some(input)), alone: None, eager: false };
        Imap::<'p, T, Local>::over(executor, gauge, Box::new(back))
    }
}

impl<'p, T, P: Place> Imap<'p, T, P> {
    fn over(executor: &dyn Executor, gauge: Arc<Gauge>, back: P::Back<'p, T>) -> Imap<'p, T, P>
    where
        P::Back<'p, T>: Back<T>,
    {
        let window = threads_of(executor).saturating_mul(DEFAULT_WINDOW_PER_THREAD) as u64;
        Imap { source: Source::Line(LineIter::new(gauge, back, window)) }
    }
}
