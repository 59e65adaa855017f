//! What a remote imap can tell about itself.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// How many workers are remembered: a stranger may call itself anything.
const MOST_WORKERS: usize = 16 * 1024;

/// How a [`RemoteImap`](crate::RemoteImap) is doing. From [`RemoteImap::stats`](crate::RemoteImap::stats).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteStats {
    /// Items pulled from the input.
    pub pulled: u64,
    /// Items that have an outcome.
    pub finished: u64,
    /// Results that the consumer has got.
    pub delivered: u64,
    /// How many items go into a message now.
    pub batch: u64,
    /// How many items may be between the input and the consumer now.
    pub window: u64,
    /// Messages with items that were sent, the first time and again.
    pub sent: u64,
    /// Of those, the ones that were offered again since nothing was heard of them, and that the server had lost.
    pub sent_again: u64,
    /// Replies about frames that the server had handed out before.
    pub redelivered: u64,
    /// Outcomes of items that had one.
    pub duplicates: u64,
    /// Messages that no worker of this imap can have sent, or not like this. They were dropped.
    pub strays: u64,
    /// How often nothing came for two and a half times `ack_wait`, so that the master looked whether all is there.
    pub stalls: u64,
    /// For how long the consumer waited in all, and the longest time between two results while it did.
    pub waited: Duration,
    /// See `waited`.
    pub longest_wait: Duration,
    /// What each worker did, by its name.
    pub workers: BTreeMap<String, RemoteWorker>,
}

/// What one worker did for this imap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteWorker {
    /// The threads of its pool.
    pub threads: u32,
    /// Messages with items that it has finished, and the items in them.
    pub frames: u64,
    /// See `frames`.
    pub items: u64,
    /// For how long its threads ran the function.
    pub busy: Duration,
    /// When the master last heard of it.
    pub seen: Option<Instant>,
}

impl RemoteStats {
    /// The worker of this name, which was heard of just now.
    ///
    /// If there are too many, the one that has been silent for longest is forgotten.
    pub fn saw(&mut self, name: &str, threads: u32) -> Option<&mut RemoteWorker> {
        if !self.workers.contains_key(name) {
            if self.workers.len() >= MOST_WORKERS {
                let longest = self.workers.iter().min_by_key(|(_, worker)| worker.seen);
                let name = longest.map(|(name, _)| name.clone())?;
                self.workers.remove(&name);
            }
            self.workers.insert(name.to_owned(), RemoteWorker::default());
        }
        let worker = self.workers.get_mut(name)?;
        (worker.threads, worker.seen) = (threads.clamp(1, 1 << 16), Some(Instant::now()));
        Some(worker)
    }

    /// The threads of all workers that were heard of not longer than this ago.
    pub fn threads(&self, ago: Duration) -> u64 {
        let lives = |worker: &&RemoteWorker| worker.seen.is_some_and(|seen| seen.elapsed() <= ago);
        self.workers.values().filter(lives).map(|worker| u64::from(worker.threads)).sum()
    }
}

impl fmt::Display for RemoteStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} pulled, {} finished, {} delivered; window {}, {} to a message; {} messages sent, {} sent again; \
             {} redelivered, {} duplicates, {} strays; {} stalls; the consumer waited {:.1?}, once for {:.1?}",
            self.pulled,
            self.finished,
            self.delivered,
            self.window,
            self.batch,
            self.sent,
            self.sent_again,
            self.redelivered,
            self.duplicates,
            self.strays,
            self.stalls,
            self.waited,
            self.longest_wait,
        )?;
        for (name, worker) in &self.workers {
            writeln!(
                f,
                "worker {name}: {} threads, {} items in {} messages, busy {:.1?}",
                worker.threads, worker.items, worker.frames, worker.busy
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_unseen_worker_makes_room() {
        let mut stats = RemoteStats::default();
        for name in 0..=MOST_WORKERS {
            assert!(stats.saw(&name.to_string(), 1).is_some());
        }
        assert_eq!(stats.workers.len(), MOST_WORKERS);
        assert!(!stats.workers.contains_key("0") && stats.workers.contains_key("1"));
    }
}
