//! The push side: the caller gives items one by one, and a function gets the results, in order.
//!
//! A sink is an imap whose input is what was pushed. It has no thread of its own: each call of the caller offers what there
//! is room for, and hands on what is ready. See [`local`](super::engine) for inputs that have nothing now.

use super::build::{in_lease, own};
use super::engine::{Control, ExecutorRef, Function, ImapStats, Plain, Wait, WithState};
use super::iter::Imap;
use super::results::Next;
use crate::error::{Cancelled, Panic};
use crate::job::Task;
use crate::lease::Lease;
use crate::no_item::{self, NoItem};
use crate::sync::{Mutex, MutexGuard, lock};
use crate::unwind::{Quiet, drop_each};
use std::collections::VecDeque;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A map into which items are pushed: a function runs on each on a pool, and another one, `consume`, gets the results in
/// the order of the items. From [`Executor::sink`](crate::Executor::sink) and [`Scope::sink`](crate::Scope::sink).
///
/// It is for callers that have no iterator: a `Write` whose `write` fills blocks, a parser that calls back, a loop that one
/// would not turn inside out. `consume` runs on the thread that calls, inside a method of the sink, and nowhere else. So it
/// needs no lock, and may borrow and write.
///
/// Each method hands on what is ready. What becomes ready between two calls waits for the next one:
/// [`consume_ready`](Sink::consume_ready) fetches it without waiting, [`flush`](Sink::flush) waits for all.
///
/// # Errors
///
/// `consume` returns `()`, a `Result<(), E>` or a `ControlFlow<B>`, and so does each method that calls it ([`Outcome`]). An
/// error comes out of the call that met it, and nothing is lost by it: the item of that call was taken, and a further call
/// goes on behind the result that failed. To stop, drop the sink.
///
/// # Panics
///
/// A panic of the function comes out of the call that meets it, at its item's place, as from an [`Imap`]; so does a panic of
/// `consume`. The sink can be used afterwards, like after an error. Once the pool has dropped its jobs
/// (`terminate`), each call panics with [`Cancelled`].
///
/// # Dropping
///
/// Dropping it cancels what has not begun, as dropping an [`Imap`] does. It does not wait, does not call `consume`,
/// and does not panic. So what must be complete needs [`finish`](Sink::finish).
///
/// # Cost
///
/// A push takes the imap's lock some eight times, and allocates: about a microsecond. So push blocks, not bytes.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let mut lines = Vec::new();
/// let mut sink = pool.sink(|x: u64| format!("{x}: {}", x * x), |line| lines.push(line)).window(8);
/// for x in 0..100 {
///     sink.push(x);
/// }
/// sink.finish();
/// assert_eq!(lines[7], "7: 49");
/// assert_eq!(lines.len(), 100);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[must_use = "a sink that is dropped cancels what was pushed: call `finish`"]
pub struct Sink<'p, X, T, C> {
    // Dropped first: what waits in the queue is not pulled any more then.
    imap: Imap<'p, T>,
    queue: Queue<X>,
    pushed: u64,
    consume: Quiet<C>,
}

impl<'p, X: Send + 'static, T: Send + 'static, C> Sink<'p, X, T, C> {
    pub(crate) fn new<F>(executor: ExecutorRef<'p>, f: F, consume: C) -> Sink<'p, X, T, C>
    where
        F: Fn(X) -> T + Send + Sync + 'static,
    {
        let queue = Queue::new();
        Sink::over(Imap::polled(executor, queue.input(), Plain(f), own), queue, consume)
    }

    pub(crate) fn with_state<N, S, F>(executor: ExecutorRef<'p>, init: N, f: F, consume: C) -> Self
    where
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, X) -> T + Send + Sync + 'static,
    {
        let queue = Queue::new();
        Sink::over(Imap::polled(executor, queue.input(), WithState::new(init, f), own), queue, consume)
    }
}

impl<'p, X: Send + 'p, T: Send + 'p, C> Sink<'p, X, T, C> {
    /// One that borrows. `lease` makes what its jobs go through.
    pub(crate) fn scoped<F>(
        executor: ExecutorRef<'p>,
        f: F,
        consume: C,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Sink<'p, X, T, C>
    where
        F: Fn(X) -> T + Send + Sync + 'p,
    {
        Sink::scoped_function(executor, Plain(f), consume, lease)
    }

    /// One that borrows, and has a state.
    pub(crate) fn scoped_with_state<N, S, F>(
        executor: ExecutorRef<'p>,
        init: N,
        f: F,
        consume: C,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Sink<'p, X, T, C>
    where
        N: Fn() -> S + Send + Sync + 'p,
        S: Send + 'p,
        F: Fn(&mut S, X) -> T + Send + Sync + 'p,
    {
        Sink::scoped_function(executor, WithState::new(init, f), consume, lease)
    }

    fn scoped_function<F>(
        executor: ExecutorRef<'p>,
        function: F,
        consume: C,
        lease: impl FnOnce(Arc<dyn Task + 'p>, Arc<Control>) -> Arc<Lease>,
    ) -> Sink<'p, X, T, C>
    where
        F: Function<X, Output = T, Session: Send> + Send + Sync + 'p,
    {
        let queue = Queue::new();
        let share = |input, f, executor: &dyn crate::Executor| in_lease(input, f, executor, lease);
        Sink::over(Imap::polled(executor, queue.input(), function, share), queue, consume)
    }
}

impl<'p, X, T, C> Sink<'p, X, T, C> {
    fn over(imap: Imap<'p, T>, queue: Queue<X>, consume: C) -> Sink<'p, X, T, C> {
        Sink { imap, queue, pushed: 0, consume: Quiet::new(consume) }
    }

    /// As [`Imap::window`]: item *k + n* does not begin before `consume` has had result *k*, and a push waits until then.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or something has been pushed.
    #[track_caller]
    pub fn window(self, n: usize) -> Self {
        Sink { imap: self.imap.window(n), ..self }
    }

    /// As [`Imap::chunk`]. What is pushed item by item begins item by item, whatever the length of a chunk.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or something has been pushed.
    #[track_caller]
    pub fn chunk(self, n: usize) -> Self {
        Sink { imap: self.imap.chunk(n), ..self }
    }

    /// As [`Imap::unordered`]: `consume` gets results as they finish.
    ///
    /// # Panics
    ///
    /// If something has been pushed.
    #[track_caller]
    pub fn unordered(self) -> Self {
        Sink { imap: self.imap.unordered(), ..self }
    }

    /// As [`Imap::threads`].
    ///
    /// # Panics
    ///
    /// If `n` is 0, or something has been pushed.
    #[track_caller]
    pub fn threads(self, n: usize) -> Self {
        Sink { imap: self.imap.threads(n), ..self }
    }

    /// As [`Imap::stats`].
    pub fn stats(&self) -> ImapStats {
        self.imap.stats()
    }
}

impl<X, T, C, R> Sink<'_, X, T, C>
where
    C: FnMut(T) -> R,
    R: Outcome,
{
    /// Gives an item to the pool, and hands on what is ready. Waits while the window is full.
    ///
    /// It waits for nothing else: not for the item, and not for another push. The item is taken in any case, also if this
    /// returns an error or panics.
    ///
    /// # Errors
    ///
    /// With the first error of `consume`.
    ///
    /// # Panics
    ///
    /// With a panic of the function, of `consume`, or [`Cancelled`]: see [`Sink`].
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let mut sink = pool.sink(str::parse::<u32>, |number| number.map(drop));
    /// let pushed: Result<(), _> = ["1", "2", "three", "4"].into_iter().try_for_each(|text| sink.push(text));
    /// // It was found by a push, or is found now.
    /// assert!(pushed.and_then(|()| sink.finish()).is_err());
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn push(&mut self, item: X) -> R {
        self.queue.lock().push_back(item);
        self.pushed += 1;
        loop {
            let outcome = self.consume_ready();
            if !outcome.goes_on() || self.queue.lock().is_empty() {
                return outcome;
            }
            // There is no room, so there is a head. It makes some.
            if let Some(outcome) = self.consume_one(Wait::Forever)
                && !outcome.goes_on()
            {
                return outcome;
            }
        }
    }

    /// Hands on what is ready, without waiting.
    ///
    /// # Errors and panics
    ///
    /// As [`push`](Sink::push).
    pub fn consume_ready(&mut self) -> R {
        // First, so that the pool is at work while `consume` is.
        self.imap.inner.controls_mut().start();
        while let Some(outcome) = self.consume_one(Wait::Never) {
            if !outcome.goes_on() {
                return outcome;
            }
        }
        R::success()
    }

    /// Waits for what has been pushed, and hands it on. The sink can be used afterwards.
    ///
    /// # Errors and panics
    ///
    /// As [`push`](Sink::push). What is behind the error has not been handed on then.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let (send, results) = std::sync::mpsc::channel();
    /// let mut sink = pool.sink(|x: u32| x + 1, move |x| send.send(x));
    /// sink.push(1).unwrap();
    /// sink.flush().unwrap();
    /// assert_eq!(results.try_recv(), Ok(2));
    /// # sink.finish().unwrap();
    /// ```
    pub fn flush(&mut self) -> R {
        while self.imap.next_index() < self.pushed {
            if let Some(outcome) = self.consume_one(Wait::Forever)
                && !outcome.goes_on()
            {
                return outcome;
            }
        }
        R::success()
    }

    /// [Flushes](Sink::flush), and ends. After an error or a panic the rest is cancelled.
    ///
    /// # Errors and panics
    ///
    /// As [`push`](Sink::push).
    pub fn finish(mut self) -> R {
        self.flush()
    }

    /// Hands on a result; `None` if there is none now.
    fn consume_one(&mut self, wait: Wait<'_>) -> Option<R> {
        match self.imap.inner.next(wait) {
            Next::Result(result) => Some(self.consume.get_mut()(result)),
            Next::Panic(panic) => panic.resume(),
            // The input has no end, so the pool has cancelled it.
            Next::End => Panic::new(Box::new(Cancelled)).resume(),
            Next::CallLate(_) | Next::ItemLate(_) => None,
        }
    }
}

impl<X, T, C> fmt::Debug for Sink<'_, X, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("pushed", &self.pushed).field("imap", &self.imap).finish_non_exhaustive()
    }
}

/// What was pushed, and not pulled: an item at most after each push, or a second one after an error.
struct Queue<X>(Arc<Mutex<VecDeque<X>>>);

impl<X> Queue<X> {
    fn new() -> Queue<X> {
        Queue(Arc::default())
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<X>> {
        // No code of the user runs under it.
        lock(&self.0)
    }

    /// What the imap pulls. It has no end: the sink just does not ask any more.
    fn input(&self) -> impl Iterator<Item = X> + use<X> {
        let queue = Queue(self.0.clone());
        std::iter::from_fn(move || {
            let item = queue.lock().pop_front();
            if item.is_none() {
                no_item::note(NoItem::NothingYet);
            }
            item
        })
    }
}

impl<X> Drop for Queue<X> {
    fn drop(&mut self) {
        let items = std::mem::take(&mut *self.lock());
        drop_each(items);
    }
}

/// What the function that gets the results of a [`Sink`] returns: `()`, `Result<(), E>` or `ControlFlow<B>`.
pub trait Outcome: sealed::Outcome {}

impl Outcome for () {}
impl<E> Outcome for Result<(), E> {}
impl<B> Outcome for ControlFlow<B> {}

mod sealed {
    use std::ops::ControlFlow;

    pub trait Outcome {
        fn success() -> Self;
        fn goes_on(&self) -> bool;
    }

    impl Outcome for () {
        fn success() {}

        fn goes_on(&self) -> bool {
            true
        }
    }

    impl<E> Outcome for Result<(), E> {
        fn success() -> Self {
            Ok(())
        }

        fn goes_on(&self) -> bool {
            self.is_ok()
        }
    }

    impl<B> Outcome for ControlFlow<B> {
        fn success() -> Self {
            ControlFlow::Continue(())
        }

        fn goes_on(&self) -> bool {
            self.is_continue()
        }
    }
}
