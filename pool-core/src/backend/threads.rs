//! Starting the threads of a pool, all or none, and waiting for them.
//!
//! The engine starts no threads; a backend that does can use this.

use super::builder::Config;
use super::watched::Watched;
use crate::error::{BuildError, Panic};
use crate::sync::fence;
use crate::unwind::{catch, drop_quietly};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

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
        let mut running = Workers::default();
        let start = Arc::new(Watched::default());
        // Also if the function that names threads panics.
        let called_off = CalledOff(start.clone());
        for (index, worker) in workers.into_iter().enumerate() {
            let (config, start) = (self.clone(), start.clone());
            let started = self
                .thread(index)
                .and_then(|builder| builder.spawn(move || config.live(index, &start, worker)));
            match started {
                Ok(thread) => running.threads.push(thread),
                Err(source) => {
                    drop(called_off);
                    running.join();
                    return Err(BuildError::Thread { index, source });
                }
            }
        }
        let panic = start.wait_for(None, |start: &mut Start| {
            let have_all_begun = start.begun == running.threads.len();
            (have_all_begun || start.panic.is_some()).then(|| start.panic.take())
        });
        if let Some(panic) = panic.flatten() {
            drop(called_off);
            running.join();
            return Err(BuildError::Hook(panic));
        }
        start.change(|start| start.go = Some(true));
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

    /// The life of a thread.
    fn live(&self, index: usize, start: &Watched<Start>, worker: impl FnOnce()) {
        if let Err(payload) = catch(|| self.on_start(index)) {
            let panic = Panic::new(payload);
            drop_quietly(start.change(|start| start.fail(panic)));
            return;
        }
        start.change(|start| start.begun += 1);
        if start.wait_for(None, |start| start.go) == Some(true) {
            worker();
        }
        self.on_exit(index);
    }
}

/// What the threads of a pool say of their start, and what they are told. No thread works before all have begun.
#[derive(Default)]
struct Start {
    begun: usize,
    /// The first panic of a start hook.
    panic: Option<Panic>,
    /// Whether they work, or end.
    go: Option<bool>,
}

impl Start {
    /// Returns a panic that no caller will have: its payload may panic when it is dropped.
    fn fail(&mut self, panic: Panic) -> Option<Panic> {
        if self.go.is_some() || self.panic.is_some() {
            return Some(panic);
        }
        self.panic = Some(panic);
        None
    }
}

/// When it is dropped the threads end that have begun, unless they work already.
struct CalledOff(Arc<Watched<Start>>);

impl Drop for CalledOff {
    fn drop(&mut self) {
        let panic = self.0.change(|start| {
            start.go.get_or_insert(false);
            start.panic.take()
        });
        drop_quietly(panic);
    }
}

/// The threads of a pool, from [`Config::start`]; none, where they belong to others.
#[derive(Debug, Default)]
pub struct Workers {
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Waits until every thread has ended, the destructors of its thread-locals included.
    ///
    /// On one of those threads it returns at once, and they end by themselves: a job that drops its own
    /// pool can wait neither for itself nor for jobs that may wait for it.
    pub fn join(self) {
        if self.is_here() {
            return;
        }
        for thread in self.threads {
            // Workers do not unwind, since jobs and hooks are caught, but for a fault of the backend.
            drop_quietly(thread.join());
        }
    }

    /// Whether the current thread is one of these.
    pub fn is_here(&self) -> bool {
        let me = thread::current().id();
        self.threads.iter().any(|thread| thread.thread().id() == me)
    }
}
