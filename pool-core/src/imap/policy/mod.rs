//! How much, how long, how often: everything about an imap that is measured or guessed.
//!
//! A [`Policy`] is told times and asked for numbers. It has no clock, no lock and no threads of its own, and no promise
//! rests on its answers: the conformance suite passes with a policy that answers at random ([`Choice::Chaos`]), and
//! with one that never takes more than one item and never naps ([`Choice::Fixed`]).
//!
//! Its constants are in this folder. One more is in `engine/workers.rs`: how many workers may look for work at a time.

mod batch;
mod chaos;
mod clock_sampler;
mod cost;
mod limits;
mod measured;

pub(crate) use batch::BatchLen;
use chaos::Chaos;
pub(crate) use clock_sampler::ClockSampler;
pub use limits::MAX_DEFAULT_WINDOW_PER_THREAD;
pub(crate) use limits::{
    LONGEST_FIXED, LONGEST_NAP, LONGEST_WORK, MOST_ALONE, MOST_NAPS, MOST_WATCHED, Request, SLICE,
};
#[cfg(feature = "stream")]
pub(crate) use limits::{MOST_POLLED, STREAM_RESULTS, STREAM_TIME};
use measured::Measured;
use std::time::Duration;

/// Which policy an imap has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Choice {
    Measured,
    /// One item at a time; no looks and no naps.
    Fixed,
    /// Random answers.
    #[cfg_attr(not(feature = "testing"), allow(dead_code, reason = "only tests choose it"))]
    Chaos,
}

impl Choice {
    /// Measured; in a build for tests the environment may name another.
    fn of_process() -> Choice {
        // Loom must see the same run twice.
        if cfg!(loom) {
            return Choice::Fixed;
        }
        #[cfg(feature = "testing")]
        let choice = Choice::of_environment();
        #[cfg(not(feature = "testing"))]
        let choice = Choice::Measured;
        choice
    }

    #[cfg(feature = "testing")]
    fn of_environment() -> Choice {
        static CHOICE: std::sync::OnceLock<Choice> = std::sync::OnceLock::new();
        *CHOICE.get_or_init(|| match std::env::var("POOL_POLICY").as_deref() {
            Ok("fixed") => Choice::Fixed,
            Ok("chaos") => Choice::Chaos,
            Ok("measured") | Err(_) => Choice::Measured,
            Ok(other) => panic!("POOL_POLICY is {other:?}; it must be measured, fixed or chaos"),
        })
    }
}

/// Asked under the imap's lock.
pub(crate) struct Policy {
    request: Request,
    choice: Choice,
    measured: Measured,
    chaos: Chaos,
    /// Which result the consumer waits for, and which one it waited for when it last napped.
    head: u64,
    napped_at: Option<u64>,
    looked_in_vain: Option<u64>,
}

impl Policy {
    pub(crate) fn new(request: Request) -> Policy {
        Policy::chosen(request, Choice::of_process())
    }

    /// What is asked for has changed, before the first item.
    pub(crate) fn configure(&mut self, request: Request) {
        *self = Policy::new(request);
    }

    fn chosen(request: Request, choice: Choice) -> Policy {
        Policy {
            request,
            choice,
            measured: Measured::new(request),
            chaos: Chaos::default(),
            head: 0,
            napped_at: None,
            looked_in_vain: None,
        }
    }

    /// This many items took this long in the function.
    pub(crate) fn worked(&mut self, items: usize, time: Duration) {
        self.measured.worked(items, time);
    }

    /// This many items took this long in the input.
    pub(crate) fn pulled(&mut self, items: usize, time: Duration) {
        self.measured.pulled(items, time);
    }

    /// How many items may be under way.
    pub(crate) fn window(&self) -> u64 {
        let per_thread = self.measured.window_per_thread();
        self.request.window.unwrap_or_else(|| self.request.threads.saturating_mul(per_thread) as u64)
    }

    /// How many items a worker takes next; `left` is how many are still to come, where that is known.
    pub(crate) fn chunk_len(&mut self, left: Option<u64>) -> usize {
        if let Some(fixed) = self.fixed_chunk() {
            return fixed;
        }
        match self.choice {
            Choice::Measured => self.measured.chunk_len(left),
            Choice::Fixed => 1,
            // Without order, items behind one that hangs would wait for it: here P4 does rest on measurements.
            Choice::Chaos if self.request.unordered => 1,
            Choice::Chaos => self.chaos.below(20) + 1,
        }
    }

    /// The chunk that was asked for. It is at most half of the window, so that the other half keeps others busy.
    fn fixed_chunk(&self) -> Option<usize> {
        let half = self
            .request
            .window
            .map_or(LONGEST_FIXED, |window| usize::try_from(window / 2).unwrap_or(LONGEST_FIXED));
        self.request.chunk.map(|fixed| fixed.min(LONGEST_FIXED).min(half.max(1)))
    }

    /// How many items a feeder pulls before it works, where other workers will take the rest.
    pub(crate) fn batch_len(&mut self) -> usize {
        let batch = match self.choice {
            Choice::Measured => self.measured.batch_len(),
            Choice::Fixed => 1,
            Choice::Chaos => self.chaos.below(20) + 1,
        };
        batch.max(self.fixed_chunk().unwrap_or(1))
    }

    /// Whether a memory fence for each item would be noticed.
    pub(crate) fn is_tiny(&mut self) -> bool {
        match self.choice {
            Choice::Measured => self.measured.is_tiny(),
            Choice::Fixed => false,
            Choice::Chaos => self.chaos.one_in(2),
        }
    }

    /// After how long in one chunk a worker hands back what is left of it, if threads are idle.
    pub(crate) fn hand_back_after(&mut self) -> Duration {
        match self.choice {
            Choice::Measured | Choice::Fixed => measured::HAND_BACK_AFTER,
            Choice::Chaos => Duration::from_micros(self.chaos.below(300) as u64),
        }
    }

    /// Whether a worker that has found nothing for this long looks again before it ends its turn.
    pub(crate) fn worker_looks(&mut self, waited: Duration) -> bool {
        match self.choice {
            Choice::Measured => self.measured.worker_looks(waited),
            Choice::Fixed => false,
            Choice::Chaos => waited < Duration::from_millis(1) && self.chaos.one_in(2),
        }
    }

    /// For how long a consumer that has waited for this long in this call, and got this many results before, looks before it
    /// sleeps.
    pub(crate) fn consumer_looks(&mut self, waited: Duration, delivered: u64) -> Option<Duration> {
        match self.choice {
            Choice::Measured => self.measured.consumer_looks(waited, delivered),
            Choice::Fixed => None,
            Choice::Chaos => self.chaos.look(waited),
        }
    }

    /// For how long a poll that has looked for this long for this result looks on, before its task sleeps. A look that was in
    /// vain is not taken again for the same result.
    pub(crate) fn poll_looks(&mut self, waited: Duration, head: u64) -> Option<Duration> {
        if self.looked_in_vain == Some(head) {
            return None;
        }
        let look = match self.choice {
            Choice::Measured => self.measured.poll_looks(waited),
            Choice::Fixed => None,
            Choice::Chaos => self.chaos.look(waited),
        };
        self.looked_in_vain = look.is_none().then_some(head);
        look
    }

    /// The consumer is about to wait for this result.
    pub(crate) fn about_to_wait(&mut self, head: u64) {
        if let Some(before) = self.napped_at.take() {
            self.measured.napped(head - before);
        }
        self.head = head;
    }

    /// How long the consumer naps; `None` if it should sleep until notified.
    pub(crate) fn nap(&mut self) -> Option<Duration> {
        let nap = match self.choice {
            Choice::Measured => {
                let window = self.window();
                self.measured.nap(window)
            }
            Choice::Fixed => None,
            Choice::Chaos => {
                self.chaos.one_in(2).then(|| Duration::from_micros(self.chaos.below(5_000) as u64))
            }
        };
        self.napped_at = nap.is_some().then_some(self.head);
        nap
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const REQUEST: Request = Request { threads: 2, window: None, chunk: None, unordered: false };

    #[test]
    fn what_was_asked_for_is_kept_by_every_policy() {
        for choice in [Choice::Measured, Choice::Fixed, Choice::Chaos] {
            let request = Request { window: Some(6), chunk: Some(3), ..REQUEST };
            let mut policy = Policy::chosen(request, choice);
            policy.worked(1, Duration::from_secs(1));
            assert_eq!((policy.window(), policy.chunk_len(Some(1))), (6, 3));
            let mut policy = Policy::chosen(Request { chunk: Some(usize::MAX), ..REQUEST }, choice);
            assert_eq!(policy.chunk_len(None), LONGEST_FIXED);
            let request = Request { window: Some(5), chunk: Some(3), ..REQUEST };
            assert_eq!(Policy::chosen(request, choice).chunk_len(None), 2, "half of the window");
        }
    }

    #[test]
    fn p13_a_poll_looks_once_in_vain_for_a_result() {
        let (short, over) = (Duration::from_micros(1), Duration::from_millis(1));
        for choice in [Choice::Measured, Choice::Fixed, Choice::Chaos] {
            let mut policy = Policy::chosen(REQUEST, choice);
            (0..20).for_each(|_| policy.worked(100, 100 * short));
            assert_eq!(policy.poll_looks(over, 7), None);
            assert!((0..100).all(|_| policy.poll_looks(short, 7).is_none()));
            let looks = (8..100).any(|head| policy.poll_looks(short, head).is_some());
            assert_eq!(looks, choice != Choice::Fixed);
        }
    }

    #[test]
    fn every_policy_gives_a_chunk_an_item() {
        for choice in [Choice::Measured, Choice::Fixed, Choice::Chaos] {
            let mut policy = Policy::chosen(REQUEST, choice);
            assert!((0..1000).all(|_| policy.chunk_len(Some(0)) > 0));
        }
    }
}
