//! The way of items from the user's iterator to the job: the window, and batches.
//!
//! One thread of its own pulls the input, which may block; the job never waits for it. The thread encodes each item
//! into the open batch, under the lock. The job takes batches that are full, and the open one as well when no worker
//! has enough to do or a moment has passed, so no item waits for the next one.
//!
//! The window counts items that were pulled and not handed out, exactly. The thread says at which number of results it
//! wants to be woken, and the consumer wakes it then, or before it sleeps itself.

use crate::control::{Bell, Settings};
use crate::frame::{Outcome, push_item};
use crate::unwind::{Payload, catch, drop_quietly};
use bytes::Bytes;
use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Batches are closed at this size.
const BATCH_BYTES: usize = 128 * 1024;

/// The window before anything was measured.
const FIRST_WINDOW: u64 = 64;

/// See the [module](self).
pub struct Feed {
    state: Mutex<State>,
    /// The input's thread waits here.
    room: Condvar,
    /// The job is told here: there is a batch, or the input has ended.
    filled: Arc<Bell>,
    /// Results that were handed out, as the consumer last told.
    delivered: AtomicU64,
    /// Whether the thread sleeps, and until this many results.
    sleeping: AtomicBool,
    wake_at: AtomicU64,
    /// Encoded items that are not settled, and outcomes that are not handed out.
    bytes: AtomicU64,
    /// Both may change while it runs.
    window: AtomicU64,
    batch: AtomicU64,
    window_bytes: u64,
    size_limit: u64,
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("pulled", &self.pulled()).finish_non_exhaustive()
    }
}

#[derive(Default)]
struct State {
    open: Open,
    ready: VecDeque<Fed>,
    pulled: u64,
    ended: bool,
    stopped: bool,
    wanted: Wanted,
    panic: Option<Payload>,
}

/// What the job is to be told of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    Nothing,
    /// Batches that are full.
    Batches,
    /// Also the first item of one that is open.
    #[default]
    Anything,
}

impl Drop for State {
    fn drop(&mut self) {
        // If the consumer has not come for it.
        drop_quietly(self.panic.take());
    }
}

#[derive(Default)]
struct Open {
    first: u64,
    count: u32,
    items: Vec<u8>,
}

/// What the job gets.
#[derive(Debug)]
pub enum Fed {
    /// Consecutive items.
    Batch {
        /// The index of the first one.
        first: u64,
        /// How many they are.
        count: u32,
        /// Encoded, each with its length in front.
        items: Bytes,
    },
    /// An item that does not travel.
    Settled {
        /// Its index.
        first: u64,
        /// What became of it.
        outcome: Bytes,
    },
}

impl Feed {
    /// Of an imap with these settings. It tells the job by `filled` that there is something to take.
    pub fn new(settings: &Settings, filled: Arc<Bell>) -> Feed {
        Feed {
            state: Mutex::default(),
            room: Condvar::new(),
            filled,
            delivered: AtomicU64::new(0),
            sleeping: AtomicBool::new(false),
            wake_at: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            window: AtomicU64::new(settings.window.unwrap_or(FIRST_WINDOW)),
            batch: AtomicU64::new(settings.batch.unwrap_or(1)),
            window_bytes: settings.window_bytes,
            size_limit: settings.size_limit,
        }
    }

    /// Pulls until the input or the iteration ends. On a thread of its own.
    pub fn pull<I: Serialize>(&self, mut input: impl Iterator<Item = I>) {
        let mut scratch = Vec::new();
        let panic = loop {
            if !self.wait_for_room() {
                break None;
            }
            match self.pull_one(&mut input, &mut scratch) {
                Ok(true) => {}
                Ok(false) => break None,
                Err(payload) => break Some(payload),
            }
        };
        // Before the end is told, so that a consumer which has seen the end knows that its input is gone.
        let dropped = catch(|| drop(input)).err();
        let (panic, late) = if panic.is_some() { (panic, dropped) } else { (dropped, None) };
        drop_quietly(late);
        self.end(panic);
    }

    /// Pulls one item. Whether there was one, or with what the input panicked.
    fn pull_one<I: Serialize>(
        &self,
        input: &mut impl Iterator<Item = I>,
        scratch: &mut Vec<u8>,
    ) -> Result<bool, Payload> {
        let item = catch(|| {
            input.next().map(|item| {
                scratch.clear();
                postcard::to_extend(&item, std::mem::take(scratch))
            })
        })?;
        let Some(encoded) = item else { return Ok(false) };
        self.push(encoded, scratch);
        Ok(true)
    }

    /// Nothing more will be pulled.
    pub fn end(&self, panic: Option<Payload>) {
        let mut state = self.lock();
        state.panic = panic;
        state.ended = true;
        drop(state);
        self.filled.ring();
    }

    /// Takes an item that was pulled and encoded elsewhere, if there is room. For a master whose clock and threads are a
    /// test's own.
    pub fn offer(&self, item: &[u8]) -> bool {
        let room = self.has_room(&self.lock());
        if room {
            self.push(Ok(item.to_vec()), &mut Vec::new());
        }
        room
    }

    fn push(&self, encoded: postcard::Result<Vec<u8>>, scratch: &mut Vec<u8>) {
        let refused = match encoded {
            Ok(item) => {
                *scratch = item;
                let (size, limit) = (scratch.len() as u64, self.size_limit);
                (size > limit).then(|| Outcome::TooLarge { size, limit }.to_bytes())
            }
            Err(error) => Some(Outcome::Encode(&error.to_string()).to_bytes()),
        };
        let mut state = self.lock();
        let index = state.pulled;
        state.pulled += 1;
        let fresh = match refused {
            Some(outcome) => {
                self.close(&mut state);
                state.ready.push_back(Fed::Settled { first: index, outcome });
                true
            }
            None => self.append(&mut state, index, scratch),
        };
        drop(state);
        if fresh {
            self.filled.ring();
        }
        if scratch.capacity() > BATCH_BYTES {
            *scratch = Vec::new();
        }
    }

    /// Adds an item to the open batch. Whether the job should know.
    fn append(&self, state: &mut State, index: u64, item: &[u8]) -> bool {
        // A large item does not make its neighbours travel in pieces.
        if state.open.count > 0 && state.open.items.len() + item.len() > BATCH_BYTES {
            self.close(state);
        }
        if state.open.count == 0 {
            state.open.first = index;
        }
        state.open.count += 1;
        let before = state.open.items.len();
        push_item(item, &mut state.open.items);
        self.bytes.fetch_add((state.open.items.len() - before) as u64, Ordering::SeqCst);
        let full = u64::from(state.open.count) >= self.batch.load(Ordering::Relaxed)
            || state.open.items.len() >= BATCH_BYTES;
        if full {
            self.close(state);
        }
        let least = if full { Wanted::Batches } else { Wanted::Anything };
        (full || state.open.count == 1) && state.wanted >= least
    }

    fn close(&self, state: &mut State) {
        let Open { first, count, items } = std::mem::take(&mut state.open);
        if count > 0 {
            state.open.items = Vec::with_capacity(items.len().min(BATCH_BYTES));
            state.ready.push_back(Fed::Batch { first, count, items: items.into() });
        }
    }

    /// Sleeps while the window is full. Whether to go on.
    fn wait_for_room(&self) -> bool {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return false;
            }
            if self.has_room(&state) {
                return true;
            }
            let window = self.window.load(Ordering::Relaxed);
            let wake_at = state.pulled.saturating_sub(window) + (window / 8).max(1);
            self.wake_at.store(wake_at, Ordering::Relaxed);
            self.sleeping.store(true, Ordering::SeqCst);
            // Look again: the consumer reads `sleeping` after it has changed what `has_room` reads.
            if self.has_room(&state) {
                self.sleeping.store(false, Ordering::SeqCst);
                return true;
            }
            state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
            self.sleeping.store(false, Ordering::SeqCst);
        }
    }

    fn has_room(&self, state: &State) -> bool {
        let out = state.pulled - self.delivered.load(Ordering::SeqCst);
        let bytes = self.bytes.load(Ordering::SeqCst);
        out == 0 || (out < self.window.load(Ordering::Relaxed) && bytes < self.window_bytes)
    }

    /// This many results have been handed out. `idle`: the consumer is about to wait.
    pub fn delivered(&self, results: u64, idle: bool) {
        self.delivered.store(results, Ordering::SeqCst);
        if self.sleeping.load(Ordering::SeqCst) && (idle || results >= self.wake_at.load(Ordering::Relaxed)) {
            self.wake();
        }
    }

    fn wake(&self) {
        // Under the lock: the thread is either before its look, or asleep.
        drop(self.lock());
        self.room.notify_one();
    }

    /// These bytes are held now: outcomes that are not handed out.
    pub fn add_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::SeqCst);
    }

    /// These bytes are gone, and there may be room.
    pub fn remove_bytes(&self, bytes: usize) {
        let before = self.bytes.fetch_sub(bytes as u64, Ordering::SeqCst);
        if before >= self.window_bytes {
            if self.sleeping.load(Ordering::SeqCst) {
                self.wake();
            }
            // The job, too, waits with large results.
            self.filled.ring();
        }
    }

    /// Whether the window has no more room in bytes.
    pub fn is_heavy(&self) -> bool {
        self.bytes.load(Ordering::SeqCst) >= self.window_bytes
    }

    /// Changes what may change while it runs.
    pub fn tune(&self, window: u64, batch: u64) {
        self.batch.store(batch.max(1), Ordering::Relaxed);
        let before = self.window.swap(window.max(1), Ordering::Relaxed);
        if window > before && self.sleeping.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// The next batch; with `partial` also one that is not full.
    pub fn take(&self, partial: bool) -> Option<Fed> {
        let mut state = self.lock();
        if state.ready.is_empty() && partial {
            self.close(&mut state);
        }
        state.ready.pop_front()
    }

    /// As [`take`](Feed::take), for a job that asks again whenever a worker has room. So it need not be told of what no
    /// worker has room for.
    pub fn take_wanted(&self, partial: bool) -> Option<Fed> {
        let mut state = self.lock();
        if state.ready.is_empty() && partial {
            self.close(&mut state);
        }
        let taken = state.ready.pop_front();
        state.wanted = match (&taken, partial) {
            (Some(_), _) => Wanted::Nothing,
            (None, true) => Wanted::Anything,
            (None, false) => state.wanted.max(Wanted::Batches),
        };
        taken
    }

    /// Whether items wait in the open batch. If not, the job is told of the first one.
    pub fn has_open(&self) -> bool {
        let mut state = self.lock();
        state.wanted = Wanted::Anything;
        state.open.count > 0
    }

    /// Whether nothing more will come.
    pub fn is_exhausted(&self) -> bool {
        let state = self.lock();
        state.ended && state.ready.is_empty() && state.open.count == 0
    }

    /// How many items have been pulled.
    pub fn pulled(&self) -> u64 {
        self.lock().pulled
    }

    /// Ends the thread when it comes back from the input.
    pub fn stop(&self) {
        self.lock().stopped = true;
        self.room.notify_one();
    }

    /// The panic of the input, once.
    pub fn take_panic(&self) -> Option<Payload> {
        self.lock().panic.take()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::panic_any;

    /// Panics when it is dropped, with another one.
    struct Bomb(u32);

    impl Drop for Bomb {
        fn drop(&mut self) {
            if self.0 > 0 {
                panic_any(Bomb(self.0 - 1));
            }
        }
    }

    /// Panics in `next` and when it is dropped.
    struct Input {
        _bomb: Bomb,
    }

    impl Iterator for Input {
        type Item = u32;

        fn next(&mut self) -> Option<u32> {
            panic_any(Bomb(2))
        }
    }

    #[test]
    fn an_input_that_panics_twice_has_ended() {
        let feed = Feed::new(&Settings::default(), Arc::default());
        feed.pull(Input { _bomb: Bomb(2) });
        assert!(feed.is_exhausted());
        let payload = feed.take_panic().expect("the panic of `next`");
        assert!(payload.is::<Bomb>());
        drop_quietly(payload);
        // Nor does the payload go off where no consumer has come for it.
        let feed = Feed::new(&Settings::default(), Arc::default());
        feed.pull(Input { _bomb: Bomb(2) });
        drop(feed);
    }
}
