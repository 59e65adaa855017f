//! An asymmetric memory barrier: nearly free for the side that runs once per item.
//!
//! The line has one handshake that no lock protects. A worker *writes* a result and then *reads* whether
//! the consumer sleeps; the consumer *writes* that it sleeps and then *reads* whether there is a result.
//! Without a full barrier between the write and the read, on both sides, both may read the old value,
//! and the consumer sleeps beside a finished result. A full barrier costs some 5 ns, which is more than
//! everything else that is done for an item, while the consumer sleeps at most once in many items.
//!
//! Linux lets the rare side pay for both: [`heavy`] makes every running thread of the process execute a
//! full barrier (`membarrier`, private expedited), after which [`light`] needs to stop the compiler only.
//! Why that is enough: a worker's `light` stands either before or after the barrier that `heavy` forced
//! on it. If before, its write is visible to the consumer's read, which follows `heavy`. If after, its
//! read sees the consumer's write, which precedes `heavy`.
//!
//! Everywhere else, and where the kernel refuses, both sides execute a full fence. The idea is from
//! Dice, Huang and Yang, "Asymmetric Dekker Synchronization" (2001); folly and `crossbeam-epoch`'s
//! authors describe the same use of `membarrier`.

use crate::sync::atomic::{Ordering, fence};

/// Whether [`light`] may leave its fence out: asks the kernel once per process.
#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) fn is_asymmetric() -> bool {
    use rustix::thread::{MembarrierCommand, MembarrierQuery, membarrier, membarrier_query};
    static ANSWER: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *ANSWER.get_or_init(|| {
        let needed = MembarrierQuery::PRIVATE_EXPEDITED | MembarrierQuery::REGISTER_PRIVATE_EXPEDITED;
        membarrier_query().contains(needed) && membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok()
    })
}

#[cfg(not(all(target_os = "linux", not(loom))))]
pub(crate) fn is_asymmetric() -> bool {
    false
}

/// The frequent side. `fenced` must be what the other side passes to [`heavy`].
#[inline(always)]
pub(crate) fn light(fenced: bool) {
    if fenced {
        fence(Ordering::SeqCst);
    } else {
        std::sync::atomic::compiler_fence(std::sync::atomic::Ordering::SeqCst);
    }
}

/// The rare side.
pub(crate) fn heavy(fenced: bool) {
    fence(Ordering::SeqCst);
    if !fenced {
        force_everywhere();
    }
}

#[cfg(all(target_os = "linux", not(loom)))]
fn force_everywhere() {
    use rustix::thread::{MembarrierCommand, membarrier};
    // Once registered this cannot fail, says membarrier(2); were it to, a hang would be the result,
    // so say it.
    membarrier(MembarrierCommand::PrivateExpedited).expect("membarrier works once it has been registered");
}

#[cfg(not(all(target_os = "linux", not(loom))))]
fn force_everywhere() {
    unreachable!("every lane is fenced where there is no membarrier");
}
