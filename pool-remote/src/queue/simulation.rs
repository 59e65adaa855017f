//! Random runs of a job whose frames go through a server that loses, forgets and lies, with a clock by hand.
//!
//! The server may lose a frame and still say that it has it, move past frames, forget what it has handed out, stand still
//! until its consumer is made anew, or until its stream is. Workers die, some items kill them, and messages get lost. When
//! all that has ended, every item must come out within a bounded time. Where the server is honest nothing is sent anew,
//! however long it takes. An item is lost only if workers died while they were at it, and one that kills holds up the
//! others for no longer than is promised.
//!
//! Seen red by: a refusal that is believed; only the frame that was offered is sent anew; a step that is never taken; a
//! consumer that stands still and is believed; a frame behind those of others that is taken for lost; a death that is blamed
//! on what was handed out; a killer that is never named; an attempt that is not counted, or too many.

use super::{Act, Queue, View};
use crate::control::{Bell, Control, Settings};
use crate::frame::{Outcome, each_item};
use crate::input::Feed;
use crate::job::{Fate, Job, Reply, Room, What};
use crate::ledger::{Care, Route};
use crate::pace::Portion;
use crate::results::Results;
use fastrand::Rng;
use pool_core::runs::play_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

const RUNS: u64 = 50_000;
const ACK_WAIT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(2500);

/// When nothing bad happens any more, and when a run has hung.
const CALM: Duration = Duration::from_secs(8);
const HUNG: Duration = Duration::from_secs(8 + 40);

/// How long an item takes, where that is not long.
const SHORT: u64 = 60;

/// Frames of other masters have numbers from here on.
const FOREIGN: u64 = 1 << 40;

/// A stream with its consumer.
#[derive(Debug, Default)]
struct Server {
    stream: u64,
    last: u64,
    stored: BTreeMap<u64, u64>,
    /// Frames that it refuses, since it believes that it has them.
    names: BTreeSet<u64>,
    delivered: u64,
    /// What was handed out, and until when its worker must be heard.
    out: BTreeMap<u64, Instant>,
    /// How often.
    deliveries: BTreeMap<u64, u32>,
    stands: bool,
    rotten: bool,
    /// It counts as pending what it believes that it has.
    boasts: bool,
}

impl Server {
    fn publish(&mut self, frame: u64) -> bool {
        let taken = self.names.insert(frame);
        if taken {
            self.last += 1;
            if !self.rotten {
                self.stored.insert(self.last, frame);
            }
        }
        taken
    }

    /// A place, the frame there, and whether it was handed out before.
    fn pull(&mut self, now: Instant) -> Option<(u64, u64, bool)> {
        if self.stands {
            return None;
        }
        let again = self.out.iter().find(|(_, until)| **until <= now).map(|(place, _)| *place);
        let place =
            again.or_else(|| self.stored.range(self.delivered + 1..).next().map(|(place, _)| *place))?;
        self.delivered = self.delivered.max(place);
        self.out.insert(place, now + ACK_WAIT);
        match self.stored.get(&place) {
            Some(&frame) => {
                let deliveries = self.deliveries.entry(place).or_default();
                *deliveries += 1;
                Some((place, frame, *deliveries > 1))
            }
            None => {
                self.out.remove(&place);
                None
            }
        }
    }

    fn progress(&mut self, place: u64, now: Instant) {
        if let Some(until) = self.out.get_mut(&place) {
            *until = now + ACK_WAIT;
        }
    }

    fn ack(&mut self, stream: u64, place: u64) {
        if stream == self.stream {
            self.out.remove(&place);
            if let Some(frame) = self.stored.remove(&place) {
                self.names.remove(&frame);
            }
        }
    }

    fn purge(&mut self, frame: u64) {
        self.names.remove(&frame);
        self.stored.retain(|_, stored| *stored != frame);
    }

    fn view(&self) -> View {
        let mut pending = self.stored.range(self.delivered + 1..).count();
        if self.boasts {
            pending += self.names.len() - self.stored.len();
        }
        View { stream: self.stream, last: self.last, delivered: self.delivered, pending: pending as u64 }
    }

    fn new_consumer(&mut self) {
        self.delivered = 0;
        self.out.clear();
        self.deliveries.clear();
        self.stands = self.rotten;
    }

    fn new_stream(&mut self) {
        *self = Server { stream: self.stream + 1, boasts: self.boasts, ..Server::default() };
    }

    fn fail(&mut self, random: &mut Rng) {
        match random.u64(..7) {
            0 | 1 => {
                let places: Vec<u64> = self.stored.keys().copied().collect();
                if !places.is_empty() {
                    self.stored.remove(&places[random.usize(..places.len())]);
                }
            }
            2 => self.delivered = self.last,
            3 => self.out.clear(),
            4 => self.stands = true,
            5 => (self.rotten, self.stands) = (true, true),
            _ => self.new_stream(),
        }
    }
}

#[derive(Debug, Clone)]
struct Held {
    route: Route,
    stream: u64,
    place: u64,
    frame: u64,
    items: Vec<u8>,
    care: Care,
    stage: Stage,
    done: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It was handed out before, and the master must say whether it is to run.
    Asks,
    Waits,
    /// At an item, until then.
    Runs(Instant),
}

#[derive(Debug)]
struct Worker {
    /// At most two, and one thread for each.
    held: Vec<Held>,
    /// When it last had a frame.
    busy: Instant,
    beat: Instant,
    away_until: Instant,
}

impl Worker {
    fn is_idle(&self, now: Instant) -> bool {
        self.held.is_empty() && self.away_until <= now && now - self.busy.max(self.away_until) >= ACK_WAIT / 2
    }

    fn has_suspect(&self) -> bool {
        self.held.iter().any(|held| held.route == Route::Solo)
    }

    /// Whether this frame may begin beside the others.
    fn may_begin(&self, held: &Held) -> bool {
        let runs = |held: &Held| matches!(held.stage, Stage::Runs(_));
        held.stage == Stage::Waits
            && match held.route {
                Route::Work => !self.has_suspect(),
                Route::Solo => !self.held.iter().any(runs),
            }
    }
}

struct World {
    random: Rng,
    now: Instant,
    began: Instant,
    job: Job,
    queue: Queue,
    feed: Arc<Feed>,
    results: Arc<Results>,
    /// One for each route.
    servers: [Server; 2],
    workers: Vec<Worker>,
    count: u64,
    given: u64,
    killers: BTreeSet<u8>,
    attempts: u32,
    /// At which items workers died, and how often; and the first time.
    died_at: BTreeMap<u8, u32>,
    first_death: Option<Instant>,
    received: Vec<(u64, Option<u8>)>,
    unordered: bool,
    honest: bool,
    slow: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Rng::with_seed(seed);
        let unordered = random.u64(..3) == 0;
        let attempts = 1 + random.u64(..3) as u32;
        let settings = Settings {
            window: Some(1 + random.u64(..20)),
            batch: [Some(1), Some(4), Some(20)][random.usize(..3)],
            attempts,
            unordered,
            ..Settings::default()
        };
        let bell: Arc<Bell> = Arc::default();
        let feed = Arc::new(Feed::new(&settings, bell.clone()));
        let (control, results) = (Arc::new(Control::new(bell)), Arc::new(Results::default()));
        let portion = Portion { message: 1e6, thread: 1e4 };
        let now = Instant::now();
        let worker = |_| Worker { held: Vec::new(), busy: now, beat: now, away_until: now };
        let workers = (0..1 + random.usize(..3)).map(worker).collect();
        let (honest, slow) = (random.u64(..3) == 0, random.u64(..3) == 0);
        let mut servers = [random.bool(); 2].map(|boasts| Server { boasts, ..Server::default() });
        for foreign in 0..random.u64(..8) {
            servers[0].publish(FOREIGN + foreign);
        }
        let count = random.u64(..25);
        // With an honest server it is known how long a killer may hold up the others, if there is one.
        let most = if honest { u64::from(!slow) } else { 2 };
        let killers =
            (0..random.u64(..most + 1)).filter(|_| count > 0).map(|_| random.u64(..count.max(1)) as u8);
        World {
            job: Job::new(settings, portion, feed.clone(), control, results.clone()),
            queue: Queue::new(PATIENCE, now),
            killers: killers.collect(),
            count,
            workers,
            slow,
            random,
            now,
            began: now,
            feed,
            results,
            servers,
            given: 0,
            attempts,
            died_at: BTreeMap::new(),
            first_death: None,
            received: Vec::new(),
            unordered,
            honest,
        }
    }

    fn is_wild(&self) -> bool {
        !self.honest && self.now - self.began < CALM
    }

    /// Whether a message gets lost.
    fn loses(&mut self) -> bool {
        self.is_wild() && self.random.u64(..12) == 0
    }

    fn input(&mut self) {
        while self.given < self.count && self.feed.offer(&[self.given as u8]) {
            self.given += 1;
        }
        if self.given == self.count {
            self.feed.end(None);
        }
    }

    fn send(&mut self) {
        while let Some(frame) = self.job.next_frame(Room::Idle) {
            let route = self.job.frame(frame).unwrap().route();
            if !self.loses() {
                self.servers[route as usize].publish(frame);
            }
            self.queue.sent(frame, route, self.now);
        }
    }

    fn server_of(&mut self, frame: u64) -> &mut Server {
        let route = self.job.frame(frame).map_or(Route::Work, |frame| frame.route());
        &mut self.servers[route as usize]
    }

    fn act(&mut self, acts: Vec<Act>) {
        for act in acts {
            // Where a killer holds up what was passed, its frames are sent anew.
            let only_looks = self.honest && self.killers.is_empty();
            assert!(
                !only_looks || matches!(act, Act::Look | Act::Offer(_)),
                "{act:?} though the server is honest"
            );
            let more = match act {
                Act::Look if self.loses() => Vec::new(),
                Act::Look => self.look(),
                Act::Offer(frame) if self.loses() || self.job.frame(frame).is_none() => Vec::new(),
                Act::Offer(frame) if self.server_of(frame).publish(frame) => {
                    self.queue.taken(frame, self.now)
                }
                Act::Offer(frame) => self.queue.refused(frame, self.now),
                Act::Renew(frame) => {
                    self.server_of(frame).purge(frame);
                    self.job.gone(frame, Fate::Innocent);
                    Vec::new()
                }
                Act::NewConsumer(route) => {
                    self.servers[route as usize].new_consumer();
                    Vec::new()
                }
                Act::NewStream => {
                    self.servers.iter_mut().for_each(Server::new_stream);
                    self.queue.made_stream(self.now)
                }
            };
            self.act(more);
        }
    }

    fn look(&mut self) -> Vec<Act> {
        if self.workers.iter().any(|worker| worker.is_idle(self.now)) {
            self.queue.idle(self.now);
        }
        let mut acts = Vec::new();
        for route in [Route::Work, Route::Solo] {
            acts.extend(self.queue.seen(route, self.servers[route as usize].view(), self.now));
        }
        acts
    }

    fn work(&mut self, at: usize) {
        let (now, wild) = (self.now, self.is_wild());
        if self.workers[at].away_until > now {
            return;
        }
        if wild && self.random.u64(..60) == 0 {
            return self.die(at);
        }
        self.pull(at);
        if now - self.workers[at].beat >= ACK_WAIT / 3 {
            self.workers[at].beat = now;
            self.beat(at);
        }
        for place in 0..self.workers[at].held.len() {
            let held = &self.workers[at].held[place];
            let may_begin = self.workers[at].may_begin(held);
            match held.stage {
                Stage::Waits if may_begin => self.begin(at, place),
                Stage::Runs(ends) if ends <= now => {
                    self.workers[at].held[place].done += 1;
                    self.begin(at, place);
                }
                _ => {}
            }
            if self.workers[at].away_until > now {
                return;
            }
        }
        let is_done =
            |held: &Held| held.stage != Stage::Asks && held.done as usize >= held.items.len().max(1);
        let (done, rest) = std::mem::take(&mut self.workers[at].held).into_iter().partition(is_done);
        self.workers[at].held = rest;
        for held in Vec::from_iter::<Vec<Held>>(done) {
            self.workers[at].busy = now;
            self.finish(&held);
        }
    }

    /// It dies, and is away for a while.
    fn die(&mut self, at: usize) {
        for held in &self.workers[at].held {
            // The one before it is the last that the master has heard of, if it has not confirmed this one.
            let at = held.done.saturating_sub(u32::from(held.stage == Stage::Waits));
            if let Some(&item) = held.items.get(at as usize) {
                *self.died_at.entry(item).or_default() += 1;
            }
        }
        let away = Duration::from_millis(if self.honest { 50 } else { self.random.u64(..3000) });
        let now = self.now;
        self.workers[at] = Worker { held: Vec::new(), busy: now, beat: now, away_until: now + away };
    }

    /// Of a worker with these items a message is lost, so it may be taken for dead at any of them.
    fn looks_dead(&mut self, items: &[u8]) {
        for item in items {
            *self.died_at.entry(*item).or_default() += 1;
        }
    }

    /// Signs of life, and of what it is at.
    fn beat(&mut self, at: usize) {
        for held in self.workers[at].held.clone() {
            let server = &mut self.servers[held.route as usize];
            if held.stream == server.stream {
                server.progress(held.place, self.now);
            }
            if held.stage == Stage::Asks {
                self.ask(at, &held);
            } else if held.frame < FOREIGN && self.loses() {
                self.looks_dead(&held.items);
            } else if held.frame < FOREIGN {
                self.queue.heard(held.frame, self.now);
                if let Stage::Runs(_) = held.stage {
                    self.job.begun(held.frame, held.done);
                }
            }
        }
    }

    /// The master says whether a frame runs that was handed out before.
    fn ask(&mut self, at: usize, held: &Held) {
        if self.loses() {
            return;
        }
        let silent = self.queue.is_silent(held.frame, self.now);
        self.queue.heard(held.frame, self.now);
        let care = match self.job.frame(held.frame) {
            Some(frame) if !silent => Some(frame.care()),
            _ => self.job.again(held.frame),
        };
        if self.loses() {
            return;
        }
        let mine = |other: &Held| (other.route, other.place) == (held.route, held.place);
        let Some(index) = self.workers[at].held.iter().position(mine) else { return };
        match care {
            Some(care) => {
                let held = &mut self.workers[at].held[index];
                (held.care, held.stage) = (care, Stage::Waits);
            }
            None => {
                self.workers[at].held.remove(index);
                self.servers[held.route as usize].ack(held.stream, held.place);
            }
        }
    }

    /// It begins with the next item of a frame, if there is one.
    fn begin(&mut self, at: usize, place: usize) {
        let longest = if self.slow { 3000 } else { SHORT };
        let ends = self.now + Duration::from_millis(self.random.u64(..longest));
        let loses = self.loses();
        let held = &mut self.workers[at].held[place];
        let (frame, done) = (held.frame, held.done);
        let tells = held.care == Care::Items || held.care == Care::Frame && done == 0;
        let Some(&item) = held.items.get(done as usize) else {
            held.stage = Stage::Runs(ends);
            return;
        };
        if tells && loses {
            // The master has not confirmed it: it says so again.
            held.stage = Stage::Waits;
            return;
        }
        held.stage = Stage::Runs(ends);
        if tells {
            self.job.begun(frame, done);
        }
        if self.killers.contains(&item) {
            self.first_death.get_or_insert(self.now);
            self.die(at);
        }
    }

    fn pull(&mut self, at: usize) {
        for route in [Route::Solo, Route::Work] {
            let worker = &self.workers[at];
            if worker.held.len() >= 2 || worker.has_suspect() {
                return;
            }
            let Some((place, frame, again)) = self.servers[route as usize].pull(self.now) else { continue };
            let items = self.job.items(frame).unwrap_or_default();
            let held = Held {
                route,
                stream: self.servers[route as usize].stream,
                place,
                frame,
                items: each_item(&items).map(|item| item.unwrap()[0]).collect(),
                care: self.job.frame(frame).map(|frame| frame.care()).unwrap_or_default(),
                stage: if again && frame < FOREIGN { Stage::Asks } else { Stage::Waits },
                done: 0,
            };
            self.workers[at].held.push(held.clone());
            self.workers[at].busy = self.now;
            if held.stage == Stage::Asks {
                self.ask(at, &held);
            }
        }
    }

    fn finish(&mut self, held: &Held) {
        if self.loses() {
            self.looks_dead(&held.items);
            return;
        }
        if held.frame < FOREIGN && !held.items.is_empty() {
            let mut outcomes = Vec::new();
            for item in &held.items {
                Outcome::Ok(&[*item]).push(&mut outcomes);
            }
            let count = held.items.len() as u32;
            let reply = Reply { frame: held.frame, start: 0, count, busy: 1000, what: What::Done };
            self.job.reply(&reply, outcomes.into());
        }
        if !self.loses() {
            self.servers[held.route as usize].ack(held.stream, held.place);
        }
    }

    fn consume(&mut self) -> bool {
        let over = self.job.is_over();
        while let Poll::Ready(Some(segment)) = self.results.poll(&Context::from_waker(Waker::noop())) {
            let mut rest = &segment.outcomes[..];
            for index in segment.first..segment.first + u64::from(segment.count) {
                let (value, behind) = match Outcome::take(rest) {
                    Some((Outcome::Ok([value]), behind)) => (Some(*value), behind),
                    Some((Outcome::Lost { attempts, .. }, behind)) => {
                        assert_eq!(attempts, self.attempts);
                        let died = self.died_at.get(&(index as u8)).copied().unwrap_or_default();
                        assert!(died > 0, "item {index} is lost, though no worker vanished at it");
                        self.check_stall();
                        (None, behind)
                    }
                    other => panic!("{other:?}"),
                };
                self.received.push((index, value));
                rest = behind;
            }
            self.feed.remove_bytes(segment.outcomes.len());
        }
        self.feed.delivered(self.received.len() as u64, true);
        over
    }

    /// A killer is found out in time.
    fn check_stall(&self) {
        if self.honest
            && let Some(death) = self.first_death
        {
            let stall = self.now - death;
            // And some time for the work itself.
            let promised =
                ACK_WAIT * (self.attempts + 3) + Duration::from_millis((SHORT + 85) * self.count / 4);
            assert!(stall < promised, "with {} attempts it takes {stall:?}", self.attempts);
        }
    }

    fn play(&mut self) {
        loop {
            self.now += Duration::from_millis(5 + self.random.u64(..80));
            self.input();
            self.send();
            (0..self.workers.len()).for_each(|at| self.work(at));
            if self.is_wild() && self.random.u64(..30) == 0 {
                let route = usize::from(self.random.u64(..4) == 0);
                self.servers[route].fail(&mut self.random);
            }
            let job = &self.job;
            self.queue.retain(|number| job.frame(number).is_some());
            let acts = self.queue.look(self.now, self.job.head());
            self.act(acts);
            if self.consume() {
                break;
            }
            // Items that take seconds, one after the other, and some again.
            let limit = if self.slow { HUNG * 20 } else { HUNG };
            assert!(
                self.now - self.began < limit,
                "it stands still, killers {:?}, {} attempts, died {:?}, {:?}:\n{:#?}\n{:#?}\n{:#?}\n{:#?}",
                self.killers,
                self.attempts,
                self.died_at,
                self.now - self.began,
                self.queue,
                self.servers,
                self.workers,
                self.job.frames().collect::<Vec<_>>(),
            );
        }
        if self.unordered {
            self.received.sort_unstable();
        }
        let indices: Vec<u64> = self.received.iter().map(|(index, _)| *index).collect();
        assert_eq!(indices, (0..self.count).collect::<Vec<_>>());
        for &(index, value) in &self.received {
            match value {
                Some(value) => assert_eq!(u64::from(value), index),
                None => assert!(
                    !self.honest || self.killers.contains(&(index as u8)),
                    "{index} is lost for nothing"
                ),
            }
            assert!(!(value.is_some() && self.killers.contains(&(index as u8))), "{index} kills");
        }
    }
}

#[test]
fn no_run_hangs_whatever_the_server_loses_and_says() {
    play_all(RUNS, |seed| World::new(seed).play());
}
