//! The executor of an imap: borrowed from the caller, or owned by the consumer's half.
//!
//! A job never owns it. Else the last owner of a pool could be one of the pool's own jobs, and the pool would live as
//! long as a job that hangs.

use crate::Executor;
use crate::unwind::Quiet;

pub enum ExecutorRef<'p> {
    Borrowed(&'p dyn Executor),
    /// Dropping it may join the pool's threads. A panic of that drop has nowhere to go.
    Owned(Quiet<Box<dyn Executor + 'p>>),
}

impl<'p> ExecutorRef<'p> {
    pub(crate) fn owned(executor: impl Executor + 'p) -> ExecutorRef<'p> {
        ExecutorRef::Owned(Quiet::new(Box::new(executor)))
    }

    pub(crate) fn get(&self) -> &(dyn Executor + 'p) {
        match self {
            ExecutorRef::Borrowed(executor) => *executor,
            ExecutorRef::Owned(executor) => &**executor.get(),
        }
    }
}
