//! Why an item has no result.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Why an item has no result. From [`RemoteImap`](crate::RemoteImap).
///
/// The first six are about one item, come at its place, and the iteration goes on. [`NoWorker`](TaskError::NoWorker),
/// [`Connection`](TaskError::Connection), [`Start`](TaskError::Start) and [`Cancelled`](TaskError::Cancelled) end it: they
/// are the last item ([`is_final`](TaskError::is_final)).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// The function panicked, with this message. Its worker lives on.
    Panicked(String),
    /// The function took longer than [`item_timeout`](crate::RemoteImap::item_timeout), and its process has ended.
    TimedOut,
    /// Each worker that began the item died before it had a result, or vanished.
    Lost {
        /// How often it was tried.
        attempts: u32,
        /// What the last worker died of.
        death: Death,
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
    /// the `connection_timeout`; and why.
    Connection(String),
    /// No child process can be started, or each ends before it runs anything; and why.
    Start(String),
    /// A [`CancelToken`](pool_core::CancelToken) ended the iteration.
    Cancelled,
}

impl TaskError {
    /// Whether the iteration ends with it, since it is not about one item.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            TaskError::NoWorker { .. }
                | TaskError::Connection(_)
                | TaskError::Start(_)
                | TaskError::Cancelled
        )
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Panicked(message) => write!(f, "the function panicked: {message}"),
            TaskError::TimedOut => f.write_str("the function took longer than the item's limit"),
            TaskError::Lost { attempts, death: Death::Unseen } => {
                write!(f, "lost: {attempts} workers vanished at the item, with nothing beside it")
            }
            TaskError::Lost { attempts: 1, death } => write!(f, "lost: its process {death}"),
            TaskError::Lost { attempts, death } => {
                write!(f, "lost: its process {death}, in the last of {attempts} attempts")
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
            TaskError::Start(why) => write!(f, "no child process runs: {why}"),
            TaskError::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl std::error::Error for TaskError {}

/// What a process died of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Death {
    /// It vanished, and how is not known: it was on another machine.
    Unseen,
    /// It ended by itself, with this status.
    Exited(i32),
    /// It was killed by a signal of this number.
    Killed(i32),
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Death::Unseen => f.write_str("vanished"),
            Death::Exited(status) => write!(f, "ended with status {status}"),
            Death::Killed(signal) => match name_of(signal) {
                Some(name) => write!(f, "was killed by signal {signal} ({name})"),
                None => write!(f, "was killed by signal {signal}"),
            },
        }
    }
}

/// Of those whose number is the same on every system that has children.
fn name_of(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL: by hand, or by the system when memory runs out",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    fn travels<E: Error + Send + Sync + 'static>() {}

    #[test]
    fn an_error_can_go_everywhere_and_names_the_signal() {
        travels::<TaskError>();
        let lost = TaskError::Lost { attempts: 1, death: Death::Killed(6) };
        assert_eq!(lost.to_string(), "lost: its process was killed by signal 6 (SIGABRT)");
    }
}
