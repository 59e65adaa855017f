//! Which items are out, and what has become of them. Plain sequential code: no clock, no messages.
//!
//! A *batch* is what was pulled together: consecutive items. A *frame* is what travels: a range of a batch, under a number
//! that is never used twice. At first a frame is a whole batch. It is split when a worker gives items back, or when its
//! worker dies.
//!
//! Every item of a batch is either settled or in exactly one frame, so nothing is lost; and an item is settled once,
//! whatever comes twice. An outcome for a settled item is dropped. What is settled is [ready](Ledger::next_ready) once all
//! items before it are, or at once if order does not matter.

use crate::frame::{each_outcome, item_range};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

/// Consecutive outcomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// The index of the first item, from 0 in the order of the input.
    pub first: u64,
    /// How many they are.
    pub count: u32,
    /// One after the other.
    pub outcomes: Bytes,
}

/// Beside what a frame may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// On any worker, beside others.
    Work,
    /// On a worker that holds nothing else, one at a time.
    Solo,
}

/// What a worker says before it begins with something, and waits until the master has heard it, so that its death tells
/// what it was at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Care {
    /// Nothing.
    #[default]
    None,
    /// That it begins with the frame.
    Frame,
    /// That it begins with an item, each time.
    Items,
}

#[derive(Debug)]
struct Batch {
    count: u32,
    items: Bytes,
    outcomes: Outcomes,
    settled: u32,
    /// All that ever carried items of it: nearly always one.
    frames: Vec<u64>,
}

/// What has come for a batch.
#[derive(Debug)]
enum Outcomes {
    /// Nothing.
    None,
    /// All at once: by far the most frequent.
    Whole(Bytes),
    /// In parts; items before `next` have been handed on.
    Parts { slots: Vec<Slot>, next: u32 },
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
pub struct Frame {
    batch: u64,
    start: u32,
    count: u32,
    /// How many items it had when it was sent; some may have been given back since, and come all the same.
    sent: u32,
    route: Route,
    attempts: u32,
    care: Care,
    /// The item that its worker was last heard to have begun.
    begun: Option<u32>,
}

impl Frame {
    /// The index of its first item, from 0 in the order of the input.
    pub fn first(&self) -> u64 {
        self.batch + u64::from(self.start)
    }

    /// How many items it has.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Beside what it may run.
    pub fn route(&self) -> Route {
        self.route
    }

    /// How often its items have been tried, as far as that is known.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether its worker must say of each item that it begins.
    pub fn is_careful(&self) -> bool {
        self.care == Care::Items
    }

    /// What its worker must say before it begins.
    pub fn care(&self) -> Care {
        self.care
    }

    /// Its worker must say this from now on.
    pub fn set_care(&mut self, care: Care) {
        self.care = care;
    }

    /// The item that its worker was last heard to have begun, counted within the frame.
    pub fn begun(&self) -> Option<u32> {
        self.begun
    }

    /// Notes what its worker was heard to have begun.
    pub fn set_begun(&mut self, item: Option<u32>) {
        self.begun = item;
    }

    /// Notes one attempt more.
    pub fn count_attempt(&mut self) {
        self.attempts += 1;
    }
}

/// What has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Items that have their outcome now.
    pub items: u32,
    /// Of the outcomes, and of the items of batches that are settled.
    pub outcome_bytes: usize,
    /// See `outcome_bytes`.
    pub freed_bytes: usize,
    /// Outcomes for items that had one.
    pub duplicates: u32,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Ledger {
    /// By the index of the first item. In order, all from the one on that the consumer needs next; else those that are
    /// not settled.
    batches: BTreeMap<u64, Batch>,
    frames: BTreeMap<u64, Frame>,
    next_frame: u64,
    ready: VecDeque<Segment>,
    unordered: bool,
    /// Batches with items that are not settled.
    open: usize,
}

impl Ledger {
    /// An empty one.
    pub fn new(unordered: bool) -> Ledger {
        Ledger { unordered, ..Ledger::default() }
    }

    /// Items that have been pulled: the number of their frame.
    pub fn add(&mut self, first: u64, count: u32, items: Bytes) -> u64 {
        let batch = Batch { count, items, outcomes: Outcomes::None, settled: 0, frames: Vec::new() };
        self.batches.insert(first, batch);
        self.open += 1;
        self.add_frame(Frame {
            batch: first,
            start: 0,
            count,
            sent: count,
            route: Route::Work,
            attempts: 0,
            care: Care::None,
            begun: None,
        })
    }

    fn add_frame(&mut self, frame: Frame) -> u64 {
        let number = self.next_frame;
        self.next_frame += 1;
        if let Some(batch) = self.batches.get_mut(&frame.batch) {
            batch.frames.push(number);
        }
        self.frames.insert(number, Frame { sent: frame.count, ..frame });
        number
    }

    /// A frame that is out.
    pub fn frame(&self, number: u64) -> Option<&Frame> {
        self.frames.get(&number)
    }

    /// A frame that is out.
    pub fn frame_mut(&mut self, number: u64) -> Option<&mut Frame> {
        self.frames.get_mut(&number)
    }

    /// Whether a frame has items that are not settled.
    pub fn is_open(&self, number: u64) -> bool {
        self.frames.get(&number).is_some_and(|frame| !self.open_ranges(frame).is_empty())
    }

    /// Whether a frame of this number ever travelled.
    pub fn was_issued(&self, number: u64) -> bool {
        number < self.next_frame
    }

    /// The frames that are out, oldest first.
    pub fn frames(&self) -> impl Iterator<Item = u64> {
        self.frames.keys().copied()
    }

    /// Whether every item is settled. Some may still be [ready](Ledger::next_ready).
    pub fn is_settled(&self) -> bool {
        self.open == 0
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
        let next = batch.next();
        let holds = |frame: &Frame| (frame.start..frame.start + frame.count).contains(&next);
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
        if count == batch.count && matches!(batch.outcomes, Outcomes::None) {
            settled.items = count;
            settled.outcome_bytes = outcomes.len();
            batch.outcomes = Outcomes::Whole(outcomes);
        } else {
            batch.take(start, &outcomes, &mut settled);
        }
        batch.settled += settled.items;
        if batch.settled == batch.count && settled.items > 0 {
            settled.freed_bytes = std::mem::take(&mut batch.items).len();
            for number in std::mem::take(&mut batch.frames) {
                self.frames.remove(&number);
            }
            self.open -= 1;
        }
        if settled.items > 0 {
            self.hand_on(first);
        }
        settled
    }

    /// Passes on what is settled: up to the first item that is not, or all of this batch.
    fn hand_on(&mut self, changed: u64) {
        if self.unordered {
            if let Some(batch) = self.batches.get_mut(&changed)
                && batch.hand_on(changed, true, &mut self.ready)
            {
                self.batches.remove(&changed);
            }
            return;
        }
        while let Some(mut first) = self.batches.first_entry() {
            let index = *first.key();
            if !first.get_mut().hand_on(index, false, &mut self.ready) {
                return;
            }
            first.remove();
        }
    }

    /// The next outcomes that the consumer may have.
    pub fn next_ready(&mut self) -> Option<Segment> {
        self.ready.pop_front()
    }

    /// No worker has this frame any more. The frames that take over what is not settled.
    pub fn finish(&mut self, number: u64) -> Vec<u64> {
        let Some(frame) = self.frames.remove(&number) else { return Vec::new() };
        let mut frames = Vec::new();
        for range in self.open_ranges(&frame) {
            frames.push(self.add_frame(frame.part(range)));
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
        let end = frame.start + frame.count;
        let rest = frame.part(end..end + back);
        Some(self.add_frame(rest))
    }

    /// The worker of a frame died while it was at one of the items of `begun`, counted within the frame. What to send
    /// instead: first those, together and on this route, so that the next death names the item; then the others.
    pub fn divide(&mut self, number: u64, begun: Range<u32>, route: Route) -> Vec<u64> {
        let Some(frame) = self.frames.remove(&number) else { return Vec::new() };
        let begun = frame.start + begun.start..frame.start + begun.end;
        let (mut suspects, mut frames) = (Vec::new(), Vec::new());
        for open in self.open_ranges(&frame) {
            let middle = open.start.max(begun.start)..open.end.min(begun.end);
            let others = [open.start..open.end.min(begun.start), open.start.max(begun.end)..open.end];
            if !middle.is_empty() {
                suspects.push(self.add_frame(Frame { care: Care::Items, route, ..frame.part(middle) }));
            }
            for range in others.into_iter().filter(|range| !range.is_empty()) {
                frames.push(self.add_frame(frame.part(range)));
            }
        }
        suspects.extend(frames);
        suspects
    }

    /// What is not settled of a frame, counted within its batch.
    fn open_ranges(&self, frame: &Frame) -> Vec<Range<u32>> {
        let all = frame.start..frame.start + frame.count;
        let Some(batch) = self.batches.get(&frame.batch) else { return Vec::new() };
        let slots = match &batch.outcomes {
            Outcomes::None => return vec![all],
            Outcomes::Whole(_) => return Vec::new(),
            Outcomes::Parts { slots, .. } => slots,
        };
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for index in all.filter(|&index| matches!(slots[index as usize], Slot::Open)) {
            match ranges.last_mut() {
                Some(range) if range.end == index => range.end += 1,
                _ => ranges.push(index..index + 1),
            }
        }
        ranges
    }
}

impl Frame {
    fn part(&self, range: Range<u32>) -> Frame {
        let count = range.end - range.start;
        Frame { start: range.start, count, sent: count, begun: None, ..self.clone() }
    }
}

impl Batch {
    /// The first item that has not been handed on.
    fn next(&self) -> u32 {
        match self.outcomes {
            Outcomes::Parts { next, .. } => next,
            _ => 0,
        }
    }

    /// Takes some outcomes, from this item on.
    fn take(&mut self, start: u32, outcomes: &Bytes, settled: &mut Settled) {
        if matches!(self.outcomes, Outcomes::None) {
            self.outcomes = Outcomes::Parts { slots: vec![Slot::Open; self.count as usize], next: 0 };
        }
        let Outcomes::Parts { slots, .. } = &mut self.outcomes else {
            settled.duplicates += each_outcome(outcomes).count() as u32;
            return;
        };
        for (slot, outcome) in slots[start as usize..].iter_mut().zip(each_outcome(outcomes)) {
            if matches!(slot, Slot::Open) {
                settled.items += 1;
                settled.outcome_bytes += outcome.len();
                *slot = Slot::Settled(outcome);
            } else {
                settled.duplicates += 1;
            }
        }
    }

    /// Passes on what is settled: up to the first item that is not, or `all`. Whether nothing is left.
    fn hand_on(&mut self, first: u64, all: bool, ready: &mut VecDeque<Segment>) -> bool {
        match &mut self.outcomes {
            Outcomes::None => return false,
            Outcomes::Whole(outcomes) => {
                let outcomes = std::mem::take(outcomes);
                ready.push_back(Segment { first, count: self.count, outcomes });
                return true;
            }
            Outcomes::Parts { slots, next } => {
                for index in *next..self.count {
                    let slot = &mut slots[index as usize];
                    if let Slot::Settled(outcomes) = slot {
                        let outcomes = std::mem::take(outcomes);
                        ready.push_back(Segment { first: first + u64::from(index), count: 1, outcomes });
                        *slot = Slot::HandedOn;
                    }
                    match slot {
                        Slot::HandedOn if *next == index => *next += 1,
                        Slot::Open if !all => break,
                        _ => {}
                    }
                }
            }
        }
        self.next() == self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Outcome;

    /// Items that are their own numbers, and a ledger that has one batch of them.
    fn ledger(count: u8) -> (Ledger, u64) {
        let mut items = Vec::new();
        for item in 0..count {
            crate::frame::push_item(&[item], &mut items);
        }
        let mut ledger = Ledger::default();
        let frame = ledger.add(100, u32::from(count), items.into());
        (ledger, frame)
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
    fn received(ledger: &mut Ledger) -> Vec<(u64, u8)> {
        let mut all = Vec::new();
        while let Some(segment) = ledger.next_ready() {
            for (index, outcome) in (segment.first..).zip(each_outcome(&segment.outcomes)) {
                match Outcome::take(&outcome) {
                    Some((Outcome::Ok([value]), [])) => all.push((index, *value)),
                    Some((Outcome::Lost { attempts, .. }, [])) => all.push((index, 200 + attempts as u8)),
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
        let (mut ledger, frame) = ledger(5);
        assert_eq!(ledger.head(), Some(frame));
        let settled = ledger.settle(frame, 0, 5, right(0..5));
        assert_eq!((settled.items, settled.duplicates, settled.freed_bytes), (5, 0, 10));
        assert!(ledger.is_settled() && ledger.frame(frame).is_none() && ledger.was_issued(frame));
        assert_eq!(received(&mut ledger), in_order(5));
    }

    #[test]
    fn parts_come_at_once_and_what_comes_twice_is_dropped() {
        let (mut ledger, frame) = ledger(5);
        assert_eq!(ledger.settle(frame, 0, 2, right(0..2)).items, 2);
        assert_eq!(received(&mut ledger), in_order(2));
        // Another worker has the whole frame.
        let settled = ledger.settle(frame, 0, 5, right(0..5));
        assert_eq!((settled.items, settled.duplicates), (3, 2));
        assert_eq!(received(&mut ledger), in_order(5)[2..]);
        assert_eq!(ledger.settle(frame, 0, 5, right(0..5)), Settled::default());
    }

    #[test]
    fn what_is_given_back_travels_again_and_order_is_kept() {
        let (mut ledger, frame) = ledger(6);
        let rest = ledger.give_back(frame, 4).unwrap();
        assert_eq!(ledger.items(rest).unwrap(), Bytes::from_static(&[1, 2, 1, 3, 1, 4, 1, 5]));
        ledger.settle(rest, 0, 4, right(2..6));
        assert_eq!(received(&mut ledger), []);
        assert_eq!(ledger.head(), Some(frame));
        ledger.settle(frame, 0, 2, right(0..2));
        assert_eq!(received(&mut ledger), in_order(6));
        assert!(ledger.is_settled());
    }

    #[test]
    fn a_frame_that_ends_early_leaves_its_rest_in_others() {
        let (mut ledger, frame) = ledger(6);
        ledger.settle(frame, 1, 1, right(1..2));
        ledger.settle(frame, 3, 1, right(3..4));
        let rest = ledger.finish(frame);
        assert_eq!(rest.len(), 3);
        for (&number, items) in rest.iter().zip([0..1, 2..3, 4..6]) {
            let count = u32::from(items.end - items.start);
            assert!(ledger.fits(number, 0, count) && !ledger.fits(number, 1, count));
            ledger.settle(number, 0, count, right(items));
        }
        assert_eq!(received(&mut ledger), in_order(6));
    }

    proptest::proptest! {
        /// Whatever order replies come in, partly, twice, or not at all at first: each item comes out once, in order.
        #[test]
        fn any_course_of_events_gives_every_item_once_in_order(
            counts in proptest::collection::vec(1u8..12, 1..6),
            unordered in proptest::prelude::any::<bool>(),
            events in proptest::collection::vec((0u8..6, proptest::prelude::any::<u8>(), proptest::prelude::any::<u8>()), 0..80),
        ) {
            let mut ledger = Ledger::new(unordered);
            let mut first = 0;
            for count in counts {
                let mut items = Vec::new();
                for item in first..first + count {
                    crate::frame::push_item(&[item], &mut items);
                }
                ledger.add(u64::from(first), u32::from(count), items.into());
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
                    5 => drop(ledger.divide(number, start.into()..(start + count).into(), Route::Work)),
                    _ => {}
                }
            }
            // What is still out is done now, and something always is.
            loop {
                let Some(head) = ledger.frames().next() else { break };
                let (begin, _) = place(&ledger, head).unwrap();
                let count = ledger.frame(head).unwrap().count as u8;
                ledger.settle(head, 0, count.into(), right(begin..begin + count));
                ledger.finish(head);
            }
            assert!(ledger.is_settled() && ledger.frames_out() == 0);
            let mut all = received(&mut ledger);
            if unordered {
                // Once each is all that is asked then.
                all.sort();
            }
            assert_eq!(all, (0..first).map(|item| (u64::from(item), item)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_was_at_work_when_its_worker_died_goes_first_and_by_itself() {
        let (mut ledger, frame) = ledger(8);
        ledger.settle(frame, 0, 2, right(0..2));
        let frames = ledger.divide(frame, 3..5, Route::Work);
        let ranges: Vec<_> = frames.iter().map(|&number| ledger.frame(number).unwrap()).collect();
        let ranges: Vec<_> = ranges.iter().map(|f| (f.first(), f.count(), f.is_careful())).collect();
        assert_eq!(ranges, [(103, 2, true), (102, 1, false), (105, 3, false)]);
    }
}
