//! `imap`: the iterator that the user holds.
//!
//! The engine behind it is in [`line`] (the shared state), [`worker`] (what a ticket does) and
//! [`consumer`] (what `next` does); [`chunk`], [`lane`] and [`reorder`] are the parts.

mod caught;
mod chunk;
mod consumer;
mod lane;
mod line;
#[cfg(all(test, loom))]
mod models;
mod reorder;
#[cfg(loom)]
mod twin;
mod worker;

use crate::Executor;
use crate::error::{Cancelled, Panic, TimedOut};
use crate::job::Job;
use crate::sync::atomic::Ordering;
use caught::Caught;
use consumer::{Arrival, Back, Front, LineBack};
use line::Line;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How many items of the input may be on their way for each thread of the pool, unless
/// [`Imap::window`] says otherwise.
pub const DEFAULT_WINDOW_PER_THREAD: usize = 4096;

/// An ordered, lazy, parallel map. From [`Executor::imap`].
///
/// It is an iterator of the results, in the order of the input. Nothing runs before the first `next` or
/// [`start`](Imap::start).
///
/// # Dropping
///
/// Dropping it cancels what has not begun, and returns without waiting for what runs. Items and results
/// that nobody will see are dropped; should such a `drop` panic, the panic ends there.
///
/// # Where the function runs
///
/// On the pool's threads, and on the consumer's: a thread that waits in `next` works on items itself
/// while they are measured to be short (below 100 µs), since sleeping would cost more, and always when it
/// is itself a job of a pool. `next` may therefore come some microseconds or one item later than its result
/// (or up to 32 items, when items that were short suddenly take long). A function
/// that *blocks* until the consumer has moved on should be consumed with
/// [`next_timeout`](Imap::next_timeout), which only ever sleeps.
#[must_use = "an imap is lazy: it does nothing until it is iterated or started"]
pub struct Imap<'p, T> {
    source: Source<'p, T>,
}

enum Source<'p, T> {
    Line(LineIter<'p, T>),
    Adapted(Box<dyn Adapted<T> + Send + 'p>),
}

/// A line under another item type.
trait Adapted<T> {
    fn next(&mut self) -> Option<T>;
    fn next_timeout(&mut self, limit: Duration) -> Result<Option<T>, TimedOut>;
    fn size_hint(&self) -> (usize, Option<usize>);
    fn settings(&mut self) -> Option<&mut Settings>;
    fn start(&mut self);
}

struct Settings {
    window: u64,
    chunk: Option<usize>,
}

struct LineIter<'p, T> {
    front: Front<T>,
    back: Box<dyn Back<T> + Send + 'p>,
    settings: Settings,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Lazy,
    Running,
    Ended,
}

impl<'p, T> Imap<'p, T> {
    pub(crate) fn new<I, F>(executor: &'p dyn Executor, input: I, function: F) -> Imap<'p, T>
    where
        I: Iterator + Send + 'static,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        let threads = executor.threads();
        let line = Line::new(input, function, threads, |line| Job::from_task(line));
        let front = Front { lane: None, head: 0, every: 1, gauge: line.gauge.clone() };
        let back = LineBack { line: Arc::new(line), executor, hand: None };
        let window = threads.max(1).saturating_mul(DEFAULT_WINDOW_PER_THREAD) as u64;
        Imap {
            source: Source::Line(LineIter {
                front,
                back: Box::new(back),
                settings: Settings { window, chunk: None },
                stage: Stage::Lazy,
            }),
        }
    }

    /// Bounds how many items are between the input and the consumer: item *k + n* is not pulled before
    /// result *k* has been handed out and `next` called again.
    ///
    /// The default is [`DEFAULT_WINDOW_PER_THREAD`] for each thread. A window below the number of threads
    /// leaves threads idle.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    ///
    /// ```
    /// # use pool_core::{Executor, Job};
    /// # struct Pool; impl Executor for Pool {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { std::thread::spawn(move || job.run(&Pool)); }
    /// # }
    /// # let pool = Pool;
    /// // At most 8 blocks are in memory at any time.
    /// let blocks = (0..100).map(|_| vec![1u8; 1 << 16]);
    /// let sums = pool.imap(blocks, |block| block.iter().map(|&b| b as u64).sum::<u64>()).window(8);
    /// assert!(sums.eq(std::iter::repeat_n(1 << 16, 100)));
    /// ```
    #[track_caller]
    pub fn window(mut self, n: usize) -> Self {
        assert!(n > 0, "window(0): no item could ever be pulled; the smallest window is 1");
        self.settings("window").window = n as u64;
        self
    }

    /// Makes workers take `n` items at a time (at most 65,536), instead of as many as are measured to be
    /// good.
    ///
    /// Results inside a chunk are handed out as soon as each is computed, whatever its length. Worth
    /// setting where the cost of items is known to vary much.
    ///
    /// # Panics
    ///
    /// If `n` is 0, or the iteration has begun.
    ///
    /// ```
    /// # use pool_core::{Executor, Job};
    /// # struct Pool; impl Executor for Pool {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { std::thread::spawn(move || job.run(&Pool)); }
    /// # }
    /// # let pool = Pool;
    /// assert_eq!(pool.imap(0..4, |x| x * 2).chunk(1).collect::<Vec<_>>(), [0, 2, 4, 6]);
    /// ```
    #[track_caller]
    pub fn chunk(mut self, n: usize) -> Self {
        assert!(n > 0, "chunk(0): a worker must take at least 1 item at a time");
        self.settings("chunk").chunk = Some(n);
        self
    }

    #[track_caller]
    fn settings(&mut self, name: &str) -> &mut Settings {
        let settings = match &mut self.source {
            Source::Line(line) => line.settings(),
            Source::Adapted(adapted) => adapted.settings(),
        };
        match settings {
            Some(settings) => settings,
            None => panic!("{name} must be set before the iteration begins"),
        }
    }

    /// Begins to pull and to compute now, up to the window, instead of at the first `next`.
    ///
    /// ```
    /// # use pool_core::{Executor, Job};
    /// # struct Pool; impl Executor for Pool {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { std::thread::spawn(move || job.run(&Pool)); }
    /// # }
    /// # let pool = Pool;
    /// let mut pages = pool.imap(["a", "b"], |name| name.to_uppercase()).start();
    /// // ... the pool is at work while this thread does something else ...
    /// assert_eq!(pages.next().as_deref(), Some("A"));
    /// ```
    pub fn start(mut self) -> Self {
        match &mut self.source {
            Source::Line(line) => line.start(false),
            Source::Adapted(adapted) => adapted.start(),
        }
        self
    }

    /// Hands out panics as values instead of going on with them: each item whose function panicked
    /// gives `Err`, and so does the input if it panics, as the last item.
    ///
    /// ```
    /// # use pool_core::{Executor, Job};
    /// # struct Pool; impl Executor for Pool {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { std::thread::spawn(move || job.run(&Pool)); }
    /// # }
    /// # let pool = Pool;
    /// let results: Vec<_> = pool.imap([4, 0, 2], |x| 8 / x).catch_panics().collect();
    /// assert_eq!(*results[0].as_ref().unwrap(), 2);
    /// assert_eq!(results[1].as_ref().unwrap_err().message(), Some("attempt to divide by zero"));
    /// assert_eq!(*results[2].as_ref().unwrap(), 4);
    /// ```
    pub fn catch_panics(self) -> Imap<'p, Result<T, Panic>>
    where
        T: Send + 'p,
    {
        Imap { source: Source::Adapted(Box::new(Caught::new(self))) }
    }

    /// The next result, or [`TimedOut`] if it is not there after `limit`. Then nothing is lost: the next
    /// call waits for the same item again. `Duration::ZERO` asks without waiting.
    ///
    /// From the first such call on, workers take items one by one, so that a late item has no others in its
    /// hand, and the function does not run on this thread (but for an item that was pulled before, by a
    /// `next` or [`start`](Imap::start), if all threads of the pool are held up). The item that is late
    /// goes on running: a thread cannot be stopped. Inside a job, prefer `next`: a call with a limit only
    /// waits for the pool's other threads, and there may be none.
    ///
    /// # Errors
    ///
    /// [`TimedOut`], which says which item is late.
    ///
    /// # Panics
    ///
    /// Like `next`: with the panic of the item's function, or of the input.
    ///
    /// ```
    /// # use pool_core::{Executor, Job};
    /// # use std::time::Duration;
    /// # struct Pool; impl Executor for Pool {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { std::thread::spawn(move || job.run(&Pool)); }
    /// # }
    /// # let pool = Pool;
    /// let (send, receive) = std::sync::mpsc::channel();
    /// let mut results = pool.imap(receive, |x: u32| x + 1);
    /// let late = results.next_timeout(Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(late.index(), 0);
    /// send.send(41).unwrap();
    /// assert_eq!(results.next_timeout(Duration::from_secs(60)), Ok(Some(42)));
    /// ```
    pub fn next_timeout(&mut self, limit: Duration) -> Result<Option<T>, TimedOut> {
        match &mut self.source {
            Source::Line(line) => match line.next_caught(Some(limit)) {
                Ok(Some(Ok(value))) => Ok(Some(value)),
                Ok(Some(Err(panic))) => panic.resume(),
                Ok(None) => Ok(None),
                Err(late) => Err(late),
            },
            Source::Adapted(adapted) => adapted.next_timeout(limit),
        }
    }

    /// The next result with its panic caught. Without a limit it is never late.
    fn next_caught(&mut self, limit: Option<Duration>) -> Result<Option<Result<T, Panic>>, TimedOut> {
        match &mut self.source {
            Source::Line(line) => line.next_caught(limit),
            Source::Adapted(adapted) => match limit {
                None => Ok(adapted.next().map(Ok)),
                Some(limit) => adapted.next_timeout(limit).map(|next| next.map(Ok)),
            },
        }
    }
}

impl<T> LineIter<'_, T> {
    fn settings(&mut self) -> Option<&mut Settings> {
        (self.stage == Stage::Lazy).then_some(&mut self.settings)
    }

    fn start(&mut self, timed: bool) {
        if self.stage == Stage::Lazy {
            self.stage = Stage::Running;
            self.back.start(self.settings.window, self.settings.chunk, timed);
        }
    }

    #[inline]
    fn next(&mut self) -> Option<T> {
        if let Some(value) = self.next_ready() {
            return Some(value);
        }
        match self.next_slow(None) {
            Ok(Some(Ok(value))) => Some(value),
            Ok(Some(Err(panic))) => panic.resume(),
            Ok(None) | Err(_) => None,
        }
    }

    fn next_caught(&mut self, limit: Option<Duration>) -> Result<Option<Result<T, Panic>>, TimedOut> {
        match self.next_ready() {
            Some(value) => Ok(Some(Ok(value))),
            None => self.next_slow(limit),
        }
    }

    /// The head, if it is in the lane that the front looks at.
    #[inline]
    fn next_ready(&mut self) -> Option<T> {
        let front = &mut self.front;
        // Whoever asks for the head has got everything before it.
        front.gauge.delivered.0.store(front.head, Ordering::Release);
        if front.head >= front.gauge.resume_at.0.load(Ordering::Relaxed) {
            self.back.make_room();
        }
        let value = front.lane.as_mut()?.pop()?;
        front.head += 1;
        Some(value)
    }

    #[cold]
    fn next_slow(&mut self, limit: Option<Duration>) -> Result<Option<Result<T, Panic>>, TimedOut> {
        if self.stage == Stage::Ended {
            return Ok(None);
        }
        self.start(limit.is_some());
        loop {
            match self.back.refill(&mut self.front, limit) {
                Arrival::Ready => {
                    if let Some(value) = self.next_ready() {
                        return Ok(Some(Ok(value)));
                    }
                }
                Arrival::Panicked(payload) => {
                    self.front.head += 1;
                    return Ok(Some(Err(Panic::new(payload))));
                }
                Arrival::InputPanicked(payload) => {
                    self.stage = Stage::Ended;
                    return Ok(Some(Err(Panic::new(payload))));
                }
                Arrival::End => {
                    self.stage = Stage::Ended;
                    return Ok(None);
                }
                Arrival::Late => {
                    let waited = limit.unwrap_or_default();
                    return Err(TimedOut { index: self.front.head, waited });
                }
                Arrival::Cancelled => {
                    self.stage = Stage::Ended;
                    return Ok(Some(Err(Panic::new(Box::new(Cancelled)))));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.stage == Stage::Ended {
            return (0, Some(0));
        }
        // A panic takes no place in the hint's count of results, but it does in the iteration's.
        let (pulled, (least, most)) = self.back.hint();
        let in_flight = usize::try_from(pulled.saturating_sub(self.front.head)).unwrap_or(usize::MAX);
        let overtaken = usize::try_from(self.front.head.saturating_sub(pulled)).unwrap_or(usize::MAX);
        let adjust = |rest: usize| rest.saturating_sub(overtaken).saturating_add(in_flight);
        (adjust(least), most.map(adjust))
    }
}

impl<T> Drop for LineIter<'_, T> {
    fn drop(&mut self) {
        self.back.cancel(self.front.lane.take());
    }
}

impl<T> Iterator for Imap<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        match &mut self.source {
            Source::Line(line) => line.next(),
            Source::Adapted(adapted) => adapted.next(),
        }
    }

    /// Exact if the input's is: what is in flight is counted.
    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.source {
            Source::Line(line) => line.size_hint(),
            Source::Adapted(adapted) => adapted.size_hint(),
        }
    }
}

impl<T> std::iter::FusedIterator for Imap<'_, T> {}

impl<T> fmt::Debug for Imap<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Imap");
        if let Source::Line(line) = &self.source {
            debug
                .field("stage", &line.stage)
                .field("delivered", &line.front.head)
                .field("window", &line.settings.window);
        }
        debug.finish_non_exhaustive()
    }
}
