//! What an imap asks its policy for, and the limits that hold whatever a policy answers.

use std::time::Duration;

/// The longest chunk that a user can ask for: a ring for it is allocated at once.
pub(crate) const LONGEST_FIXED: usize = 1 << 16;

/// The most items that may be under way for each thread of the pool, unless [`Imap::window`](crate::Imap::window) says
/// otherwise. Where items take long there are fewer: as many as take about 100 ms, and at least 16.
pub const MAX_DEFAULT_WINDOW_PER_THREAD: usize = 4096;

/// The fewest items under way for each thread, unless a window was asked for.
pub(super) const LEAST_WINDOW_PER_THREAD: usize = 16;

/// After this time a job goes back to the end of the pool's queue if others wait there, so that imaps share the pool
/// (P14).
pub(crate) const SLICE: Duration = Duration::from_micros(500);

/// P5: the longest nap, whatever the policy says, and how many there are in a row without progress.
pub(crate) const LONGEST_NAP: Duration = Duration::from_millis(1);
pub(crate) const MOST_NAPS: u32 = 2;

/// P5: for how long a consumer that works goes through a chunk before it looks for its head, unless that is longer than an
/// item.
pub(crate) const LONGEST_WORK: Duration = Duration::from_micros(100);

/// The most items between two looks at the clock, where a worker watches for one that takes long.
pub(crate) const MOST_WATCHED: u32 = 8;

/// The most items between two looks for free threads, where a consumer has the input in hand.
pub(crate) const MOST_ALONE: u32 = 64;

/// P13: after this many results, or this time, without a pause a stream lets its runtime do something else.
#[cfg(feature = "stream")]
pub(crate) const STREAM_RESULTS: u32 = 128;
#[cfg(feature = "stream")]
pub(crate) const STREAM_TIME: Duration = Duration::from_micros(100);

/// The most items between two looks at that time: a poll that looks for a result may take half of it.
#[cfg(feature = "stream")]
pub(crate) const MOST_POLLED: u32 = 2;

/// What an imap asks its policy for.
#[derive(Clone, Copy)]
pub(crate) struct Request {
    pub(crate) threads: usize,
    /// The window that the user asked for.
    pub(crate) window: Option<u64>,
    /// The chunk length that the user asked for.
    pub(crate) chunk: Option<usize>,
    pub(crate) unordered: bool,
}
