//! How many items a worker takes at once: measured, not guessed.
//!
//! Taking a chunk costs some 200 ns, whatever its length, so items that take nanoseconds must be taken
//! by the hundred, and items that take longer than that one by one. The running average of the time per
//! item gives the length that keeps a worker busy for about 100 µs. It starts at 1 and at most doubles,
//! so that a few cheap first items cannot put a hundred expensive ones in one hand.

use std::time::Duration;

/// How long a chunk should keep a worker busy, in nanoseconds.
const TARGET: f64 = 100_000.0;
/// Below this many nanoseconds per item the consumer rather works than sleeps: a sleep and a wake-up
/// cost about as much.
const SHORT: f64 = 100_000.0;
/// How often a helping consumer looks at the clock, in nanoseconds.
const LOOK: f64 = 2_500.0;
/// Below this many nanoseconds per item a memory fence per item would be noticed.
const TINY: f64 = 250.0;
/// From this many nanoseconds per item on, items of an unordered line are taken one by one.
const LONE: f64 = 15_000.0;
/// From this many nanoseconds per item on, an input is slow.
const SLOW_INPUT: f64 = 20_000.0;
/// The weight of a new measurement in the running average.
const WEIGHT: f64 = 0.25;
/// The longest chunk. Longer ones save nothing, and their rings would no longer fit a core's cache.
const LONGEST: usize = 1024;

/// How many short items are pulled ahead where they are taken one by one.
const SINGLES: usize = 4;
/// How much work lies ready for a consumer that helps, in nanoseconds. It may not pull any itself while a worker has
/// the head, so this is how long it has something to do if that worker is switched out, or has a long item.
const READY: f64 = 2_000_000.0;
/// The most items that lie ready.
const MOST_READY: usize = 2048;
/// The longest chunk that the user can ask for: the lane for it is allocated at once.
pub(crate) const LONGEST_FIXED: usize = 1 << 16;

pub(crate) struct Pace {
    /// Nanoseconds per item in `f`; `None` until measured.
    work: Option<f64>,
    /// The last three measurements. The middle one of them does not jump when a worker was switched out for
    /// some milliseconds in one.
    recent: [f64; 3],
    /// Nanoseconds per item in the input's `next`, on average and the last three times.
    pull: f64,
    recent_pulls: [f64; 3],
    len: usize,
    longest: usize,
    fixed: Option<usize>,
    /// Every item must be in the hands of whoever pulled it before the next one is pulled.
    strict: bool,
    unordered: bool,
}

impl Pace {
    /// For a line with this window, on this many threads; `fixed` is the user's own chunk length.
    pub(crate) fn new(window: u64, threads: usize, fixed: Option<usize>, unordered: bool) -> Pace {
        // Every thread and the consumer should be able to hold a chunk while others are in flight.
        let share = window / (2 * (threads as u64 + 1));
        let longest = usize::try_from(share).unwrap_or(LONGEST).clamp(1, LONGEST);
        Pace {
            work: None,
            recent: [f64::MAX; 3],
            pull: 0.0,
            recent_pulls: [0.0; 3],
            len: 1,
            longest,
            fixed: fixed.map(|len| len.min(LONGEST_FIXED)),
            strict: false,
            unordered,
        }
    }

    /// The length of the next chunk. `left` is how many items are still to come, where that is known:
    /// the tail is cut small, so that all threads finish together.
    pub(crate) fn len(&self, left: Option<u64>, threads: usize) -> usize {
        if let Some(fixed) = self.fixed {
            return fixed;
        }
        match left {
            Some(left) => {
                let share = (left / (2 * threads as u64)).max(1);
                self.len.min(usize::try_from(share).unwrap_or(usize::MAX))
            }
            None => self.len,
        }
    }

    /// How many items to pull ahead into a lane: a chunk, or some single items where the consumer helps
    /// and should find one.
    pub(crate) fn lane_len(&self, left: Option<u64>, threads: usize) -> usize {
        match self.len(left, threads) {
            1 if self.is_short() && !self.strict => self.len.max(SINGLES).min(self.longest),
            len => len,
        }
    }

    /// How many lanes are kept filled for a consumer that helps, which it does with short items.
    pub(crate) fn reserve(&self, threads: usize) -> usize {
        // A worker that pulled more instead of working could then be blocked in the input with all of it.
        if self.strict || !self.is_short() {
            return 0;
        }
        let len = self.lane_len(None, threads);
        let per_lane = len as f64 * self.work.unwrap_or(SHORT).max(1.0);
        ((READY / per_lane) as usize).clamp(2, (MOST_READY / len).max(2))
    }

    /// Whether items are taken out of their lane one by one.
    pub(crate) fn takes_one(&self) -> bool {
        match self.fixed {
            Some(fixed) => fixed == 1,
            // Where order does not matter, no item should wait behind one that takes long.
            None if self.unordered => self.work.is_none_or(|work| work >= LONE),
            None => self.len == 1,
        }
    }

    /// Pulls and takes one item at a time from now on, and leaves none where only the consumer could
    /// get it.
    pub(crate) fn one_by_one(&mut self) {
        self.fixed = Some(1);
        self.strict = true;
    }

    /// How long so many items should take, if any have been measured.
    pub(crate) fn expected(&self, items: u64) -> Option<Duration> {
        Some(Duration::from_nanos((self.work? * items as f64) as u64))
    }

    pub(crate) fn worked(&mut self, items: usize, time: Duration) {
        if items == 0 {
            return;
        }
        let sample = time.as_nanos() as f64 / items as f64;
        self.recent = [self.recent[1], self.recent[2], sample];
        let average = self.work.unwrap_or(sample);
        self.work = Some(average + WEIGHT * (sample - average));
        self.adapt();
    }

    pub(crate) fn pulled(&mut self, items: usize, time: Duration) {
        if items == 0 {
            return;
        }
        let sample = time.as_nanos() as f64 / items as f64;
        self.recent_pulls = [self.recent_pulls[1], self.recent_pulls[2], sample];
        self.pull += WEIGHT * (sample - self.pull);
    }

    fn adapt(&mut self) {
        let slowest = self.work.unwrap_or(TARGET).max(self.pull).max(1.0);
        let wanted = (TARGET / slowest) as usize;
        self.len = wanted.min(self.len * 2).clamp(1, self.longest);
    }

    /// Whether items are known to be so short that sleeping costs more than working.
    pub(crate) fn is_short(&self) -> bool {
        let [a, b, c] = self.recent;
        a.min(b).max(a.max(b).min(c)) < SHORT
    }

    /// Whether the input is so slow that nobody should stay awake for its next item: the last three took long,
    /// not just one in which its worker was switched out.
    pub(crate) fn input_is_slow(&self) -> bool {
        self.recent_pulls.iter().all(|pull| *pull >= SLOW_INPUT)
    }

    /// Whether enough items have been measured to say whether they are short.
    pub(crate) fn is_measured(&self) -> bool {
        self.recent.iter().filter(|sample| **sample < f64::MAX).count() > 1
    }

    /// After how many items a helping consumer looks at the clock: seldom enough not to notice it, and not
    /// so seldom that items which suddenly take long hold it up for more than some of them.
    pub(crate) fn items_per_look(&self) -> usize {
        match self.work {
            Some(work) => ((LOOK / work.max(1.0)) as usize).clamp(1, 32),
            None => 1,
        }
    }

    /// Whether a memory fence per item would be noticed.
    pub(crate) fn is_tiny(&self) -> bool {
        self.work.is_some_and(|work| work < TINY)
    }
}
