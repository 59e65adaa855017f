//! `batches`: an adapter that groups items, for a stage that wants many at a time.

use crate::error::Panic;
use crate::no_item::{self, NoItem};
use crate::sync::Instant;
use crate::unwind::catch;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::LazyLock;
use std::time::Duration;

/// Items of an iterator, many at a time. From [`IterExt::batches`](crate::IterExt::batches).
#[must_use = "an iterator does nothing until it is iterated"]
pub struct Batches<I> {
    items: I,
    most: usize,
    limit: Option<Duration>,
    clock: fn() -> Duration,
    /// Once the items have ended: how.
    end: Option<NoItem>,
    /// The panic of the items. The last batch comes before it.
    panic: Option<Panic>,
}

impl<I: Iterator> Batches<I> {
    #[track_caller]
    pub(crate) fn new(items: I, most: usize) -> Batches<I> {
        assert!(most > 0, "batches(0): no batch could hold an item");
        Batches { items, most, limit: None, clock: since_start, end: None, panic: None }
    }

    /// Lets a batch go before it is full, so that its first item waits for about `limit` at most.
    ///
    /// An iterator cannot return while it waits for the next item, and no thread is started that could. So this looks at the
    /// clock when an item has come, and expects the next to take as long as this one did. If the first item of the batch would
    /// then have waited for longer than `limit`, the batch goes. From an input that trickles items go one by one, at once;
    /// at a pace of ten items within `limit`, ten by ten.
    ///
    /// **Where the pace changes, the limit is exceeded once**: after a quick item, the batch that has been begun waits for
    /// the next one, however long that takes. So promise P4 does not hold across this adapter: an input must not wait for the
    /// result of an item that it has given. A channel can be waited for with a limit; a loop of `recv_timeout` in
    /// `std::iter::from_fn` makes batches that are never late.
    ///
    /// Cost: the clock is read twice for each item.
    ///
    /// ```
    /// use pool_stealing::IterExt;
    /// use std::time::Duration;
    ///
    /// let slow = (0..3).inspect(|_| std::thread::sleep(Duration::from_millis(20)));
    /// let batches = slow.batches(100).within(Duration::from_millis(10));
    /// assert_eq!(batches.collect::<Vec<_>>(), [[0], [1], [2]]);
    /// ```
    pub fn within(mut self, limit: Duration) -> Batches<I> {
        self.limit = Some(limit);
        self
    }

    /// Adds items until the batch has to go, or none is left.
    fn fill(&mut self, batch: &mut Vec<I::Item>) {
        // How long the first has waited for the others.
        let mut age = Duration::ZERO;
        while batch.len() < self.most && self.end.is_none() {
            let asked = self.limit.map(|_| (self.clock)());
            // What is noted then is of these items.
            no_item::take();
            let Some(item) = self.items.next() else {
                self.end = Some(no_item::take());
                return;
            };
            let took = asked.map_or(Duration::ZERO, |asked| (self.clock)().saturating_sub(asked));
            if !batch.is_empty() {
                age += took;
            }
            batch.push(item);
            if self.limit.is_some_and(|limit| age + took > limit) {
                return;
            }
        }
    }
}

impl<I: Iterator> Iterator for Batches<I> {
    type Item = Vec<I::Item>;

    fn next(&mut self) -> Option<Vec<I::Item>> {
        let mut batch = Vec::new();
        if self.panic.is_none()
            && let Err(payload) = catch(|| self.fill(&mut batch))
        {
            self.end = Some(NoItem::End);
            self.panic = Some(Panic::new(payload));
        }
        if !batch.is_empty() {
            return Some(batch);
        }
        if let Some(panic) = self.panic.take() {
            panic.resume();
        }
        no_item::note(self.end.unwrap_or_default());
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        if self.end.is_some() {
            return (0, Some(0));
        }
        let (least, most) = self.items.size_hint();
        let full = |items: usize| items.div_ceil(self.most);
        (full(least), if self.limit.is_some() { most } else { most.map(full) })
    }
}

impl<I: Iterator> FusedIterator for Batches<I> {}

impl<I> fmt::Debug for Batches<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Batches");
        debug.field("most", &self.most).field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// The clock, as the time since it was asked first.
fn since_start() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let start = *START;
    Instant::now().since(start)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::doubles::Inline;
    use crate::{Executor, IterExt};
    use std::cell::Cell;

    thread_local! {
        static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// Numbers from 0 up, each of which takes this many milliseconds to come, on a clock that stands still otherwise.
    fn paced(gaps: &[u64]) -> impl Iterator<Item = u64> {
        (0..).zip(gaps).map(|(item, gap)| {
            NOW.set(NOW.get() + ms(*gap));
            item
        })
    }

    /// The lengths of the batches of at most 10 within 100 ms.
    fn lens(gaps: &[u64]) -> Vec<usize> {
        let mut batches = paced(gaps).batches(10).within(ms(100));
        batches.clock = || NOW.get();
        let (lens, items): (Vec<_>, Vec<_>) = batches.map(|batch| (batch.len(), batch)).unzip();
        assert!(items.concat().into_iter().eq(0..gaps.len() as u64));
        lens
    }

    #[test]
    fn p1_batches_are_the_chunks_of_the_items() {
        for (items, most) in [(0_usize, 1), (1, 1), (9, 4), (8, 4), (100, 7), (3, 100)] {
            let batches = (0..items).batches(most);
            assert_eq!(batches.size_hint(), (items.div_ceil(most), Some(items.div_ceil(most))));
            let all: Vec<_> = (0..items).collect();
            assert!(batches.eq(all.chunks(most).map(<[usize]>::to_vec)), "{items} by {most}");
        }
    }

    #[test]
    fn p5_a_steady_pace_fills_the_time() {
        assert_eq!(lens(&[0; 25]), [10, 10, 5]);
        // The fourth comes 90 ms after the first, and a fifth would come at 120.
        assert_eq!(lens(&[30; 9]), [4, 4, 1]);
        assert_eq!(lens(&[50; 5]), [3, 2]);
        // The next is expected after 101 ms: none waits.
        assert_eq!(lens(&[101; 4]), [1, 1, 1, 1]);
    }

    #[test]
    fn p5_a_change_of_pace_is_late_once() {
        // Two wait for the third, which is late; from then on each goes at once.
        assert_eq!(lens(&[0, 0, 500, 500, 500]), [3, 1, 1]);
        // A burst after a pause: its first goes, since no other was expected.
        assert_eq!(lens(&[500, 0, 0, 0]), [1, 3]);
        assert_eq!(lens(&[60, 60, 0, 0]), [2, 2]);
    }

    #[test]
    fn p5_what_the_consumer_does_between_batches_does_not_count() {
        let mut batches = paced(&[1; 6]).batches(3).within(ms(100));
        batches.clock = || NOW.get();
        assert_eq!(batches.next().unwrap().len(), 3);
        NOW.set(NOW.get() + ms(1000));
        assert_eq!(batches.next().unwrap().len(), 3);
    }

    #[test]
    fn p7_a_panic_of_the_items_comes_after_the_batch_before_it() {
        let input = || (0..5).inspect(|item| assert_ne!(*item, 3));
        for (most, before) in
            [(2, vec![vec![0, 1], vec![2]]), (3, vec![vec![0, 1, 2]]), (9, vec![vec![0, 1, 2]])]
        {
            let mut batches = input().batches(most);
            let seen: Vec<_> = batches.by_ref().take(before.len()).collect();
            assert_eq!(seen, before);
            assert!(catch(|| batches.next()).is_err());
            assert_eq!((batches.next(), batches.size_hint()), (None, (0, Some(0))));
        }
    }

    #[test]
    fn p11_fused_over_an_input_that_is_not() {
        let mut calls = 0;
        let mut batches = std::iter::from_fn(|| {
            calls += 1;
            (calls != 3).then_some(calls)
        })
        .batches(9);
        assert_eq!(batches.next(), Some(vec![1, 2]));
        assert_eq!((batches.next(), batches.next()), (None, None));
    }

    /// It is told with the end, and not with the last batch.
    #[test]
    fn p12_an_early_end_is_told_through_batches() {
        for most in [1, 3, 100] {
            let imap = Inline.into_imap(0..20, |x| x).window(4);
            let token = imap.cancel_token();
            let mut batches = imap
                .inspect(|x| {
                    if *x == 6 {
                        token.cancel()
                    }
                })
                .batches(most);
            let mut ended = false;
            while !ended {
                no_item::take();
                ended = batches.next().is_none();
                assert_eq!(no_item::take() == NoItem::EarlyEnd, ended, "{most}");
            }
        }
        no_item::note(NoItem::EarlyEnd);
        let mut whole = (0..3).batches(2);
        whole.by_ref().for_each(drop);
        no_item::take();
        assert_eq!((whole.next(), no_item::take()), (None, NoItem::End));
    }
}
