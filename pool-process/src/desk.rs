//! A child's work: the frames that wait, the threads that run them, and what they have to say.
//!
//! Each thread takes a frame and runs its items one after the other. The reader looks from time to time: at items that take
//! long. Their position is made exact, results before them are sent, and what waits behind them is given back, so that
//! other children can run it.

use crate::position::{Position, Positions, now};
use crate::wire::{Outgoing, Report, length};
use bytes::Bytes;
use pool_remote::frame::{Outcome, join, take_item};
use pool_remote::functions::Function;
use pool_remote::job::What;
use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the reader looks while threads are at work.
pub(crate) const LOOK: Duration = Duration::from_millis(1);

/// How long replies wait for others to be sent with, if there is more to do; and how many bytes of them.
const GATHER: Duration = Duration::from_micros(50);
const GATHER_BYTES: usize = 64 * 1024;

/// A frame ends at this many bytes of outcomes, and others get the rest.
const LARGEST_REPLY: usize = 128 * 1024;

/// A position is noted at least this often, in nanoseconds of work.
const BUNCH: u64 = 4_000;
const LARGEST_BUNCH: u32 = 64;

/// A frame.
#[derive(Debug)]
pub(crate) struct Work {
    pub job: u64,
    pub frame: u64,
    pub task: u32,
    pub count: u32,
    pub careful: bool,
    pub size_limit: u64,
    pub items: Bytes,
}

/// See the [module](self).
pub(crate) struct Desk {
    state: Mutex<State>,
    /// Threads wait here for work.
    ready: Condvar,
    outbox: Mutex<Outbox>,
    socket: UnixStream,
    positions: Positions,
    functions: Vec<Function>,
}

struct State {
    queue: VecDeque<Work>,
    /// What each thread is at.
    running: Vec<Option<Arc<Running>>>,
    leaving: bool,
}

#[derive(Default)]
struct Outbox {
    replies: Vec<u8>,
    /// When the oldest of them was made.
    since: Duration,
}

/// A frame that a thread is at.
struct Running {
    job: u64,
    frame: u64,
    thread: u32,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// Items before this one have outcomes, and a thread is at it; those before `sent` have left in parts.
    done: u32,
    sent: u32,
    /// Outcomes that have not left.
    outcomes: Vec<u8>,
    /// Do not begin items from this one on.
    end: u32,
    /// The first item of the last position, and the one behind it: from that on a new position is needed.
    first: u32,
    named: u32,
    /// Where it was at the last look, and whether what follows has been drawn from that.
    seen: Option<(u32, bool)>,
}

/// How many items share a position: as many as are short.
struct Bunch {
    items: u32,
    began: Duration,
}

impl Desk {
    pub fn new(threads: u32, positions: Positions, socket: UnixStream, functions: Vec<Function>) -> Desk {
        Desk {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                running: (0..threads).map(|_| None).collect(),
                leaving: false,
            }),
            ready: Condvar::new(),
            outbox: Mutex::default(),
            socket,
            positions,
            functions,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // What the reader does.

    /// A frame has come.
    pub fn put(&self, work: Work) {
        let mut state = self.lock();
        if state.leaving {
            return;
        }
        state.queue.push_back(work);
        drop(state);
        self.ready.notify_one();
    }

    /// Begins nothing more of a job.
    pub fn drop_job(&self, job: u64) {
        let mut state = self.lock();
        let (dropped, kept) = std::mem::take(&mut state.queue).into_iter().partition(|work| work.job == job);
        state.queue = kept;
        for running in state.running.iter().flatten().filter(|running| running.job == job) {
            running.stop();
        }
        drop(state);
        self.give_back(dropped);
        self.flush();
    }

    /// Begins nothing more at all.
    pub fn leave(&self) {
        let mut state = self.lock();
        state.leaving = true;
        state.queue.clear();
        state.running.iter().flatten().for_each(|running| running.stop());
        drop(state);
        self.ready.notify_all();
    }

    /// Looks after items that take long. Whether to look again, if nothing comes.
    pub fn look(&self) -> bool {
        let mut state = self.lock();
        let running: Vec<Arc<Running>> = state.running.iter().flatten().cloned().collect();
        let all_stuck =
            running.len() == state.running.len() && running.iter().all(|running| running.is_stuck());
        let waiting = if all_stuck { std::mem::take(&mut state.queue) } else { VecDeque::new() };
        // A thread that has not come to its frame yet begins after this look.
        let mut again = !state.queue.is_empty();
        drop(state);
        self.give_back(waiting);
        for running in running {
            again |= self.look_at(&running);
        }
        let unsent = self.flush_if(|outbox| outbox.since + LOOK <= now());
        again || unsent
    }

    /// Draws the consequences if an item takes long. Whether to look again.
    fn look_at(&self, running: &Running) -> bool {
        let mut progress = running.lock();
        if progress.seen != Some((progress.done, false)) {
            let known = progress.seen == Some((progress.done, true));
            if !known {
                progress.seen = Some((progress.done, false));
            }
            return !known;
        }
        progress.seen = Some((progress.done, true));
        if progress.done >= progress.end {
            return false;
        }
        if (progress.first, progress.named) != (progress.done, progress.done + 1) {
            self.name(running, &mut progress, 1, now().saturating_sub(LOOK));
        }
        let back = progress.end - (progress.done + 1);
        progress.end -= back;
        if back > 0 || progress.sent < progress.done {
            let (start, count) = (progress.sent, progress.done - progress.sent);
            progress.sent = progress.done;
            let outcomes = std::mem::take(&mut progress.outcomes);
            drop(progress);
            self.reply(running.report(start, count, 0, What::Part { back }), &outcomes);
            self.flush();
        }
        false
    }

    fn give_back(&self, dropped: VecDeque<Work>) {
        for Work { job, frame, .. } in dropped {
            self.reply(Report::Reply { job, frame, start: 0, count: 0, busy: 0, what: What::Done }, &[]);
        }
    }

    // What the threads do.

    /// Runs frames until the process shall end.
    pub fn work(&self, thread: u32) {
        let mut bunch = Bunch { items: 1, began: Duration::ZERO };
        while let Some((work, running)) = self.next(thread) {
            self.run(&work, &running, &mut bunch);
        }
        self.flush();
    }

    fn next(&self, thread: u32) -> Option<(Work, Arc<Running>)> {
        let mut state = self.lock();
        loop {
            state.running[thread as usize] = None;
            if state.leaving {
                return None;
            }
            if let Some(work) = state.queue.pop_front() {
                let running = Arc::new(Running::new(&work, thread));
                state.running[thread as usize] = Some(running.clone());
                return Some((work, running));
            }
            drop(state);
            self.flush();
            state = self.lock();
            if state.queue.is_empty() && !state.leaving {
                state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn run(&self, work: &Work, running: &Running, bunch: &mut Bunch) {
        let began = now();
        bunch.began = began;
        let function = self.functions.get(work.task as usize);
        let (mut rest, mut outcome) = (&work.items[..], Vec::new());
        let mut begun = false;
        while self.begin(running, &mut outcome, &mut begun, work.careful, bunch) {
            match (take_item(rest), function) {
                (Some((item, behind)), Some(function)) => {
                    rest = behind;
                    function(item, work.size_limit, &mut outcome);
                }
                // The parent has counted items and tasks, so it cannot happen; an outcome must still be there.
                _ => Outcome::Decode("the item is missing").push(&mut outcome),
            }
        }
        self.positions.write(running.thread, None);
        let mut progress = running.lock();
        let (start, count) = (progress.sent, progress.done - progress.sent);
        progress.sent = progress.done;
        let outcomes = std::mem::take(&mut progress.outcomes);
        drop(progress);
        let at = now();
        self.reply(running.report(start, count, (at - began).as_nanos() as u64, What::Done), &outcomes);
        self.flush_if(|outbox| outbox.replies.len() >= GATHER_BYTES || outbox.since + GATHER <= at);
    }

    /// Takes the outcome of the item before, if there was one, and begins the next. Whether there is a next.
    fn begin(
        &self,
        running: &Running,
        outcome: &mut Vec<u8>,
        begun: &mut bool,
        careful: bool,
        bunch: &mut Bunch,
    ) -> bool {
        let mut progress = running.lock();
        if *begun {
            progress.done += 1;
            progress.outcomes.append(outcome);
            if progress.outcomes.len() >= LARGEST_REPLY {
                progress.end = progress.done;
            }
        }
        *begun = true;
        if progress.done >= progress.end {
            return false;
        }
        if progress.done >= progress.named {
            let at = now();
            bunch.adapt(at);
            let count = if careful { 1 } else { bunch.items.min(progress.end - progress.done) };
            self.name(running, &mut progress, count, at);
        }
        true
    }

    /// Notes where a thread is. Under the lock, so that the reader and the thread do not mix.
    fn name(&self, running: &Running, progress: &mut Progress, count: u32, began: Duration) {
        let index = progress.done;
        (progress.first, progress.named) = (index, index + count);
        let Running { job, frame, thread, .. } = *running;
        self.positions.write(thread, Some(Position { job, frame, index, count, began }));
    }

    // What is said.

    fn reply(&self, report: Report, outcomes: &[u8]) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        if outbox.replies.is_empty() {
            outbox.since = now();
        }
        let body = join(&report, outcomes);
        outbox.replies.extend_from_slice(&length(body.len()));
        outbox.replies.extend_from_slice(&body);
    }

    /// Sends what has been said.
    pub fn flush(&self) {
        self.flush_if(|_| true);
    }

    /// Sends what has been said, if that is so. Whether something is left.
    fn flush_if(&self, due: impl FnOnce(&Outbox) -> bool) -> bool {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        if outbox.replies.is_empty() {
            return false;
        }
        if !due(&outbox) {
            return true;
        }
        let replies = std::mem::take(&mut outbox.replies);
        // Under the lock, so that messages stay in one piece and in their order.
        let mut outgoing = Outgoing::default();
        outgoing.push(replies.into());
        // An error means that the parent is gone, which the reader finds.
        let _ = outgoing.send(&self.socket);
        false
    }

    /// Sends a message by itself.
    pub fn send(&self, message: &[u8]) {
        let mut outbox = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        outbox.replies.extend_from_slice(message);
        drop(outbox);
        self.flush();
    }
}

impl Running {
    fn new(work: &Work, thread: u32) -> Running {
        let progress = Progress { end: work.count, ..Progress::default() };
        Running { job: work.job, frame: work.frame, thread, progress: Mutex::new(progress) }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets no further item begin.
    fn stop(&self) {
        let mut progress = self.lock();
        progress.end = progress.end.min(progress.done + 1);
    }

    /// Whether it has been at its item for long.
    fn is_stuck(&self) -> bool {
        let progress = self.lock();
        progress.seen.is_some_and(|(seen, _)| seen == progress.done)
    }

    fn report(&self, start: u32, count: u32, busy: u64, what: What) -> Report {
        Report::Reply { job: self.job, frame: self.frame, start, count, busy, what }
    }
}

impl Bunch {
    /// A bunch has ended now: how many items there are in the next.
    fn adapt(&mut self, at: Duration) {
        let took = at.saturating_sub(self.began).as_nanos() as u64;
        self.began = at;
        let fits = (BUNCH * u64::from(self.items) / took.max(1)) as u32;
        self.items = fits.min(self.items * 2).clamp(1, LARGEST_BUNCH);
    }
}
