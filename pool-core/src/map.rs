//! `map`: a line over batches, since nobody looks at a single result before all are there.
//!
//! The input is cut into batches that take about 50 µs each, by measurement, and the line maps batches. So
//! within a batch the loop is the sequential one, and order, panics, nesting and waiting are the line's.

use crate::Executor;
use crate::scope::scope;
use crate::unwind::{Payload, catch};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How long a batch should take, in nanoseconds.
const TARGET: u128 = 50_000;
/// The longest batch. Longer ones save nothing.
const LONGEST: usize = 4096;

/// Cuts an iterator into batches of a length that may change at any time.
struct Batches<'a, I> {
    items: I,
    len: &'a AtomicUsize,
    threads: usize,
    /// The input has panicked behind the last batch, which comes first.
    panic: Option<Payload>,
}

impl<I: Iterator> Iterator for Batches<'_, I> {
    type Item = Vec<I::Item>;

    fn next(&mut self) -> Option<Vec<I::Item>> {
        if let Some(payload) = self.panic.take() {
            resume_unwind(payload);
        }
        let mut len = self.len.load(Ordering::Relaxed);
        if let (least, Some(most)) = self.items.size_hint()
            && least == most
        {
            // The tail is cut small, so that all threads finish together.
            len = len.min(most / (2 * self.threads)).max(1);
        }
        let mut batch = Vec::with_capacity(len);
        self.panic = catch(|| batch.extend(self.items.by_ref().take(len))).err();
        if batch.is_empty() && self.panic.is_some() {
            return self.next();
        }
        (!batch.is_empty()).then_some(batch)
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
    let threads = executor.threads().max(1);
    // The hint may be wrong.
    let mut results = Vec::with_capacity(items.size_hint().0.min(1 << 20));
    let mapped = |batch: Vec<I::Item>| {
        let (items, started) = (batch.len(), Instant::now());
        let mapped: Vec<T> = batch.into_iter().map(&f).collect();
        let per_item = (started.elapsed().as_nanos() / items as u128).max(1);
        let wanted = (TARGET / per_item).clamp(1, LONGEST as u128) as usize;
        len.store(wanted.min(2 * items), Ordering::Relaxed);
        mapped
    };
    let batches = Batches { items, len, threads, panic: None };
    scope(executor, |s| s.imap(batches, mapped).for_each(|mut mapped| results.append(&mut mapped)));
    results
}
