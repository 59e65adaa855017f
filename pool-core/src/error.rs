//! What can go wrong, one type for each.

use crate::unwind::{Payload, drop_quietly};
use std::fmt;
use std::time::Duration;

/// A caught panic of the function or of the input.
///
/// Holds the original payload. [`resume`](Panic::resume) throws it again, as if it had not been caught.
///
/// If the payload panics when it is dropped, that panic is swallowed. Otherwise dropping a list of results with two
/// such payloads would abort the process.
pub struct Panic {
    /// There until it is taken out or dropped.
    payload: Option<Payload>,
}

impl Panic {
    pub(crate) fn new(payload: Payload) -> Panic {
        Panic { payload: Some(payload) }
    }

    /// The panic's message, if it has one (`panic!("…")`); `None` for other payloads.
    pub fn message(&self) -> Option<&str> {
        let payload = self.payload.as_ref()?;
        let string = payload.downcast_ref::<String>().map(String::as_str);
        string.or_else(|| payload.downcast_ref::<&'static str>().copied())
    }

    /// The payload, as `std::panic::catch_unwind` gives it.
    pub fn into_payload(mut self) -> Box<dyn std::any::Any + Send + 'static> {
        self.payload.take().expect("only this and drop take it")
    }

    /// Goes on unwinding with the original payload. The panic hook is not called again.
    pub fn resume(self) -> ! {
        std::panic::resume_unwind(self.into_payload())
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        drop_quietly(self.payload.take());
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message()).finish()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => write!(f, "panicked: {message}"),
            None => f.write_str("panicked with a payload that is not a string"),
        }
    }
}

impl std::error::Error for Panic {}

/// The pool was terminated, or dropped the job, before the work was done.
///
/// [`JobHandle::join`](crate::JobHandle::join) returns it inside [`JobError`]; an
/// [`Imap`](crate::Imap), which has no error to return, panics with it as the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled: the job was dropped before it could run")
    }
}

impl std::error::Error for Cancelled {}

/// Why a submitted job has no result.
#[derive(Debug)]
pub enum JobError {
    /// The function panicked.
    Panicked(Panic),
    /// The job was cancelled before it began, by its handle or by [`terminate`](Cancelled) of its pool.
    Cancelled,
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobError::Panicked(panic) => panic.fmt(f),
            JobError::Cancelled => Cancelled.fmt(f),
        }
    }
}

impl std::error::Error for JobError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JobError::Panicked(panic) => Some(panic),
            JobError::Cancelled => None,
        }
    }
}

/// A result did not come in time. Nothing is lost: the next call waits for the same item again.
///
/// It is the pool's own type, so that it cannot be mistaken for an error of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut {
    pub(crate) index: u64,
    pub(crate) waited: Duration,
}

impl TimedOut {
    /// Which item is late, counted from 0 in input order.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// How long this call waited for it.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} was not ready after {:?}", self.index, self.waited)
    }
}

impl std::error::Error for TimedOut {}

/// A pool could not be built. No thread of it is left running.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// A pool of no threads was asked for.
    ZeroThreads,
    /// The environment variable for the number of threads is 0, not a number, or too large.
    Variable {
        /// Which variable: `POOL_THREADS`.
        name: &'static str,
        /// Its value.
        value: std::ffi::OsString,
    },
    /// The operating system refused to start a thread. Those already started have ended again.
    Thread {
        /// Which thread it was, counted from 0.
        index: usize,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The start hook panicked. Every thread has ended again.
    Hook(Panic),
    /// The backend's own library refused.
    Backend(Box<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::ZeroThreads => f.write_str("a pool needs at least one thread, and 0 were asked for"),
            BuildError::Variable { name, value } => {
                write!(
                    f,
                    "the environment variable {name} is {value:?}, and should be a number of threads from 1 up"
                )
            }
            BuildError::Thread { index, source } => {
                write!(f, "thread {index} could not be started: {source}")
            }
            BuildError::Hook(panic) => write!(f, "the start hook {panic}"),
            BuildError::Backend(error) => write!(f, "the pool could not be built: {error}"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BuildError::ZeroThreads | BuildError::Variable { .. } => None,
            BuildError::Thread { source, .. } => Some(source),
            BuildError::Hook(panic) => Some(panic),
            BuildError::Backend(error) => Some(error.as_ref()),
        }
    }
}
