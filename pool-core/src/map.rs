//! `map`: an imap over batches, since nobody looks at a single result before all are there.
//!
//! The input is cut into batches that take about 50 µs each, by measurement, and the imap maps batches. So
//! within a batch the loop is the sequential one, and order, panics, nesting and waiting are the imap's.

use crate::Executor;
use crate::error::Panic;
use crate::executor::threads_of;
use crate::scope::scope;
use crate::unwind::{Quiet, catch, drop_each};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How long a batch should take, in nanoseconds.
const TARGET: u128 = 50_000;
/// The longest batch. Longer ones save nothing.
const LONGEST: usize = 4096;

/// What is left of a batch is dropped one by one: in one go, two that panic would abort the process.
struct Batch<I: Iterator>(I);

impl<I: Iterator> Drop for Batch<I> {
    fn drop(&mut self) {
        drop_each(&mut self.0);
    }
}

/// The same for results.
struct Mapped<T>(Vec<T>);

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        drop_each(self.0.drain(..));
    }
}

/// Cuts an iterator into batches of a length that may change at any time.
struct Batches<'a, I> {
    items: I,
    len: &'a AtomicUsize,
    threads: usize,
    /// The input has panicked behind the last batch, which comes first.
    panic: Option<Panic>,
}

impl<I: Iterator> Iterator for Batches<'_, I> {
    type Item = Batch<std::vec::IntoIter<I::Item>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(panic) = self.panic.take() {
            panic.resume();
        }
        let mut len = self.len.load(Ordering::Relaxed);
        if let (least, Some(most)) = self.items.size_hint()
            && least == most
        {
            // The tail is cut small, so that all threads finish together.
            len = len.min(most / (2 * self.threads)).max(1);
        }
        let mut batch = Vec::with_capacity(len);
        self.panic = catch(|| batch.extend(self.items.by_ref().take(len))).err().map(Panic::new);
        if batch.is_empty() && self.panic.is_some() {
            return self.next();
        }
        (!batch.is_empty()).then(|| Batch(batch.into_iter()))
    }
}

pub(crate) fn map<'env, I, F, T>(executor: &'env dyn Executor, items: I, f: F) -> Vec<T>
where
    I: Iterator + Send + 'env,
    I::Item: Send + 'env,
    F: Fn(I::Item) -> T + Send + Sync + 'env,
    T: Send + 'env,
{
    let len = &AtomicUsize::new(1);
    let threads = threads_of(executor);
    let f = Quiet::new(f);
    // The hint may be wrong.
    let mut results = Mapped(Vec::with_capacity(items.size_hint().0.min(1 << 20)));
    let mapped = |mut batch: Batch<std::vec::IntoIter<I::Item>>| {
        let (items, started) = (batch.0.len(), Instant::now());
        let mut mapped = Mapped(Vec::with_capacity(items));
        mapped.0.extend(batch.0.by_ref().map(f.get()));
        let per_item = (started.elapsed().as_nanos() / items as u128).max(1);
        let wanted = (TARGET / per_item).clamp(1, LONGEST as u128) as usize;
        len.store(wanted.min(2 * items), Ordering::Relaxed);
        mapped
    };
    let batches = Batches { items, len, threads, panic: None };
    scope(executor, |s| s.imap(batches, mapped).for_each(|mut mapped| results.0.append(&mut mapped.0)));
    std::mem::take(&mut results.0)
}
