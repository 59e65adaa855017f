//! An asymmetric memory barrier: nearly free for the side that runs once per item.
//!
//! The engine has two handshakes that no lock protects. A worker *writes* a result and then *reads* whether the
//! consumer waits; the consumer *writes* that it waits and then *reads* whether there is a result. And a worker that
//! pulls *writes* an item and then *reads* whether another worker has left; that one *writes* that it leaves and then
//! *reads* whether there is an item. Without a full barrier between the write and the read, on both sides, both may
//! read the old value: the consumer sleeps beside a finished result, or an item lies where no worker looks. A full
//! barrier costs some 5 ns, which is more than everything else that is done for an item, while the rare side runs at
//! most once in many items.
//!
//! Linux lets the rare side pay for both: [`heavy`] makes every running thread of the process execute a full barrier
//! (`membarrier`, private expedited), after which [`light`] needs to stop the compiler only. Why that is enough: the
//! frequent side's `light` stands either before or after the barrier that `heavy` forced on it. If before, its write
//! is visible to the rare side's read, which follows `heavy`. If after, its read sees the rare side's write, which
//! precedes `heavy`.
//!
//! The kernel wants to know beforehand that a process will ask, and takes its time where that has threads. So a pool
//! [registers](register_membarrier) before it starts its threads, and the engine only reads whether that was done.
//!
//! Everywhere else, and where the kernel refuses, both sides execute a full fence. The kernel may also refuse later,
//! when a filter for system calls is put on in the middle of the run. Then [`heavy`] says so: the rings that are open
//! cannot be relied on, so the consumer looks again after a millisecond instead of sleeping for long, and rings that
//! are opened from then on have their fences.
//!
//! `fence/models.rs` goes through every order of steps of this handshake on a machine with store buffers.
//!
//! The idea is from Dice, Huang and Yang, "Asymmetric Dekker Synchronization" (2001); folly and the authors of
//! `crossbeam-epoch` describe the same use of `membarrier`.

use crate::sync::atomic::{Ordering, fence};

#[cfg(all(test, not(loom)))]
mod models;

/// The frequent side: stands between its store and its load. Pairs with [`heavy`] between the other side's; both must
/// be given the same `fenced`.
#[inline(always)]
pub(crate) fn light(fenced: bool) {
    if fenced {
        fence(Ordering::SeqCst);
    } else {
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    }
}

/// The rare side. Pairs with [`light`]. Returns whether the handshake can be relied on: not if the kernel has begun to refuse.
#[must_use]
pub(crate) fn heavy(fenced: bool) -> bool {
    fence(Ordering::SeqCst);
    fenced || kernel::force_everywhere()
}

/// Whether [`light`] may leave its fence out. Reads an atomic, so it may be asked under a lock.
pub(crate) fn is_asymmetric() -> bool {
    kernel::is_willing()
}

/// Lets tiny items do without a memory fence each, on Linux. For authors of backends: call it before your threads start.
///
/// [`Config::start`](crate::backend::Config::start) does. So call it only where your backend starts its threads in another way, or
/// uses threads that are there. Without it everything works, and each tiny item costs a memory fence.
///
/// # Cost
///
/// Once per process: microseconds while the process has one thread. If it has more, the kernel waits for each
/// processor, some 5 to 20 ms and more under load. Later calls, and all on other systems, cost nothing.
///
/// ```
/// /// A backend on threads that somewhere else are started.
/// struct Elsewhere;
///
/// impl Elsewhere {
///     fn new() -> Elsewhere {
///         pool_core::backend::register_membarrier();
///         Elsewhere
///     }
/// }
/// # Elsewhere::new();
/// ```
pub fn register_membarrier() {
    kernel::register();
}

#[cfg(all(target_os = "linux", not(loom)))]
mod kernel {
    use rustix::thread::{MembarrierCommand, MembarrierQuery, membarrier, membarrier_query};
    use std::sync::Once;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// The process is registered, and the kernel has not refused since.
    static WILLING: AtomicBool = AtomicBool::new(false);

    pub(super) fn register() {
        static ASKED: Once = Once::new();
        ASKED.call_once(|| {
            let needed = MembarrierQuery::PRIVATE_EXPEDITED | MembarrierQuery::REGISTER_PRIVATE_EXPEDITED;
            if membarrier_query().contains(needed)
                && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
            {
                // Pairs with the load in `is_willing`: a thread that leaves its fence out does so after the registration.
                WILLING.store(true, Ordering::Release);
            }
        });
    }

    pub(super) fn is_willing() -> bool {
        WILLING.load(Ordering::Acquire)
    }

    pub(super) fn force_everywhere() -> bool {
        let done = membarrier(MembarrierCommand::PrivateExpedited).is_ok();
        if !done {
            WILLING.store(false, Ordering::Relaxed);
        }
        done
    }
}

#[cfg(not(all(target_os = "linux", not(loom))))]
mod kernel {
    pub(super) fn register() {}

    pub(super) fn is_willing() -> bool {
        false
    }

    pub(super) fn force_everywhere() -> bool {
        // Every ring is fenced here.
        false
    }
}
