//! Which items are out, and what has become of them. Plain sequential code: no clock, no messages.
//!
//! A *batch* is what was pulled together: consecutive items and a channel for their outcomes, in order. The consumer
//! reads the batches' channels one after the other, which is all that keeps order between batches. A *frame* is what
//! travels: a range of a batch, under a number that is never used twice. At first a frame is a whole batch. It is split
//! when a worker gives items back, or when its items are suspected to kill workers.
//!
//! Every item of a batch is either settled or in exactly one frame, so nothing is lost; and an item is settled once,
//! whatever comes twice. An outcome for a settled item is dropped.

use crate::frame::{Outcome, each_outcome, item_range};
use crate::subjects::Route;
use bytes::Bytes;
use futures::channel::mpsc;
use std::collections::BTreeMap;
use std::time::Instant;

/// How often a single suspect runs alone before it is lost. A worker's machine may fail for its own reasons, too.
const SOLO_TRIES: u32 = 2;

/// Consecutive outcomes.
#[derive(Debug)]
pub(crate) struct Segment {
    /// The index of the first item, from 0 in the order of the input.
    pub first: u64,
    pub count: u32,
    pub outcomes: Bytes,
}

pub(crate) type Outcomes = mpsc::UnboundedReceiver<Segment>;

#[derive(Debug)]
struct Batch {
    count: u32,
    items: Bytes,
    /// Outcomes that are not handed on; empty as long as all came in order.
    slots: Vec<Slot>,
    /// Items before this one have been handed on.
    next: u32,
    settled: u32,
    /// All that ever carried items of it: nearly always one.
    frames: Vec<u64>,
    out: mpsc::UnboundedSender<Segment>,
}

#[derive(Debug, Clone, Default)]
enum Slot {
    #[default]
    Open,
    Settled(Bytes),
    HandedOn,
}

/// A range of a batch that travels together.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    batch: u64,
    pub start: u32,
    pub count: u32,
    /// How many items it had when it was sent; some may have been given back since, and come all the same.
    sent: u32,
    pub route: Route,
    /// Attempts that the server does not count, since it has lost the frame or knows it by another number.
    pub attempts: u32,
    /// When a worker last said that it holds the frame.
    pub alive: Option<Instant>,
}

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub items: u32,
    /// Of the outcomes, and of the items of batches that are settled.
    pub outcome_bytes: usize,
    pub freed_bytes: usize,
    /// Outcomes for items that had one.
    pub duplicates: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// By the index of the first item.
    batches: BTreeMap<u64, Batch>,
    frames: BTreeMap<u64, Frame>,
    next_frame: u64,
}

impl Ledger {
    /// Items that have been pulled: the number of their frame, and where their outcomes will be.
    pub fn add(&mut self, first: u64, count: u32, items: Bytes) -> (u64, Outcomes) {
        let (out, outcomes) = mpsc::unbounded();
        let batch = Batch { count, items, slots: Vec::new(), next: 0, settled: 0, frames: Vec::new(), out };
        self.batches.insert(first, batch);
        (self.add_frame(first, 0, count, Route::Work, 0), outcomes)
    }

    fn add_frame(&mut self, batch: u64, start: u32, count: u32, route: Route, attempts: u32) -> u64 {
        let number = self.next_frame;
        self.next_frame += 1;
        if let Some(batch) = self.batches.get_mut(&batch) {
            batch.frames.push(number);
        }
        self.frames.insert(number, Frame { batch, start, count, sent: count, route, attempts, alive: None });
        number
    }

    pub fn frame(&self, number: u64) -> Option<&Frame> {
        self.frames.get(&number)
    }

    pub fn frame_mut(&mut self, number: u64) -> Option<&mut Frame> {
        self.frames.get_mut(&number)
    }

    /// Whether a frame of this number ever travelled.
    pub fn was_issued(&self, number: u64) -> bool {
        number < self.next_frame
    }

    /// The frames that are out, oldest first.
    pub fn frames(&self) -> impl Iterator<Item = u64> {
        self.frames.keys().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// How many frames are out.
    pub fn frames_out(&self) -> usize {
        self.frames.len()
    }

    /// The items of a frame.
    pub fn items(&self, number: u64) -> Option<Bytes> {
        let frame = self.frames.get(&number)?;
        let batch = self.batches.get(&frame.batch)?;
        if frame.count == batch.count {
            return Some(batch.items.clone());
        }
        Some(batch.items.slice(item_range(&batch.items, frame.start, frame.count)?))
    }

    /// The frame with the item that the consumer needs next.
    pub fn head(&self) -> Option<u64> {
        let (_, batch) = self.batches.first_key_value()?;
        let holds = |frame: &Frame| (frame.start..frame.start + frame.count).contains(&batch.next);
        batch.frames.iter().copied().find(|number| self.frames.get(number).is_some_and(holds))
    }

    /// Whether a reply about this many items from `start` on can be about this frame.
    pub fn fits(&self, number: u64, start: u32, count: u32) -> bool {
        self.frames
            .get(&number)
            .is_some_and(|frame| start.checked_add(count).is_some_and(|end| end <= frame.sent))
    }

    /// Takes outcomes of the items from `start` on, counted within the frame, which [`fits`](Ledger::fits).
    pub fn settle(&mut self, number: u64, start: u32, count: u32, outcomes: Bytes) -> Settled {
        let mut settled = Settled::default();
        let Some(frame) = self.frames.get(&number) else { return settled };
        let (first, start) = (frame.batch, frame.start + start);
        let Some(batch) = self.batches.get_mut(&first) else { return settled };
        if count == batch.count && batch.settled == 0 {
            // By far the most frequent: all at once.
            settled.items = count;
            settled.outcome_bytes = outcomes.len();
            (batch.settled, batch.next) = (count, count);
            let _ = batch.out.unbounded_send(Segment { first, count, outcomes });
        } else {
            batch.slots.resize(batch.count as usize, Slot::Open);
            for (slot, outcome) in batch.slots[start as usize..].iter_mut().zip(each_outcome(&outcomes)) {
                if matches!(slot, Slot::Open) {
                    settled.items += 1;
                    settled.outcome_bytes += outcome.len();
                    *slot = Slot::Settled(outcome);
                } else {
                    settled.duplicates += 1;
                }
            }
            batch.settled += settled.items;
            batch.hand_on(first);
        }
        if batch.settled == batch.count {
            settled.freed_bytes = batch.items.len();
            for number in self.batches.remove(&first).into_iter().flat_map(|batch| batch.frames) {
                self.frames.remove(&number);
            }
        }
        settled
    }

    /// No worker has this frame any more. The frames that take over what is not settled.
    pub fn finish(&mut self, number: u64) -> Vec<u64> {
        let Some(frame) = self.frames.remove(&number) else { return Vec::new() };
        let mut frames = Vec::new();
        for (start, count) in self.open_ranges(&frame) {
            frames.push(self.add_frame(frame.batch, start, count, frame.route, frame.attempts));
        }
        frames
    }

    /// A worker gives the last `back` items of a frame back. The frame that takes them over.
    pub fn give_back(&mut self, number: u64, back: u32) -> Option<u64> {
        let frame = self.frames.get_mut(&number)?;
        if back == 0 || back >= frame.count {
            return None;
        }
        frame.count -= back;
        let Frame { batch, start, count, route, attempts, .. } = *frame;
        Some(self.add_frame(batch, start + count, back, route, attempts))
    }

    /// A frame was handed out so often that its items are suspects, or one of them is lost. What to send instead, and
    /// what has been settled.
    ///
    /// First the items run together, but with nothing beside them: most are neighbours that were killed by another one.
    /// If they do not survive that either, each runs alone. One that does not is lost.
    pub fn suspect(&mut self, number: u64, attempts: u32) -> (Vec<u64>, Settled) {
        let Some(frame) = self.frames.remove(&number) else { return Default::default() };
        let ranges = self.open_ranges(&frame);
        if frame.route == Route::Solo && frame.count == 1 && !ranges.is_empty() {
            // Settled through a frame, as any outcome.
            let last = self.add_frame(frame.batch, frame.start, 1, Route::Solo, attempts);
            let settled = self.settle(last, 0, 1, Outcome::Lost { attempts }.to_bytes());
            self.frames.remove(&last);
            return (Vec::new(), settled);
        }
        let mut frames = Vec::new();
        for (start, count) in ranges {
            let singles = frame.route == Route::Solo;
            let step = if singles { 1 } else { count };
            for start in (start..start + count).step_by(step as usize) {
                frames.push(self.add_frame(frame.batch, start, step, Route::Solo, attempts));
            }
        }
        (frames, Settled::default())
    }

    /// What is not settled of a frame.
    fn open_ranges(&self, frame: &Frame) -> Vec<(u32, u32)> {
        let Some(batch) = self.batches.get(&frame.batch) else { return Vec::new() };
        if batch.slots.is_empty() {
            return vec![(frame.start, frame.count)];
        }
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for index in frame.start..frame.start + frame.count {
            if !matches!(batch.slots[index as usize], Slot::Open) {
                continue;
            }
            match ranges.last_mut() {
                Some((start, count)) if *start + *count == index => *count += 1,
                _ => ranges.push((index, 1)),
            }
        }
        ranges
    }
}

impl Batch {
    /// Passes on what is settled up to the first item that is not.
    fn hand_on(&mut self, first: u64) {
        while let Some(slot) = self.slots.get_mut(self.next as usize) {
            match std::mem::replace(slot, Slot::HandedOn) {
                Slot::Settled(outcomes) => {
                    let segment = Segment { first: first + u64::from(self.next), count: 1, outcomes };
                    let _ = self.out.unbounded_send(segment);
                    self.next += 1;
                }
                other => {
                    *slot = other;
                    return;
                }
            }
        }
    }
}

/// How many deliveries a worker may try of a frame. The last of them is only reported.
pub(crate) fn most_deliveries(frame: &Frame, max_deliver: u32) -> u32 {
    match frame.route {
        Route::Work => max_deliver,
        // What these did before they were suspects does not count.
        Route::Solo if frame.count > 1 => frame.attempts + 1,
        Route::Solo => frame.attempts + SOLO_TRIES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items that are their own numbers, and a ledger that has one batch of them.
    fn ledger(count: u8) -> (Ledger, u64, Outcomes) {
        let mut items = Vec::new();
        for item in 0..count {
            crate::frame::push_item(&[item], &mut items);
        }
        let mut ledger = Ledger::default();
        let (frame, outcomes) = ledger.add(100, u32::from(count), items.into());
        (ledger, frame, outcomes)
    }

    /// The right outcomes of these items.
    fn right(items: std::ops::Range<u8>) -> Bytes {
        let mut outcomes = Vec::new();
        for item in items {
            Outcome::Ok(&[item]).push(&mut outcomes);
        }
        outcomes.into()
    }

    /// What the consumer has got, as (index, value).
    fn received(outcomes: &mut Outcomes) -> Vec<(u64, u8)> {
        let mut all = Vec::new();
        while let Ok(segment) = outcomes.try_recv() {
            for (index, outcome) in (segment.first..).zip(each_outcome(&segment.outcomes)) {
                match Outcome::take(&outcome) {
                    Some((Outcome::Ok([value]), [])) => all.push((index, *value)),
                    Some((Outcome::Lost { attempts }, [])) => all.push((index, 200 + attempts as u8)),
                    other => panic!("not an outcome of this test: {other:?}"),
                }
            }
        }
        all
    }

    fn in_order(count: u8) -> Vec<(u64, u8)> {
        (0..count).map(|item| (100 + u64::from(item), item)).collect()
    }

    #[test]
    fn a_whole_batch_settles_at_once() {
        let (mut ledger, frame, mut outcomes) = ledger(5);
        assert_eq!(ledger.head(), Some(frame));
        let settled = ledger.settle(frame, 0, 5, right(0..5));
        assert_eq!((settled.items, settled.duplicates, settled.freed_bytes), (5, 0, 10));
        assert!(ledger.is_empty() && ledger.frame(frame).is_none() && ledger.was_issued(frame));
        assert_eq!(received(&mut outcomes), in_order(5));
    }

    #[test]
    fn parts_come_at_once_and_what_comes_twice_is_dropped() {
        let (mut ledger, frame, mut outcomes) = ledger(5);
        assert_eq!(ledger.settle(frame, 0, 2, right(0..2)).items, 2);
        assert_eq!(received(&mut outcomes), in_order(2));
        // Another worker has the whole frame.
        let settled = ledger.settle(frame, 0, 5, right(0..5));
        assert_eq!((settled.items, settled.duplicates), (3, 2));
        assert_eq!(received(&mut outcomes), in_order(5)[2..]);
        assert_eq!(ledger.settle(frame, 0, 5, right(0..5)), Settled::default());
    }

    #[test]
    fn what_is_given_back_travels_again_and_order_is_kept() {
        let (mut ledger, frame, mut outcomes) = ledger(6);
        let rest = ledger.give_back(frame, 4).unwrap();
        assert_eq!(ledger.items(rest).unwrap(), Bytes::from_static(&[1, 2, 1, 3, 1, 4, 1, 5]));
        ledger.settle(rest, 0, 4, right(2..6));
        assert_eq!(received(&mut outcomes), []);
        assert_eq!(ledger.head(), Some(frame));
        ledger.settle(frame, 0, 2, right(0..2));
        assert_eq!(received(&mut outcomes), in_order(6));
        assert!(ledger.is_empty());
    }

    #[test]
    fn a_frame_that_ends_early_leaves_its_rest_in_others() {
        let (mut ledger, frame, mut outcomes) = ledger(6);
        ledger.settle(frame, 1, 1, right(1..2));
        ledger.settle(frame, 3, 1, right(3..4));
        let rest = ledger.finish(frame);
        assert_eq!(rest.len(), 3);
        for (&number, items) in rest.iter().zip([0..1, 2..3, 4..6]) {
            let count = u32::from(items.end - items.start);
            assert!(ledger.fits(number, 0, count) && !ledger.fits(number, 1, count));
            ledger.settle(number, 0, count, right(items));
        }
        assert_eq!(received(&mut outcomes), in_order(6));
    }

    #[test]
    fn suspects_run_together_then_alone_and_then_one_is_lost() {
        let (mut ledger, frame, mut outcomes) = ledger(3);
        let (together, _) = ledger.suspect(frame, 3);
        assert_eq!(together.len(), 1);
        let (alone, _) = ledger.suspect(together[0], 4);
        assert_eq!(alone.len(), 3);
        assert!(alone.iter().all(|&number| ledger.frame(number).unwrap().route == Route::Solo));
        assert_eq!(
            ledger.suspect(alone[1], 6),
            (Vec::new(), Settled { items: 1, outcome_bytes: 2, ..Settled::default() })
        );
        ledger.settle(alone[2], 0, 1, right(2..3));
        assert_eq!(received(&mut outcomes), []);
        ledger.settle(alone[0], 0, 1, right(0..1));
        assert_eq!(received(&mut outcomes), [(100, 0), (101, 206), (102, 2)]);
        assert!(ledger.is_empty());
    }

    proptest::proptest! {
        /// Whatever order replies come in, partly, twice, or not at all at first: each item comes out once, in order.
        #[test]
        fn any_course_of_events_gives_every_item_once_in_order(
            counts in proptest::collection::vec(1u8..12, 1..6),
            events in proptest::collection::vec((0u8..6, proptest::prelude::any::<u8>(), proptest::prelude::any::<u8>()), 0..80),
        ) {
            let mut ledger = Ledger::default();
            let mut batches = Vec::new();
            let mut first = 0;
            for count in counts {
                let mut items = Vec::new();
                for item in first..first + count {
                    crate::frame::push_item(&[item], &mut items);
                }
                batches.push(ledger.add(u64::from(first), u32::from(count), items.into()).1);
                first += count;
            }
            // Frames are remembered when they are gone: replies about those come too.
            let place = |ledger: &Ledger, number: u64| {
                ledger.frame(number).map(|frame| (frame.batch as u8 + frame.start as u8, frame.sent as u8))
            };
            for (event, which, how) in events {
                let number = u64::from(which) % ledger.next_frame;
                let Some((begin, sent)) = place(&ledger, number) else {
                    assert_eq!(ledger.settle(number, 0, 1, right(0..1)), Settled::default());
                    continue;
                };
                let start = how % sent;
                let count = (how / 16).min(sent - start);
                match event {
                    0 | 1 => {
                        assert!(ledger.fits(number, start.into(), count.into()));
                        let outcomes = right(begin + start..begin + start + count);
                        ledger.settle(number, start.into(), count.into(), outcomes);
                    }
                    2 => drop(ledger.settle(number, 0, sent.into(), right(begin..begin + sent))),
                    3 => drop(ledger.finish(number)),
                    4 => drop(ledger.give_back(number, u32::from(how % 8))),
                    // Not as often as to lose one.
                    _ if ledger.frame(number).is_some_and(|frame| frame.route == Route::Work) => {
                        drop(ledger.suspect(number, 3));
                    }
                    _ => {}
                }
            }
            // What is still out is done now, and something always is.
            while let Some(head) = ledger.head() {
                let (begin, _) = place(&ledger, head).unwrap();
                let count = ledger.frame(head).unwrap().count as u8;
                ledger.settle(head, 0, count.into(), right(begin..begin + count));
                ledger.finish(head);
            }
            assert!(ledger.is_empty() && ledger.frames_out() == 0);
            let all: Vec<(u64, u8)> = batches.iter_mut().flat_map(received).collect();
            assert_eq!(all, (0..first).map(|item| (u64::from(item), item)).collect::<Vec<_>>());
        }
    }
}
