//! A function that waits until the test lets it go on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

#[derive(Clone, Default)]
pub struct Gate {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    open: Mutex<bool>,
    opened: Condvar,
    begun: AtomicUsize,
}

impl Gate {
    /// Counts the caller, and waits until the gate is open.
    pub fn pass(&self) {
        self.shared.begun.fetch_add(1, Ordering::SeqCst);
        let mut open = self.shared.open.lock().unwrap();
        while !*open {
            open = self.shared.opened.wait(open).unwrap();
        }
    }

    pub fn open(&self) {
        *self.shared.open.lock().unwrap() = true;
        self.shared.opened.notify_all();
    }

    /// How many have come to the gate so far.
    pub fn begun(&self) -> usize {
        self.shared.begun.load(Ordering::SeqCst)
    }

    /// Waits until this many have come.
    pub async fn wait_for(&self, begun: usize) {
        while self.begun() < begun {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
