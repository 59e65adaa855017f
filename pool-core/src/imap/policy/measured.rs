//! The policy for use: what it answers follows from how long items take.

use super::cost::Cost;
use super::limits::{LEAST_WINDOW_PER_THREAD, MAX_DEFAULT_WINDOW_PER_THREAD, Request};
use std::time::Duration;

/// How long a chunk should keep a worker busy, in nanoseconds. To take one costs some 200 ns, whatever its length.
const CHUNK: u64 = 100_000;
/// The same for an unordered imap, in which an item should not wait behind one that takes long.
const CHUNK_UNORDERED: u64 = 15_000;
/// The longest chunk. Longer ones save nothing, and their rings would not fit a core's cache.
const LONGEST: usize = 1024;
/// Below this many nanoseconds per item the consumer naps: waking it for each result would cost as much as the item.
const SHORT: u64 = 100_000;
/// Below this many nanoseconds per item a memory fence per item would be noticed.
const TINY: u64 = 250;
/// For how long a feeder pulls for other threads, in nanoseconds.
const SHARED_PULLS: u64 = 20_000;
/// How much work may be under way for each thread unless a window was asked for, in nanoseconds.
const WINDOW: u64 = 100_000_000;
/// Twice the time of a chunk: a chunk that takes longer has a long item in it.
pub(crate) const HAND_BACK_AFTER: Duration = Duration::from_micros(200);
/// For how long a worker looks for work before it ends its turn. A wake-up costs about as much.
const WORKER_LOOKS: Duration = Duration::from_micros(50);
/// For how long a consumer looks for one of its first results before it sleeps: short imaps have ended by then.
const CONSUMER_LOOKS: Duration = Duration::from_micros(100);
/// For how long a poll looks for a result, where many are about to come, before its task sleeps. To wake it costs about as
/// much.
const POLL_LOOKS: Duration = Duration::from_micros(50);
/// Below this many nanoseconds per item a poll looks: with some threads there are several results while it does.
const SOON: u64 = 20_000;
/// How many results count as first ones.
const YOUNG: u64 = 16;
/// The shortest nap that the system's timers can make, and the longest, in nanoseconds.
const NAP: std::ops::RangeInclusive<u64> = 20_000..=1_000_000;
/// How many results a nap must bring. With fewer, the consumer could as well have been woken for each.
const WORTH_A_NAP: u64 = 16;
/// The most naps that are left out after one that was not worth it.
const MAX_SKIPPED_NAPS: u32 = 1023;

pub(super) struct Measured {
    threads: usize,
    work: Cost,
    pull: Cost,
    chunk: u64,
    longest: usize,
    /// The longest batch where all threads get an item: half of a window.
    most_for_all: usize,
    /// How many naps are to be left out, and how many were after the last one that was not worth it.
    naps_to_skip: u32,
    nap_backoff: u32,
}

impl Measured {
    pub(super) fn new(request: Request) -> Measured {
        // Every thread should be able to hold a chunk while others are in flight.
        let longest = request.window.map_or(LONGEST, |window| {
            let share = window / (2 * (request.threads as u64 + 1));
            usize::try_from(share).unwrap_or(LONGEST).clamp(1, LONGEST)
        });
        let chunk = if request.unordered { CHUNK_UNORDERED } else { CHUNK };
        Measured {
            threads: request.threads,
            work: Cost::default(),
            pull: Cost::default(),
            chunk,
            longest,
            most_for_all: request
                .window
                .map_or(LONGEST, |window| usize::try_from(window / 2).unwrap_or(LONGEST)),
            naps_to_skip: 0,
            nap_backoff: 0,
        }
    }

    pub(super) fn worked(&mut self, items: usize, time: Duration) {
        self.work.add(items, time);
    }

    pub(super) fn pulled(&mut self, items: usize, time: Duration) {
        self.pull.add(items, time);
    }

    /// How many items keep a worker, or the input, busy for this many nanoseconds.
    fn len_for(&self, time: u64) -> usize {
        let Some(work) = self.work.average() else { return 1 };
        let slowest = work.max(self.pull.average().unwrap_or(0));
        usize::try_from(time / slowest).unwrap_or(LONGEST).clamp(1, self.longest)
    }

    /// The tail is cut small, so that all threads finish together.
    pub(super) fn chunk_len(&self, left: Option<u64>) -> usize {
        let len = self.len_for(self.chunk);
        let share = left.map_or(u64::MAX, |left| left / (2 * self.threads as u64));
        len.min(usize::try_from(share).unwrap_or(usize::MAX)).max(1)
    }

    /// A batch takes as long as an ordered chunk: other workers take the items that the feeder does not work on itself. Where
    /// that is few items, there is one for each thread, as far as the input is quick.
    pub(super) fn batch_len(&self) -> usize {
        let quick = self.pull.average().map_or(1, |pull| SHARED_PULLS / pull);
        let for_all = usize::try_from(quick).unwrap_or(LONGEST).min(self.threads).min(self.most_for_all);
        self.len_for(CHUNK).max(for_all)
    }

    pub(super) fn window_per_thread(&self) -> usize {
        // The median: a thread that was switched out once must not shrink the window of tiny items. While the consumer
        // is away nothing would be pulled then, so no measurement could widen the window again.
        let typical = |cost: &Cost| cost.middle().or(cost.average());
        let Some(work) = typical(&self.work) else { return LEAST_WINDOW_PER_THREAD };
        let slowest = work.max(typical(&self.pull).unwrap_or(0));
        let items = usize::try_from(WINDOW / slowest).unwrap_or(usize::MAX);
        items.clamp(LEAST_WINDOW_PER_THREAD, MAX_DEFAULT_WINDOW_PER_THREAD)
    }

    pub(super) fn is_tiny(&self) -> bool {
        self.work.average().is_some_and(|work| work < TINY)
    }

    fn is_short(&self) -> bool {
        self.work.middle().is_some_and(|work| work < SHORT)
    }

    fn is_long(&self) -> bool {
        self.work.middle().is_some_and(|work| work >= SHORT)
    }

    pub(super) fn worker_looks(&self, waited: Duration) -> bool {
        !self.is_long() && waited < WORKER_LOOKS
    }

    pub(super) fn consumer_looks(&self, waited: Duration, delivered: u64) -> Option<Duration> {
        let looks = delivered < YOUNG && !self.is_long();
        CONSUMER_LOOKS.checked_sub(waited).filter(|left| looks && *left > Duration::ZERO)
    }

    pub(super) fn poll_looks(&self, waited: Duration) -> Option<Duration> {
        let looks = self.work.middle().is_some_and(|work| work < SOON);
        POLL_LOOKS.checked_sub(waited).filter(|left| looks && *left > Duration::ZERO)
    }

    /// The last nap brought this many results.
    pub(super) fn napped(&mut self, results: u64) {
        self.nap_backoff =
            if results < WORTH_A_NAP { (2 * self.nap_backoff + 1).min(MAX_SKIPPED_NAPS) } else { 0 };
        self.naps_to_skip = self.nap_backoff;
    }

    /// The nap ends before more than half of the window is full.
    pub(super) fn nap(&mut self, window: u64) -> Option<Duration> {
        let work = self.work.average()?;
        if !self.is_short() {
            return None;
        }
        if self.naps_to_skip > 0 {
            self.naps_to_skip -= 1;
            return None;
        }
        let half = (window / 2).saturating_mul(work) / self.threads as u64;
        Some(Duration::from_nanos(half.clamp(*NAP.start(), *NAP.end())))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const NS: Duration = Duration::from_nanos(1);
    const US: Duration = Duration::from_micros(1);
    const MS: Duration = Duration::from_millis(1);

    fn policy(window: Option<u64>, unordered: bool) -> Measured {
        Measured::new(Request { threads: 2, window, chunk: None, unordered })
    }

    /// Chunks of items that take `time` each.
    fn run(policy: &mut Measured, chunks: usize, time: Duration) {
        for _ in 0..chunks {
            let items = policy.chunk_len(None);
            policy.worked(items, time * items as u32);
        }
    }

    #[test]
    fn chunks_begin_at_one_and_follow_the_cost_of_items() {
        let mut policy = policy(None, false);
        for expected in [1, 100, 100] {
            assert_eq!((policy.chunk_len(None), policy.batch_len()), (expected, expected));
            run(&mut policy, 1, US);
        }
    }

    #[test]
    fn one_long_item_makes_chunks_short_at_once() {
        let mut policy = policy(None, false);
        run(&mut policy, 20, 50 * NS);
        assert_eq!(policy.chunk_len(None), LONGEST);
        policy.worked(1, 4 * MS);
        assert_eq!(policy.chunk_len(None), 1);
        run(&mut policy, 60, 50 * NS);
        assert_eq!(policy.chunk_len(None), LONGEST, "and they recover");
    }

    #[test]
    fn chunks_follow_a_slow_input_too() {
        let mut policy = policy(None, false);
        (0..20).for_each(|_| policy.pulled(1, 50 * US));
        run(&mut policy, 20, 50 * NS);
        assert_eq!(policy.chunk_len(None), 2);
    }

    #[test]
    fn p17_batches_are_for_all_threads_while_the_input_is_quick() {
        let mut policy = Measured::new(Request { threads: 64, window: None, chunk: None, unordered: false });
        run(&mut policy, 20, MS);
        policy.pulled(1, 100 * NS);
        assert_eq!((policy.chunk_len(None), policy.batch_len()), (1, 64));
        (0..20).for_each(|_| policy.pulled(1, 5 * US));
        assert_eq!(policy.batch_len(), 4, "five microseconds each, nearly");
    }

    #[test]
    fn chunks_fit_a_window_and_the_tail() {
        let mut policy = policy(Some(60), false);
        run(&mut policy, 20, 50 * NS);
        assert_eq!(policy.chunk_len(None), 10);
        assert_eq!(policy.chunk_len(Some(20)), 5);
        assert_eq!(policy.chunk_len(Some(0)), 1);
    }

    #[test]
    fn unordered_chunks_are_shorter() {
        let mut policy = policy(None, true);
        run(&mut policy, 20, US);
        assert_eq!((policy.chunk_len(None), policy.batch_len()), (15, 100), "what is pulled is shared");
        run(&mut policy, 20, 15 * US);
        assert_eq!(policy.chunk_len(None), 1);
    }

    #[test]
    fn p3_the_default_window_is_a_tenth_of_a_second_of_work() {
        let mut policy = policy(None, false);
        assert_eq!(policy.window_per_thread(), 16);
        run(&mut policy, 40, US);
        assert_eq!(policy.window_per_thread(), 4096);
        policy.worked(1, 100 * MS);
        assert_eq!(policy.window_per_thread(), 4096, "a thread was switched out once");
        run(&mut policy, 60, 2 * MS);
        assert_eq!(policy.window_per_thread(), 50);
        run(&mut policy, 60, 1000 * MS);
        assert_eq!(policy.window_per_thread(), 16);
    }

    #[test]
    fn a_poll_looks_for_short_items() {
        let mut policy = policy(None, false);
        assert_eq!(policy.poll_looks(NS), None, "nothing is known");
        run(&mut policy, 20, 10 * US);
        assert_eq!((policy.poll_looks(10 * US), policy.poll_looks(50 * US)), (Some(40 * US), None));
        run(&mut policy, 20, 30 * US);
        assert_eq!(policy.poll_looks(NS), None);
    }

    #[test]
    fn naps_are_for_short_items() {
        let mut policy = policy(None, false);
        assert_eq!(policy.nap(8192), None);
        run(&mut policy, 20, US);
        assert_eq!(policy.nap(8192), Some(MS));
        assert_eq!(policy.nap(400), Some(100 * US));
        assert_eq!(policy.nap(1), Some(20 * US));
        run(&mut policy, 20, MS);
        assert_eq!(policy.nap(8192), None, "items are long");
    }

    #[test]
    fn naps_that_bring_little_become_rare() {
        let mut policy = policy(None, false);
        run(&mut policy, 20, US);
        for naps_to_skip in [1, 3, 7] {
            assert!(policy.nap(8192).is_some());
            policy.napped(1);
            assert!((0..naps_to_skip).all(|_| policy.nap(8192).is_none()));
        }
        assert!(policy.nap(8192).is_some());
        policy.napped(100);
        assert!(policy.nap(8192).is_some(), "until one brings much");
    }

    #[test]
    fn looks_are_for_the_first_results() {
        let mut policy = policy(None, false);
        assert_eq!((policy.consumer_looks(99 * US, 0), policy.consumer_looks(100 * US, 0)), (Some(US), None));
        assert_eq!(policy.consumer_looks(US, 16), None);
        assert!(policy.worker_looks(49 * US) && !policy.worker_looks(50 * US));
        run(&mut policy, 3, MS);
        assert!(policy.consumer_looks(US, 0).is_none() && !policy.worker_looks(US));
    }
}
