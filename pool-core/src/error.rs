//! What can go wrong, one type for each.
//!
//! A text is told once, so that a report of all causes does not repeat itself: what a panic said is in the `Display` of the
//! error that holds it, and no `source`; what the system or a library said is the `source`, and not in the `Display`.

use crate::unwind::{Payload, drop_quietly};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A caught panic of the function or of the input.
///
/// Holds the original payload. [`resume`](Panic::resume) throws it again, as if it had not been caught.
///
/// If the payload panics when it is dropped, that panic is swallowed. Otherwise dropping a list of results with two
/// such payloads would abort the process.
pub struct Panic {
    /// There until it is taken out or dropped.
    caught: Option<Box<Caught>>,
}

struct Caught {
    /// It is `Send` and not `Sync`. No thread ever waits for this lock: it is opened by the owner alone.
    payload: Mutex<Payload>,
    /// Of the payload, which a shared reference cannot reach.
    message: Option<Cow<'static, str>>,
    index: Option<u64>,
}

impl Panic {
    /// Of a job, of a hook, or of an input.
    pub(crate) fn new(payload: Payload) -> Panic {
        Panic::with(payload, None)
    }

    /// Of the function, on the item with this index.
    pub(crate) fn of_item(payload: Payload, index: u64) -> Panic {
        Panic::with(payload, Some(index))
    }

    fn with(payload: Payload, index: Option<u64>) -> Panic {
        let message = match payload.downcast_ref::<&'static str>() {
            Some(text) => Some(Cow::Borrowed(*text)),
            None => payload.downcast_ref::<String>().cloned().map(Cow::Owned),
        };
        Panic { caught: Some(Box::new(Caught { payload: Mutex::new(payload), message, index })) }
    }

    /// The panic's message, if it has one (`panic!("…")`); `None` for other payloads.
    pub fn message(&self) -> Option<&str> {
        self.caught.as_ref()?.message.as_deref()
    }

    /// Which item panicked, counted from 0 in input order; `None` if it was not the function of an imap.
    pub fn index(&self) -> Option<u64> {
        self.caught.as_ref()?.index
    }

    /// The payload, as `std::panic::catch_unwind` gives it.
    pub fn into_payload(mut self) -> Box<dyn std::any::Any + Send + 'static> {
        let caught = self.caught.take().expect("only this and drop take it");
        caught.payload.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on unwinding with the original payload. The panic hook is not called again.
    pub fn resume(self) -> ! {
        std::panic::resume_unwind(self.into_payload())
    }
}

impl Drop for Panic {
    fn drop(&mut self) {
        drop_quietly(self.caught.take());
    }
}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panic").field(&self.message()).finish()
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.index() {
            write!(f, "item {index} ")?;
        }
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
///
/// Its text is that of the [`Panic`], which so is no `source`.
#[derive(Debug)]
#[non_exhaustive]
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

impl std::error::Error for JobError {}

/// A result did not come in time. Nothing is lost: the next call waits for the same item again.
///
/// It is the pool's own type, so that it cannot be mistaken for an error of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut {
    pub(crate) index: u64,
    pub(crate) waited: Duration,
}

impl TimedOut {
    /// For the siblings of this crate, whose limits mean the same.
    #[doc(hidden)]
    pub fn new(index: u64, waited: Duration) -> TimedOut {
        TimedOut { index, waited }
    }

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

/// A job did not end in time. Nothing is lost: the next call waits for the same job again.
///
/// [`JobHandle::join_timeout`](crate::ScopedJobHandle::join_timeout) returns it.
///
/// ```
/// use pool_stealing::{Executor, StealingPool};
/// use std::time::Duration;
///
/// let pool = StealingPool::new(1)?;
/// let (release, hang) = std::sync::mpsc::channel::<()>();
/// let mut handle = pool.submit(move || hang.recv().is_err());
/// let late = handle.join_timeout(Duration::from_millis(5)).unwrap_err();
/// assert_eq!(late.to_string(), "the job had not ended after 5ms");
/// drop(release);
/// assert!(handle.join().unwrap());
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobTimedOut {
    pub(crate) waited: Duration,
}

impl JobTimedOut {
    /// How long this call waited for the job.
    pub fn waited(&self) -> Duration {
        self.waited
    }
}

impl fmt::Display for JobTimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the job had not ended after {:?}", self.waited)
    }
}

impl std::error::Error for JobTimedOut {}

/// A pool could not be built. No thread of it is left running.
///
/// What the system or a library said is its `source`; its text says the rest. Print both where only text is wanted, as `anyhow`
/// does by `{:#}`.
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
            BuildError::Thread { index, .. } => write!(f, "thread {index} could not be started"),
            BuildError::Hook(panic) => write!(f, "the start hook {panic}"),
            BuildError::Backend(_) => f.write_str("the pool could not be built"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BuildError::ZeroThreads | BuildError::Variable { .. } | BuildError::Hook(_) => None,
            BuildError::Thread { source, .. } => Some(source),
            BuildError::Backend(error) => Some(error.as_ref()),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::any::Any;
    use std::cell::Cell;
    use std::error::Error;

    fn travels<E: Error + Send + Sync + 'static>() {}

    #[test]
    fn p6_errors_can_go_everywhere() {
        travels::<Panic>();
        travels::<Cancelled>();
        travels::<JobError>();
        travels::<TimedOut>();
        travels::<JobTimedOut>();
        travels::<BuildError>();
    }

    #[test]
    fn p6_a_panic_keeps_its_payload_and_says_what_it_knows() {
        let texts: [Payload; 2] = [Box::new("a text"), Box::new(String::from("a text"))];
        for payload in texts {
            let panic = Panic::new(payload);
            assert_eq!((panic.message(), panic.index()), (Some("a text"), None));
            assert_eq!(panic.to_string(), "panicked: a text");
        }
        // `Send`, and not `Sync`.
        let payload = Box::new(Cell::new(7));
        let (address, panic) = (&raw const *payload, Panic::of_item(payload, 3));
        assert_eq!((panic.message(), panic.index()), (None, Some(3)));
        assert_eq!(panic.to_string(), "item 3 panicked with a payload that is not a string");
        let payload: Box<dyn Any + Send> = panic.into_payload();
        let payload = payload.downcast::<Cell<i32>>().unwrap();
        assert_eq!((payload.get(), &raw const *payload), (7, address), "the payload itself");
    }

    #[test]
    fn p6_errors_tell_each_text_once() {
        let panic = || Panic::new(Box::new("why"));
        let system = || std::io::Error::other("why");
        let errors: [(Box<dyn Error>, &str); 8] = [
            (Box::new(panic()), "panicked: why"),
            (Box::new(JobError::Panicked(panic())), "panicked: why"),
            (Box::new(JobError::Cancelled), "cancelled: the job was dropped before it could run"),
            (Box::new(BuildError::ZeroThreads), "a pool needs at least one thread, and 0 were asked for"),
            (
                Box::new(BuildError::Thread { index: 3, source: system() }),
                "thread 3 could not be started: why",
            ),
            (Box::new(BuildError::Hook(panic())), "the start hook panicked: why"),
            (Box::new(BuildError::Backend(Box::new(system()))), "the pool could not be built: why"),
            (Box::new(JobTimedOut { waited: Duration::ZERO }), "the job had not ended after 0ns"),
        ];
        for (error, all) in errors {
            let why = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            assert_eq!(format!("{error}{why}"), all);
        }
        let refused = BuildError::Thread { index: 3, source: system() };
        assert!(refused.source().is_some_and(|source| source.is::<std::io::Error>()));
    }
}
