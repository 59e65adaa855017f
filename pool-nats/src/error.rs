//! What can go wrong with a connection.
//!
//! These errors are told to each imap of a connection. So they hold texts, which can be cloned, with all causes; none has a
//! `source`, which would say one of these texts again.

use std::fmt;

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
        travels::<NatsError>();
    }

    #[test]
    fn errors_tell_each_text_once() {
        let why = || String::from("why");
        let errors: [Box<dyn Error>; 3] = [
            Box::new(NatsError::Setting(why())),
            Box::new(NatsError::Connect(why())),
            Box::new(NatsError::System(why())),
        ];
        for error in errors {
            assert!(error.to_string().ends_with(": why") && error.source().is_none(), "{error}");
        }
    }
}
