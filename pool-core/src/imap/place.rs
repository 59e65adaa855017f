//! On which thread the input of an imap is pulled, as a type: it decides whether the iterator is `Send`.

use super::adapted::Adapted;
use super::catch_panics::Caught;
use super::engine::Source;
use super::item_timeout::Limited;
use super::iter::Imap;
use crate::error::{Panic, TimedOut};
use std::ops::DerefMut;

/// Where the input of an [`Imap`] is pulled: [`Pooled`] or [`Local`].
pub trait Place: sealed::Place + sealed::Adapt {}

/// On the pool's threads. The default; the input is `Send`, and so is the [`Imap`].
#[derive(Debug)]
pub enum Pooled {}

/// On the thread that iterates, from [`imap_local`](crate::Executor::imap_local) and
/// [`IterExt::imap`](crate::IterExt::imap). The input need not be `Send`, so the [`Imap`] is not.
#[derive(Debug)]
pub enum Local {}

impl Place for Pooled {}
impl Place for Local {}

pub(super) mod sealed {
    use super::*;

    pub trait Place: Sized {
        type Source<'p, T>: Source<T>;
        type Adapted<'p, T>: DerefMut<Target: Adapted<T>>;
    }

    // A separate trait: in `Place` these methods would require `T: 'p` everywhere.
    pub trait Adapt: Place {
        fn adapt<'p, T: Send + 'p>(inner: Imap<'p, T, Self>) -> Self::Adapted<'p, Result<T, Panic>>
        where
            Self: super::Place;

        fn limit<'p, T: Send + 'p>(inner: Imap<'p, T, Self>) -> Self::Adapted<'p, Result<T, TimedOut>>
        where
            Self: super::Place;
    }

    impl Place for Pooled {
        type Source<'p, T> = Box<dyn Source<T> + Send + 'p>;
        type Adapted<'p, T> = Box<dyn Adapted<T> + Send + 'p>;
    }

    impl Place for Local {
        type Source<'p, T> = Box<dyn Source<T> + 'p>;
        type Adapted<'p, T> = Box<dyn Adapted<T> + 'p>;
    }

    impl Adapt for Pooled {
        fn adapt<'p, T: Send + 'p>(inner: Imap<'p, T>) -> Self::Adapted<'p, Result<T, Panic>> {
            Box::new(Caught::new(inner))
        }

        fn limit<'p, T: Send + 'p>(inner: Imap<'p, T>) -> Self::Adapted<'p, Result<T, TimedOut>> {
            Box::new(Limited::new(inner))
        }
    }

    impl Adapt for Local {
        fn adapt<'p, T: Send + 'p>(inner: Imap<'p, T, Local>) -> Self::Adapted<'p, Result<T, Panic>> {
            Box::new(Caught::new(inner))
        }

        fn limit<'p, T: Send + 'p>(inner: Imap<'p, T, Local>) -> Self::Adapted<'p, Result<T, TimedOut>> {
            Box::new(Limited::new(inner))
        }
    }
}
