//! What can go wrong, for an item and for a connection.
//!
//! These errors come from another process, or are told to each imap of a connection. So they hold texts, which can be sent and
//! cloned, with all causes; none has a `source`, which would say one of these texts again.

use std::fmt;
use std::time::Duration;

/// Why an item has no result. From [`RemoteImap`](crate::RemoteImap).
///
/// The first six are about one item, come at its place, and the iteration goes on. [`NoWorker`](TaskError::NoWorker),
/// [`Connection`](TaskError::Connection) and [`Cancelled`](TaskError::Cancelled) end it: they are the last item
/// ([`is_final`](TaskError::is_final)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// The function panicked, with this message. Its worker lives on.
    Panicked(String),
    /// The function took longer than [`item_timeout`](crate::RemoteImap::item_timeout), and its worker has ended its
    /// process.
    TimedOut,
    /// Each worker that began the item, at last alone, vanished before it had a result.
    Lost {
        /// How often it was handed out.
        attempts: u32,
    },
    /// The item (by the master) or the result (by the worker) cannot be encoded, and why.
    Encode(String),
    /// The item (by the worker) or the result (by the master) cannot be decoded, and why: the two programs mean
    /// different types by one name.
    Decode(String),
    /// The item or the result is larger than [`size_limit`](crate::RemoteImap::size_limit).
    TooLarge {
        /// Bytes when encoded.
        size: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// No worker that offers this function was heard of for
    /// [`no_worker_timeout`](crate::RemoteImap::no_worker_timeout).
    NoWorker {
        /// The function: its name, version and types.
        task: String,
        /// For how long.
        waited: Duration,
    },
    /// The server cannot be reached, or refuses what the master needs, for longer than
    /// [`connection_timeout`](crate::Builder::connection_timeout); and why.
    Connection(String),
    /// A [`CancelToken`](pool_core::CancelToken) ended the iteration.
    Cancelled,
}

impl TaskError {
    /// Whether the iteration ends with it, since it is not about one item.
    pub fn is_final(&self) -> bool {
        matches!(self, TaskError::NoWorker { .. } | TaskError::Connection(_) | TaskError::Cancelled)
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Panicked(message) => write!(f, "the function panicked: {message}"),
            TaskError::TimedOut => f.write_str("the function took longer than the item's limit"),
            TaskError::Lost { attempts } => {
                write!(f, "lost: no worker survived the item in {attempts} attempts, the last ones alone")
            }
            TaskError::Encode(why) => write!(f, "cannot be encoded: {why}"),
            TaskError::Decode(why) => {
                write!(f, "cannot be decoded, master and worker mean different types by one name: {why}")
            }
            TaskError::TooLarge { size, limit } => {
                write!(f, "too large: {size} bytes when encoded, and the limit is {limit} (see size_limit)")
            }
            TaskError::NoWorker { task, waited } => {
                write!(f, "no worker offers the function {task}: none was heard of for {waited:?}; ")?;
                f.write_str("is one running, with the same name, version and types, in the same namespace?")
            }
            TaskError::Connection(why) => write!(f, "the connection is lost: {why}"),
            TaskError::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for TaskError {}

/// A result did not come in time. Nothing is lost: the next call waits for the same item again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut {
    pub(crate) index: u64,
    pub(crate) waited: Duration,
}

impl TimedOut {
    /// Which result is late, counted from 0.
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
        write!(f, "result {} was not there after {:?}", self.index, self.waited)
    }
}

impl std::error::Error for TimedOut {}

/// Why a [`NatsPool`](crate::NatsPool) or a [`Worker`](crate::Worker) could not be built, or a worker had to end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NatsError {
    /// A setting cannot be used, and why.
    Setting(String),
    /// The server cannot be reached or refuses the connection, and why.
    Connect(String),
    /// The server runs without JetStream.
    NoJetStream(String),
    /// The server is older than 2.9.
    TooOld(String),
    /// The server refuses a subject that this role needs, and which.
    NotPermitted(String),
    /// This machine refused a thread or a signal handler, or the worker's pool was terminated.
    System(String),
}

impl fmt::Display for NatsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NatsError::Setting(why) => write!(f, "wrong setting: {why}"),
            NatsError::Connect(why) => write!(f, "cannot connect to the NATS server: {why}"),
            NatsError::NoJetStream(server) => {
                write!(
                    f,
                    "the NATS server {server} runs without JetStream: start it with `nats-server --jetstream`"
                )
            }
            NatsError::TooOld(version) => {
                write!(f, "the NATS server has version {version}, and 2.9 is the oldest that works")
            }
            NatsError::NotPermitted(what) => {
                write!(
                    f,
                    "the NATS server refuses what this role needs ({what}): see the list of permissions"
                )
            }
            NatsError::System(why) => write!(f, "this machine cannot go on: {why}"),
        }
    }
}

impl std::error::Error for NatsError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    fn travels<E: Error + Send + Sync + 'static>() {}

    #[test]
    fn errors_can_go_everywhere() {
        travels::<TaskError>();
        travels::<TimedOut>();
        travels::<NatsError>();
    }

    #[test]
    fn errors_tell_each_text_once() {
        let why = || String::from("why");
        let errors: [Box<dyn Error>; 7] = [
            Box::new(TaskError::Panicked(why())),
            Box::new(TaskError::Encode(why())),
            Box::new(TaskError::Decode(why())),
            Box::new(TaskError::Connection(why())),
            Box::new(NatsError::Setting(why())),
            Box::new(NatsError::Connect(why())),
            Box::new(NatsError::System(why())),
        ];
        for error in errors {
            assert!(error.to_string().ends_with(": why") && error.source().is_none(), "{error}");
        }
    }
}
