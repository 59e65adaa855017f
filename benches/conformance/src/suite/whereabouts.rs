//! What tests of P16 need: which thread called what, and which threads are the pool's.

use pool_core::Executor;
use std::cell::Cell;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread::{self, ThreadId};

/// A call that belongs to the pool's threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Function,
    Init,
    Input,
}

/// Which threads made which calls. To note one costs some nanoseconds, so that short items stay short.
#[derive(Clone)]
pub(super) struct Calls {
    number: u64,
    seen: Arc<Mutex<HashSet<(Call, ThreadId)>>>,
}

thread_local! {
    /// Whose calls this thread has noted last, and which of them.
    static NOTED: Cell<(u64, u8)> = const { Cell::new((0, 0)) };
}

impl Calls {
    pub(super) fn new() -> Calls {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Calls { number: NUMBERS.fetch_add(1, Ordering::Relaxed), seen: Arc::default() }
    }

    pub(super) fn note(&self, call: Call) {
        let bit = 1 << call as u8;
        let (number, noted) = NOTED.get();
        let noted = if number == self.number { noted } else { 0 };
        if noted & bit == 0 {
            NOTED.set((self.number, noted | bit));
            self.seen.lock().unwrap().insert((call, thread::current().id()));
        }
    }

    /// The numbers up to `end`, whose `next` is noted.
    pub(super) fn input(&self, end: u64) -> impl Iterator<Item = u64> + Send + use<> {
        self.noted((0..end).take_while(|_| true))
    }

    /// An input whose `next` is noted.
    pub(super) fn noted<I: Iterator>(&self, mut input: I) -> impl Iterator<Item = I::Item> + use<I> {
        let calls = self.clone();
        std::iter::from_fn(move || {
            calls.note(Call::Input);
            input.next()
        })
    }

    /// A short function that is noted.
    pub(super) fn function(&self) -> impl Fn(u64) -> u64 + Send + Sync + use<> {
        let calls = self.clone();
        move |x| {
            calls.note(Call::Function);
            x
        }
    }

    /// An `init` that is noted.
    pub(super) fn init(&self) -> impl Fn() + Send + Sync + use<> {
        let calls = self.clone();
        move || calls.note(Call::Init)
    }

    pub(super) fn threads_of(&self, call: Call) -> HashSet<ThreadId> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.0 == call).map(|seen| seen.1).collect()
    }
}

/// Where the calls of a consumer's imaps belong.
pub(super) struct Home {
    consumer: ThreadId,
    /// The pool's threads; `None` if its jobs do not stay on the same ones.
    threads: Option<HashSet<ThreadId>>,
    count: usize,
}

impl Home {
    /// The home of what this thread consumes from that pool, which must be idle.
    pub(super) fn of(pool: &impl Executor) -> Home {
        let first = threads_of(pool);
        let threads = (first == threads_of(pool)).then_some(first);
        Home { consumer: thread::current().id(), threads, count: pool.threads() }
    }

    /// Fails if something was called elsewhere.
    #[track_caller]
    pub(super) fn check(&self, calls: &Calls, what: &str) {
        for call in [Call::Function, Call::Init, Call::Input] {
            let seen = calls.threads_of(call);
            assert!(!seen.contains(&self.consumer), "{what}: {call:?} ran on the consumer's thread");
            if let Some(threads) = &self.threads {
                assert!(seen.is_subset(threads), "{what}: {call:?} ran on a thread that is not the pool's");
                assert!(seen.len() <= self.count);
            }
        }
        assert!(!calls.threads_of(Call::Function).is_empty(), "{what}: nothing ran at all");
    }
}

/// The threads of a pool: a job on each, which wait for one another.
fn threads_of(pool: &impl Executor) -> HashSet<ThreadId> {
    let meeting = Arc::new(Barrier::new(pool.threads()));
    let job = |_| {
        let meeting = meeting.clone();
        pool.submit(move || {
            meeting.wait();
            thread::current().id()
        })
    };
    let jobs: Vec<_> = (0..pool.threads()).map(job).collect();
    jobs.into_iter().map(|job| job.join().unwrap()).collect()
}

/// Fails unless every thread of the pool still takes jobs.
pub(super) fn all_threads_are_there(pool: &impl Executor) {
    assert_eq!(threads_of(pool).len(), pool.threads());
}
