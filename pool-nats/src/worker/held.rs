//! A frame in a worker's hands, and how its items are run.

use crate::frame::{Outcome, Work, take_item};
use async_nats::Subject;
use bytes::Bytes;
use pool_core::{Executor, backend::Job};
use pool_remote::functions::Function;
use pool_remote::ledger::{Care, Route};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedSender;

/// After this long at one item, what follows it goes to others.
const BACK: Duration = Duration::from_millis(20);

/// A frame, from its arrival until the worker is done with it.
pub(crate) struct Held {
    pub task: String,
    pub job: String,
    pub number: u64,
    pub route: Route,
    /// Where signs of life go, and where the master acknowledges.
    pub ack: Subject,
    pub work: Work,
    /// How often it was handed out, this time included.
    pub deliveries: u32,
    pub items: Bytes,
    pub stage: Stage,
    /// When the server last heard that it is held.
    pub beat: Instant,
    pub progress: Arc<Progress>,
    /// How many items were done when that last changed, and when.
    pub seen: (u32, Instant),
}

pub(crate) enum Stage {
    /// It was handed out before, and the master must say whether it is to run.
    Asking,
    /// Its items are with the master, and on their way.
    Fetching,
    /// Has arrived, and waits until it may run: a suspect until nothing else does, others until no suspect is here.
    Waiting,
    /// With the executor.
    Queued,
    /// A large result, until the master has it.
    Result { outcomes: Bytes, start: u32, count: u32, busy: Duration, told: Instant },
}

impl Held {
    /// Whether an item runs longer than it may.
    pub fn is_late(&self) -> bool {
        let limit = self.work.item_timeout();
        matches!(self.stage, Stage::Queued)
            && limit.is_some_and(|limit| self.seen.1.elapsed() > limit && self.progress.is_at(self.seen.0))
    }

    /// The item at which a thread is.
    pub fn at(&self) -> Option<u32> {
        let items = self.progress.lock();
        (matches!(self.stage, Stage::Queued) && items.begun && items.done < items.end).then_some(items.done)
    }

    /// For how long a thread has been at its present item, about.
    pub fn running(&self) -> Option<Duration> {
        (matches!(self.stage, Stage::Queued) && self.progress.is_at(self.seen.0))
            .then(|| self.seen.1.elapsed())
    }

    /// Notes how far the items are. If that takes long: outcomes to send now (the first, how many, and they), and how
    /// many items at the end others should have.
    pub fn part(&mut self) -> Option<(u32, u32, u32, Vec<u8>)> {
        if !matches!(self.stage, Stage::Queued) {
            return None;
        }
        let mut items = self.progress.lock();
        if !items.begun || items.telling || items.done != self.seen.0 {
            self.seen = (items.done, Instant::now());
        }
        let stuck = items.begun && self.seen.1.elapsed() >= BACK;
        let mut back = 0;
        if stuck && items.end > items.done + 1 {
            back = items.end - (items.done + 1);
            items.end = items.done + 1;
        }
        // What is complete leaves as a whole, by itself.
        if items.done >= items.end || (back == 0 && items.sent == items.done) {
            return None;
        }
        let (start, count) = (items.sent, items.done - items.sent);
        items.sent = items.done;
        Some((start, count, back, std::mem::take(&mut items.outcomes)))
    }
}

/// How far the items are. Shared with the thread that runs them.
#[derive(Default)]
pub(crate) struct Progress(Mutex<Items>);

#[derive(Default)]
pub(crate) struct Items {
    /// A thread has begun with them.
    pub begun: bool,
    /// That thread waits until the master has heard of its next item, which has not begun.
    pub telling: bool,
    /// Those before this one have outcomes; and those before this one have left in parts.
    pub done: u32,
    pub sent: u32,
    /// Outcomes that have not left.
    pub outcomes: Vec<u8>,
    /// Do not begin items from this one on.
    pub end: u32,
}

impl Progress {
    pub fn new(count: u32) -> Progress {
        Progress(Mutex::new(Items { end: count, ..Items::default() }))
    }

    pub fn lock(&self) -> MutexGuard<'_, Items> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a thread is at the item after this many.
    fn is_at(&self, done: u32) -> bool {
        let items = self.lock();
        items.begun && !items.telling && items.done == done && items.done < items.end
    }

    /// Takes the items away from the executor, if no thread has begun with them.
    pub fn claim_if_waiting(&self) -> bool {
        let mut items = self.lock();
        if !items.begun {
            items.end = 0;
        }
        !items.begun
    }

    /// Takes back outcomes that could not leave.
    pub fn unsend(&self, start: u32, mut outcomes: Vec<u8>) {
        let mut items = self.lock();
        items.sent = start;
        outcomes.append(&mut items.outcomes);
        items.outcomes = outcomes;
    }

    /// Lets no further item begin.
    pub fn stop(&self) {
        self.lock().end = 0;
    }
}

/// A thread is about to begin with an item, and waits until the master has heard of it.
pub(crate) struct Begins {
    pub key: u64,
    pub at: u32,
    /// Dropped when that is so, which ends the wait.
    pub _told: SyncSender<()>,
}

/// How long it waits for that, and how often.
const TELLING: Duration = Duration::from_millis(500);
const TELLS: u32 = 6;

/// Tells the service before something begins.
struct Teller {
    key: u64,
    care: Care,
    begins: UnboundedSender<Begins>,
}

impl Teller {
    fn tell(&self, at: u32) {
        if self.care == Care::Items || self.care == Care::Frame && at == 0 {
            for _ in 0..TELLS {
                let (told, wait) = sync_channel(1);
                let sent = self.begins.send(Begins { key: self.key, at, _told: told });
                // It ends when the sender is dropped.
                if sent.is_err() || wait.recv_timeout(TELLING) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
            }
        }
    }
}

/// An executor is done with a frame.
pub(crate) struct Finished {
    pub key: u64,
    pub busy: Duration,
    /// Whether it has run; else the executor has dropped it.
    pub ran: bool,
}

/// Gives a frame to the executor.
pub(crate) fn run(
    executor: &dyn Executor,
    key: u64,
    held: &Held,
    function: Function,
    finished: UnboundedSender<Finished>,
    begins: UnboundedSender<Begins>,
) {
    let teller = Teller { key, care: held.work.care, begins };
    let mut run = Run { key, begun: None, finished };
    let (items, progress, limit) = (held.items.clone(), held.progress.clone(), held.work.size_limit);
    executor.spawn(Job::new(move |_| {
        run.begun = Some(Instant::now());
        run_items(&items, &progress, limit, &function, &teller);
        drop(run);
    }));
}

fn run_items(items: &[u8], progress: &Progress, limit: u64, function: &Function, teller: &Teller) {
    let mut rest = items;
    let mut outcome = Vec::new();
    loop {
        let at = {
            let mut items = progress.lock();
            if !outcome.is_empty() {
                items.outcomes.append(&mut outcome);
                items.done += 1;
            }
            items.begun = true;
            if items.done >= items.end {
                return;
            }
            items.telling = true;
            items.done
        };
        teller.tell(at);
        {
            let mut items = progress.lock();
            items.telling = false;
            if items.end <= at {
                return;
            }
        }
        match take_item(rest) {
            Some((item, behind)) => {
                rest = behind;
                function(item, limit, &mut outcome);
            }
            // Counted when the frame came, so it cannot happen; an outcome must still be there.
            None => Outcome::Decode("the item is missing").push(&mut outcome),
        }
    }
}

/// Tells the service, also if the executor drops the job.
struct Run {
    key: u64,
    begun: Option<Instant>,
    finished: UnboundedSender<Finished>,
}

impl Drop for Run {
    fn drop(&mut self) {
        let busy = self.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        let finished = Finished { key: self.key, busy, ran: self.begun.is_some() };
        // The service may have ended.
        let _ = self.finished.send(finished);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::push_item;
    use tokio::sync::mpsc::unbounded_channel;

    const LIMIT: Duration = Duration::from_millis(30);

    fn held(items: &[u8]) -> Held {
        let work = Work {
            count: 1,
            ack_wait: 600,
            item_timeout: Some(LIMIT.as_millis() as u64),
            care: Care::Frame,
            size_limit: 1 << 20,
            elsewhere: None,
        };
        let now = Instant::now();
        Held {
            task: "t".into(),
            job: "j".into(),
            number: 1,
            route: Route::Work,
            ack: "ack".into(),
            work,
            deliveries: 2,
            items: Bytes::copy_from_slice(items),
            stage: Stage::Queued,
            beat: now,
            progress: Arc::new(Progress::new(1)),
            seen: (0, now),
        }
    }

    /// Else a master that is slow to answer ends a healthy worker.
    #[test]
    fn the_wait_for_the_master_is_not_time_of_the_item() {
        let mut items = Vec::new();
        push_item(b"x", &mut items);
        let mut held = held(&items);
        let (begins, mut beginning) = unbounded_channel();
        let teller = Teller { key: 1, care: held.work.care, begins };
        let (enter, entered) = sync_channel::<()>(0);
        let (leave, left) = sync_channel::<()>(0);
        let left = Mutex::new(left);
        let function: Function = Arc::new(move |_, _, outcome| {
            enter.send(()).unwrap();
            left.lock().unwrap().recv().unwrap();
            Outcome::Ok(b"y").push(outcome);
        });
        std::thread::scope(|scope| {
            let progress = held.progress.clone();
            scope.spawn(move || run_items(&items, &progress, 1 << 20, &function, &teller));
            let waits = beginning.blocking_recv().unwrap();
            std::thread::sleep(LIMIT * 2);
            let early = (held.is_late(), held.running());
            let looked = Instant::now();
            assert_eq!(held.part(), None);
            drop(waits);
            entered.recv().unwrap();
            std::thread::sleep(LIMIT * 2);
            let late = held.is_late();
            leave.send(()).unwrap();
            assert_eq!(early, (false, None));
            assert!(held.seen.1 >= looked, "its time begins when the wait is over");
            assert!(late);
        });
    }
}
