//! What an imap takes as its input. Where the input is pulled depends on its type alone, whatever the executor and the
//! function are.

use super::engine::{ExecutorRef, Function};
use super::iter::Imap;
use super::place::{Local, Pooled};
use crate::Executor;
use sealed::Share;
use std::iter::Empty;

/// The input of an [`Imap`]: any iterator that is `Send` and has items that are, or one that is [`local`](crate::IterExt::local).
///
/// The pool's threads have it for `'a`, which is `'static`, or in a [`Scope`](crate::Scope) the lifetime of that. A local
/// input stays on the thread that iterates, so there only its items need be `Send`.
///
/// Nothing else implements it.
///
/// ```
/// use pool_stealing::{Executor, IterExt, StealingPool};
/// use std::rc::Rc;
///
/// let pool = StealingPool::new(2)?;
/// let add = |sum: &mut u32, x| *sum + x;
/// assert!(pool.imap_init(0..3, || 10, add).eq(10..13));
/// let (text, offset) = (String::from("1 2"), Rc::new(1));
/// let numbers = text.split(' ').map(|word| word.parse::<u32>().unwrap() + *offset);
/// assert!(pool.imap_init(numbers.local(), || 10, add).eq([12, 13]));
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[diagnostic::on_unimplemented(note = "an imap takes an iterator that is `Send`, or `items.local()`")]
pub trait Input<'a>: sealed::Parts<'a> {}

impl<'a, I> Input<'a> for I
where
    I: IntoIterator,
    I::IntoIter: Send + 'a,
    I::Item: Send + 'a,
{
}

impl<'a, I> Input<'a> for LocalInput<I>
where
    I: Iterator,
    I::Item: Send + 'a,
{
}

/// An input that stays where the results are iterated. From [`IterExt::local`](crate::IterExt::local).
///
/// Every imap takes it in place of an iterator: [`pool.imap_init(items.local(), init, f)`](Executor::imap_init).
#[derive(Debug, Clone)]
#[must_use = "it is the input of an imap"]
pub struct LocalInput<I>(I);

impl<I: Iterator> LocalInput<I> {
    pub(crate) fn new(input: I) -> LocalInput<I> {
        LocalInput(input)
    }

    /// As [`IterExt::imap`](crate::IterExt::imap), or [`imap_local`](Executor::imap_local).
    pub fn imap<'p, E, F, T>(self, executor: E, f: F) -> Imap<'p, T, Local>
    where
        I: 'p,
        I::Item: Send + 'static,
        E: Executor + 'p,
        F: Fn(I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::new(ExecutorRef::owned(executor), self, f)
    }

    /// As [`IterExt::imap_init`](crate::IterExt::imap_init).
    ///
    /// ```
    /// # use pool_stealing::{IterExt, StealingPool};
    /// # let pool = StealingPool::new(2).unwrap();
    /// let offset = std::rc::Rc::new(1);
    /// let input = (0..3u32).map(|x| x + *offset).local();
    /// assert!(input.imap_init(&pool, || 10, |factor, x| *factor * x).eq([10, 20, 30]));
    /// ```
    pub fn imap_init<'p, E, N, S, F, T>(self, executor: E, init: N, f: F) -> Imap<'p, T, Local>
    where
        I: 'p,
        I::Item: Send + 'static,
        E: Executor + 'p,
        N: Fn() -> S + Send + Sync + 'static,
        S: Send + 'static,
        F: Fn(&mut S, I::Item) -> T + Send + Sync + 'static,
        T: Send + 'static,
    {
        Imap::with_state(ExecutorRef::owned(executor), self, init, f)
    }
}

pub(super) mod sealed {
    use super::super::engine::Shared;
    use super::*;
    use crate::imap::Place;
    use std::sync::Arc;

    /// Makes what the jobs of an imap share.
    pub trait Share<I: Iterator, F, T>: FnOnce(Option<I>, F, &dyn Executor) -> Arc<Shared<I, F, T>> {}

    impl<I: Iterator, F, T, S> Share<I, F, T> for S where
        S: FnOnce(Option<I>, F, &dyn Executor) -> Arc<Shared<I, F, T>>
    {
    }

    pub trait Parts<'a> {
        type Item: Send + 'a;
        /// What the pool's threads pull.
        type Pooled: Iterator<Item = Self::Item> + Send + 'a;
        type Place: Place;

        fn imap<'p, F, T>(
            self,
            executor: ExecutorRef<'p>,
            function: F,
            share: impl Share<Self::Pooled, F, T>,
        ) -> Imap<'p, T, Self::Place>
        where
            'a: 'p,
            Self: 'p,
            F: Function<Self::Item, Output = T> + Send + Sync + 'p,
            T: Send + 'p;
    }
}

impl<'a, I> sealed::Parts<'a> for I
where
    I: IntoIterator,
    I::IntoIter: Send + 'a,
    I::Item: Send + 'a,
{
    type Item = I::Item;
    type Pooled = I::IntoIter;
    type Place = Pooled;

    fn imap<'p, F, T>(
        self,
        executor: ExecutorRef<'p>,
        function: F,
        share: impl Share<I::IntoIter, F, T>,
    ) -> Imap<'p, T>
    where
        'a: 'p,
        I: 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
        T: Send + 'p,
    {
        Imap::pooled(executor, self.into_iter(), function, share)
    }
}

impl<'a, I> sealed::Parts<'a> for LocalInput<I>
where
    I: Iterator,
    I::Item: Send + 'a,
{
    type Item = I::Item;
    type Pooled = Empty<I::Item>;
    type Place = Local;

    fn imap<'p, F, T>(
        self,
        executor: ExecutorRef<'p>,
        function: F,
        share: impl Share<Empty<I::Item>, F, T>,
    ) -> Imap<'p, T, Local>
    where
        'a: 'p,
        I: 'p,
        F: Function<I::Item, Output = T> + Send + Sync + 'p,
        T: Send + 'p,
    {
        Imap::local(executor, self.0, function, share)
    }
}
