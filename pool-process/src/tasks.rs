//! The functions of a program, and the first line of its `main`.

use crate::serve;
use pool_remote::Task;
use pool_remote::functions::Functions;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// The functions that child processes run. To be made in the first line of `main`.
///
/// A child process is the same program, started anew. It finds its functions by coming to the same line:
/// [`serve`](Tasks::serve) returns in the parent, and never in a child. What stands before that line is run by each child,
/// too, so nothing should.
///
/// ```no_run
/// use pool_process::{Program, Task, Tasks};
///
/// const WORDS: Task<String, u64> = Task::named("words");
///
/// fn main() {
///     let program: Program = Tasks::new().task(WORDS, |text| text.split_whitespace().count() as u64).serve();
///     // Here the parent goes on.
/// }
/// ```
#[derive(Default)]
#[must_use = "children cannot run tasks that are not served"]
pub struct Tasks {
    functions: Functions,
    initializer: Option<serve::Initializer>,
}

impl Tasks {
    /// None yet.
    pub fn new() -> Tasks {
        Tasks::default()
    }

    /// Offers a function under this name. It may run twice for one item, if its process dies of another one, so it must be
    /// idempotent.
    ///
    /// # Panics
    ///
    /// If the same task is offered twice.
    #[track_caller]
    pub fn task<I, T, F>(mut self, task: Task<I, T>, function: F) -> Tasks
    where
        I: DeserializeOwned,
        T: Serialize,
        F: Fn(I) -> T + Send + Sync + 'static,
    {
        self.functions.add(task, function);
        self
    }

    /// Runs this in each child, once, before its first item: to set up what functions need, or to give up rights that they
    /// do not. If it panics, the child ends, and in the end so do the imaps, with [`TaskError::Start`](crate::TaskError).
    pub fn initializer(mut self, f: impl FnOnce() + Send + 'static) -> Tasks {
        self.initializer = Some(Box::new(f));
        self
    }

    /// In the parent: returns at once. In a child: runs functions until the parent is done, and ends the process.
    ///
    /// Call it in the first line of `main`. Where `main` is not yours, as in tests, let a test call it, and give children
    /// the arguments that run only this test ([`Builder::args`](crate::Builder::args)).
    pub fn serve(self) -> Program {
        match serve::role() {
            serve::Role::Parent => Program { nested: false },
            serve::Role::InChild => Program { nested: true },
            serve::Role::Child(socket) => serve::run(&self.functions, self.initializer, socket),
        }
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("functions", &self.functions).finish_non_exhaustive()
    }
}

/// This program, after its tasks have been [served](Tasks::serve): children of it will come to that line, too.
#[derive(Debug, Clone)]
pub struct Program {
    /// Whether this process is a child itself.
    pub(crate) nested: bool,
}
