//! The contract between a pool and the engine.

use crate::imap::{ExecutorRef, Imap, Input, Local, LocalInput, Outcome, Sink};
use crate::job::{Job, in_job};
use crate::map::map;
use crate::scope::{self, Scope};
use crate::submit::{self, JobHandle};
use crate::unwind::catch_or;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A place to queue jobs and threads to run them. Everything else is provided.
///
/// # Writing a backend
///
/// Implement [`threads`](Executor::threads) and [`spawn`](Executor::spawn), and keep four rules:
///
/// 1. `spawn` does not block on other jobs, does not panic, and may be called from any thread, also from
///    inside a job.
/// 2. Every job is either passed to [`Job::run`] or dropped (which cancels it). A job that is kept for ever makes its
///    consumer wait for ever.
/// 3. Jobs that wait in the queue get their turn: first in, first out is best. A job that spawns itself
///    again must not starve the others.
/// 4. `Job::run` gets the executor that new jobs of this job go to, such as the worker's own handle.
///
/// Order, window, panics, nesting and time-outs are the engine's business, and the conformance suite in
/// `pool-conformance` tests that they hold on your pool too.
///
/// An executor that breaks these rules never makes a program unsound. If `spawn` panics, its job is cancelled unless it
/// has begun, and the panic goes to the caller that submitted it. If another method panics, the engine uses the answer
/// that is always right.
///
/// # Which imap
///
/// Three choices that do not depend on each other: whether the imap borrows its executor, owns it, or is in a scope, where
/// items, results and functions may borrow; whether the function has a state; and whether the input goes to the pool's
/// threads, or stays where the results are iterated. The first two choose the method:
///
/// | | borrows `pool` | any `executor`: owned, an `Arc`, a reference | in a scope |
/// |---|---|---|---|
/// | without a state | [`pool.imap(items, f)`](Executor::imap) | [`items.imap(executor, f)`](crate::IterExt::imap), [`executor.into_imap(items, f)`](Executor::into_imap) | [`s.imap(items, f)`](Scope::imap) |
/// | with a state | [`pool.imap_init(items, init, f)`](Executor::imap_init) | [`items.imap_init(executor, init, f)`](crate::IterExt::imap_init) | [`s.imap_init(items, init, f)`](Scope::imap_init) |
///
/// The third is a property of the [`Input`]: an iterator goes to the pool's threads, so it is `Send`, and in each cell
/// [`items.local()`](crate::IterExt::local) may stand in place of `items` and stays. [`pool.imap_local(items, f)`](Executor::imap_local)
/// and [`s.imap_local(items, f)`](Scope::imap_local) are short for `imap(items.local(), f)`.
///
/// # Pools of any kind
///
/// `Arc<dyn Executor>`, `Box<dyn Executor>` and references to these have every method. A plain `&dyn Executor` goes into
/// [`items.imap(pool, f)`](crate::IterExt::imap) and [`into_imap`](Executor::into_imap) as it is, and has every other method
/// with one more `&`:
///
/// ```
/// use pool_stealing::{Executor, IterExt, StealingPool};
///
/// fn total(pool: &dyn Executor, numbers: Vec<u32>) -> u32 {
///     let squares = numbers.into_iter().imap(pool, |x| x * x);
///     squares.sum::<u32>() + (&pool).submit(|| 1).join().unwrap()
/// }
///
/// let pool = StealingPool::new(2)?;
/// assert_eq!(total(&pool, vec![1, 2, 3]), 15);
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
///
/// Without that `&` the compiler says that the method "cannot be invoked on a trait object", and shows a line with the
/// cure. The reason: methods with type parameters must ask for `Self: Sized`, or `dyn Executor` could not exist. The
/// compiler finds the method of the trait object before that of the reference, and takes it although it cannot be
/// called. A second trait with these methods would help, but needs a second `use` in every program.
pub trait Executor: Send + Sync {
    /// How many jobs run at the same time; at least 1.
    ///
    /// Taken for 1 if it is 0, and for 65,536 if it is more.
    fn threads(&self) -> usize;

    /// Queues a job.
    fn spawn(&self, job: Job);

    /// Whether jobs wait for a thread.
    ///
    /// A long job asks from time to time; if others wait, it yields by spawning itself again. The default, `true`,
    /// is right for every queue; an exact answer saves moving a long job from thread to thread. An executor that runs a
    /// job inside `spawn` must say `false`: otherwise a long job nests one level deeper each time that it asks.
    fn has_waiting(&self) -> bool {
        true
    }

    /// Whether the current thread is one that this pool needs for running its jobs.
    ///
    /// A caller that waits on such a thread works for its own imap or scope instead of sleeping (P8, P17). The default is `true`
    /// on every thread inside [`Job::run`], and such a thread counts whatever this returns. A pool that runs foreign
    /// code on its threads, like rayon's, returns `true` there too.
    fn is_worker(&self) -> bool {
        in_job()
    }

    /// What all handles of this pool have in common, and no other pool has while this one lives.
    ///
    /// With it, a nested imap knows whether the outer imap is on the same pool. If so, it calls no threads while the
    /// outer imap has work for all of them. Without it, which is the default, nested imaps cost more.
    fn pool_id(&self) -> Option<PoolId> {
        None
    }

    /// Says, after the pool was terminated, that it was: so a function that takes long can see by
    /// [`current`](crate::current) that its result is not wanted any more.
    ///
    /// Asked once for each imap. The default, `None`, says nothing, and such functions run to their end.
    fn terminated(&self) -> Option<Terminated> {
        None
    }

    /// Whether it has no threads, and an imap is to be computed by the thread that iterates: see
    /// [`Sequential`](crate::Sequential).
    ///
    /// Asked once for each imap and `map`, which spawn no job then. The default is `false`. An executor that says `true`
    /// must run a job inside `spawn`, since jobs of other kinds still come there.
    fn is_sequential(&self) -> bool {
        false
    }

    /// `items.into_iter().map(f)`, computed on this pool: in order, lazily, in bounded memory.
    ///
    /// Nothing is pulled from `items` before the first `next` (or [`Imap::start`]). From then on at most
    /// [`window`](Imap::window) items are between the input and the consumer. The input is pulled on the
    /// pool's threads, by one of them at a time, so it must be `Send`.
    ///
    /// A panic in `f` surfaces when its item's turn has come, and the next call goes on with the next
    /// item. A panic in the input surfaces after the results of all items before it, and ends the
    /// iteration.
    ///
    /// Cost: some nanoseconds per item beyond `f` itself, and no allocation per item. Where items go one by one it is the
    /// lock and a thread's wake-up for each, from a tenth of a microsecond to tens of them: with `window(1)` or `chunk(1)`,
    /// with a limit, and on an executor that runs jobs inside `spawn`.
    ///
    /// ```
    /// # use pool_core::{Executor, backend::Job};
    /// # struct Pool; impl Executor for Pool {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { std::thread::spawn(move || job.run(&Pool)); }
    /// # }
    /// # let pool = Pool;
    /// let squares: Vec<u64> = pool.imap(0..5u64, |x| x * x).collect();
    /// assert_eq!(squares, [0, 1, 4, 9, 16]);
    /// ```
    fn imap<'p, I, F, T>(&'p self, items: I, f: F) -> Imap<'p, T, I::Place>
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).imap(…)`
        I: Input<'static> + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::new(ExecutorRef::Borrowed(self), items, f)
    }

    /// Like [`imap`](Executor::imap), with a state that `f` may change: a buffer, a connection, a random
    /// number generator.
    ///
    /// `init` makes a state when a thread begins to work and finds none free, so there are at most as many states as
    /// threads at work at the same time. A state serves one thread at a time, but may serve another later, so it is
    /// `Send`. It belongs to this imap: the next one makes its own. Which items it has seen before is not defined. States are
    /// dropped when the imap ends; a state in use then, when its worker is done with it.
    ///
    /// A panic of `init` surfaces at the position of the item that it was needed for, and the next item
    /// tries again. After a panic of `f` its state is dropped.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let lines = ["a b", "c", ""];
    /// let counts = pool.imap_init(lines, Vec::new, |words, line| {
    ///     words.clear();
    ///     words.extend(line.split(' '));
    ///     words.len()
    /// });
    /// assert_eq!(counts.collect::<Vec<_>>(), [2, 1, 1]);
    /// ```
    ///
    /// What must outlive the imap, or is not `Send`, is a variable of the pool's thread:
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// use std::cell::RefCell;
    /// use std::rc::Rc;
    ///
    /// thread_local! {
    ///     static BUFFER: RefCell<Rc<String>> = RefCell::default();
    /// }
    ///
    /// let lengths = pool.imap(["a b", "c"], |line| {
    ///     BUFFER.with_borrow_mut(|buffer| {
    ///         let buffer = Rc::make_mut(buffer);
    ///         buffer.clear();
    ///         buffer.push_str(line);
    ///         buffer.len()
    ///     })
    /// });
    /// assert!(lengths.eq([3, 1]));
    /// ```
    fn imap_init<'p, I, N, S, F, T>(&'p self, items: I, init: N, f: F) -> Imap<'p, T, I::Place>
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).imap_init(…)`
        I: Input<'static> + 'p,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::with_state(ExecutorRef::Borrowed(self), items, init, f)
    }

    /// Like [`imap`](Executor::imap), for an input that is not `Send`, or borrows: the thread that iterates pulls it
    /// when the next result is not ready. Items still go to other threads. Short for
    /// [`pool.imap(items.local(), f)`](crate::IterExt::local).
    ///
    /// A result that is ready is handed out before anything is pulled. But while `next` waits in the input it cannot
    /// hand out a result that becomes ready then, and neither a token nor a limit reaches it (the exception of promise
    /// P4). So where the input blocks, results come late by one item, and an input that waits for a result before it
    /// gives the next item needs [`window(1)`](Imap::window). Items that were pulled begin all the same.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let text = String::from("some\nlines\nof text");
    /// let shouted = pool.imap_local(text.lines().map(String::from), |line| line.to_uppercase());
    /// assert_eq!(shouted.collect::<Vec<_>>(), ["SOME", "LINES", "OF TEXT"]);
    /// ```
    fn imap_local<'p, I, F, T>(&'p self, items: I, f: F) -> Imap<'p, T, Local>
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).imap_local(…)`
        I: IntoIterator,
        I::IntoIter: 'p,
        I::Item: Send + 'static,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        self.imap(LocalInput::new(items.into_iter()), f)
    }

    /// Like [`imap`](Executor::imap), for an [`Imap`] that owns its executor: a pool by value, a clone of its `Arc`, or
    /// a reference, which the imap then borrows.
    ///
    /// So an `Imap<'static, T>` can be returned from a function, be kept in a struct, or be the body of a response:
    /// with the feature `stream`, `Body::from_stream(pool.clone().into_imap(lines, f).into_stream())` in an axum
    /// handler that has `State<Arc<StealingPool>>`.
    ///
    /// The `Imap` owns the executor, its jobs do not: an item that hangs keeps no pool alive. The executor is dropped
    /// with the `Imap`, not at the end of the iteration. **Dropping the last owner of a pool joins its threads, so
    /// dropping this may wait** for what runs there. (P9 says that dropping an `Imap` does not wait; that is about its
    /// items.) Where waiting is not allowed, as in a task of an asynchronous runtime, keep another owner: the program's
    /// own `Arc`.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    /// use std::sync::Arc;
    ///
    /// /// The lengths of words, computed on any pool.
    /// fn lengths(pool: Arc<dyn Executor>, text: &str) -> impl Iterator<Item = usize> + use<> {
    ///     let words: Vec<_> = text.split(' ').map(String::from).collect();
    ///     pool.into_imap(words, |word| word.len())
    /// }
    ///
    /// let pool = Arc::new(StealingPool::new(2)?);
    /// assert!(lengths(pool.clone(), "one three").eq([3, 5]));
    /// // A pool by value ends with its imap.
    /// let pool = StealingPool::new(2)?;
    /// assert!(pool.into_imap(0..3, |x| 2 * x).eq([0, 2, 4]));
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    fn into_imap<'p, I, F, T>(self, items: I, f: F) -> Imap<'p, T, I::Place>
    where
        Self: Sized + 'p,
        I: Input<'static> + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::new(ExecutorRef::owned(self), items, f)
    }

    /// A map into which items are pushed one by one: `consume` gets the results, in order, on the thread that pushes. For
    /// callers that have no iterator; see [`Sink`].
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut text = String::new();
    /// let mut sink = pool.sink(|x: u32| x.to_string(), |number| text += &number);
    /// (0..12).for_each(|x| sink.push(x));
    /// sink.finish();
    /// assert_eq!(text, "01234567891011");
    /// ```
    fn sink<'p, X, F, T, C, R>(&'p self, f: F, consume: C) -> Sink<'p, X, T, C>
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).sink(…)`
        X: Send + 'static,
        F: Fn(X) -> T + Send + Sync + 'static,
        T: Send + 'static,
        C: FnMut(T) -> R,
        R: Outcome,
    {
        Sink::new(ExecutorRef::Borrowed(self), f, consume)
    }

    /// Like [`sink`](Executor::sink), with a state for each thread at work, as [`imap_init`](Executor::imap_init).
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut lengths = Vec::new();
    /// let f = |buffer: &mut String, x: u32| {
    ///     buffer.clear();
    ///     buffer.extend(std::iter::repeat_n('x', x as usize));
    ///     buffer.len()
    /// };
    /// let mut sink = pool.sink_init(String::new, f, |length| lengths.push(length));
    /// (0..3).for_each(|x| sink.push(x));
    /// sink.finish();
    /// assert_eq!(lengths, [0, 1, 2]);
    /// ```
    fn sink_init<'p, X, N, S, F, T, C, R>(&'p self, init: N, f: F, consume: C) -> Sink<'p, X, T, C>
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).sink_init(…)`
        X: Send + 'static,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, X) -> T + Send + Sync + 'static,
        T: Send + 'static,
        C: FnMut(T) -> R,
        R: Outcome,
    {
        Sink::with_state(ExecutorRef::Borrowed(self), init, f, consume)
    }

    /// Like [`sink`](Executor::sink), for a [`Sink`] that owns its executor, as [`into_imap`](Executor::into_imap): a pool by
    /// value, or a clone of its `Arc`. So it can be kept in a struct.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # use std::sync::{Arc, mpsc};
    /// # let pool = Arc::new(StealingPool::new(2).unwrap());
    /// let (send, results) = mpsc::channel();
    /// let mut sink = pool.clone().into_sink(|x: u32| 2 * x, move |result| send.send(result));
    /// sink.push(1).unwrap();
    /// sink.push(2).unwrap();
    /// sink.finish().unwrap();
    /// assert!(results.into_iter().eq([2, 4]));
    /// ```
    fn into_sink<'p, X, F, T, C, R>(self, f: F, consume: C) -> Sink<'p, X, T, C>
    where
        Self: Sized + 'p,
        X: Send + 'static,
        F: Fn(X) -> T + Send + Sync + 'static,
        T: Send + 'static,
        C: FnMut(T) -> R,
        R: Outcome,
    {
        Sink::new(ExecutorRef::owned(self), f, consume)
    }

    /// Runs `f` on the pool, and gives a handle to wait for its result.
    ///
    /// Dropping the handle lets the job run all the same.
    ///
    /// ```
    /// # use pool_core::{Executor, backend::Job};
    /// # struct Pool; impl Executor for Pool {
    /// #   fn threads(&self) -> usize { 1 }
    /// #   fn spawn(&self, job: Job) { std::thread::spawn(move || job.run(&Pool)); }
    /// # }
    /// # let pool = Pool;
    /// let answer = pool.submit(|| 6 * 7);
    /// assert_eq!(answer.join().unwrap(), 42);
    /// ```
    fn submit<F, T>(&self, f: F) -> JobHandle<T>
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).submit(…)`
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        submit::submit(self, f)
    }

    /// Runs `f` with a [`Scope`], in which jobs and imaps may borrow from the stack. Returns when none of them runs any
    /// more.
    ///
    /// The scope waits for submitted jobs, also for those whose handle was dropped, and for the imaps that they iterate.
    /// An imap that was dropped or leaked is cancelled, and the scope waits only for its running items. Inside a job, the
    /// waiting thread runs queued jobs of the scope itself, so a pool of one thread finishes too.
    ///
    /// # Panics
    ///
    /// With the panic of `f`, or else of the first job that panicked without being joined; in both cases after
    /// all other jobs have ended.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let text = String::from("all on the stack");
    /// let mut longest = "";
    /// pool.scope(|s| {
    ///     let count = s.submit(|| text.split(' ').count());
    ///     for word in s.imap(text.split(' '), |word| word.trim()) {
    ///         if word.len() > longest.len() {
    ///             longest = word;
    ///         }
    ///     }
    ///     assert_eq!(count.join().unwrap(), 4);
    /// });
    /// assert_eq!(longest, "stack");
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    fn scope<'env, F, R>(&'env self, f: F) -> R
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).scope(…)`
        F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
    {
        scope::scope(self, f)
    }

    /// `items.into_iter().map(f).collect()`, computed on this pool. It blocks until all is done, and `items`
    /// and `f` may borrow.
    ///
    /// Threads take items in blocks of some 50 µs, so this costs less than collecting an [`imap`](Executor::imap), but
    /// an item that takes long holds up those behind it in its block.
    ///
    /// # Panics
    ///
    /// With the panic of the first item (or of the input) that panics, after whatever runs has ended.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let words = vec![String::from("one"), String::from("two"), String::from("three")];
    /// assert_eq!(pool.map(&words, |word| word.len()), [3, 3, 5]);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    fn map<'env, I, F, T>(&'env self, items: I, f: F) -> Vec<T>
    where
        Self: Sized, // for `pool: &dyn Executor` write `(&pool).map(…)`
        I: IntoIterator + 'env,
        I::IntoIter: Send + 'env,
        I::Item: Send + 'env,
        F: Fn(I::Item) -> T + Send + Sync + 'env,
        T: Send + 'env,
    {
        map(self, items.into_iter(), f)
    }
}

/// Tells pools apart: see [`Executor::pool_id`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolId(usize);

impl PoolId {
    /// Of the pool whose handles all share this value, and no other one does. It must not move while the pool lives,
    /// and not be of size 0.
    ///
    /// ```
    /// use pool_core::backend::PoolId;
    /// use std::sync::{Arc, Mutex};
    ///
    /// let queue = Arc::new(Mutex::new(Vec::<u32>::new()));
    /// assert_eq!(PoolId::of(&*queue), PoolId::of(&*queue.clone()));
    /// assert_ne!(PoolId::of(&*queue), PoolId::of(&Mutex::new(Vec::<u32>::new())));
    /// ```
    pub fn of<T>(shared: &T) -> PoolId {
        PoolId(std::ptr::from_ref(shared).addr())
    }
}

/// A flag that a pool sets when it is [terminated](crate::backend::Pool::terminate), and that all who have a clone of it see.
/// See [`Executor::terminated`].
///
/// ```
/// use pool_core::backend::Terminated;
///
/// let flag = Terminated::default();
/// let seen = flag.clone();
/// flag.set();
/// assert!(seen.is_set());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Terminated(Arc<AtomicBool>);

impl Terminated {
    /// The pool was terminated.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Implements the methods of [`Executor`] by forwarding each to another executor: a pool to its handle, a wrapper to
/// the pool inside. Methods that are added to the trait later are forwarded, too. One that has a flag of its own for
/// [`terminated`](Executor::terminated) writes `forward_executor!(self => self.1, terminated: Some(self.2.clone()))`.
///
/// ```
/// use pool_stealing::backend::forward_executor;
/// use pool_stealing::{BuildError, Executor, StealingPool};
///
/// /// A pool that goes with the name of what it is for.
/// struct Named(&'static str, StealingPool);
///
/// impl Executor for Named {
///     forward_executor!(self => self.1);
/// }
///
/// let pool = Named("thumbnails", StealingPool::new(2)?);
/// assert!(pool.imap(0..3, |x| x + 1).eq(1..4));
/// assert_eq!((pool.0, pool.threads()), ("thumbnails", 2));
/// # Ok::<(), BuildError>(())
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! forward_executor {
    ($this:ident => $target:expr) => {
        $crate::forward_executor!($this => $target, terminated: $crate::Executor::terminated(&$target));
    };
    // For a pool that says itself whether it was terminated.
    ($this:ident => $target:expr, terminated: $terminated:expr) => {
        fn threads(&$this) -> usize {
            $crate::Executor::threads(&$target)
        }

        fn spawn(&$this, job: $crate::backend::Job) {
            $crate::Executor::spawn(&$target, job);
        }

        fn has_waiting(&$this) -> bool {
            $crate::Executor::has_waiting(&$target)
        }

        fn is_worker(&$this) -> bool {
            $crate::Executor::is_worker(&$target)
        }

        fn pool_id(&$this) -> Option<$crate::backend::PoolId> {
            $crate::Executor::pool_id(&$target)
        }

        fn terminated(&$this) -> Option<$crate::backend::Terminated> {
            $terminated
        }

        fn is_sequential(&$this) -> bool {
            $crate::Executor::is_sequential(&$target)
        }
    };
}

impl<E: Executor + ?Sized> Executor for &E {
    forward_executor!(self => **self);
}

impl<E: Executor + ?Sized> Executor for Box<E> {
    forward_executor!(self => **self);
}

impl<E: Executor + ?Sized> Executor for Arc<E> {
    forward_executor!(self => **self);
}

/// `None` is [`Sequential`](crate::Sequential): a pool, if there is one.
///
/// An `Option` has a `map` of its own, which hides that of a pool: write `(&pool).map(items, f)`.
impl<E: Executor> Executor for Option<E> {
    forward_executor!(self => *or_sequential(self));
}

fn or_sequential<E: Executor>(pool: &Option<E>) -> &dyn Executor {
    match pool {
        Some(pool) => pool,
        None => &crate::Sequential,
    }
}

// An executor is foreign code, and may panic. The crate calls these functions instead: they always return.

/// The cap on [`Executor::threads`], so that the items for all threads can be counted.
pub(crate) const MOST_THREADS: usize = 1 << 16;

/// [`Executor::threads`], at least 1.
pub(crate) fn threads_of(executor: &dyn Executor) -> usize {
    catch_or(|| executor.threads(), || 1).clamp(1, MOST_THREADS)
}

/// [`Executor::has_waiting`], `true` if it panics.
pub(crate) fn has_waiting(executor: &dyn Executor) -> bool {
    catch_or(|| executor.has_waiting(), || true)
}

/// [`Executor::is_worker`], always `true` inside a job.
pub(crate) fn is_worker(executor: &dyn Executor) -> bool {
    in_job() || catch_or(|| executor.is_worker(), || false)
}

/// [`Executor::pool_id`], `None` if it panics.
pub(crate) fn pool_id(executor: &dyn Executor) -> Option<PoolId> {
    catch_or(|| executor.pool_id(), || None)
}

/// [`Executor::terminated`], `None` if it panics.
pub(crate) fn terminated(executor: &dyn Executor) -> Option<Terminated> {
    catch_or(|| executor.terminated(), || None)
}

/// [`Executor::is_sequential`], `false` if it panics.
pub(crate) fn is_sequential(executor: &dyn Executor) -> bool {
    catch_or(|| executor.is_sequential(), || false)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Panics in every method, or says this.
    struct Says(Option<usize>);

    impl Executor for Says {
        fn threads(&self) -> usize {
            self.0.expect("on purpose")
        }
        fn spawn(&self, _: Job) {
            panic!("on purpose")
        }
        fn has_waiting(&self) -> bool {
            self.0.expect("on purpose") > 0
        }
        fn is_worker(&self) -> bool {
            self.0.expect("on purpose") > 0
        }
        fn pool_id(&self) -> Option<PoolId> {
            Some(PoolId(self.0.expect("on purpose")))
        }
        fn is_sequential(&self) -> bool {
            self.0.expect("on purpose") > 0
        }
    }

    #[test]
    fn there_is_an_answer_whatever_an_executor_does() {
        for (says, threads) in [(0, 1), (1, 1), (3, 3), (usize::MAX, MOST_THREADS)] {
            assert_eq!(threads_of(&Says(Some(says))), threads);
        }
        assert_eq!(threads_of(&Says(None)), 1);
        for says in [0, 1] {
            assert_eq!(has_waiting(&Says(Some(says))), says > 0);
            assert_eq!(is_worker(&Says(Some(says))), says > 0);
            assert_eq!(pool_id(&Says(Some(says))), Some(PoolId(says)));
            assert_eq!(is_sequential(&Says(Some(says))), says > 0);
        }
        assert!(has_waiting(&Says(None)));
        assert!(!is_worker(&Says(None)) && !is_sequential(&Says(None)));
        assert_eq!(pool_id(&Says(None)), None);
        let (send, inside) = std::sync::mpsc::channel();
        let job =
            Job::new(move |executor| send.send((is_worker(executor), is_worker(&Says(Some(0))))).unwrap());
        job.run(&Says(None));
        assert_eq!(inside.recv(), Ok((true, true)));
    }

    /// The compiler shows this line to those who call the method on a `&dyn Executor`.
    #[test]
    fn each_provided_method_tells_how_to_call_it_on_a_reference_to_any_pool() {
        let source = include_str!("executor.rs").split("\nimpl").next().unwrap();
        let mut name = "";
        let mut told = Vec::new();
        for line in source.lines() {
            if let Some(signature) = line.strip_prefix("    fn ") {
                name = signature.split(['<', '(']).next().unwrap();
            }
            if line.trim().starts_with("Self: Sized") && !name.starts_with("into_") {
                assert!(line.ends_with(&format!("write `(&pool).{name}(…)`")), "{name}: {line}");
                told.push(name);
            }
        }
        assert_eq!(told, ["imap", "imap_init", "imap_local", "sink", "sink_init", "submit", "scope", "map"]);
    }
}
