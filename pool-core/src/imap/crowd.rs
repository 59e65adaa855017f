//! Who leaves when there is one thread more at work than the pool has.
//!
//! A consumer that helps is one of the threads. It often begins when all workers are at work, so one of these has to
//! leave; else three threads take turns on two cores, and half of the time the one that waits has the head of line.
//!
//! It must be the right one. Whoever looks next is running, on a core of its own; the consumer was put on the core of
//! another worker, which waits. If the first one left, those two would share a core, and the one that became free
//! would stay so for as long as the kernel takes to see it, which was seen to be ten milliseconds. So the one that
//! leaves is one that was *switched out*: whose items took longer, by part of a slice of the kernel's, than such
//! items do. That may also be the consumer, which then sleeps until the head is there. Meanwhile no core is idle.
//!
//! Where there are cores for all nobody is switched out. Then, after a while, the next worker that looks leaves: the
//! user said how many threads there should be.

use super::line::Line;
use super::state::State;
use crate::sync::Stamp;
use std::time::Duration;

/// For how long a consumer that has helped is expected to do so again.
const HELPING: Duration = Duration::from_millis(2);
/// For how long there may be one too many if nobody is switched out.
const CROWDED: Duration = Duration::from_millis(20);
/// Who is switched out waits for a slice of the kernel's, some milliseconds.
const SWITCHED_OUT: Duration = Duration::from_micros(1500);

/// What the consumer does for its line.
#[derive(Clone, Copy)]
pub(crate) enum Helper {
    /// Nothing: it sleeps, or is elsewhere.
    No,
    /// It works on items now.
    AtWork,
    /// It did so at that time, and may come again.
    Was(Stamp),
    /// It did, and was switched out.
    Leaves,
}

impl<I: Iterator, F, T> Line<I, F, T> {
    /// How many tickets may be out.
    pub(crate) fn most_tickets(&self, state: &State<I, T>) -> usize {
        match state.helper {
            Helper::AtWork => self.most_beside_helper(),
            Helper::Was(helped) if state.now.since(helped) < HELPING => self.most_beside_helper(),
            _ => self.threads,
        }
    }

    fn most_beside_helper(&self) -> usize {
        (self.threads - 1).max(1)
    }

    /// Whether this worker is the one to leave.
    pub(crate) fn leaves(&self, state: &mut State<I, T>, switched_out: bool) -> bool {
        if state.tickets <= self.most_tickets(state) {
            state.crowded_since = None;
            return false;
        }
        let since = *state.crowded_since.get_or_insert(state.now);
        let leaves = switched_out || state.now.since(since) >= CROWDED;
        if leaves {
            state.crowded_since = None;
        }
        leaves
    }

    /// Whether the consumer is the one to leave. Not if the input is with it: nobody else could pull.
    pub(crate) fn consumer_leaves(&self, state: &State<I, T>) -> bool {
        matches!(state.helper, Helper::Leaves) && state.tickets > self.most_beside_helper() && !state.local
    }
}

impl<I: Iterator, T> State<I, T> {
    /// Whether a thread must have been switched out, if so many items have taken it so long.
    pub(crate) fn was_switched_out(&self, items: u64, time: Duration) -> bool {
        self.pace.expected(items).is_some_and(|expected| time > expected + SWITCHED_OUT)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::function::Plain;
    use super::*;
    use std::ops::Range;
    use std::thread;

    type TestLine = Line<Range<u64>, Plain<fn(u64) -> u64>, u64>;

    /// Two tickets of a pool of two threads, and a consumer that has helped just now.
    fn crowded() -> TestLine {
        let line = Line::new(Some(0..100), Plain((|x| x) as fn(u64) -> u64), 2, |_| unreachable!());
        let mut state = line.lock();
        state.tickets = 2;
        state.now = Stamp::now();
        state.helper = Helper::Was(state.now);
        drop(state);
        line
    }

    #[test]
    fn nobody_leaves_while_there_is_room() {
        let line = crowded();
        line.lock().tickets = 1;
        assert!(!line.leaves(&mut line.lock(), true));
        for helper in [Helper::No, Helper::Leaves] {
            let mut state = line.lock();
            state.tickets = 2;
            state.helper = helper;
            assert!(!line.leaves(&mut state, true));
        }
    }

    #[test]
    fn the_one_that_was_switched_out_leaves() {
        let line = crowded();
        assert!(!line.leaves(&mut line.lock(), false));
        assert!(line.leaves(&mut line.lock(), true));
    }

    #[test]
    fn a_consumer_that_was_switched_out_leaves() {
        let line = crowded();
        let mut state = line.lock();
        assert!(!line.consumer_leaves(&state));
        state.helper = Helper::Leaves;
        assert!(line.consumer_leaves(&state));
        state.local = true;
        assert!(!line.consumer_leaves(&state), "it has the input");
        state.local = false;
        state.tickets = 1;
        assert!(!line.consumer_leaves(&state), "there is room");
    }

    #[test]
    fn after_a_while_the_next_one_leaves() {
        let line = crowded();
        let mut state = line.lock();
        state.helper = Helper::AtWork;
        assert!(!line.leaves(&mut state, false));
        thread::sleep(CROWDED);
        state.now = Stamp::now();
        assert!(line.leaves(&mut state, false));
        // It was not the same crowd before.
        assert!(!line.leaves(&mut state, false));
    }

    #[test]
    fn a_consumer_that_was_away_for_long_is_not_one_of_the_threads() {
        let line = crowded();
        let mut state = line.lock();
        thread::sleep(HELPING);
        state.now = Stamp::now();
        assert!(!line.leaves(&mut state, true));
    }

    #[test]
    fn only_what_takes_longer_than_measured_was_switched_out() {
        let line = crowded();
        let mut state = line.lock();
        assert!(!state.was_switched_out(1, Duration::from_secs(1)), "nothing is known yet");
        state.pace.worked(10, Duration::from_micros(100));
        assert!(!state.was_switched_out(10, Duration::from_micros(1500)));
        assert!(state.was_switched_out(10, Duration::from_micros(1700)));
        assert!(!state.was_switched_out(1000, Duration::from_millis(11)));
    }
}
