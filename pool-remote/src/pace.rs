//! What is measured, and what follows from it: how many items to a message, and how many on their way. No promise rests
//! on it.

use crate::control::Settings;

/// The most items in a message, if the user has not said.
const LARGEST_BATCH: u64 = 2048;

/// The most bytes that outcomes of a batch are expected to have.
const REPLY_BYTES: f64 = 128.0 * 1024.0;

/// How many messages the default window has room for, in all and for each thread of a worker.
const MESSAGES: u64 = 64;
const MESSAGES_PER_THREAD: u64 = 4;

/// The largest default window.
const LARGEST_WINDOW: u64 = 65_536;

/// How much work goes into one message, in nanoseconds. It follows from what a message costs.
#[derive(Debug, Clone, Copy)]
pub struct Portion {
    /// At least.
    pub message: f64,
    /// For each thread of all workers, if that is more: one master serves them all.
    pub thread: f64,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Pace {
    portion: Portion,
    fixed_window: Option<u64>,
    fixed_batch: Option<u64>,
    window_bytes: f64,
    threads: u64,
    batch: u64,
    /// Averages: nanoseconds an item, bytes an outcome.
    time: f64,
    bytes: f64,
}

impl Pace {
    /// That of an imap of which nothing is known.
    pub fn new(settings: &Settings, portion: Portion) -> Pace {
        Pace {
            portion,
            fixed_window: settings.window,
            fixed_batch: settings.batch,
            window_bytes: settings.window_bytes as f64,
            threads: 1,
            batch: 1,
            time: 0.0,
            bytes: 0.0,
        }
    }

    /// How many threads all workers have.
    pub fn set_threads(&mut self, threads: u64) {
        self.threads = threads;
    }

    /// How many threads all workers have.
    pub fn threads(&self) -> u64 {
        self.threads
    }

    /// A frame of this many items took this long, and its outcomes have this many bytes.
    pub fn learn(&mut self, items: u32, busy: u64, bytes: usize) {
        let items = f64::from(items.max(1));
        let mix = |old: f64, new: f64| if old == 0.0 { new } else { old + (new - old) / 8.0 };
        self.time = mix(self.time, busy as f64 / items);
        self.bytes = mix(self.bytes, bytes as f64 / items);
        let work = self.portion.message.max(self.portion.thread * self.threads as f64);
        let good = (work / self.time.max(1.0)).min(REPLY_BYTES / self.bytes.max(1.0));
        self.batch = (good as u64).clamp(1, LARGEST_BATCH).min(self.batch * 2);
    }

    /// How many items go into a message.
    pub fn batch(&self) -> u64 {
        self.fixed_batch.unwrap_or(self.batch)
    }

    /// How long a message of items takes its worker, in nanoseconds; 0 before anything is known.
    pub fn message_time(&self) -> f64 {
        self.time * self.batch() as f64
    }

    /// How many items may be on their way.
    pub fn window(&self) -> u64 {
        let messages = MESSAGES.max(MESSAGES_PER_THREAD * self.threads);
        let wanted = self.fixed_window.unwrap_or((messages * self.batch()).min(LARGEST_WINDOW));
        let room = self.window_bytes / self.bytes.max(1.0);
        wanted.min(room as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(&Settings::default(), Portion { message: 1e6, thread: 1e4 })
    }

    #[test]
    fn messages_grow_to_their_portion_and_at_most_twofold() {
        let mut pace = pace();
        let mut batches = Vec::new();
        for _ in 0..10 {
            pace.learn(pace.batch() as u32, 10_000 * pace.batch(), 8);
            batches.push(pace.batch());
        }
        assert_eq!(batches, [2, 4, 8, 16, 32, 64, 100, 100, 100, 100]);
        assert_eq!(pace.window(), 6400);
    }

    #[test]
    fn large_results_make_small_windows() {
        let mut pace = pace();
        pace.learn(1, 1, 16 << 20);
        assert_eq!((pace.batch(), pace.window()), (1, 2));
    }
}
