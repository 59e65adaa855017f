//! On which thread the input of an imap is pulled, as a type: it decides whether the iterator is `Send`. And what an
//! imap hands its results out of, which depends on that type.

use super::controls::Controls;
use super::engine::{Source, Wait};
use super::results::{Next, Results};
use sealed::Erased;
use std::ops::DerefMut;

/// Where the input of an [`Imap`](crate::Imap) is pulled: [`Pooled`] or [`Local`].
pub trait Place: sealed::Place + sealed::Erase {}

/// On the pool's threads. The default; the input is `Send`, and so is the [`Imap`](crate::Imap).
#[derive(Debug)]
pub enum Pooled {}

/// On the thread that iterates, from [`imap_local`](crate::Executor::imap_local) and
/// [`local`](crate::IterExt::local). The input need not be `Send`, so the [`Imap`](crate::Imap) is not.
#[derive(Debug)]
pub enum Local {}

impl Place for Pooled {}
impl Place for Local {}

/// What an imap hands its results out of.
#[expect(clippy::large_enum_variant, reason = "no indirection on the way of every item")]
pub(super) enum Inner<'p, T, P: Place> {
    Results(Results<T, P::Source<'p, T>>),
    Mapped(P::Mapped<'p, T>),
}

impl<T, P: Place> Inner<'_, T, P> {
    /// The next result with its panic caught.
    pub(super) fn next(&mut self, wait: Wait<'_>) -> Next<T> {
        match self {
            Inner::Results(results) => results.next_caught(wait),
            Inner::Mapped(mapped) => mapped.next(wait),
        }
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Inner::Results(results) => results.size_hint(),
            Inner::Mapped(mapped) => mapped.size_hint(),
        }
    }

    /// What counts as a failure.
    pub(super) fn fail_fast(&mut self, fails: fn(&T) -> bool) {
        match self {
            Inner::Results(results) => {
                results.fail_fast().into_iter().for_each(|fail_fast| fail_fast.result = Some(fails));
            }
            Inner::Mapped(mapped) => mapped.fail_fast(fails),
        }
    }

    /// Whether a panic of the input is still to be handed out.
    fn input_has_panicked(&self) -> bool {
        match self {
            Inner::Results(results) => results.input_has_panicked(),
            Inner::Mapped(mapped) => mapped.input_has_panicked(),
        }
    }

    pub(super) fn controls(&self) -> &dyn Controls {
        match self {
            Inner::Results(results) => results,
            Inner::Mapped(mapped) => mapped.controls(),
        }
    }

    pub(super) fn controls_mut(&mut self) -> &mut dyn Controls {
        match self {
            Inner::Results(results) => results,
            Inner::Mapped(mapped) => mapped.controls_mut(),
        }
    }
}

/// Results made of others by a function, which asks for the next itself.
#[expect(missing_debug_implementations, reason = "an imap shows what is below")]
pub struct Mapped<'p, T, U, P: Place, F> {
    below: Inner<'p, T, P>,
    next: F,
    catches: bool,
    /// What a failed result is below.
    lower: Lower<'p, T, U, P>,
}

impl<'p, T, U, P: Place, F> Mapped<'p, T, U, P, F> {
    /// `catches` says that a panic of the input becomes a result.
    pub(super) fn new(below: Inner<'p, T, P>, catches: bool, lower: Lower<'p, T, U, P>, next: F) -> Self {
        Mapped { below, next, catches, lower }
    }
}

impl<'p, T, U, P: Place, F> Erased<U> for Mapped<'p, T, U, P, F>
where
    F: FnMut(&mut Inner<'p, T, P>, Wait<'_>) -> Next<U>,
{
    fn next(&mut self, wait: Wait<'_>) -> Next<U> {
        (self.next)(&mut self.below, wait)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.below.size_hint();
        let more = usize::from(self.catches && self.below.input_has_panicked());
        (least.saturating_add(more), most.map(|most| most.saturating_add(more)))
    }

    fn fail_fast(&mut self, fails: fn(&U) -> bool) {
        (self.lower)(&mut self.below, fails);
    }

    fn input_has_panicked(&self) -> bool {
        !self.catches && self.below.input_has_panicked()
    }

    fn controls(&self) -> &dyn Controls {
        self.below.controls()
    }

    fn controls_mut(&mut self) -> &mut dyn Controls {
        self.below.controls_mut()
    }
}

/// What a failure of a mapped result is below.
pub(super) type Lower<'p, T, U, P> = fn(&mut Inner<'p, T, P>, fn(&U) -> bool);

/// None is, since the mapped result is no `Result`.
pub(super) fn no_failure<T, U, P: Place>(_: &mut Inner<'_, T, P>, _: fn(&U) -> bool) {}

/// The same, since the result is.
#[cfg(feature = "progress")]
pub(super) fn same_failure<T, P: Place>(below: &mut Inner<'_, T, P>, fails: fn(&T) -> bool) {
    below.fail_fast(fails);
}

/// A panic.
pub(super) fn panic_is_failure<T, U, P: Place>(below: &mut Inner<'_, T, P>, _: fn(&U) -> bool) {
    below.controls_mut().fail_on(true, false);
}

/// An item that is late.
pub(super) fn late_is_failure<T, U, P: Place>(below: &mut Inner<'_, T, P>, _: fn(&U) -> bool) {
    below.controls_mut().fail_on(false, true);
}

mod sealed {
    use super::*;

    pub trait Place: Sized {
        type Source<'p, T>: DerefMut<Target: Source<T>>;
        type Mapped<'p, T>: DerefMut<Target: Erased<T>>;
    }

    /// [`Mapped`] without the type of what is below.
    pub trait Erased<T> {
        fn next(&mut self, wait: Wait<'_>) -> Next<T>;
        fn size_hint(&self) -> (usize, Option<usize>);
        fn fail_fast(&mut self, fails: fn(&T) -> bool);
        fn input_has_panicked(&self) -> bool;
        fn controls(&self) -> &dyn Controls;
        fn controls_mut(&mut self) -> &mut dyn Controls;
    }

    // A separate trait: in `Place` this method would require `T: 'p` everywhere.
    pub trait Erase: Place {
        fn erase<'p, T, U, F>(mapped: Mapped<'p, T, U, Self, F>) -> Self::Mapped<'p, U>
        where
            Self: super::Place,
            T: Send + 'p,
            U: 'p,
            F: Send + 'p,
            Mapped<'p, T, U, Self, F>: Erased<U>;
    }

    impl Place for Pooled {
        type Source<'p, T> = Box<dyn Source<T> + Send + 'p>;
        type Mapped<'p, T> = Box<dyn Erased<T> + Send + 'p>;
    }

    impl Place for Local {
        type Source<'p, T> = Box<dyn Source<T> + 'p>;
        type Mapped<'p, T> = Box<dyn Erased<T> + 'p>;
    }

    impl Erase for Pooled {
        fn erase<'p, T, U, F>(mapped: Mapped<'p, T, U, Self, F>) -> Self::Mapped<'p, U>
        where
            T: Send + 'p,
            U: 'p,
            F: Send + 'p,
            Mapped<'p, T, U, Self, F>: Erased<U>,
        {
            Box::new(mapped)
        }
    }

    impl Erase for Local {
        fn erase<'p, T, U, F>(mapped: Mapped<'p, T, U, Self, F>) -> Self::Mapped<'p, U>
        where
            T: Send + 'p,
            U: 'p,
            F: Send + 'p,
            Mapped<'p, T, U, Self, F>: Erased<U>,
        {
            Box::new(mapped)
        }
    }
}
