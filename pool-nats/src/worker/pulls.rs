//! Which questions for frames are open.
//!
//! A worker asks for a number of frames and a time. Each question ends when this many have come, when the server says so,
//! or by its time: the server forgets questions when it restarts. Two questions of a consumer may be open, so that one
//! is always there while the other ends.

use pool_remote::ledger::Route;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// How long a question stays open before the first frame says what `ack_wait` is.
const FIRST: Duration = Duration::from_millis(250);

/// Bounds of that time. A worker that leaves waits until its questions have ended.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

/// How long to wait after a refusal, doubled for each further one.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How much later than the server an answer may come.
const GRACE: Duration = Duration::from_millis(200);

/// Questions at one consumer.
const AT_ONCE: usize = 2;

/// A consumer: a task's fingerprint, and which of the two.
type Consumer = (String, Route);

pub(crate) struct Pulls {
    open: BTreeMap<u64, Pull>,
    next: u64,
    pauses: HashMap<Consumer, (Instant, Duration)>,
    ack_wait: Duration,
}

struct Pull {
    consumer: Consumer,
    left: u32,
    ends: Instant,
}

impl Pulls {
    pub fn new() -> Pulls {
        Pulls { open: BTreeMap::new(), next: 0, pauses: HashMap::new(), ack_wait: FIRST * 2 }
    }

    /// Frames of this `ack_wait` come. A question outlives a machine that vanishes, and what is handed out for it is
    /// late by `ack_wait`; so it should not live longer itself.
    pub fn learn(&mut self, ack_wait: Duration) {
        self.ack_wait = ack_wait;
    }

    /// Of the last frame that came.
    pub fn ack_wait(&self) -> Duration {
        self.ack_wait
    }

    pub fn expires(&self) -> Duration {
        (self.ack_wait / 2).clamp(SHORTEST, LONGEST)
    }

    /// Whether to ask this consumer for as many as are missing to `wanted`: the number of the question, and for how many.
    pub fn ask(&mut self, task: &str, route: Route, wanted: u32) -> Option<(u64, u32)> {
        let consumer = (task.to_owned(), route);
        let now = Instant::now();
        if self.pauses.get(&consumer).is_some_and(|(until, _)| now < *until) {
            return None;
        }
        let open = self.open.values().filter(|pull| pull.consumer == consumer);
        let (count, coming) = open.fold((0, 0), |(count, coming), pull| (count + 1, coming + pull.left));
        // A question costs as much as a frame, so not one for each.
        let missing = wanted.saturating_sub(coming);
        if count >= AT_ONCE || missing == 0 || (coming > 0 && missing < wanted.div_ceil(4)) {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.open.insert(number, Pull { consumer, left: missing, ends: now + self.expires() + GRACE });
        Some((number, missing))
    }

    /// A frame has come. It does not say for which question; the server answers the oldest first.
    pub fn received(&mut self, task: &str, route: Route) {
        let asked = |pull: &Pull| pull.consumer.0 == task && pull.consumer.1 == route;
        let Some((&number, pull)) = self.open.iter_mut().find(|(_, pull)| asked(pull)) else { return };
        self.pauses.remove(&pull.consumer);
        pull.left = pull.left.saturating_sub(1);
        if pull.left == 0 {
            self.open.remove(&number);
        }
    }

    /// The server has ended this question; `refused`: for another reason than the time.
    pub fn ended(&mut self, number: u64, refused: bool) {
        let Some(pull) = self.open.remove(&number) else { return };
        if refused {
            let pause =
                self.pauses.get(&pull.consumer).map_or(PAUSE, |(_, last)| (*last * 2).min(LONGEST_PAUSE));
            self.pauses.insert(pull.consumer, (Instant::now() + pause, pause));
        } else {
            self.pauses.remove(&pull.consumer);
        }
    }

    /// A master has called: consumers may be there now.
    pub fn called(&mut self, task: &str) {
        self.pauses.retain(|(other, _), _| other != task);
    }

    /// Forgets questions that the server must have forgotten.
    pub fn expire(&mut self) {
        let now = Instant::now();
        self.open.retain(|_, pull| now < pull.ends);
    }

    /// The connection is a new one, and nothing comes for old questions.
    pub fn forget(&mut self) {
        self.open.clear();
        self.pauses.clear();
    }

    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_questions_are_open_at_most_and_they_ask_for_what_is_missing() {
        let mut pulls = Pulls::new();
        assert_eq!(pulls.ask("t", Route::Work, 8), Some((0, 8)));
        assert_eq!(pulls.ask("t", Route::Work, 8), None);
        for _ in 0..4 {
            pulls.received("t", Route::Work);
        }
        assert_eq!(pulls.ask("t", Route::Work, 8), Some((1, 4)));
        pulls.received("t", Route::Work);
        assert_eq!(pulls.ask("t", Route::Work, 80), None);
        assert_eq!(pulls.ask("t", Route::Solo, 1), Some((2, 1)));
        pulls.ended(0, false);
        assert_eq!(pulls.ask("t", Route::Work, 8), Some((3, 4)));
        pulls.forget();
        assert!(pulls.is_empty());
    }

    #[test]
    fn after_a_refusal_there_is_a_pause_that_a_call_ends() {
        let mut pulls = Pulls::new();
        let (number, _) = pulls.ask("t", Route::Work, 1).unwrap();
        pulls.ended(number, true);
        assert_eq!(pulls.ask("t", Route::Work, 1), None);
        pulls.called("t");
        assert!(pulls.ask("t", Route::Work, 1).is_some());
    }
}
