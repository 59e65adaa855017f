//! Starting the threads of a pool, all or none, and waiting for them.
//!
//! The engine starts no threads; a backend that does can use this.

use super::builder::Config;
use crate::error::{BuildError, Panic};
use crate::sync::fence;
use crate::unwind::{catch, drop_quietly};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

impl Config {
    /// Starts one thread for each of `workers`, and returns when all of them have begun, or none is left.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`](crate::Builder::build).
    pub fn start<W>(&self, workers: impl IntoIterator<Item = W>) -> Result<Workers, BuildError>
    where
        W: FnOnce() + Send + 'static,
    {
        fence::register_membarrier();
        let (alive, ended) = mpsc::channel();
        let mut running = Workers { threads: Vec::new(), ended: Mutex::new(ended) };
        // No thread works before all have begun: each waits for a message, and ends if its sender is dropped.
        let mut words = Vec::new();
        let (report, reports) = mpsc::channel();
        let reports = Reports(reports);
        for (index, worker) in workers.into_iter().enumerate() {
            let (word, heard) = mpsc::channel();
            words.push(word);
            let (config, report, alive) = (self.clone(), report.clone(), alive.clone());
            let started = self.thread(index).and_then(|builder| {
                builder.spawn(move || {
                    config.live(index, &report, &heard, worker);
                    // The last thing that the thread does: see `Workers::join_timeout`.
                    drop(alive);
                })
            });
            match started {
                Ok(thread) => running.threads.push(thread),
                Err(source) => {
                    drop(words);
                    running.join();
                    return Err(BuildError::Thread { index, source });
                }
            }
        }
        drop(report);
        if let Some(panic) = reports.0.iter().take(words.len()).find_map(Result::err) {
            drop(words);
            running.join();
            return Err(BuildError::Hook(panic));
        }
        for word in words {
            // Every thread has reported, and waits for this message.
            let _ = word.send(());
        }
        Ok(running)
    }

    fn thread(&self, index: usize) -> std::io::Result<thread::Builder> {
        let name = self.name(index);
        if name.contains('\0') {
            let error = std::io::ErrorKind::InvalidInput;
            return Err(std::io::Error::new(error, "its name contains a zero byte"));
        }
        let builder = thread::Builder::new().name(name);
        Ok(match self.stack_size() {
            Some(bytes) => builder.stack_size(bytes),
            None => builder,
        })
    }

    fn live(
        &self,
        index: usize,
        report: &mpsc::Sender<Result<(), Panic>>,
        heard: &mpsc::Receiver<()>,
        worker: impl FnOnce(),
    ) {
        let started = catch(|| self.on_start(index));
        let failed = started.is_err();
        // If another thread has failed first, the receiver may be gone.
        let _ = report.send(started.map_err(Panic::new));
        if failed {
            return;
        }
        if heard.recv().is_ok() {
            worker();
        }
        self.on_exit(index);
    }
}

/// What the threads say of their start: the panic of the hook, if there was one.
struct Reports(mpsc::Receiver<Result<(), Panic>>);

impl Drop for Reports {
    fn drop(&mut self) {
        // One panic at most goes into the error. The payloads of others may panic when they are dropped.
        self.0.try_iter().for_each(drop_quietly);
    }
}

/// The threads of a pool.
#[derive(Debug)]
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
    /// Nothing is ever sent. Each thread has a sender, so it is disconnected when the last of them ends.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Workers {
    /// Waits until every thread has ended.
    ///
    /// On one of those threads it returns at once, and they end by themselves: a job that drops its own
    /// pool can wait neither for itself nor for jobs that may wait for it.
    pub fn join(&mut self) {
        let threads = std::mem::take(&mut self.threads);
        if is_one_of(&threads) {
            return;
        }
        for thread in threads {
            // Workers do not unwind, since jobs and hooks are caught, but for a fault of the backend.
            drop_quietly(thread.join());
        }
    }

    /// Waits until every thread has ended, for at most `limit`. Returns whether all have. The others are let go: each
    /// ends when its job does.
    ///
    /// On one of those threads it returns `false` at once.
    pub fn join_timeout(&mut self, limit: Duration) -> bool {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let in_time = self.threads.is_empty()
            || (!is_one_of(&self.threads)
                && ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Disconnected));
        if in_time {
            self.join();
        }
        self.threads.clear();
        in_time
    }
}

/// Whether the current thread is one of these.
fn is_one_of(threads: &[JoinHandle<()>]) -> bool {
    let me = thread::current().id();
    threads.iter().any(|thread| thread.thread().id() == me)
}
