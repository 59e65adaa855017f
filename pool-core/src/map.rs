//! `map`: an imap over batches, since no caller looks at a single result before all are there.
//!
//! The input is cut into batches that take about as long as [`BatchLen`] says, by measurement, and the imap maps batches.
//! So within a batch the loop is the sequential one, and order, panics, nesting and waiting are the imap's. Where there
//! are no threads, there are no batches either: the effects of the input and the function come in the order of
//! `items.map(f)`.

use crate::Executor;
use crate::block::{Block, Blocks, Results};
use crate::executor::{is_sequential, threads_of};
use crate::imap::{BatchLen, enter_item};
use crate::scope::scope;
use crate::sync::Instant;
use crate::unwind::{Quiet, catch_or};

/// Cuts an input into batches of a length that may change at any time.
struct Batches<'a, I: Iterator> {
    blocks: Blocks<I>,
    /// How many items were pulled.
    pulled: u64,
    len: &'a BatchLen,
}

impl<I: Iterator> Iterator for Batches<'_, I> {
    type Item = (u64, Block<I::Item>);

    fn next(&mut self) -> Option<(u64, Block<I::Item>)> {
        let (least, most) = self.blocks.size_hint();
        let batch = self.blocks.take(self.len.next(most.filter(|most| least == *most)))?;
        let first = self.pulled;
        self.pulled += batch.len() as u64;
        Some((first, batch))
    }
}

pub(crate) fn map<'env, I, F, T>(executor: &'env dyn Executor, items: I, f: F) -> Vec<T>
where
    I: Iterator + Send + 'env,
    I::Item: Send + 'env,
    F: Fn(I::Item) -> T + Send + Sync + 'env,
    T: Send + 'env,
{
    let f = Quiet::new(f);
    // A hint that panics does so again in the input's turn, where that is caught.
    let mut results = Results::with_capacity(catch_or(|| items.size_hint().0, || 0));
    if is_sequential(executor) {
        scope(executor, |s| s.imap(items, f.get()).for_each(|result| results.0.push(result)));
        return std::mem::take(&mut results.0);
    }
    let len = &BatchLen::new(threads_of(executor));
    let mapped = |(first, batch): (u64, Block<I::Item>)| {
        let (items, started) = (batch.len(), Instant::now());
        let mut mapped = Results::with_capacity(items);
        let in_order = (first..).zip(batch);
        mapped.0.extend(in_order.map(|(index, item)| {
            enter_item(index);
            f.get()(item)
        }));
        len.worked(items, Instant::now().since(started));
        mapped
    };
    let batches = Batches { blocks: Blocks::new(items), pulled: 0, len };
    scope(executor, |s| s.imap(batches, mapped).for_each(|mut mapped| results.0.append(&mut mapped.0)));
    std::mem::take(&mut results.0)
}
