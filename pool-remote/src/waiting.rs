//! How a thread of the program waits: it neither takes the `unpark` token of the thread nor leaves one behind, which
//! `std::thread::park` and std's channels do.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung() = true;
        self.changed.notify_one();
    }
}

impl Bell {
    fn rung(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until it was rung, or until the deadline.
    fn wait(&self, deadline: Option<Instant>) {
        let rung = self.rung();
        let mut rung = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => self.changed.wait_while(rung, |rung| !*rung).unwrap_or_else(PoisonError::into_inner),
            Some(left) => match self.changed.wait_timeout_while(rung, left, |rung| !*rung) {
                Ok((rung, _)) => rung,
                Err(poisoned) => poisoned.into_inner().0,
            },
        };
        *rung = false;
    }
}

/// Polls until it is ready. `None` when the deadline has passed and it is not.
pub fn wait_for<T>(
    deadline: Option<Instant>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(bell.clone());
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
        bell.wait(deadline);
    }
}
