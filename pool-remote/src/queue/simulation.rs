//! Random runs of a job whose frames go through a server that loses, forgets and lies, with a clock by hand.
//!
//! The server may lose a frame and still say that it has it, move past frames, forget what it has handed out, stand still
//! until its consumer is made anew, or until its stream is. Workers die, and messages get lost. When all that has ended,
//! every item must come out within a bounded time. Where the server is honest nothing is sent anew, however long it takes.
//!
//! Seen red by: a refusal that is believed; only the frame that was offered is sent anew; a step that is never taken; a
//! consumer that stands still and is believed; a frame behind those of others that is taken for lost; a stream made anew
//! into which nothing is sent.

use super::{Act, Queue, View};
use crate::control::{Bell, Control, Settings};
use crate::frame::{Outcome, each_item};
use crate::input::Feed;
use crate::job::{Fate, Job, Reply, Room, What};
use crate::ledger::Route;
use crate::pace::Portion;
use crate::results::Results;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

const RUNS: u64 = 50_000;
const ACK_WAIT: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(2500);

/// When nothing bad happens any more, and when a run has hung.
const CALM: Duration = Duration::from_secs(8);
const HUNG: Duration = Duration::from_secs(8 + 60);

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

    fn pull(&mut self, now: Instant) -> Option<(u64, u64)> {
        if self.stands {
            return None;
        }
        let again = self.out.iter().find(|(_, until)| **until <= now).map(|(place, _)| *place);
        let place =
            again.or_else(|| self.stored.range(self.delivered + 1..).next().map(|(place, _)| *place))?;
        self.delivered = self.delivered.max(place);
        self.out.insert(place, now + ACK_WAIT);
        match self.stored.get(&place) {
            Some(&frame) => Some((place, frame)),
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
    stream: u64,
    place: u64,
    frame: u64,
    items: Vec<u8>,
    ends: Instant,
}

#[derive(Debug)]
struct Worker {
    held: Option<Held>,
    /// When it last had a frame.
    busy: Instant,
    beat: Instant,
    away_until: Instant,
}

impl Worker {
    fn is_idle(&self, now: Instant) -> bool {
        self.held.is_none() && self.away_until <= now && now - self.busy.max(self.away_until) >= ACK_WAIT / 2
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
    server: Server,
    workers: Vec<Worker>,
    count: u64,
    given: u64,
    received: Vec<(u64, u8)>,
    unordered: bool,
    honest: bool,
    slow: bool,
}

impl World {
    fn new(seed: u64) -> World {
        let mut random = Rng::with_seed(seed);
        let unordered = random.u64(..3) == 0;
        let settings = Settings {
            window: Some(1 + random.u64(..20)),
            batch: [Some(1), Some(4), None][random.usize(..3)],
            unordered,
            ..Settings::default()
        };
        let bell: Arc<Bell> = Arc::default();
        let feed = Arc::new(Feed::new(&settings, bell.clone()));
        let (control, results) = (Arc::new(Control::new(bell)), Arc::new(Results::default()));
        let portion = Portion { message: 1e6, thread: 1e4 };
        let now = Instant::now();
        let workers =
            (0..1 + random.usize(..3)).map(|_| Worker { held: None, busy: now, beat: now, away_until: now });
        let honest = random.u64(..4) == 0;
        let mut server = Server { boasts: random.bool(), ..Server::default() };
        for foreign in 0..random.u64(..8) {
            server.publish(FOREIGN + foreign);
        }
        World {
            job: Job::new(settings, portion, feed.clone(), control, results.clone()),
            queue: Queue::new(PATIENCE, now),
            count: random.u64(..25),
            workers: workers.collect(),
            slow: random.bool(),
            random,
            now,
            began: now,
            feed,
            results,
            server,
            given: 0,
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
            if !self.loses() {
                self.server.publish(frame);
            }
            self.queue.sent(frame, Route::Work, self.now);
        }
    }

    fn act(&mut self, acts: Vec<Act>) {
        for act in acts {
            assert!(
                !self.honest || matches!(act, Act::Look | Act::Offer(_)),
                "{act:?} though the server is honest"
            );
            let more = match act {
                Act::Look if self.loses() => Vec::new(),
                Act::Look => {
                    if self.workers.iter().any(|worker| worker.is_idle(self.now)) {
                        self.queue.idle(self.now);
                    }
                    self.queue.seen(Route::Work, self.server.view(), self.now)
                }
                Act::Offer(frame) if self.loses() || self.job.frame(frame).is_none() => Vec::new(),
                Act::Offer(frame) if self.server.publish(frame) => self.queue.taken(frame, self.now),
                Act::Offer(frame) => self.queue.refused(frame, self.now),
                Act::Renew(frame) => {
                    self.job.gone(frame, Fate::Innocent);
                    self.server.purge(frame);
                    Vec::new()
                }
                Act::NewConsumer(_) => {
                    self.server.new_consumer();
                    Vec::new()
                }
                Act::NewStream => {
                    self.server.new_stream();
                    self.queue.made_stream(self.now)
                }
            };
            self.act(more);
        }
    }

    fn work(&mut self, at: usize) {
        let (now, wild) = (self.now, self.is_wild());
        if self.workers[at].away_until > now {
            return;
        }
        if wild && self.random.u64(..60) == 0 {
            // It dies, or is away for a while.
            let away = Duration::from_millis(self.random.u64(..3000));
            self.workers[at] = Worker { held: None, busy: now, beat: now, away_until: now + away };
            return;
        }
        let Some(held) = self.workers[at].held.clone() else { return self.pull(at) };
        if now - self.workers[at].beat >= ACK_WAIT / 3 {
            self.workers[at].beat = now;
            if held.stream == self.server.stream {
                self.server.progress(held.place, now);
            }
            if held.frame < FOREIGN && !self.loses() {
                self.queue.heard(held.frame, now);
            }
        }
        if held.ends <= now {
            (self.workers[at].held, self.workers[at].busy) = (None, now);
            self.finish(&held);
        }
    }

    fn pull(&mut self, at: usize) {
        let Some((place, frame)) = self.server.pull(self.now) else { return };
        let items = self.job.items(frame).unwrap_or_default();
        let items: Vec<u8> = each_item(&items).map(|item| item.unwrap()[0]).collect();
        let longest = if self.slow { 3000 } else { 60 };
        let ends = self.now + Duration::from_millis(self.random.u64(..longest));
        let held = Held { stream: self.server.stream, place, frame, items, ends };
        self.workers[at].held = Some(held);
        (self.workers[at].beat, self.workers[at].busy) = (self.now, self.now);
    }

    fn finish(&mut self, held: &Held) {
        if self.loses() {
            return;
        }
        if held.frame < FOREIGN {
            let mut outcomes = Vec::new();
            for item in &held.items {
                Outcome::Ok(&[*item]).push(&mut outcomes);
            }
            let count = held.items.len() as u32;
            let reply = Reply { frame: held.frame, start: 0, count, busy: 1000, what: What::Done };
            if count > 0 {
                self.job.reply(&reply, outcomes.into());
            }
        }
        if !self.loses() {
            self.server.ack(held.stream, held.place);
        }
    }

    fn consume(&mut self) -> bool {
        let over = self.job.is_over();
        while let Poll::Ready(Some(segment)) = self.results.poll(&Context::from_waker(Waker::noop())) {
            let mut rest = &segment.outcomes[..];
            for index in segment.first..segment.first + u64::from(segment.count) {
                let Some((Outcome::Ok([value]), behind)) = Outcome::take(rest) else {
                    panic!("not a result")
                };
                self.received.push((index, *value));
                rest = behind;
            }
            self.feed.remove_bytes(segment.outcomes.len());
        }
        self.feed.delivered(self.received.len() as u64, true);
        over
    }

    fn play(&mut self) {
        loop {
            self.now += Duration::from_millis(5 + self.random.u64(..80));
            self.input();
            self.send();
            (0..self.workers.len()).for_each(|at| self.work(at));
            if self.is_wild() && self.random.u64(..30) == 0 {
                self.server.fail(&mut self.random);
            }
            let job = &self.job;
            self.queue.retain(|number| job.frame(number).is_some());
            let acts = self.queue.look(self.now, self.job.head());
            self.act(acts);
            if self.consume() {
                break;
            }
            // An honest server may take as long as its queue is.
            let limit = if self.honest { HUNG * 4 } else { HUNG };
            assert!(
                self.now - self.began < limit,
                "it stands still:\n{:#?}\n{:#?}\n{:#?}\n{:#?}",
                self.queue,
                self.server,
                self.workers,
                self.job.frames().collect::<Vec<_>>(),
            );
        }
        if self.unordered {
            self.received.sort_unstable();
        }
        let expected: Vec<(u64, u8)> = (0..self.count).map(|index| (index, index as u8)).collect();
        assert_eq!(self.received, expected);
    }
}

#[test]
fn no_run_hangs_whatever_the_server_loses_and_says() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (thread..RUNS).step_by(threads as usize) {
                    let run = std::panic::catch_unwind(|| World::new(seed).play());
                    assert!(run.is_ok(), "run {seed} has failed, see above");
                }
            });
        }
    });
}
