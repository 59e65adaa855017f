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
    /// seen.
    pub pulled: u64,
    /// Items that no thread has taken yet.
    pub waiting: u64,
    /// Items in the hands of workers, of which each is working on one.
    pub running: u64,
    /// Results that are finished, but not delivered: mostly since the head is not.
    pub blocked: u64,
    /// Results that the consumer has got, with those that it gave up.
    pub delivered: u64,
    /// How many items a worker takes at a time now.
    pub chunk: usize,
    /// Items that the consumer ran itself, since its thread is one that its pool needs.
    pub helped: u64,
    /// How long the consumer slept.
    pub waited: Duration,
    /// How long it slept while a finished result could not be delivered because the head was not ready.
    pub head_blocked: Duration,
}

impl fmt::Display for ImapStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pulled: {} waiting, {} running, {} blocked, {} delivered ({} run by the consumer); \
             chunks of {}; the consumer slept {:.1?}, for {:.1?} of that only the head was missing",
            self.pulled,
            self.waiting,
            self.running,
            self.blocked,
            self.delivered,
            self.helped,
            self.chunk,
            self.waited,
            self.head_blocked,
        )
    }
}
