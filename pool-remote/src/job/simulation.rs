//! Random runs of a job over a network that loses, doubles, delays and reorders, with workers that die, stop and return.
//!
//! In each run every item must come out once, in order, with its own result; or as lost, and then a worker must have died
//! at it. In the end nothing may be left, and nothing may stand still.
//!
//! Seen red by: an outcome taken twice; a part that is handed on past a gap; batches out of order; the rest of a frame that
//! is done, given back, or with a dead worker, forgotten; an attempt too many; blame of the item behind; the end told before
//! all is settled; bytes that are not given free; a waiting frame that is sent though a late reply has settled it.

use super::{Fate, Job, Reply, Room, What};
use crate::control::{Bell, Control, Settings};
use crate::error::Death;
use crate::frame::{Outcome, each_item};
use crate::input::Feed;
use crate::pace::Portion;
use crate::results::Results;
use bytes::Bytes;
use fastrand::Rng;
use pool_core::runs::play_all;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const RUNS: u64 = 100_000;

/// Steps after which nothing bad happens any more, and after which a run has hung.
const WILD: u32 = 120;
const LIMIT: u32 = 5_000;

/// A frame that a worker has, or more than one: the network may have handed it out again.
#[derive(Debug, Clone)]
struct Held {
    frame: u64,
    items: Vec<u8>,
    careful: bool,
    done: u32,
    sent: u32,
    end: u32,
}

struct World {
    random: Rng,
    job: Job,
    feed: Arc<Feed>,
    control: Arc<Control>,
    results: Arc<Results>,
    settings: Settings,
    count: u64,
    given: u64,
    ended: bool,
    killers: BTreeSet<u8>,
    /// Items at which a worker died.
    died_at: BTreeSet<u8>,
    held: Vec<Held>,
    /// Replies on their way, in no order; those that were read may come again.
    replies: Vec<(Reply, Bytes)>,
    received: Vec<(u64, Result<u8, u32>)>,
    wild: bool,
    over: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Rng::with_seed(seed);
        let settings = Settings {
            window: Some(1 + random.u64(..20)),
            window_bytes: [1, 30, 1 << 20][random.usize(..3)],
            batch: [Some(1), Some(4), Some(20), None][random.usize(..4)],
            attempts: 1 + random.u64(..3) as u32,
            unordered: random.u64(..3) == 0,
            ..Settings::default()
        };
        let bell: Arc<Bell> = Arc::default();
        let feed = Arc::new(Feed::new(&settings, bell.clone()));
        let (control, results) = (Arc::new(Control::new(bell)), Arc::new(Results::default()));
        let portion = Portion { message: 1e6, thread: 1e4 };
        let job = Job::new(settings.clone(), portion, feed.clone(), control.clone(), results.clone());
        let count = random.u64(..30);
        let killers = (0..count as u8).filter(|_| random.u64(..12) == 0).collect();
        World {
            random,
            job,
            feed,
            control,
            results,
            settings,
            count,
            given: 0,
            ended: false,
            killers,
            died_at: BTreeSet::new(),
            held: Vec::new(),
            replies: Vec::new(),
            received: Vec::new(),
            wild: true,
            over: false,
        }
    }

    fn input(&mut self) {
        for _ in 0..self.random.u64(..6) {
            if self.given < self.count && self.feed.offer(&[self.given as u8]) {
                self.given += 1;
            }
        }
        if self.given == self.count && !self.ended {
            self.ended = true;
            self.feed.end(None);
        }
    }

    /// A worker asks for a frame.
    fn ask(&mut self) {
        let room = [Room::Idle, Room::Thread, Room::Ahead][self.random.usize(..3)];
        let room = if self.wild { room } else { Room::Idle };
        let Some(frame) = self.job.next_frame(room) else { return };
        let items = self.job.items(frame).unwrap();
        let items: Vec<u8> = each_item(&items).map(|item| item.unwrap()[0]).collect();
        let header = self.job.frame(frame).unwrap();
        assert_eq!((header.count() as usize, header.first() as u8), (items.len(), items[0]));
        let held =
            Held { frame, careful: header.is_careful(), end: items.len() as u32, items, done: 0, sent: 0 };
        if self.wild && self.random.u64(..8) == 0 {
            // The network hands it out twice.
            self.held.push(held.clone());
        }
        self.held.push(held);
    }

    /// A worker goes on with a frame.
    fn work(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let place = self.random.usize(..self.held.len());
        let wild = self.wild;
        let held = &mut self.held[place];
        let chance = self.random.u64(..8);
        if held.done < held.end && !self.killers.contains(&held.items[held.done as usize]) {
            held.done += 1;
        } else if held.done < held.end {
            return self.die(place);
        }
        match chance {
            0 if wild && held.end > held.done + 1 => {
                let back = held.end - (held.done + 1);
                held.end -= back;
                let said = held.say(What::Part { back });
                self.replies.push(said);
            }
            1 if wild => {
                let said = held.say(What::Part { back: 0 });
                self.replies.push(said);
            }
            2 if wild => self.die(place),
            3 if wild => {
                // It gives the rest back.
                let said = held.say(What::Done);
                self.replies.push(said);
                self.held.remove(place);
            }
            _ if held.done == held.end => {
                let said = held.say(What::Done);
                self.replies.push(said);
                self.held.remove(place);
            }
            _ => {}
        }
    }

    /// A worker dies at what it holds. What the master hears of it is not always much.
    fn die(&mut self, place: usize) {
        let held = self.held.remove(place);
        if held.done < held.end {
            self.died_at.insert(held.items[held.done as usize]);
        }
        // Its replies may be lost, or come later.
        if self.random.u64(..3) == 0 {
            self.replies.retain(|(reply, _)| reply.frame != held.frame);
        }
        let others = self.held.iter().any(|other| other.frame == held.frame);
        let said =
            self.replies.iter().any(|(reply, _)| reply.frame == held.frame && reply.what == What::Done);
        if others || said {
            return;
        }
        let count = self.job.frame(held.frame).map_or(0, |frame| frame.count());
        let at = held.done.min(count.saturating_sub(1));
        let most = if held.careful { 1 } else { 1 + self.random.u64(..3) as u32 };
        let begin = at.saturating_sub(if held.careful { 0 } else { self.random.u64(..2) as u32 });
        let items = begin..(at + most).min(count);
        // What it was at may have been given back, and be in another frame.
        let fate = if held.done >= held.end || held.done >= count || !items.contains(&at) {
            Fate::Innocent
        } else {
            let alone = held.careful || self.random.u64(..2) == 0;
            Fate::Suspect { items, alone, death: Death::Unseen }
        };
        self.job.gone(held.frame, fate);
    }

    /// The master reads a reply: any of them, and perhaps again later.
    fn hear(&mut self) {
        if self.replies.is_empty() {
            return;
        }
        let place = self.random.usize(..self.replies.len());
        let (reply, outcomes) = self.replies[place].clone();
        if !(self.wild && self.random.u64(..5) == 0) {
            self.replies.swap_remove(place);
        }
        self.job.reply(&reply, outcomes);
        if reply.what == What::Done {
            // The network takes it away from others.
            self.held.retain(|held| held.frame != reply.frame);
        }
    }

    fn consume(&mut self) {
        let context = Context::from_waker(Waker::noop());
        self.over |= self.job.is_over();
        while let Poll::Ready(Some(segment)) = self.results.poll(&context) {
            let mut rest = &segment.outcomes[..];
            for index in segment.first..segment.first + u64::from(segment.count) {
                let (outcome, behind) = Outcome::take(rest).unwrap();
                rest = behind;
                self.received.push((
                    index,
                    match outcome {
                        Outcome::Ok(value) => Ok(value[0]),
                        Outcome::Lost { attempts, .. } => Err(attempts),
                        other => panic!("{other:?}"),
                    },
                ));
            }
            self.feed.remove_bytes(segment.outcomes.len());
        }
        self.feed.delivered(self.received.len() as u64, true);
    }

    fn play(&mut self) {
        let mut steps = 0;
        while !self.over {
            match self.random.u64(..9) {
                0 => self.input(),
                1 | 2 => self.ask(),
                3 | 4 => self.work(),
                5 | 6 => self.hear(),
                _ => self.consume(),
            }
            steps += 1;
            self.wild = steps < WILD;
            assert!(steps < LIMIT, "it stands still:\n{:#?}\nheld {:#?}", self.job, self.held);
        }
        self.consume();
        self.check();
    }

    fn check(&self) {
        assert_eq!(self.control.take_failure(), None);
        let mut received = self.received.clone();
        if self.settings.unordered {
            received.sort();
        }
        let indices: Vec<u64> = received.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, (0..self.count).collect::<Vec<_>>());
        for (index, result) in received {
            match result {
                Ok(value) => assert_eq!(u64::from(value), index),
                Err(attempts) => {
                    assert!(self.died_at.contains(&(index as u8)), "item {index} is lost for nothing");
                    assert_eq!(attempts, self.settings.attempts);
                }
            }
        }
        assert!(!self.feed.is_heavy(), "bytes are held for what is gone");
    }
}

impl Held {
    fn say(&mut self, what: What) -> (Reply, Bytes) {
        let mut outcomes = Vec::new();
        for item in self.sent..self.done {
            Outcome::Ok(&[self.items[item as usize]]).push(&mut outcomes);
        }
        let (start, count) = (self.sent, self.done - self.sent);
        self.sent = self.done;
        let busy = u64::from(self.done) * 1_000;
        (Reply { frame: self.frame, start, count, busy, what }, outcomes.into())
    }
}

#[test]
fn random_runs_give_each_item_once_and_leave_nothing() {
    play_all(RUNS, |seed| World::new(seed).play());
}
