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
//! Everywhere else, and where the kernel refuses, both sides execute a full fence. The kernel may also refuse later,
//! when a filter for system calls is put on in the middle of the run. Then [`heavy`] says so: the rings that are open
//! cannot be relied on, so the consumer looks again after a millisecond instead of sleeping for long, and rings that
//! are opened from then on have their fences.
//!
//! The idea is from Dice, Huang and Yang, "Asymmetric Dekker Synchronization" (2001); folly and the authors of
//! `crossbeam-epoch` describe the same use of `membarrier`.

use crate::sync::atomic::{Ordering, fence};

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

/// Whether [`light`] may leave its fence out.
pub(crate) fn is_asymmetric() -> bool {
    kernel::is_willing()
}

#[cfg(all(target_os = "linux", not(loom)))]
mod kernel {
    use rustix::thread::{MembarrierCommand, MembarrierQuery, membarrier, membarrier_query};
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    static REFUSED: AtomicBool = AtomicBool::new(false);

    /// Asks the kernel once per process.
    pub(super) fn is_willing() -> bool {
        static ANSWER: OnceLock<bool> = OnceLock::new();
        let registered = *ANSWER.get_or_init(|| {
            let needed = MembarrierQuery::PRIVATE_EXPEDITED | MembarrierQuery::REGISTER_PRIVATE_EXPEDITED;
            membarrier_query().contains(needed)
                && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
        });
        registered && !REFUSED.load(Ordering::Relaxed)
    }

    pub(super) fn force_everywhere() -> bool {
        let done = membarrier(MembarrierCommand::PrivateExpedited).is_ok();
        if !done {
            REFUSED.store(true, Ordering::Relaxed);
        }
        done
    }
}

#[cfg(not(all(target_os = "linux", not(loom))))]
mod kernel {
    pub(super) fn is_willing() -> bool {
        false
    }

    pub(super) fn force_everywhere() -> bool {
        // Every ring is fenced here.
        false
    }
}
