//! Cancelling an imap from somewhere else.

use super::engine::Control;
use crate::roster::Roster;
use crate::sync::{Mutex, lock};
use crate::unwind::{catch, drop_quietly};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

/// Ends imaps from any thread. From [`Imap::cancel_token`](crate::Imap::cancel_token), or
/// [`new`](CancelToken::new) and [`Imap::cancel_with`](crate::Imap::cancel_with).
///
/// After [`cancel`](CancelToken::cancel) no item begins and nothing is pulled. The consumer still gets every result
/// that is finished, up to the first that is not; then the iteration ends, and
/// [`Imap::is_cancelled`](crate::Imap::is_cancelled) tells this end from that of the input. Items that run go on, since
/// a thread cannot be stopped; a long function can ask the token.
///
/// ```
/// use pool_stealing::{CancelToken, Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let token = CancelToken::new();
/// let asked = token.clone();
/// let mut search = pool
///     .imap(0u64.., move |x| {
///         // Something long that looks up from time to time.
///         if asked.is_cancelled() { None } else { Some(x) }
///     })
///     .cancel_with(&token);
/// assert_eq!(search.next(), Some(Some(0)));
/// token.cancel();
/// search.by_ref().for_each(drop);
/// assert!(search.is_cancelled());
/// # Ok::<(), pool_stealing::BuildError>(())
/// ```
#[derive(Clone, Default)]
pub struct CancelToken {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    imaps: Mutex<Roster<Weak<Control>>>,
}

impl CancelToken {
    /// A token of no imap yet.
    pub fn new() -> CancelToken {
        CancelToken::default()
    }

    /// Ends every imap of this token. It can be called often, from anywhere, and does not wait.
    pub fn cancel(&self) {
        let imaps = {
            let mut imaps = lock(&self.shared.imaps);
            // Relaxed: the lock pairs it with the load in `add`.
            self.shared.cancelled.store(true, Ordering::Relaxed);
            imaps.take()
        };
        // Not under the lock: this wakes consumers, and a task's waker is user code.
        imaps.iter().filter_map(Weak::upgrade).for_each(cancel);
    }

    /// Whether [`cancel`](CancelToken::cancel) has been called.
    pub fn is_cancelled(&self) -> bool {
        self.shared.cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, imap: &Arc<Control>) {
        let mut imaps = lock(&self.shared.imaps);
        if self.shared.cancelled.load(Ordering::Relaxed) {
            drop(imaps);
            return cancel(imap.clone());
        }
        // A token may see many imaps come and go. Weak pointers hold no user value.
        let _ended = imaps.add(Arc::downgrade(imap), |imap| imap.strong_count() == 0);
    }
}

/// Catches a panic of the consumer's waker, so that the other imaps are cancelled too.
fn cancel(imap: Arc<Control>) {
    drop_quietly(catch(|| imap.cancel()));
    // This may drop the last owner of a waker.
    drop_quietly(imap);
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("cancelled", &self.is_cancelled()).finish_non_exhaustive()
    }
}
