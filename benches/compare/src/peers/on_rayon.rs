//! What people write on a rayon pool. Each has a warm pool of its own.

use crate::contender::{Contender, Settings};
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::ready;
use futures::stream::{self, StreamExt};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::{Arc, mpsc};

fn pool(settings: Settings) -> Arc<ThreadPool> {
    Arc::new(ThreadPoolBuilder::new().num_threads(settings.threads).build().expect("threads start"))
}

/// All items into a `Vec`, and all results into another.
#[derive(Clone)]
pub struct Collect {
    pool: Arc<ThreadPool>,
}

impl Collect {
    pub fn new(settings: Settings) -> Collect {
        Collect { pool: pool(settings) }
    }
}

impl Contender for Collect {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        let items: Vec<_> = items.collect();
        let results: Vec<T> = self.pool.install(|| items.into_par_iter().map(f).collect());
        results.into_iter().for_each(sink);
    }

    /// `pool.spawn` with a channel for each job.
    fn submit<T, F>(&self, jobs: u64, f: F, mut sink: impl FnMut(T)) -> bool
    where
        T: Send + 'static,
        F: Fn(u64) -> T + Clone + Send + Sync + 'static,
    {
        let submit = |job| {
            let (send, receive) = mpsc::channel();
            let f = f.clone();
            self.pool.spawn(move || send.send(f(job)).expect("the receiver waits"));
            receive
        };
        let handles: Vec<_> = (0..jobs).map(submit).collect();
        handles.into_iter().for_each(|handle| sink(handle.recv().expect("the job does not panic")));
        true
    }
}

/// The eager way for a block of items, and then for the next: order, in bounded memory, but all threads wait for
/// the slowest item of a block, and for the consumer.
#[derive(Clone)]
pub struct Blocks {
    pool: Arc<ThreadPool>,
    block: usize,
}

impl Blocks {
    pub fn new(settings: Settings) -> Blocks {
        Blocks { pool: pool(settings), block: settings.window.clamp(1, 1024) }
    }
}

impl Contender for Blocks {
    fn each<I, T, F>(&self, mut items: I, f: F, mut sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        loop {
            let block: Vec<_> = items.by_ref().take(self.block).collect();
            if block.is_empty() {
                break;
            }
            let results: Vec<T> = self.pool.install(|| block.into_par_iter().map(&f).collect());
            results.into_iter().for_each(&mut sink);
        }
    }
}

/// Items straight from the iterator, which the threads share behind a lock. It forgets the order, so each item
/// carries its number.
#[derive(Clone)]
pub struct Bridge {
    pool: Arc<ThreadPool>,
}

impl Bridge {
    pub fn new(settings: Settings) -> Bridge {
        Bridge { pool: pool(settings) }
    }
}

impl Contender for Bridge {
    fn each<I, T, F>(&self, items: I, f: F, mut sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        let numbered = items.enumerate();
        let results = self.pool.install(|| {
            let mut results: Vec<_> = numbered.par_bridge().map(|(number, item)| (number, f(item))).collect();
            results.par_sort_unstable_by_key(|(number, _)| *number);
            results
        });
        results.into_iter().for_each(|(_, result)| sink(result));
    }
}

/// A stream of futures, some of which are on their way. It cannot nest: `block_on` inside a job keeps the thread
/// that would have to run the jobs it waits for.
#[derive(Clone)]
pub struct FuturesBuffered {
    pool: Arc<ThreadPool>,
    ahead: usize,
}

impl FuturesBuffered {
    pub fn new(settings: Settings) -> FuturesBuffered {
        FuturesBuffered { pool: pool(settings), ahead: settings.window.clamp(1, 64 * settings.threads) }
    }
}

impl Contender for FuturesBuffered {
    fn each<I, T, F>(&self, items: I, f: F, mut sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        let jobs = stream::iter(items).map(|item| {
            let (send, receive) = oneshot::channel();
            let f = f.clone();
            self.pool.spawn(move || {
                // The receiver is gone once the stream is dropped.
                let _ = send.send(f(item));
            });
            receive
        });
        block_on(jobs.buffered(self.ahead).for_each(|result| {
            sink(result.expect("the job does not panic"));
            ready(())
        }));
    }
}
