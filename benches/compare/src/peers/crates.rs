//! Crates that have an ordered parallel map of an iterator, each in the way that its documents show.
//!
//! All but `orx-parallel` start threads on every call. None was seen to lose or swap a result. Worth knowing:
//!
//! - `pariter`, `par-map`, `parseq` and `plmap` pull on the consumer's thread until as many items are on their way
//!   as they allow, and only then hand out the first result.
//! - `pariter` looks for a result that came early in all of them, one by one, and wakes every 100 µs meanwhile.
//! - `parseq` asks its input again after the end, until its buffer is full of ends: ten items cost as much as a
//!   whole window.
//! - `par-iter-sync` now and then sleeps half a second at the end of a call: the last worker wakes the consumer a
//!   moment before it is seen to be gone.
//! - `orx-parallel` wants items from an iterator to be `Sync`, which ours need not be: each is in a `Mutex` that
//!   is never locked. While one thread is in the input the others spin. It cannot nest with two threads or more:
//!   a job that waits inside another keeps a thread that the inner jobs need.
//! - `pipeliner` and `par-iter-sync` call the input on their own threads, before the first `next`.

use crate::contender::{Contender, Settings};
use orx_parallel::{IterIntoParIter as _, Par as _};
use par_iter_sync::IntoParallelIteratorSync as _;
use par_map::ParMap as _;
use pariter::IteratorExt as _;
use parseq::ParallelIterator as _;
use pipeliner::Pipeline as _;
use plmap::PipelineMap as _;
use std::sync::{Mutex, PoisonError};

/// `pariter` as it is: threads as cores, and twice as many items on their way.
#[derive(Clone, Copy)]
pub struct Pariter;

impl Contender for Pariter {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        items.parallel_map(f).for_each(sink);
    }
}

/// `pariter` with our settings.
#[derive(Clone, Copy)]
pub struct PariterTuned(pub Settings);

impl Contender for PariterTuned {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        let Settings { threads, window } = self.0;
        items.parallel_map_custom(|options| options.threads(threads).buffer_size(window), f).for_each(sink);
    }
}

/// `par-iter-sync`: threads as cores, 128 results for each.
#[derive(Clone, Copy)]
pub struct ParIterSync;

impl Contender for ParIterSync {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        items.into_par_iter_sync(move |item| Ok(f(item))).for_each(sink);
    }
}

/// `par-map`: two items for each thread.
#[derive(Clone, Copy)]
pub struct ParMap(pub Settings);

impl Contender for ParMap {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        items.with_nb_threads(self.0.threads).par_map(f).for_each(sink);
    }
}

/// `parseq` with our settings.
#[derive(Clone, Copy)]
pub struct Parseq(pub Settings);

impl Contender for Parseq {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        items.map_parallel_limit(self.0.threads, self.0.window, f).for_each(sink);
    }
}

/// `pipeliner` with our settings.
#[derive(Clone, Copy)]
pub struct Pipeliner(pub Settings);

impl Contender for Pipeliner {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        items.with_threads(self.0.threads).out_buffer(self.0.window).ordered_map(f).for_each(sink);
    }
}

/// `plmap`: an item for each thread, and one more.
#[derive(Clone, Copy)]
pub struct Plmap(pub Settings);

impl Contender for Plmap {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        items.plmap(self.0.threads, f).for_each(sink);
    }
}

/// `orx-parallel`: eager, on the pool that it has for the whole process.
#[derive(Clone, Copy)]
pub struct OrxParallel(pub Settings);

impl Contender for OrxParallel {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        let f = |item: Mutex<I::Item>| f(item.into_inner().unwrap_or_else(PoisonError::into_inner));
        let f = &f;
        let results: Vec<T> =
            items.map(Mutex::new).iter_into_par().num_threads(self.0.threads).map(f).collect();
        results.into_iter().for_each(sink);
    }
}
