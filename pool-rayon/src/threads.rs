//! Rayon's threads: those of a pool that is at hand, or those of its global pool.
//!
//! Rayon has no handle of its global pool. Its functions `spawn` and the like mean the pool of the current thread, and
//! the global one only elsewhere. So on a thread of rayon's that is not known to be one of the global pool's, those
//! functions are called on a thread of our own. The threads of the global pool get to know it by a broadcast.

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
            thread::scope(|scope| scope.spawn(count).join())
                .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
        };
        Threads::Global { count }
    }

    pub(crate) fn count(&self) -> usize {
        match self {
            Threads::Own(pool) => pool.current_num_threads(),
            Threads::Global { count } => *count,
        }
    }

    /// Which of these threads the current one is. Of any pool of rayon's, if these are the global ones: a caller that waits
    /// there works, which is always right.
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

/// Whether rayon's functions mean the global pool on this thread.
fn may_ask_here() -> bool {
    IS_GLOBAL.get() || rayon::current_thread_index().is_none()
}
