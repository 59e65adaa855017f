//! Why there is no pool.

use std::fmt;

/// Why a [`ProcessPool`](crate::ProcessPool) could not be built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessError {
    /// A setting cannot be used, and why.
    Setting(String),
    /// No child process could be started, or none came to [`Tasks::serve`](crate::Tasks::serve); and why.
    Start(String),
    /// This process is a child of a pool itself. Its parent has the processes.
    InChild,
    /// The operating system refused a thread or a socket, and why.
    System(String),
}

impl fmt::Display for ProcessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProcessError::Setting(why) => write!(f, "wrong setting: {why}"),
            ProcessError::Start(why) => write!(f, "no child process runs: {why}"),
            ProcessError::InChild => f.write_str(
                "this process is a child of a pool, and children have no children: use a pool of threads in it",
            ),
            ProcessError::System(why) => write!(f, "the operating system refused it: {why}"),
        }
    }
}

impl std::error::Error for ProcessError {}
