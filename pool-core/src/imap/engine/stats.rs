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
    /// The item that runs for the longest time now, and for how long. Its chunk began so long ago: where items are short
    /// enough to go in chunks, that is up to some 100 µs more. Where one thread pulls each item and works on it, it may also be
    /// in the input there. Items that the consumer itself runs are not seen.
    pub oldest: Option<ItemTime>,
    /// The slowest items so far, at most five, the slowest first. Only items that went alone were measured: those of more
    /// than some 100 µs do, and of shorter ones nothing is said.
    pub slowest: Vec<ItemTime>,
}

/// An item, and how long it has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ItemTime {
    /// How many items were pulled before it.
    pub index: u64,
    /// How long it has been in the function.
    pub time: Duration,
}

impl fmt::Display for ItemTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {} ({:.1?})", self.index, self.time)
    }
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
        if let Some(oldest) = &self.oldest {
            write!(f, "; running for the longest time: {oldest}")?;
        }
        for (n, slow) in self.slowest.iter().enumerate() {
            write!(f, "{} {slow}", if n == 0 { "; slowest so far:" } else { "," })?;
        }
        Ok(())
    }
}
