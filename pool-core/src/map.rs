//! `map`: an imap over batches, since nobody looks at a single result before all are there.
//!
//! The input is cut into batches that take about 50 µs each, by measurement, and the imap maps batches. So
//! within a batch the loop is the sequential one, and order, panics, nesting and waiting are the imap's.

use crate::Executor;
use crate::block::{Block, Blocks, Results};
use crate::executor::threads_of;
use crate::scope::scope;
use crate::unwind::Quiet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// How long a batch should take, in nanoseconds.
const TARGET: u128 = 50_000;
/// The longest batch. Longer ones save nothing.
const LONGEST: usize = 4096;

/// Cuts an input into batches of a length that may change at any time.
struct Batches<'a, I: Iterator> {
    blocks: Blocks<I>,
    len: &'a AtomicUsize,
    threads: usize,
}

impl<I: Iterator> Iterator for Batches<'_, I> {
    type Item = Block<I::Item>;

    fn next(&mut self) -> Option<Block<I::Item>> {
        let mut len = self.len.load(Ordering::Relaxed);
        if let (least, Some(most)) = self.blocks.items.size_hint()
            && least == most
        {
            // The tail is cut small, so that all threads finish together.
            len = len.min(most / (2 * self.threads)).max(1);
        }
        self.blocks.take(len)
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
    let mut results = Results::with_capacity(items.size_hint().0.min(1 << 20));
    let mapped = |batch: Block<I::Item>| {
        let (items, started) = (batch.len(), Instant::now());
        let mut mapped = Results::with_capacity(items);
        mapped.0.extend(batch.map(f.get()));
        let per_item = (started.elapsed().as_nanos() / items as u128).max(1);
        let wanted = (TARGET / per_item).clamp(1, LONGEST as u128) as usize;
        len.store(wanted.min(2 * items), Ordering::Relaxed);
        mapped
    };
    let batches = Batches { blocks: Blocks::new(items), len, threads };
    scope(executor, |s| s.imap(batches, mapped).for_each(|mut mapped| results.0.append(&mut mapped.0)));
    std::mem::take(&mut results.0)
}
