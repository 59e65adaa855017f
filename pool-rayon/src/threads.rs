//! Rayon's threads: those of a given pool, or those of its global pool.
//!
//! Rayon has no handle of its global pool. Its functions, such as `spawn`, use the pool of the current thread, and the
//! global pool only on other threads. So where a thread of rayon's is not known to be of the global pool, a thread of
//! our own calls these functions. A broadcast marks the threads of the global pool.

use std::cell::Cell;
use std::sync::Arc;
use std::thread;

thread_local! {
    /// The thread is known to be one of the global pool's.
    static IS_GLOBAL: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone)]
pub(crate) enum Threads {
    Own(Arc<rayon::ThreadPool>),
    Global { count: usize },
}

impl Threads {
    /// Those of the global pool, which begins now if it has not.
    pub(crate) fn global() -> Threads {
        let count = || {
            rayon::spawn_broadcast(|_| IS_GLOBAL.set(true));
            rayon::current_num_threads()
        };
        let count = if may_ask_here() {
            count()
        } else {
            // Not scoped: such a thread takes or leaves a token of `std::thread::park`.
            thread::spawn(count).join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
        };
        Threads::Global { count }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            Threads::Own(pool) => pool.current_num_threads(),
            Threads::Global { count } => *count,
        }
    }

    /// The index of the current thread among these. For the global pool, any thread of rayon's counts: a caller that
    /// waits there works, which is always right.
    pub(crate) fn index(&self) -> Option<usize> {
        match self {
            Threads::Own(pool) => pool.current_thread_index(),
            Threads::Global { .. } => rayon::current_thread_index(),
        }
    }

    pub(crate) fn spawn(&self, run: impl FnOnce() + Send + 'static) {
        match self {
            Threads::Own(pool) => pool.spawn(run),
            Threads::Global { .. } if may_ask_here() => rayon::spawn(run),
            Threads::Global { .. } => drop(thread::spawn(|| rayon::spawn(run))),
        }
    }

    /// To be called on one of these threads.
    pub(crate) fn spawn_broadcast(&self, run: impl Fn() + Send + Sync + 'static) {
        match self {
            Threads::Own(pool) => pool.spawn_broadcast(move |_| run()),
            Threads::Global { .. } => rayon::spawn_broadcast(move |_| run()),
        }
    }
}

/// Whether rayon's functions use the global pool on this thread.
fn may_ask_here() -> bool {
    IS_GLOBAL.get() || rayon::current_thread_index().is_none()
}
