//! The master's decisions for one imap, without clock, socket and threads.
//!
//! A transport tells it what has happened, and asks which frame to send next. It never waits, and knows no workers: the
//! transport knows which frames a worker holds, and says what has become of them.
//!
//! # Why nothing is lost, and nothing comes twice
//!
//! An item stays in the [`Ledger`] until it has an outcome. A frame is either waiting here, or with a worker. The transport
//! tells of each frame that it got, in the end: [`done`](What::Done), or [`gone`](Job::gone) with its worker. Then what is
//! not settled of it waits here again, under a new number. The ledger takes the first outcome of an item and drops
//! others, so what a worker sends late, or twice, does no harm.
//!
//! # Who is blamed
//!
//! Only an item that a worker was heard to have begun, before it died. If that was one item, it has made an attempt. If it may have been
//! one of several, they travel again: by themselves, and with the order to name each item before it begins, so that the
//! next death names one. All others of the frame have made no attempt. A transport that sees only that a frame is handed out
//! again asks [`again`](Job::again), which does it by steps.

#[cfg(test)]
mod simulation;

use crate::control::{Control, Settings};
use crate::error::{Death, TaskError};
use crate::frame::Outcome;
use crate::input::{Fed, Feed};
use crate::ledger::{Care, Frame, Ledger, Route, Settled};
use crate::pace::{Pace, Portion};
use crate::results::Results;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The master's side of one imap. See the [module](self).
#[derive(Debug)]
pub struct Job {
    settings: Settings,
    feed: Arc<Feed>,
    control: Arc<Control>,
    results: Arc<Results>,
    ledger: Ledger,
    pace: Pace,
    /// Frames that no worker has, by the index of their first item.
    waiting: BTreeSet<(u64, u64)>,
    /// Those of them that must run alone.
    solo: BTreeSet<(u64, u64)>,
    /// Items that have their outcome.
    settled: u64,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    Over,
}

/// What a worker has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It holds nothing: also items that wait for others to travel with, or one that must run alone.
    Idle,
    /// A thread of it is idle: also items that wait for others to travel with.
    Thread,
    /// It has enough to do for now: a full batch, so that nothing is missing when it is done.
    Ahead,
}

/// A reply of a worker about some items of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reply {
    /// The number of the frame.
    pub frame: u64,
    /// Which items the outcomes are of, counted from the first of the frame.
    pub start: u32,
    /// How many outcomes there are.
    pub count: u32,
    /// For how long the function ran for the whole frame, in nanoseconds; with [`What::Done`].
    pub busy: u64,
    /// What the worker goes on to do.
    pub what: What,
}

/// What a worker goes on to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum What {
    /// It goes on, but gives this many items at the end of the frame back.
    Part {
        /// How many.
        back: u32,
    },
    /// It is done with the frame, also if outcomes are missing.
    Done,
}

/// What is known of a frame whose worker has died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was not the reason: not begun, or something else is known to be to blame.
    Innocent,
    /// The worker was at one of these items, counted within the frame.
    Suspect {
        /// Which.
        items: Range<u32>,
        /// Whether nothing else ran in the worker.
        alone: bool,
        /// What it died of.
        death: Death,
    },
}

impl Job {
    /// A job that has not begun.
    pub fn new(
        settings: Settings,
        portion: Portion,
        feed: Arc<Feed>,
        control: Arc<Control>,
        results: Arc<Results>,
    ) -> Job {
        Job {
            ledger: Ledger::new(settings.unordered),
            pace: Pace::new(&settings, portion),
            waiting: BTreeSet::new(),
            solo: BTreeSet::new(),
            settled: 0,
            stage: Stage::Running,
            settings,
            feed,
            control,
            results,
        }
    }

    /// What was set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What was measured.
    pub fn pace_mut(&mut self) -> &mut Pace {
        &mut self.pace
    }

    /// What was measured.
    pub fn pace(&self) -> &Pace {
        &self.pace
    }

    /// A frame that is out or waits.
    pub fn frame(&self, number: u64) -> Option<&Frame> {
        self.ledger.frame(number)
    }

    /// The items of a frame.
    pub fn items(&self, number: u64) -> Option<Bytes> {
        self.ledger.items(number)
    }

    /// The frames that workers have, oldest first.
    pub fn frames(&self) -> impl Iterator<Item = u64> {
        let waits = |number: &u64| {
            let frame = self.ledger.frame(*number);
            frame
                .map(|frame| (frame.first(), *number))
                .is_some_and(|entry| self.waiting.contains(&entry) || self.solo.contains(&entry))
        };
        self.ledger.frames().filter(move |number| !waits(number))
    }

    /// How many frames are with workers, or wait.
    pub fn frames_out(&self) -> usize {
        self.ledger.frames_out()
    }

    /// The frame with the item that the consumer needs next.
    pub fn head(&self) -> Option<u64> {
        self.ledger.head()
    }

    /// Whether a reply about this frame, and these items of it, can be one.
    pub fn can_be(&self, frame: u64, start: u32, count: u32) -> bool {
        match self.ledger.frame(frame) {
            Some(_) => self.ledger.fits(frame, start, count),
            None => self.ledger.was_issued(frame),
        }
    }

    /// How many items have their outcome.
    pub fn settled(&self) -> u64 {
        self.settled
    }

    // Sending.

    /// The frame that a worker with this room gets now.
    pub fn next_frame(&mut self, room: Room) -> Option<u64> {
        if self.stage == Stage::Over {
            return None;
        }
        // Some may have been settled meanwhile by a reply that came late.
        for frames in [&mut self.solo, &mut self.waiting] {
            while let Some(&(_, frame)) = frames.first()
                && !self.ledger.is_open(frame)
            {
                frames.pop_first();
                self.ledger.finish(frame);
            }
        }
        if room == Room::Idle
            && let Some((_, frame)) = self.solo.pop_first()
        {
            return Some(frame);
        }
        // With too many bytes here, what the consumer needs next is all that travels.
        let heavy = self.feed.is_heavy();
        if let Some(&(index, frame)) = self.waiting.first() {
            if heavy && !self.is_next(frame) {
                return None;
            }
            self.waiting.remove(&(index, frame));
            return Some(frame);
        }
        if heavy && !self.ledger.is_settled() {
            return None;
        }
        self.take_fed(room != Room::Ahead)
    }

    /// A frame that must run alone, for a transport that finds a worker for it by itself.
    pub fn next_suspect(&mut self) -> Option<u64> {
        loop {
            let (_, frame) = self.solo.pop_first()?;
            if self.ledger.is_open(frame) {
                return Some(frame);
            }
            self.ledger.finish(frame);
        }
    }

    fn is_next(&self, frame: u64) -> bool {
        self.settings.unordered || self.ledger.head() == Some(frame)
    }

    fn take_fed(&mut self, partial: bool) -> Option<u64> {
        loop {
            match self.feed.take_wanted(partial)? {
                Fed::Batch { first, count, items } => return Some(self.ledger.add(first, count, items)),
                Fed::Settled { first, outcome } => {
                    let frame = self.ledger.add(first, 1, Bytes::new());
                    self.settle(frame, 0, 1, outcome);
                }
            }
        }
    }

    /// Whether a frame waits that must run alone.
    pub fn wants_alone(&self) -> bool {
        !self.solo.is_empty()
    }

    // Receiving.

    /// A reply about a frame, and as many outcomes as it says. Whether it can be one: else it is dropped.
    pub fn reply(&mut self, reply: &Reply, outcomes: Bytes) -> bool {
        if self.ledger.frame(reply.frame).is_none() {
            self.control.stats().duplicates += u64::from(reply.count);
            return self.ledger.was_issued(reply.frame);
        }
        if !self.ledger.fits(reply.frame, reply.start, reply.count) {
            return false;
        }
        let bytes = outcomes.len();
        self.settle(reply.frame, reply.start, reply.count, outcomes);
        match reply.what {
            What::Part { back } => {
                let rest = self.ledger.give_back(reply.frame, back);
                self.wait(rest);
            }
            What::Done => {
                if reply.count > 0 {
                    self.learn(reply, bytes);
                }
                let rest = self.ledger.finish(reply.frame);
                self.wait(rest);
            }
        }
        true
    }

    fn learn(&mut self, reply: &Reply, bytes: usize) {
        // Parts have left before, and the rest may have been given back.
        let done = reply.start + reply.count;
        let bytes = bytes as u64 * u64::from(done) / u64::from(reply.count.max(1));
        self.pace.learn(done, reply.busy, bytes as usize);
        let mut stats = self.control.stats();
        (stats.window, stats.batch) = (self.pace.window(), self.pace.batch());
        self.feed.tune(stats.window, stats.batch);
    }

    /// A worker says that it has begun this item of a frame.
    pub fn begun(&mut self, frame: u64, item: u32) {
        if self.ledger.fits(frame, item, 1)
            && let Some(frame) = self.ledger.frame_mut(frame)
        {
            frame.set_begun(Some(item));
        }
    }

    /// A frame is handed out again, since nothing is heard of the worker that had it. What the new one must say before it
    /// begins; or `None` if it is not to begin, since other frames take the place of this one.
    ///
    /// What was handed out, but not heard to have begun, is no reason for a death. So the first death only makes the next
    /// worker say with which frame it begins. If that dies, too, then what is left of the frame runs with nothing
    /// beside it, and each item is named before it begins. From then on a death is an attempt of the named one.
    pub fn again(&mut self, number: u64) -> Option<Care> {
        let frame = self.ledger.frame_mut(number)?;
        let (count, route) = (frame.count(), frame.route());
        // It may have been given back since.
        let begun = frame.begun().filter(|begun| *begun < count);
        frame.set_begun(None);
        match (frame.care(), begun) {
            (Care::None, _) => {
                frame.set_care(Care::Frame);
                Some(Care::Frame)
            }
            (care, None) => Some(care),
            (Care::Items, Some(begun)) if route == Route::Solo => {
                self.suspect(number, begun..begun + 1, true)
            }
            (_, Some(begun)) => self.suspect(number, begun..count, false),
        }
    }

    fn suspect(&mut self, frame: u64, items: Range<u32>, alone: bool) -> Option<Care> {
        self.gone(frame, Fate::Suspect { items, alone, death: Death::Unseen });
        None
    }

    /// An item of a frame has this outcome, which no worker has sent.
    pub fn settle_one(&mut self, frame: u64, item: u32, outcome: Outcome<'_>) {
        if self.ledger.fits(frame, item, 1) {
            self.settle(frame, item, 1, outcome.to_bytes());
        }
    }

    /// The worker of a frame is dead.
    pub fn gone(&mut self, frame: u64, fate: Fate) {
        let frames = match fate {
            Fate::Innocent => self.ledger.finish(frame),
            Fate::Suspect { items, alone: true, death } if items.len() == 1 => {
                self.attempted(frame, items, death)
            }
            Fate::Suspect { items, alone, .. } => {
                let route = if alone { Route::Work } else { Route::Solo };
                self.ledger.divide(frame, items, route)
            }
        };
        self.wait(frames);
    }

    /// This item has killed its worker.
    fn attempted(&mut self, frame: u64, items: Range<u32>, death: Death) -> Vec<u64> {
        let Some((attempts, route)) =
            self.ledger.frame(frame).map(|it| (it.attempts().saturating_add(1), it.route()))
        else {
            return Vec::new();
        };
        if self.settings.attempts < u32::MAX && attempts >= self.settings.attempts {
            self.settle_one(frame, items.start, Outcome::Lost { attempts, death });
            return self.ledger.finish(frame);
        }
        // As it was this time: what ran alone must do so again.
        let frames = self.ledger.divide(frame, items, route);
        let suspect = frames.iter().find(|&&frame| self.ledger.frame(frame).is_some_and(Frame::is_careful));
        if let Some(&suspect) = suspect
            && let Some(frame) = self.ledger.frame_mut(suspect)
        {
            frame.count_attempt();
        }
        frames
    }

    fn settle(&mut self, frame: u64, start: u32, count: u32, outcomes: Bytes) {
        let settled = self.ledger.settle(frame, start, count, outcomes);
        self.account(&settled);
    }

    fn account(&mut self, settled: &Settled) {
        self.settled += u64::from(settled.items);
        // Before the consumer can take them.
        self.feed.add_bytes(settled.outcome_bytes);
        while let Some(segment) = self.ledger.next_ready() {
            self.results.push(segment);
        }
        self.feed.remove_bytes(settled.freed_bytes);
        let mut stats = self.control.stats();
        stats.finished += u64::from(settled.items);
        stats.duplicates += u64::from(settled.duplicates);
    }

    fn wait(&mut self, frames: impl IntoIterator<Item = u64>) {
        for number in frames {
            let Some(frame) = self.ledger.frame(number) else { continue };
            let entry = (frame.first(), number);
            match frame.route() {
                Route::Work => self.waiting.insert(entry),
                Route::Solo => self.solo.insert(entry),
            };
        }
    }

    // The end.

    /// Whether nothing more will come of it. Looks whether it is complete or was stopped.
    pub fn is_over(&mut self) -> bool {
        if self.stage == Stage::Running && (self.is_complete() || self.control.is_stopped()) {
            self.end();
        }
        self.stage == Stage::Over
    }

    /// Whether all items have their outcome, and nothing more will come.
    pub fn is_complete(&self) -> bool {
        self.ledger.is_settled() && self.feed.is_exhausted()
    }

    /// Whether no item lacks its outcome.
    pub fn is_idle(&self) -> bool {
        self.ledger.is_settled()
    }

    /// Ends it with an error.
    pub fn fail(&mut self, error: TaskError) {
        if self.stage == Stage::Running {
            self.control.fail(error);
            self.end();
        }
    }

    /// Ends it. The consumer sees the end now.
    pub fn end(&mut self) {
        self.stage = Stage::Over;
        self.feed.stop();
        self.results.close();
        self.ledger = Ledger::default();
        self.waiting.clear();
        self.solo.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::Bell;

    /// A job with one frame of four items on its way.
    fn sent(attempts: u32) -> (Job, u64) {
        let settings = Settings { batch: Some(4), window: Some(4), attempts, ..Settings::default() };
        let bell: Arc<Bell> = Arc::default();
        let feed = Arc::new(Feed::new(&settings, bell.clone()));
        (0..4).for_each(|item| assert!(feed.offer(&[item])));
        feed.end(None);
        let control = Arc::new(Control::new(bell));
        let portion = Portion { message: 1e6, thread: 1e4 };
        let mut job = Job::new(settings, portion, feed, control, Arc::default());
        let frame = job.next_frame(Room::Idle).unwrap();
        (job, frame)
    }

    /// The frames that are sent next: what they have, and how.
    fn next_frames(job: &mut Job) -> Vec<(u64, Range<u64>, Route, Care, u32)> {
        let numbers: Vec<u64> = std::iter::from_fn(|| job.next_frame(Room::Idle)).collect();
        let tell = |number| {
            let frame = job.frame(number).unwrap();
            let items = frame.first()..frame.first() + u64::from(frame.count());
            (number, items, frame.route(), frame.care(), frame.attempts())
        };
        numbers.into_iter().map(tell).collect()
    }

    #[test]
    fn what_was_handed_out_and_not_begun_is_never_blamed() {
        let (mut job, frame) = sent(1);
        for _ in 0..10 {
            assert_eq!(job.again(frame), Some(Care::Frame));
        }
        job.begun(frame, 1);
        assert_eq!(job.again(frame), None);
        let frames = next_frames(&mut job);
        let [(suspects, ..), (first, ..)] = frames[..] else { panic!("{frames:?}") };
        assert_eq!(frames[0], (suspects, 1..4, Route::Solo, Care::Items, 0));
        assert_eq!(frames[1], (first, 0..1, Route::Work, Care::Frame, 0));
        for _ in 0..10 {
            assert_eq!(job.again(suspects), Some(Care::Items));
        }
        assert_eq!(job.settled(), 0);
        // This one it was, and the others are not lost with it.
        job.begun(suspects, 1);
        assert_eq!(job.again(suspects), None);
        assert_eq!(job.settled(), 1);
        let items: Vec<_> = next_frames(&mut job).into_iter().map(|(_, items, ..)| items).collect();
        assert_eq!(items, [1..2, 3..4]);
    }

    #[test]
    fn a_killer_runs_alone_until_it_has_made_its_attempts() {
        let (mut job, frame) = sent(3);
        assert_eq!(job.again(frame), Some(Care::Frame));
        job.begun(frame, 0);
        assert_eq!(job.again(frame), None);
        let (mut suspects, ..) = next_frames(&mut job)[0];
        for attempts in 1..3 {
            job.begun(suspects, 0);
            assert_eq!(job.again(suspects), None);
            let frames = next_frames(&mut job);
            let killer = frames.iter().find(|(_, items, ..)| items.start == 0).unwrap();
            assert_eq!((killer.1.end, killer.2, killer.4), (1, Route::Solo, attempts));
            assert_eq!(job.settled(), 0);
            suspects = killer.0;
        }
        job.begun(suspects, 0);
        assert_eq!((job.again(suspects), job.settled()), (None, 1));
    }
}
