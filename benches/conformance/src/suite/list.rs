//! How a file makes a list of its tests, and a folder one of its files.

use crate::subject::AnySubject;
use std::sync::Arc;

/// The name of a test, and what it does with a backend.
pub(super) type Test = (&'static str, fn(Arc<AnySubject>));

/// Defines tests as functions of the subject, and `tests()`, the list of them.
macro_rules! promises {
    ($($(#[$attribute:meta])* fn $name:ident($subject:ident) $body:block)*) => {
        pub(super) fn tests() -> Vec<crate::suite::list::Test> {
            $($(#[$attribute])*
            fn $name($subject: std::sync::Arc<crate::subject::AnySubject>) $body)*
            vec![$((stringify!($name), $name)),*]
        }
    };
}
pub(super) use promises;

/// Declares the files of a folder, and `tests()`, the list of their tests. The formatter does not find them by this: see
/// `.ci/lint`.
macro_rules! files {
    ($($file:ident)*) => {
        $(pub(super) mod $file;)*
        pub(super) fn tests() -> Vec<crate::suite::list::Test> {
            [$($file::tests()),*].concat()
        }
    };
}
pub(super) use files;
