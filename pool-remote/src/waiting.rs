//! How a thread of the program waits: it neither takes the `unpark` token of the thread nor leaves one behind, which
//! `std::thread::park` and std's channels do.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Sleeper {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        *self.woken() = true;
        self.changed.notify_one();
    }
}

impl Sleeper {
    fn woken(&self) -> MutexGuard<'_, bool> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until it was woken, or until the deadline.
    fn wait(&self, deadline: Option<Instant>) {
        let woken = self.woken();
        let mut woken = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => self.changed.wait_while(woken, |woken| !*woken).unwrap_or_else(PoisonError::into_inner),
            Some(left) => match self.changed.wait_timeout_while(woken, left, |woken| !*woken) {
                Ok((woken, _)) => woken,
                Err(poisoned) => poisoned.into_inner().0,
            },
        };
        *woken = false;
    }
}

/// Polls until it is ready. `None` when the deadline has passed and it is not.
pub fn wait_for<T>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let sleeper = Arc::new(Sleeper::default());
    let waker = Waker::from(sleeper.clone());
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = poll(&mut context) {
            return Some(value);
        }
        if deadline
            .is_some_and(|deadline| deadline.saturating_duration_since(Instant::now()) == Duration::ZERO)
        {
            return None;
        }
        sleeper.wait(deadline);
    }
}
