//! Random runs of the staff: inputs that come in any pace, children that die, hang, give back and cannot be started, imaps
//! that are dropped, a clock by hand.
//!
//! In each run every item must come out once, at its place, with its own result; or as lost or timed out, and then
//! something must have happened to it. In the end nothing may be left, and nothing may stand still.
//!
//! Seen red by: frames of a dead child that are not told to their job; blame of the item behind; blame of what a child runs
//! that was killed for another item; a late item that is told while its child lives on, or not told; a child that is not
//! replaced; blame of all suspects; a frame that is done and still held; a position that is not made exact; suspects of which those of jobs that are over do not count.

use super::{Action, Rules, Staff};
use crate::position::Position;
use crate::wire::Order;
use bytes::Bytes;
use fastrand::Rng;
use pool_core::runs::play_all;
use pool_remote::control::{Bell, Control, Settings};
use pool_remote::frame::{Outcome, each_item};
use pool_remote::input::Feed;
use pool_remote::job::{Job, Reply, What};
use pool_remote::pace::Portion;
use pool_remote::results::Results;
use pool_remote::{Death, Task, TaskError};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const RUNS: u64 = 100_000;

/// Steps after which nothing bad happens any more, and after which a run has hung.
const WILD: u32 = 150;
const LIMIT: u32 = 20_000;

const DEATH: Death = Death::Killed(6);
const TASK: Task<u8, u8> = Task::named("simulated");

/// What an item does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Good,
    Kills,
    Hangs,
}

/// An imap and its consumer.
struct Imap {
    acts: Vec<Act>,
    /// What the input has given, and whether its end was told.
    given: u64,
    ended: bool,
    feed: Arc<Feed>,
    control: Arc<Control>,
    results: Arc<Results>,
    settings: Settings,
    received: Vec<(u64, Result<u8, String>)>,
    /// Items that a child was at when it was shot.
    shot: BTreeSet<u64>,
    over: bool,
    dropped: bool,
}

/// A frame in a child.
#[derive(Debug)]
struct Frame {
    job: u64,
    frame: u64,
    careful: bool,
    items: Vec<u8>,
    done: u32,
    sent: u32,
    end: u32,
    /// The items of the last position.
    first: u32,
    named: u32,
}

#[derive(Default)]
struct Child {
    greeted: bool,
    queue: VecDeque<Frame>,
    running: Vec<Option<Frame>>,
    /// What its parent has not read yet.
    said: VecDeque<(u64, Reply, Bytes)>,
    dead: bool,
    leaving: bool,
    closed: bool,
    positions: Vec<Position>,
}

struct World {
    random: Rng,
    now: Duration,
    staff: Staff,
    threads: usize,
    imaps: BTreeMap<u64, Imap>,
    children: BTreeMap<u64, Child>,
    wild: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Rng::with_seed(seed);
        let threads = *random.choice(&[1, 1, 1, 2, 3]).unwrap();
        let rules = Rules {
            processes: *random.choice(&[1, 2, 3]).unwrap(),
            threads,
            max_items: *random.choice(&[None, None, Some(1), Some(7)]).unwrap(),
            start_timeout: Duration::from_secs(10),
            grace: Duration::from_millis(500),
        };
        let mut world = World {
            staff: Staff::new(rules),
            random,
            now: Duration::from_secs(1),
            threads: threads as usize,
            imaps: BTreeMap::new(),
            children: BTreeMap::new(),
            wild: true,
        };
        for _ in 0..*world.random.choice(&[1, 1, 2, 3]).unwrap() {
            world.add_imap();
        }
        world
    }

    fn add_imap(&mut self) {
        let random = &mut self.random;
        let limited = random.u64(..3) == 0;
        let bad = *random.choice(&[3, 10, 1000]).unwrap();
        let acts = (0..random.u64(..24)).map(|_| match random.u64(..bad * 2) {
            0 => Act::Kills,
            1 if limited => Act::Hangs,
            _ => Act::Good,
        });
        let acts: Vec<Act> = acts.collect();
        let settings = Settings {
            window: Some(1 + random.u64(..30)),
            window_bytes: *random.choice(&[1, 40, 1 << 20]).unwrap(),
            batch: *random.choice(&[None, Some(1), Some(5), Some(30)]).unwrap(),
            attempts: *random.choice(&[1, 1, 2, 3]).unwrap(),
            item_timeout: limited.then_some(Duration::from_millis(100)),
            unordered: random.u64(..3) == 0,
            ..Settings::default()
        };
        let bell: Arc<Bell> = Arc::default();
        let feed = Arc::new(Feed::new(&settings, bell.clone()));
        let (control, results) = (Arc::new(Control::new(bell)), Arc::new(Results::default()));
        let portion = Portion { message: 5e5, thread: 1e4 };
        let job = Job::new(settings.clone(), portion, feed.clone(), control.clone(), results.clone());
        let number = self.staff.add(TASK.identity(), job, self.now);
        let imap = Imap {
            acts,
            given: 0,
            ended: false,
            feed,
            control,
            results,
            settings,
            received: Vec::new(),
            shot: BTreeSet::new(),
            over: false,
            dropped: false,
        };
        self.imaps.insert(number, imap);
    }

    // What the staff wants.

    fn act(&mut self) {
        loop {
            let actions = self.staff.actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                self.perform(action);
            }
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn(child) => {
                if self.wild && self.random.u64(..12) == 0 {
                    self.staff.refused(child, "refused".into(), self.now);
                } else {
                    let child_of =
                        Child { running: (0..self.threads).map(|_| None).collect(), ..Child::default() };
                    self.children.insert(child, child_of);
                }
            }
            Action::Work { child, job, frame, task } => {
                assert_eq!(task, 0);
                let Some((_, count, careful, items)) = self.staff.frame(job, frame) else { return };
                let items: Vec<u8> = each_item(&items).map(|item| item.unwrap()[0]).collect();
                assert_eq!(items.len(), count as usize);
                let Some(child) = self.children.get_mut(&child) else { return };
                let frame =
                    Frame { job, frame, careful, items, done: 0, sent: 0, end: count, first: 0, named: 0 };
                child.queue.push_back(frame);
            }
            Action::Tell(child, Order::Over { job }) => {
                if let Some(child) = self.children.get_mut(&child) {
                    child.drop_job(job);
                }
            }
            Action::Tell(child, Order::Leave) => {
                if let Some(child) = self.children.get_mut(&child) {
                    child.leaving = true;
                    child.queue.clear();
                }
            }
            Action::Tell(..) => unreachable!(),
            Action::Look(child) => {
                let positions = self.children.get(&child).map(Child::at).unwrap_or_default();
                self.staff.looked(child, &positions, self.now);
            }
            Action::Kill(child) => self.kill(child),
        }
    }

    fn kill(&mut self, child: u64) {
        if let Some(child) = self.children.get_mut(&child)
            && !child.dead
        {
            child.positions = child.at();
            child.dead = true;
        }
    }

    // What happens.

    /// Something happens by chance. Whether anything could.
    fn happen(&mut self) {
        match self.random.u64(..if self.wild { 10 } else { 8 }) {
            0 | 1 => self.input(),
            2 => self.consume(),
            3 | 4 => self.run(),
            5 | 6 => self.hear(),
            7 => self.pass_time(),
            8 => self.misfortune(),
            _ => self.look_up(),
        }
        self.act();
    }

    fn input(&mut self) {
        for imap in self.imaps.values_mut() {
            let room = self.random.u64(..6);
            for _ in 0..room {
                let next = imap.given;
                if next < imap.acts.len() as u64 && imap.feed.offer(&[next as u8]) {
                    imap.given += 1;
                }
            }
            if imap.given == imap.acts.len() as u64 && !imap.ended {
                imap.ended = true;
                imap.feed.end(None);
            }
        }
        self.staff.tick(self.now);
    }

    fn consume(&mut self) {
        for imap in self.imaps.values_mut() {
            imap.consume();
        }
        self.staff.tick(self.now);
    }

    fn a_child(&mut self) -> Option<u64> {
        let numbers: Vec<u64> = self.children.keys().copied().collect();
        self.random.choice(&numbers).copied()
    }

    /// A thread of a child goes on by a step.
    fn run(&mut self) {
        let Some(number) = self.a_child() else { return };
        let thread = self.random.u64(..self.threads as u64) as usize;
        let bunch = 1 + self.random.u64(..4) as u32;
        let Some(child) = self.children.get_mut(&number) else { return };
        if child.dead || !child.greeted {
            return;
        }
        let Some(mut frame) = child.running[thread].take().or_else(|| child.queue.pop_front()) else {
            if child.leaving && child.running.iter().all(Option::is_none) {
                child.dead = true;
            }
            return;
        };
        if child.leaving {
            frame.end = frame.end.min(frame.done);
        }
        if frame.done >= frame.end {
            child.say(&mut frame, What::Done);
            return;
        }
        if frame.done >= frame.named {
            let count = if frame.careful { 1 } else { bunch.min(frame.end - frame.done) };
            (frame.first, frame.named) = (frame.done, frame.done + count);
            let position =
                Position { job: frame.job, frame: frame.frame, index: frame.done, count, began: self.now };
            child.positions.retain(|at| (at.job, at.frame) != (frame.job, frame.frame));
            child.positions.push(position);
        }
        let act = self.imaps[&frame.job].acts[frame.items[frame.done as usize] as usize];
        match act {
            Act::Good => frame.done += 1,
            Act::Kills => child.dead = true,
            Act::Hangs => child.look_at(&mut frame, self.now),
        }
        child.running[thread] = Some(frame);
        if act == Act::Kills {
            child.positions = child.at();
        }
    }

    /// The parent reads what a child has said, or sees that it is gone.
    fn hear(&mut self) {
        let Some(number) = self.a_child() else { return };
        let Some(child) = self.children.get_mut(&number) else { return };
        if !child.greeted && !child.dead {
            child.greeted = true;
            self.staff.hello(number, vec![TASK.identity().fingerprint], self.now);
        } else if let Some((job, reply, outcomes)) = child.said.pop_front() {
            self.staff.reply(number, job, &reply, outcomes, self.now);
        } else if child.closed {
            let positions = std::mem::take(&mut child.positions);
            self.children.remove(&number);
            self.staff.dead(number, DEATH, &positions, self.now);
        } else if child.dead {
            child.closed = true;
            self.staff.closed(number, self.now);
        }
    }

    fn pass_time(&mut self) {
        self.now += Duration::from_millis(self.random.u64(..60));
        self.staff.tick(self.now);
    }

    /// A child is shot, or an imap dropped.
    fn misfortune(&mut self) {
        if self.random.u64(..8) == 0 {
            let numbers: Vec<u64> = self.imaps.keys().copied().collect();
            let number = *self.random.choice(&numbers).unwrap();
            if let Some(imap) = self.imaps.get_mut(&number).filter(|_| self.random.u64(..3) == 0) {
                imap.dropped = true;
                imap.control.end();
            }
        } else if self.random.u64(..4) == 0
            && let Some(number) = self.a_child()
            && let Some(child) = self.children.get_mut(&number)
            && !child.dead
        {
            for frame in child.running.iter().flatten() {
                for item in frame.done..frame.named.min(frame.items.len() as u32) {
                    if let Some(imap) = self.imaps.get_mut(&frame.job) {
                        imap.shot.insert(frame.items[item as usize].into());
                    }
                }
            }
            child.positions = child.at();
            child.dead = true;
        }
        self.staff.tick(self.now);
    }

    /// A child finds that an item takes long.
    fn look_up(&mut self) {
        let Some(number) = self.a_child() else { return };
        let now = self.now;
        let Some(child) = self.children.get_mut(&number).filter(|child| !child.dead) else { return };
        for thread in 0..child.running.len() {
            if let Some(mut frame) = child.running[thread].take() {
                child.look_at(&mut frame, now);
                child.running[thread] = Some(frame);
            }
        }
        if child.running.iter().all(Option::is_some) {
            for mut frame in std::mem::take(&mut child.queue) {
                child.say(&mut frame, What::Done);
            }
        }
    }

    // The whole run.

    fn play(&mut self) {
        let mut steps = 0;
        while !self.imaps.values().all(|imap| imap.over || imap.dropped) {
            self.happen();
            for imap in self.imaps.values_mut().filter(|_| !self.wild) {
                imap.consume();
            }
            steps += 1;
            self.wild = steps < WILD;
            assert!(steps < LIMIT, "it stands still:\n{:#?}", self.staff);
        }
        for imap in self.imaps.values().filter(|imap| !imap.dropped) {
            imap.check();
        }
        self.wild = false;
        self.staff.end(self.now);
        while !self.staff.has_ended() {
            self.happen();
            steps += 1;
            assert!(steps < 2 * LIMIT, "it does not end:\n{:#?}", self.staff);
        }
        assert!(self.staff.jobs.is_empty() && self.children.values().all(|child| child.dead));
    }
}

impl Imap {
    fn consume(&mut self) {
        let context = Context::from_waker(Waker::noop());
        while let Poll::Ready(segment) = self.results.poll(&context) {
            let Some(segment) = segment else {
                self.over = true;
                return;
            };
            let mut rest = &segment.outcomes[..];
            for index in segment.first..segment.first + u64::from(segment.count) {
                let (outcome, behind) = Outcome::take(rest).unwrap();
                rest = behind;
                let result = match outcome {
                    Outcome::Ok(value) => Ok(value[0]),
                    other => Err(format!("{other:?}")),
                };
                self.received.push((index, result));
            }
            self.feed.remove_bytes(segment.outcomes.len());
            self.feed.delivered(self.received.len() as u64, false);
        }
        self.feed.delivered(self.received.len() as u64, true);
    }

    fn check(&self) {
        let failure = self.control.take_failure();
        if let Some(TaskError::Start(_)) = failure {
            // Too many children could not be started. What came is a beginning.
            return;
        }
        assert_eq!(failure, None);
        let mut received = self.received.clone();
        if self.settings.unordered {
            received.sort();
        }
        let indices: Vec<u64> = received.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, (0..self.acts.len() as u64).collect::<Vec<_>>());
        for (index, result) in received {
            let shot = self.shot.contains(&index);
            match (self.acts[index as usize], result) {
                // Perhaps since its child did not get to it.
                (_, Err(why)) if why == "TimedOut" => assert!(self.settings.item_timeout.is_some()),
                (Act::Good, Ok(value)) => assert_eq!(u64::from(value), index),
                (Act::Good | Act::Hangs, Err(why)) if shot => assert!(why.starts_with("Lost"), "{why}"),
                (Act::Kills, Err(why)) => {
                    let attempts = format!("Lost {{ attempts: {},", self.settings.attempts);
                    assert!(why.starts_with(&attempts), "{why}");
                }
                (act, result) => panic!("item {index}, {act:?}, shot {shot}: {result:?}"),
            }
        }
    }
}

impl Child {
    /// Where its threads are.
    fn at(&self) -> Vec<Position> {
        let runs = |at: &&Position| {
            let mut running = self.running.iter().flatten();
            running.any(|frame| (frame.job, frame.frame) == (at.job, at.frame) && frame.done < frame.named)
        };
        self.positions.iter().filter(runs).copied().collect()
    }

    fn say(&mut self, frame: &mut Frame, what: What) {
        let mut outcomes = Vec::new();
        for item in frame.sent..frame.done {
            Outcome::Ok(&[frame.items[item as usize]]).push(&mut outcomes);
        }
        let (start, count) = (frame.sent, frame.done - frame.sent);
        frame.sent = frame.done;
        let reply = Reply { frame: frame.frame, start, count, busy: u64::from(frame.done) * 1_000, what };
        self.said.push_back((frame.job, reply, outcomes.into()));
    }

    /// An item takes long.
    fn look_at(&mut self, frame: &mut Frame, now: Duration) {
        if frame.done >= frame.end || frame.done >= frame.named {
            return;
        }
        if (frame.first, frame.named) != (frame.done, frame.done + 1) {
            (frame.first, frame.named) = (frame.done, frame.done + 1);
            let (job, number, index) = (frame.job, frame.frame, frame.done);
            self.positions.retain(|at| (at.job, at.frame) != (job, number));
            self.positions.push(Position { job, frame: number, index, count: 1, began: now });
        }
        let back = frame.end - (frame.done + 1);
        frame.end -= back;
        if back > 0 || frame.sent < frame.done {
            self.say(frame, What::Part { back });
        }
    }

    fn drop_job(&mut self, job: u64) {
        let (dropped, kept): (VecDeque<Frame>, _) =
            std::mem::take(&mut self.queue).into_iter().partition(|frame| frame.job == job);
        self.queue = kept;
        for mut frame in dropped {
            self.say(&mut frame, What::Done);
        }
        for frame in self.running.iter_mut().flatten().filter(|frame| frame.job == job) {
            frame.end = frame.end.min(frame.done + 1);
        }
    }
}

#[test]
fn random_runs_give_each_item_once_and_leave_nothing() {
    play_all(RUNS, |seed| World::new(seed).play());
}
