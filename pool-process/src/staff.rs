//! The parent's decisions, without clock, sockets, processes and threads.
//!
//! It is told what has happened and when, and says what to do ([`Action`]): which child to start, to end or to kill, and
//! which frame it gets. What becomes of items is the business of each [`Job`].
//!
//! # Why nothing is lost
//!
//! A frame that was given to a child is *held* by it until the child says that it is done with the frame, or is dead and
//! all that it had sent has been read. Then the [`Job`] is told, and what is not settled waits again.
//!
//! # Why nothing stands still
//!
//! - While there is work and a child has room, [`pump`](Staff::pump) gives it some; it runs after every event.
//! - A child that ends is replaced at once. Children that end before they have run anything are counted as failures,
//!   are replaced after a pause that grows, and end all jobs when there are [`MOST_FAILURES`] in a row.
//! - A child that does not do what it was told to (say hello, end, be dead) is killed after a time.

#[cfg(test)]
mod simulation;

use crate::position::Position;
use crate::wire::Order;
use bytes::Bytes;
use pool_remote::frame::Outcome;
use pool_remote::job::{Fate, Job, Reply, Room, What};
use pool_remote::{Death, Identity, TaskError};
use std::collections::BTreeMap;
use std::time::Duration;

/// This many children in a row end before they have run anything, and then no more are started for the jobs there are.
const MOST_FAILURES: u32 = 4;

/// The pause after the first failure, and the longest one.
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How long a child whose socket has ended may take to be dead.
const DYING: Duration = Duration::from_millis(200);

/// When a position is looked at again that was not exact.
const SOON: Duration = Duration::from_millis(5);

/// How much work waits in a child behind its threads, in nanoseconds, and in how many frames at most.
const AHEAD: f64 = 4e6;
const MOST_AHEAD: f64 = 64.0;

/// What the pool was told.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub processes: usize,
    /// Of each child.
    pub threads: u32,
    /// A child is replaced after this many items.
    pub max_items: Option<u64>,
    /// How long a child may take until it says hello.
    pub start_timeout: Duration,
    /// How long an item may run on that is not wanted any more.
    pub grace: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start this child.
    Spawn(u64),
    /// Send it a frame of a job; the number is that of the task in its hello.
    Work { child: u64, job: u64, frame: u64, task: u32 },
    /// Send it this.
    Tell(u64, Order),
    /// Read its positions, and call [`Staff::looked`].
    Look(u64),
    /// Kill it.
    Kill(u64),
}

/// The children and the jobs of a pool. See the [module](self).
#[derive(Debug)]
pub(crate) struct Staff {
    rules: Rules,
    children: BTreeMap<u64, Child>,
    next_child: u64,
    jobs: BTreeMap<u64, Entry>,
    next_job: u64,
    /// The job that got a child last.
    turn: u64,
    failures: u32,
    why: String,
    /// No child is started before.
    pause_until: Duration,
    stage: Stage,
    actions: Vec<Action>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No child has said hello yet.
    Fresh,
    Open,
    Ending,
}

#[derive(Debug)]
struct Entry {
    task: Identity,
    job: Job,
}

#[derive(Debug)]
struct Child {
    stage: ChildStage,
    held: Vec<Held>,
    /// The numbers of the tasks that it offers.
    offers: BTreeMap<String, u32>,
    /// Items that it got.
    items: u64,
    /// Whether it has ever run anything.
    proven: bool,
    /// It has given work back, and not said since that an item is done.
    stalled: bool,
    /// It shall get no more, and be replaced.
    retiring: bool,
    /// Whether it dies by its own doing.
    blamed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChildStage {
    Starting {
        since: Duration,
    },
    Serving,
    /// Was told to end.
    Leaving {
        since: Duration,
    },
    /// Was killed.
    Killed,
    /// Its socket has ended.
    Closed {
        since: Duration,
    },
}

/// A frame that a child has.
#[derive(Debug)]
struct Held {
    job: u64,
    frame: u64,
    /// When an item of it may be late.
    look_at: Option<Duration>,
    /// Since when its job is over.
    over: Option<Duration>,
}

impl Staff {
    /// One without children.
    pub fn new(rules: Rules) -> Staff {
        Staff {
            rules,
            children: BTreeMap::new(),
            next_child: 0,
            jobs: BTreeMap::new(),
            next_job: 0,
            turn: 0,
            failures: 0,
            why: String::new(),
            pause_until: Duration::ZERO,
            stage: Stage::Fresh,
            actions: Vec::new(),
        }
    }

    /// What is to be done now.
    pub fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Whether a child has ever said hello; or why none can be started.
    pub fn is_open(&self) -> Option<Result<(), &str>> {
        match self.stage {
            Stage::Fresh if self.failures >= MOST_FAILURES => Some(Err(&self.why)),
            Stage::Fresh => None,
            Stage::Open | Stage::Ending => Some(Ok(())),
        }
    }

    /// Whether it was told to end, and no child is left.
    pub fn has_ended(&self) -> bool {
        self.stage == Stage::Ending && self.children.is_empty()
    }

    /// The items of a frame, and whether each must be named.
    pub fn frame(&self, job: u64, frame: u64) -> Option<(&Job, u32, bool, Bytes)> {
        let job = &self.jobs.get(&job)?.job;
        let header = job.frame(frame)?;
        Some((job, header.count(), header.is_careful(), job.items(frame)?))
    }

    // Jobs.

    /// A new job.
    pub fn add(&mut self, task: Identity, mut job: Job, now: Duration) -> u64 {
        let number = self.next_job;
        self.next_job += 1;
        if self.stage == Stage::Ending {
            job.fail(TaskError::Cancelled);
        }
        job.pace_mut().set_threads(self.rules.processes as u64 * u64::from(self.rules.threads));
        // Whatever was wrong may have been mended.
        (self.failures, self.pause_until) = (0, Duration::ZERO);
        self.jobs.insert(number, Entry { task, job });
        self.tick(now);
        number
    }

    /// Ends everything. Children may end what they run, for a time.
    pub fn end(&mut self, now: Duration) {
        self.stage = Stage::Ending;
        for entry in self.jobs.values_mut() {
            entry.job.fail(TaskError::Cancelled);
        }
        let children: Vec<u64> = self.children.keys().copied().collect();
        for child in children {
            self.dismiss(child, now);
        }
        self.tick(now);
    }

    // Children.

    /// A child could not be started.
    pub fn refused(&mut self, child: u64, why: String, now: Duration) {
        self.children.remove(&child);
        self.fail(why, now);
        self.tick(now);
    }

    fn fail(&mut self, why: String, now: Duration) {
        self.failures += 1;
        self.why = why;
        let pause = PAUSE * (1 << self.failures.saturating_sub(1).min(6));
        self.pause_until = now + pause.min(LONGEST_PAUSE);
        let serves = self.children.values().any(|child| child.stage == ChildStage::Serving);
        if self.failures >= MOST_FAILURES && !serves {
            for entry in self.jobs.values_mut() {
                entry.job.fail(TaskError::Start(self.why.clone()));
            }
        }
    }

    /// A child is ready, and offers these tasks.
    pub fn hello(&mut self, child: u64, offers: Vec<String>, now: Duration) {
        let Some(child) = self.children.get_mut(&child) else { return };
        if let ChildStage::Starting { .. } = child.stage {
            child.stage = ChildStage::Serving;
            child.offers = (0..).zip(offers).map(|(number, offer)| (offer, number)).collect();
            if self.stage == Stage::Fresh {
                self.stage = Stage::Open;
            }
        }
        self.tick(now);
    }

    /// A reply about a frame, with as many outcomes as it says.
    pub fn reply(&mut self, child: u64, job: u64, reply: &Reply, outcomes: Bytes, now: Duration) {
        let Some(it) = self.children.get_mut(&child) else { return };
        let Some(place) = it.held.iter().position(|held| held.job == job && held.frame == reply.frame) else {
            return;
        };
        it.stalled = match reply.what {
            What::Part { back } => back > 0,
            What::Done => reply.count == 0,
        };
        if reply.count > 0 {
            it.proven = true;
            self.failures = 0;
        }
        if reply.what == What::Done {
            it.held.remove(place);
        }
        if let Some(entry) = self.jobs.get_mut(&job) {
            entry.job.reply(reply, outcomes);
        }
        self.tick(now);
    }

    /// This child shall be replaced when it is done with what it has.
    pub fn retire(&mut self, child: u64, now: Duration) {
        if let Some(child) = self.children.get_mut(&child) {
            child.retiring = true;
        }
        self.tick(now);
    }

    /// The socket of a child has ended, and all that came from it has been told.
    pub fn closed(&mut self, child: u64, now: Duration) {
        if let Some(child) = self.children.get_mut(&child) {
            child.stage = ChildStage::Closed { since: now };
            child.wait_no_more();
        }
        self.tick(now);
    }

    /// A child whose socket has ended is dead. Where its threads were.
    pub fn dead(&mut self, child: u64, death: Death, positions: &[Position], now: Duration) {
        let Some(child) = self.children.remove(&child) else { return };
        // Also of jobs that are over: one of those may be to blame.
        let begun =
            |at: &&Position| child.held.iter().any(|held| (held.job, held.frame) == (at.job, at.frame));
        let suspects: Vec<&Position> = positions.iter().filter(|_| child.blamed).filter(begun).collect();
        let nothing_ran = child.blamed && suspects.is_empty() && !child.proven;
        for Held { job, frame, .. } in &child.held {
            let Some(entry) = self.jobs.get_mut(job) else { continue };
            let suspect = suspects.iter().find(|at| (at.job, at.frame) == (*job, *frame));
            let fate = suspect.map_or(Fate::Innocent, |at| Fate::Suspect {
                items: at.index..at.index + at.count,
                alone: suspects.len() == 1,
                death,
            });
            entry.job.gone(*frame, fate);
        }
        if nothing_ran {
            self.fail(reason(&child, death), now);
        } else if child.blamed {
            self.failures = 0;
        }
        self.tick(now);
    }

    /// Where the threads of a child are, which was to be [looked](Action::Look) at.
    pub fn looked(&mut self, child: u64, positions: &[Position], now: Duration) {
        let Some(it) = self.children.get_mut(&child) else { return };
        let mut late = Vec::new();
        for held in it.held.iter_mut().filter(|held| held.look_at.is_some_and(|at| at <= now)) {
            let limit = self.jobs.get(&held.job).and_then(|entry| entry.job.settings().item_timeout);
            held.look_at = limit.map(|limit| now + limit);
            let at = positions.iter().find(|at| (at.job, at.frame) == (held.job, held.frame));
            let (Some(at), Some(limit)) = (at, limit) else { continue };
            if at.began + limit > now {
                held.look_at = Some(at.began + limit);
            } else if at.count > 1 {
                // The child finds out soon which of them it is.
                held.look_at = Some(now + SOON);
            } else {
                late.push(*at);
            }
        }
        for at in &late {
            if let Some(entry) = self.jobs.get_mut(&at.job) {
                entry.job.settle_one(at.frame, at.index, Outcome::TimedOut);
            }
        }
        if !late.is_empty() {
            self.kill(child);
        }
        self.tick(now);
    }

    /// Not for anything that it did: what it runs is to blame for nothing.
    fn kill(&mut self, child: u64) {
        if let Some(it) = self.children.get_mut(&child) {
            it.blamed = false;
            it.wait_no_more();
            if !matches!(it.stage, ChildStage::Closed { .. }) {
                it.stage = ChildStage::Killed;
            }
            self.actions.push(Action::Kill(child));
        }
    }

    /// Tells a child to end.
    fn dismiss(&mut self, child: u64, now: Duration) {
        let Some(it) = self.children.get_mut(&child) else { return };
        match it.stage {
            ChildStage::Serving => {
                it.stage = ChildStage::Leaving { since: now };
                it.blamed = false;
                it.wait_no_more();
                self.actions.push(Action::Tell(child, Order::Leave));
            }
            ChildStage::Starting { .. } => self.kill(child),
            _ => {}
        }
    }

    // What follows.

    /// When [`tick`](Staff::tick) must be called, if nothing happens before.
    pub fn deadline(&self) -> Option<Duration> {
        let mut deadline = self.missing().then_some(self.pause_until);
        let mut at = |time: Option<Duration>| deadline = deadline.into_iter().chain(time).min();
        for child in self.children.values() {
            at(child.limit(&self.rules));
            for held in &child.held {
                at(held.look_at);
                at(held.over.map(|over| over + self.rules.grace));
            }
        }
        deadline
    }

    /// Whether children are to be started, now or after a pause.
    fn missing(&self) -> bool {
        let given_up = self.failures >= MOST_FAILURES && (self.jobs.is_empty() || self.stage == Stage::Fresh);
        self.stage != Stage::Ending && !given_up && self.present() < self.rules.processes
    }

    fn present(&self) -> usize {
        let present = |child: &&Child| {
            matches!(child.stage, ChildStage::Starting { .. } | ChildStage::Serving) && !child.is_done()
        };
        self.children.values().filter(present).count()
    }

    /// Does what time and events have made due.
    pub fn tick(&mut self, now: Duration) {
        self.end_jobs(now);
        self.end_children(now);
        while self.missing() && self.pause_until <= now {
            self.children.insert(self.next_child, Child::new(now));
            self.actions.push(Action::Spawn(self.next_child));
            self.next_child += 1;
            if self.failures > 0 {
                // One by one, until one runs something.
                self.pause_until = now + PAUSE;
            }
        }
        self.pump(now);
    }

    fn end_jobs(&mut self, now: Duration) {
        self.jobs.retain(|&job, entry| {
            let over = entry.job.is_over();
            for (&number, child) in self.children.iter_mut().filter(|_| over) {
                let mut told = false;
                for held in child.held.iter_mut().filter(|held| held.job == job) {
                    (held.over, held.look_at) = (Some(now), None);
                    told = true;
                }
                if told && child.stage == ChildStage::Serving {
                    self.actions.push(Action::Tell(number, Order::Over { job }));
                }
            }
            !over
        });
    }

    fn end_children(&mut self, now: Duration) {
        let numbers: Vec<u64> = self.children.keys().copied().collect();
        for number in numbers {
            let Some(child) = self.children.get_mut(&number) else { continue };
            if child.limit(&self.rules).is_some_and(|limit| limit <= now) {
                self.overdue(number, now);
            } else if child.stage == ChildStage::Serving && child.is_done() {
                self.dismiss(number, now);
            } else if child
                .held
                .iter()
                .any(|held| held.over.is_some_and(|over| over + self.rules.grace <= now))
            {
                self.kill(number);
            } else if child.stage == ChildStage::Serving
                && child.held.iter().any(|held| held.look_at.is_some_and(|at| at <= now))
            {
                self.actions.push(Action::Look(number));
            }
        }
    }

    /// A child has not done in time what it was to do.
    fn overdue(&mut self, number: u64, now: Duration) {
        let Some(child) = self.children.get_mut(&number) else { return };
        match &mut child.stage {
            // It has left its socket, and lives: what it was at is to blame, if anything was.
            ChildStage::Closed { since } => {
                *since = now;
                self.actions.push(Action::Kill(number));
            }
            ChildStage::Starting { .. } => {
                self.kill(number);
                let limit = self.rules.start_timeout;
                if self.stage == Stage::Fresh {
                    // Another one would take as long.
                    self.failures = MOST_FAILURES;
                }
                self.fail(
                    format!(
                        "a child process has not come to `Tasks::serve` within {limit:?}; it must be the first line of `main`"
                    ),
                    now,
                );
            }
            _ => self.kill(number),
        }
    }

    /// Gives work to children that have room: first to idle threads.
    fn pump(&mut self, now: Duration) {
        if self.jobs.is_empty() {
            return;
        }
        let wants_alone = self.jobs.values().any(|entry| entry.job.wants_alone());
        let serving = |child: &Child| child.stage == ChildStage::Serving && !child.retiring;
        let numbers: Vec<u64> =
            self.children.iter().filter(|(_, child)| serving(child)).map(|(&n, _)| n).collect();
        for ahead in [false, true] {
            // For a frame that must run alone one child is kept free until it has nothing left.
            for &number in numbers.iter().skip(usize::from(wants_alone)) {
                while self.give(number, ahead, now) {}
            }
            if wants_alone
                && let Some(&first) = numbers.first()
                && self.children.get(&first).is_some_and(|child| child.held.is_empty())
            {
                self.give(first, false, now);
            }
        }
    }

    /// Gives one frame to a child, if it has room. The jobs take turns.
    fn give(&mut self, number: u64, ahead: bool, now: Duration) -> bool {
        let Some(child) = self.children.get(&number) else { return false };
        let threads = self.rules.threads as usize;
        let room = match child.held.len() {
            0 => Room::Idle,
            held if held < threads => Room::Thread,
            _ if ahead && !child.stalled && !child.retiring => Room::Ahead,
            _ => return false,
        };
        // Nothing joins what must run alone.
        if room != Room::Idle && child.held.iter().any(|held| self.runs_alone(held)) {
            return false;
        }
        let held = child.held.len();
        let after: Vec<u64> = self.jobs.range(self.turn + 1..).map(|(&job, _)| job).collect();
        let before: Vec<u64> = self.jobs.range(..=self.turn).map(|(&job, _)| job).collect();
        for number_of_job in after.into_iter().chain(before) {
            let Some(entry) = self.jobs.get_mut(&number_of_job) else { continue };
            if room == Room::Ahead && held >= threads + frames_ahead(&entry.job) {
                continue;
            }
            let Some(&task) = self.children[&number].offers.get(&entry.task.fingerprint) else {
                let task = entry.task.description.clone();
                entry.job.fail(TaskError::NoWorker { task, waited: Duration::ZERO });
                continue;
            };
            if let Some(frame) = entry.job.next_frame(room) {
                self.turn = number_of_job;
                self.hand_over(number, number_of_job, frame, task, now);
                return true;
            }
        }
        false
    }

    fn runs_alone(&self, held: &Held) -> bool {
        use pool_remote::ledger::Route;
        let frame = self.jobs.get(&held.job).and_then(|entry| entry.job.frame(held.frame));
        frame.is_some_and(|frame| frame.route() == Route::Solo)
    }

    fn hand_over(&mut self, child: u64, job: u64, frame: u64, task: u32, now: Duration) {
        let (Some(it), Some(entry)) = (self.children.get_mut(&child), self.jobs.get(&job)) else { return };
        let look_at = entry.job.settings().item_timeout.map(|limit| now + limit);
        it.held.push(Held { job, frame, look_at, over: None });
        it.items += entry.job.frame(frame).map_or(0, |frame| u64::from(frame.count()));
        it.retiring |= self.rules.max_items.is_some_and(|most| it.items >= most);
        self.actions.push(Action::Work { child, job, frame, task });
    }
}

/// How many frames may wait in a child behind those that it runs: none behind items that take long.
fn frames_ahead(job: &Job) -> usize {
    match job.pace().message_time() {
        0.0 => 1,
        time if time >= AHEAD => 0,
        time => (AHEAD / time).clamp(1.0, MOST_AHEAD) as usize,
    }
}

fn reason(child: &Child, death: Death) -> String {
    match child.offers.is_empty() && child.items == 0 {
        true => format!(
            "a child process {death} before it came to `Tasks::serve`; it must be the first line of `main`"
        ),
        false => format!("a child process {death} before it ran anything"),
    }
}

impl Child {
    fn new(now: Duration) -> Child {
        Child {
            stage: ChildStage::Starting { since: now },
            held: Vec::new(),
            offers: BTreeMap::new(),
            items: 0,
            proven: false,
            stalled: false,
            retiring: false,
            blamed: true,
        }
    }

    /// It is to be replaced, and has nothing left.
    fn is_done(&self) -> bool {
        self.retiring && self.held.is_empty()
    }

    /// It is about to end, so nothing of what it holds is waited for by itself.
    fn wait_no_more(&mut self) {
        for held in &mut self.held {
            (held.look_at, held.over) = (None, None);
        }
    }

    /// When it is to be killed, since it has not done what it was to do.
    fn limit(&self, rules: &Rules) -> Option<Duration> {
        match self.stage {
            ChildStage::Starting { since } => Some(since + rules.start_timeout),
            ChildStage::Leaving { since } => Some(since + rules.grace),
            ChildStage::Closed { since } => Some(since + DYING),
            ChildStage::Serving | ChildStage::Killed => None,
        }
    }
}
