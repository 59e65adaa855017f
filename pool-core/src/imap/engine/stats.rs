//! What an imap can tell about itself.

use std::fmt;
use std::time::Duration;

/// How an imap is doing. From [`Imap::stats`](crate::Imap::stats).
///
/// Every item that was pulled is in one of four places: waiting to be taken, being worked on, finished but
/// not delivered, or delivered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImapStats {
    /// Items pulled from the input. Those that a thread is pulling at the moment are counted as soon as they can be
    /// seen; and where one thread pulls each item and works on it, as soon as the result can.
    pub pulled: u64,
    /// Items that no thread has taken yet.
    pub waiting: u64,
    /// Items in the hands of workers, of which each is working on one.
    pub running: u64,
    /// Results that are finished, but not delivered: mostly since the head is not.
    pub blocked: u64,
    /// Results that the consumer has got, with those that it gave up.
    pub delivered: u64,
    /// How long ago the next result was first asked for in vain; zero if it was not.
    pub head_age: Duration,
}

impl fmt::Display for ImapStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pulled: {} waiting, {} running, {} blocked, {} delivered",
            self.pulled, self.waiting, self.running, self.blocked, self.delivered,
        )?;
        if self.head_age > Duration::ZERO {
            write!(f, "; the next result is missing for {:.1?}", self.head_age)?;
        }
        Ok(())
    }
}
