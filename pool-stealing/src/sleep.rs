//! How workers fall asleep, are woken, and end.
//!
//! # What is promised
//!
//! 1. **No lost wake-up.** While a job waits in a queue and a worker sleeps, some thread is on its way to
//!    deal with it: a worker that searches, or a thread in the middle of [`Sleep::pushed`],
//!    [`Sleep::found`] or [`Sleep::park`].
//! 2. **No work when idle.** A worker that finds nothing parks until it is woken. No worker polls, spins or
//!    sleeps for a time.
//! 3. **No needless wake-ups.** A push wakes at most one worker, and none if no worker sleeps or one
//!    searches already; finding that out costs a fence and a load.
//! 4. **An end.** A closed pool ends when every worker is parked and no job waits.
//!
//! # The protocol
//!
//! One word counts the workers that *sleep* and those that *search*, that is: look into the deques of
//! others. A worker runs the jobs of its own deque and of the injector while there are any. Then it
//! searches ([`Sleep::search`]). From there it leaves by one of two doors:
//!
//! - It has **found** a job: it stops searching. If it was the last to search, it looks whether there are
//!   more jobs, and if so wakes a successor, which will search.
//! - It has found nothing: it counts itself as sleeping instead, **looks everywhere again**, and only
//!   then parks. If the second look shows a job it goes on searching.
//!
//! A thread that **pushes** a job looks at the word afterwards. If no worker sleeps, or one searches, it is
//! done. Otherwise it turns one sleeper into a searcher and wakes it. Waking is handing out a *token*
//! under the lock; a sleeper that holds the lock takes one if there is one, so it does not matter whether
//! it parks before or after the token is there.
//!
//! # Why no wake-up is lost
//!
//! The push *writes the queue, then reads the word*. A worker that stops searching or begins sleeping
//! *writes the word, then reads the queues*. Both have a sequentially consistent fence in between, so at
//! least one of them sees what the other wrote (Dekker's argument). So for a push of job `j`:
//!
//! - If it read "no worker sleeps": every worker that falls asleep afterwards looks again, and sees `j`.
//! - If it read "a worker searches": the last of these to stop looks again, through either door, and sees
//!   `j`, unless a worker has taken it.
//! - Else it wakes a sleeper, which searches; if in the meantime another has begun to search or no worker
//!   sleeps any more, see above.
//!
//! A worker that looks again and sees `j` takes the place of the push: it searches itself, or wakes a worker
//! that does, or there is none asleep. If several jobs are pushed and one worker is woken, that one finds
//! the first, is the last to search, sees the second and wakes the next: so one wake-up per push is an
//! upper bound and not a need, and the chain goes on until no job or no sleeper is left.
//!
//! # What a wake-up costs, and when it is for nothing
//!
//! A push into a worker's own deque wakes a sleeper like any other push. That is for nothing if the pushing job ends
//! right away, since then its worker takes the new job itself, as the engine's jobs do twice per millisecond. But the
//! pool cannot know: if the pushing job goes on for minutes, or even waits for the new one, only a sleeper can help.
//! Without a timer there is no third way, so the push wakes a sleeper. It does so only while a worker is idle anyway.
//!
//! Before it parks, a worker searches some more times and offers its core between them (`worker.rs`). It counts as
//! searching meanwhile, so nothing here changes.
//!
//! # The end
//!
//! In a closed pool idle workers stay parked while others run, since a running job may still spawn jobs
//! and may even wait for them. When all are parked and no token is on its way, no job is running. Every
//! push came from before the closing or from inside a job, so no push is under way either, and by promise
//! 1 no job waits. The thread that sees this, a worker that parks or else the one that closes, ends all.
//! A terminated pool does not wait for that: its workers end at their next look at the stage.
//!
//! # Sources
//!
//! Counting the searchers, and handing that role on, is from tokio's multi-threaded scheduler, which has it from Go's.
//! Announcing, looking again, and only then sleeping is the event count (Dmitry Vyukov; also in `event-listener` and
//! rayon-core's `sleep/README.md`).

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use crate::sync::{Condvar, Mutex, lock, wait};

/// Counts of the word: sleepers in its lower half, searchers in its upper half.
const SLEEPER: usize = 1;
const SEARCHER: usize = 1 << (usize::BITS / 2);

/// Written when workers change between work and rest, read by every push: alone in its cache lines.
#[repr(align(128))]
struct Word(AtomicUsize);

pub(crate) struct Sleep {
    word: Word,
    terminated: AtomicBool,
    gate: Mutex<Gate>,
    woken: Condvar,
    workers: usize,
}

struct Gate {
    stage: Stage,
    /// Wake-ups that no worker has taken yet. Each has been counted as a searcher already.
    tokens: usize,
    /// Workers that have looked again and wait for a token.
    parked: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// The workers end when all of them are parked.
    Closed,
    /// The workers end.
    Ended,
}

/// What a worker does after [`Sleep::park`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Look everywhere; it is counted as searching.
    Search,
    End,
}

impl Sleep {
    pub(crate) fn new(workers: usize) -> Sleep {
        Sleep {
            word: Word(AtomicUsize::new(0)),
            terminated: AtomicBool::new(false),
            gate: Mutex::new(Gate { stage: Stage::Open, tokens: 0, parked: 0 }),
            woken: Condvar::new(),
            workers,
        }
    }

    /// To be called after a job has been pushed: wakes a worker if one is needed.
    pub(crate) fn pushed(&self) {
        // Between the push and the look at the word. Pairs with the fences of both doors, in `found` and `park`.
        fence(Ordering::SeqCst);
        if self.needs_waking() {
            self.wake();
        }
    }

    /// To be called before a worker looks into the deques of others.
    pub(crate) fn search(&self) {
        // No ordering is needed: the count only makes pushes leave others asleep, and `found` or `park` makes up for
        // that when this worker stops searching.
        self.word.0.fetch_add(SEARCHER, Ordering::Relaxed);
    }

    /// To be called when a searching worker has found a job, before it runs it.
    pub(crate) fn found(&self, has_job: impl Fn() -> bool) {
        let before = self.word.0.fetch_sub(SEARCHER, Ordering::Relaxed);
        let was_last = before / SEARCHER == 1;
        if was_last && sleepers(before) > 0 {
            // Between the word and the look at the queues. Pairs with the fence in `pushed`.
            fence(Ordering::SeqCst);
            if has_job() {
                self.wake();
            }
        }
    }

    /// To be called when a searching worker has found nothing. Calls `sleeps` whenever it really sleeps; the
    /// lock is held then.
    pub(crate) fn park(&self, has_job: impl Fn() -> bool, sleeps: impl Fn()) -> Next {
        self.word.0.fetch_sub(SEARCHER - SLEEPER, Ordering::Relaxed);
        // As in `found`.
        fence(Ordering::SeqCst);
        if has_job() {
            self.stay_awake();
            return Next::Search;
        }
        let mut gate = lock(&self.gate);
        gate.parked += 1;
        loop {
            if gate.tokens > 0 && gate.stage != Stage::Ended {
                gate.tokens -= 1;
                gate.parked -= 1;
                return Next::Search;
            }
            self.end_if_idle(&mut gate);
            if gate.stage == Stage::Ended {
                return Next::End;
            }
            sleeps();
            gate = wait(&self.woken, gate);
        }
    }

    /// The workers end when no job is left.
    pub(crate) fn close(&self) {
        let mut gate = lock(&self.gate);
        if gate.stage == Stage::Open {
            gate.stage = Stage::Closed;
        }
        self.end_if_idle(&mut gate);
    }

    /// The workers end after the job that they are running. Release: pairs with the load in
    /// [`is_terminated`](Sleep::is_terminated).
    pub(crate) fn terminate(&self) {
        self.terminated.store(true, Ordering::Release);
        lock(&self.gate).stage = Stage::Ended;
        self.woken.notify_all();
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.terminated.load(Ordering::Acquire)
    }

    fn needs_waking(&self) -> bool {
        let word = self.word.0.load(Ordering::Relaxed);
        sleepers(word) > 0 && word < SEARCHER
    }

    fn wake(&self) {
        let mut gate = lock(&self.gate);
        // Sleepers become fewer under the lock only, so the one counted here is still there below.
        if !self.needs_waking() {
            return;
        }
        self.word.0.fetch_add(SEARCHER - SLEEPER, Ordering::Relaxed);
        gate.tokens += 1;
        drop(gate);
        self.woken.notify_one();
    }

    /// Undoes the announcement of a worker that has seen a job at the second look.
    fn stay_awake(&self) {
        let mut gate = lock(&self.gate);
        // A token stands for one sleeper that is a searcher already; that may as well be this one.
        if gate.tokens > 0 {
            gate.tokens -= 1;
        } else {
            self.word.0.fetch_add(SEARCHER - SLEEPER, Ordering::Relaxed);
        }
    }

    fn end_if_idle(&self, gate: &mut Gate) {
        if gate.stage == Stage::Closed && gate.parked == self.workers && gate.tokens == 0 {
            gate.stage = Stage::Ended;
            self.woken.notify_all();
        }
    }
}

fn sleepers(word: usize) -> usize {
    word % SEARCHER
}
