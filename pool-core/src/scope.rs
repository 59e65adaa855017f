//! Jobs that borrow: `scope`, and the only `unsafe` of the workspace.
//!
//! A pool keeps jobs for as long as it likes, so a [`Job`](crate::backend::Job) must borrow nothing. The jobs of a scope may
//! borrow, since the [`scope`] does not return while a thread can reach what was borrowed.
//!
//! The pool gets a [`Lease`]. Its type borrows nothing, and it holds the task that borrows. A thread can reach the task
//! only through the lease, and is counted while it has the task. At its end the scope waits for its jobs, closes what is
//! left, and waits until the count is zero: [`Leases::finish`]. A lease that still lies in the pool's queue then is an
//! empty shell. So the scope waits for the queue only where a submitted job must still run; on a thread that the pool
//! needs (P8) it runs such a job itself.
//!
//! Nothing that safe code does may get past that wait: not a panic in an [`Executor`], a waker or a destructor, all of
//! which are caught where they are called. A guard ends the process if a panic gets past the wait nevertheless.
//!
//! The shape of the interface, two lifetimes and a higher-ranked closure, is that of `std::thread::scope`.
#![allow(unsafe_code)]

use crate::Executor;
use crate::executor::is_worker;
use crate::imap::{Control, ExecutorRef, Imap, Input, Local, LocalInput, Outcome, Sink};
use crate::job::Task;
use crate::lease::{Lease, Leases};
use crate::submit::{FirstPanic, ScopedJobHandle, Submitted, spawn_or_cancel};
use crate::unwind::{AbortOnUnwind, catch, drop_quietly};
use std::fmt;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::sync::Arc;

/// Where jobs that borrow are spawned. From [`Executor::scope`].
///
/// `'env` is what may be borrowed, `'scope` is the scope itself: what is spawned in it may also borrow from
/// what outlives the scope's body.
///
/// # What the compiler refuses
///
/// A job cannot borrow what ends before the scope does:
///
/// ```compile_fail,E0597
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// pool.scope(|s| {
///     let inside = vec![1, 2, 3];
///     s.imap(&inside, |x| x + 1).start();
/// });
/// ```
///
/// What borrows cannot leave the scope:
///
/// ```compile_fail,E0521
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// let data = vec![1, 2, 3];
/// let mut escaped = None;
/// pool.scope(|s| {
///     escaped = Some(s.imap(&data, |x| x + 1));
/// });
/// ```
///
/// ```compile_fail,E0521
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// let data = vec![1, 2, 3];
/// let mut escaped = None;
/// pool.scope(|s| {
///     escaped = Some(s.submit(|| data.len()));
/// });
/// ```
///
/// ```compile_fail,E0521
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// let data = vec![1, 2, 3];
/// let mut escaped = None;
/// pool.scope(|s| {
///     escaped = Some(s.imap_local(data.iter(), |x| x + 1));
/// });
/// ```
///
/// ```compile_fail,E0521
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// let data = vec![1, 2, 3];
/// let mut escaped = None;
/// pool.scope(|s| {
///     escaped = Some(s.imap_init([1], || &data, |data, x| data.len() + x));
/// });
/// ```
///
/// What is borrowed cannot change meanwhile:
///
/// ```compile_fail,E0502
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// let mut data = vec![1, 2, 3];
/// pool.scope(|s| {
///     let length = s.submit(|| data.len());
///     data.push(4);
///     length.join().unwrap();
/// });
/// ```
///
/// `Rc` cannot cross to another thread, neither in the function, nor as an item, nor as a result:
///
/// ```compile_fail,E0277
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// let shared = std::rc::Rc::new(1);
/// pool.scope(|s| s.submit(|| *shared).join().unwrap());
/// ```
///
/// ```compile_fail,E0277
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// let items = vec![std::rc::Rc::new(1)];
/// pool.map(items, |item| *item);
/// ```
///
/// ```compile_fail,E0277
/// # use pool_stealing::{Executor, StealingPool};
/// # let pool = StealingPool::new(2).unwrap();
/// pool.map([1, 2], |item| std::rc::Rc::new(item));
/// ```
pub struct Scope<'scope, 'env: 'scope> {
    executor: &'env dyn Executor,
    leases: Arc<Leases>,
    /// Of a job that is not joined.
    panic: Arc<FirstPanic>,
    // Invariant in both, as in `std::thread::Scope`: neither may be shortened behind our back.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

pub(crate) fn scope<'env, F, R>(executor: &'env dyn Executor, f: F) -> R
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
{
    let (leases, panic) = (Arc::<Leases>::default(), Arc::<FirstPanic>::default());
    let scope = Scope {
        executor,
        leases: leases.clone(),
        panic: panic.clone(),
        scope: PhantomData,
        env: PhantomData,
    };
    let result = catch(|| f(&scope));
    // On every way out of here, and before anything else: see `erase`.
    let guard = AbortOnUnwind("a scope cannot unwind past its running jobs, which borrow: aborting");
    // There may be no other thread to run what is queued, so a caller on such a thread works.
    leases.finish(is_worker(executor).then_some(executor));
    guard.disarm();
    let unjoined = panic.take();
    match (result, unjoined) {
        (Ok(result), None) => result,
        (Ok(result), Some(panic)) => {
            drop_quietly(result);
            panic.resume()
        }
        (Err(payload), unjoined) => {
            drop(unjoined);
            resume_unwind(payload)
        }
    }
}

impl<'scope> Scope<'scope, '_> {
    /// [`Executor::imap`] on borrowed data. What has not begun when the scope ends is cancelled, even if the
    /// `Imap` was leaked.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let words = vec![String::from("one"), String::from("three")];
    /// let longest = pool.scope(|s| s.imap(&words, |word| word.len()).max());
    /// assert_eq!(longest, Some(5));
    /// ```
    pub fn imap<I, F, T>(&'scope self, items: I, f: F) -> Imap<'scope, T, I::Place>
    where
        I: Input<'scope> + 'scope,
        F: Fn(I::Item) -> T + Send + Sync + 'scope,
        T: Send + 'scope,
    {
        Imap::scoped(ExecutorRef::Borrowed(self.executor), items, f, self.lends())
    }

    /// [`Executor::imap_init`] on borrowed data.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let (words, separator) = (vec!["a", "b"], String::from("-"));
    /// let joined: Vec<_> = pool.scope(|s| {
    ///     let join = |buffer: &mut String, word: &&str| {
    ///         buffer.clear();
    ///         buffer.extend([word, &*separator, word]);
    ///         buffer.clone()
    ///     };
    ///     s.imap_init(&words, String::new, join).collect()
    /// });
    /// assert_eq!(joined, ["a-a", "b-b"]);
    /// ```
    pub fn imap_init<I, N, S, F, T>(&'scope self, items: I, init: N, f: F) -> Imap<'scope, T, I::Place>
    where
        I: Input<'scope> + 'scope,
        N: Fn() -> S + Send + Sync + 'scope,
        S: Send + 'scope,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'scope,
        T: Send + 'scope,
    {
        let executor = ExecutorRef::Borrowed(self.executor);
        Imap::scoped_with_state(executor, items, init, f, self.lends())
    }

    /// [`Executor::imap_local`] on borrowed data: the input is pulled where you iterate and need not be `Send`, and
    /// its items may borrow. Short for [`s.imap(items.local(), f)`](Scope::imap); with a state it is
    /// [`s.imap_init(items.local(), init, f)`](Scope::imap_init).
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let text = String::from("some\nlines of text");
    /// let offset = std::rc::Rc::new(1);
    /// let lines = text.lines().skip(*offset);
    /// let words: Vec<&str> = pool.scope(|s| s.imap_local(lines, |line| &line[..5]).collect());
    /// assert_eq!(words, ["lines"]);
    /// ```
    pub fn imap_local<I, F, T>(&'scope self, items: I, f: F) -> Imap<'scope, T, Local>
    where
        I: IntoIterator,
        I::IntoIter: 'scope,
        I::Item: Send + 'scope,
        F: Fn(I::Item) -> T + Send + Sync + 'scope,
        T: Send + 'scope,
    {
        self.imap(LocalInput::new(items.into_iter()), f)
    }

    /// [`Executor::sink`] on borrowed data. What has not begun when the scope ends is cancelled.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let (text, mut lengths) = (String::from("pushed word by word"), Vec::new());
    /// pool.scope(|s| {
    ///     let mut sink = s.sink(str::len, |length| lengths.push(length));
    ///     text.split(' ').for_each(|word| sink.push(word));
    ///     sink.finish();
    /// });
    /// assert_eq!(lengths, [6, 4, 2, 4]);
    /// ```
    pub fn sink<X, F, T, C, R>(&'scope self, f: F, consume: C) -> Sink<'scope, X, T, C>
    where
        X: Send + 'scope,
        F: Fn(X) -> T + Send + Sync + 'scope,
        T: Send + 'scope,
        C: FnMut(T) -> R,
        R: Outcome,
    {
        Sink::scoped(ExecutorRef::Borrowed(self.executor), f, consume, self.lends())
    }

    /// [`Executor::sink_init`] on borrowed data.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let (separator, mut joined) = (String::from("-"), Vec::new());
    /// pool.scope(|s| {
    ///     let join = |buffer: &mut String, word: &str| {
    ///         buffer.clear();
    ///         buffer.extend([word, &*separator, word]);
    ///         buffer.clone()
    ///     };
    ///     let mut sink = s.sink_init(String::new, join, |word| joined.push(word));
    ///     ["a", "b"].into_iter().for_each(|word| sink.push(word));
    ///     sink.finish();
    /// });
    /// assert_eq!(joined, ["a-a", "b-b"]);
    /// ```
    pub fn sink_init<X, N, S, F, T, C, R>(&'scope self, init: N, f: F, consume: C) -> Sink<'scope, X, T, C>
    where
        X: Send + 'scope,
        N: Fn() -> S + Send + Sync + 'scope,
        S: Send + 'scope,
        F: Fn(&mut S, X) -> T + Send + Sync + 'scope,
        T: Send + 'scope,
        C: FnMut(T) -> R,
        R: Outcome,
    {
        Sink::scoped_with_state(ExecutorRef::Borrowed(self.executor), init, f, consume, self.lends())
    }

    /// Makes the lease of an imap.
    fn lends(&'scope self) -> impl FnOnce(Arc<dyn Task + 'scope>, Arc<Control>) -> Arc<Lease> {
        |task, control: Arc<Control>| self.leases.lend_imap(erase(task), move || control.cancel())
    }

    /// [`Executor::submit`] with borrowed data. The job runs even if the handle is dropped, and the scope
    /// waits for it. If it panics and is not joined, the scope panics with its payload at the end.
    ///
    /// ```
    /// # use pool_stealing::{Executor, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let mut halves = [vec![3, 1, 2], vec![6, 5, 4]];
    /// pool.scope(|s| {
    ///     for half in &mut halves {
    ///         drop(s.submit(|| half.sort()));
    ///     }
    /// });
    /// assert_eq!(halves.concat(), [1, 2, 3, 4, 5, 6]);
    /// ```
    pub fn submit<F, T>(&'scope self, f: F) -> ScopedJobHandle<'scope, T>
    where
        F: FnOnce() -> T + Send + 'scope,
        T: Send + 'scope,
    {
        let job = Arc::new(Submitted::new(f, Some(self.panic.clone())));
        let lease = self.leases.lend_job(erase(job.clone()));
        spawn_or_cancel(self.executor, lease.clone());
        ScopedJobHandle::new(job, self.executor, Some(lease))
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// Hides from the compiler that the task borrows.
fn erase<'scope>(task: Arc<dyn Task + 'scope>) -> Arc<dyn Task> {
    // SAFETY: the two types differ in the lifetime of the trait object only, so they have one layout and one
    // vtable. The task must not be used after `'scope`. The result goes into a lease at once, in both places
    // that call this, and nowhere else. A thread has a task only inside `Lease::lend`, which counts it before
    // the lease is unlocked, and until after the thread has dropped the task. `scope` calls `Leases::finish`
    // on every way out of itself, before `'scope` ends. That returns when each lease has lost its task, a job's
    // to the thread that ran or discarded it and an imap's by being closed, and no thread is counted. No panic
    // gets past `finish`: the process ends before.
    unsafe { std::mem::transmute::<Arc<dyn Task + 'scope>, Arc<dyn Task + 'static>>(task) }
}
