//! The master's loop for one imap.
//!
//! One task owns the [`Ledger`] and everything that changes it, so nothing here is locked. It sends frames, takes
//! replies, acknowledges, and looks from time to time whether something is missing.
//!
//! # Why nothing is lost, and nothing comes twice
//!
//! - An item stays in the ledger until it has an outcome. The server's copy of its frame is only there to be handed out.
//! - The master acknowledges a frame when it *has* the outcomes. A reply that is lost on its way leaves the server's copy
//!   as it is, so it is handed out again.
//! - If nothing is heard of a frame for two and a half `ack_wait`, it is *offered* to the server. If the server takes it, it
//!   had lost it, and others are offered as well. It refuses it if it still has that frame (one message to a subject).
//!   Whether it will hand it out is not believed, but looked at, and what it has passed is sent anew: see
//!   [`pool_remote::queue`].
//! - An outcome is taken once: the ledger knows which items have one.

use crate::builder::{unique, with_sources};
use crate::frame::{self, Alive, Call, Hello, INLINE, Kind, Reply, Sign, What, Work};
use crate::master::{Master, Storage, refused};
use crate::pieces::{self, Fetch};
use crate::subjects::{ROUTES, is_inbox, is_token};
use async_nats::connection::State;
use async_nats::jetstream::consumer::{self, AckPolicy};
use async_nats::jetstream::stream::{self, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::{Message, StatusCode, Subject};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use pool_remote::control::Control;
use pool_remote::input::Feed;
use pool_remote::job::{self as core, Fate, Room};
use pool_remote::ledger::{Care, Frame, Route};
use pool_remote::pace::Portion;
use pool_remote::queue::{Act, Queue, View};
use pool_remote::{Identity, Launch, TaskError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};

/// How much work goes into one message. A message costs some 20 µs at the server, the master and the worker together,
/// and the server can bear about 100,000 a second.
const PORTION: Portion = Portion { message: 1e6, thread: 1e4 };

/// How long the last acknowledgements may take to leave before the consumer sees the end.
const LAST_ACKS: Duration = Duration::from_millis(500);

/// How long items wait for others, if the workers have enough to do.
const GATHER: Duration = Duration::from_micros(500);

/// How many frames the server may have handed out, and how many workers may ask at a time.
const MAX_ACK_PENDING: i64 = 100_000;
const MAX_WAITING: i64 = 16_384;

/// How many messages are taken before something else is looked at.
const AT_ONCE: usize = 64;

/// How many large results are fetched at a time.
const LARGE_AT_ONCE: usize = 2;

/// How long a worker counts after it was last heard of; and how often a silent one is asked.
const MEMORY: Duration = Duration::from_secs(10);
const ASK: Duration = Duration::from_secs(1);

/// After what time without a worker the user is told, once.
const NO_WORKER: Duration = Duration::from_secs(2);

/// Why the server refuses a frame that it still has.
const STILL_THERE: &str = "maximum messages per subject exceeded";

pub(crate) struct Job {
    master: Master,
    task: Identity,
    /// What becomes of the items.
    core: core::Job,
    feed: Arc<Feed>,
    control: Arc<Control>,
    /// Rung when there are items, or the imap is over.
    rung: Arc<Notify>,
    /// What the server is believed to do with the frames.
    queue: Queue,
    id: String,
    /// Where the server says whether it has taken a frame.
    inbox: String,
    notes: mpsc::UnboundedSender<Note>,
    /// Large results that wait with their workers, and those that are being fetched.
    large: BTreeMap<u64, Large>,
    fetching: BTreeSet<u64>,
    /// When the open batch is sent, full or not.
    flush_at: Option<Instant>,
    /// Frames that were sent again under their number.
    offered: BTreeSet<u64>,
    /// The stream is there, so frames can be sent.
    started: bool,
    /// Since when the server owes an answer about a frame.
    asking: Option<Instant>,
    preparing: bool,
    /// The stream that was there when last seen.
    stream: Option<u64>,
    /// What is to be made anew as soon as it can be.
    anew: Option<Anew>,
    /// Since when the server refuses something, and what it said.
    trouble: Option<(Instant, String)>,
    /// The last look found that the server does not answer.
    away: bool,
    heard: Instant,
    asked: Instant,
    /// No worker was ever heard of, and the user has not been told.
    lonely: bool,
}

/// A large result, ready to be fetched.
#[derive(Debug, Clone)]
struct Large {
    worker: String,
    ack: Subject,
    start: u32,
    count: u32,
    busy: u64,
    length: u64,
}

/// What a task in the background has to say.
enum Note {
    /// How far the server is, and whether its stream is a new one.
    Prepared(Result<[View; 2], String>, bool),
    Fetched {
        frame: u64,
        large: Large,
        outcomes: Result<Bytes, String>,
    },
}

/// What is made anew, since the server does not hand out what it says that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anew {
    Consumer(Route),
    Stream,
}

impl Job {
    pub fn new(master: Master, launch: Launch) -> Job {
        let Launch { task, settings, feed, control, results, bell } = launch;
        let rung: Arc<Notify> = Arc::default();
        let ringing = rung.clone();
        bell.set(move || ringing.notify_one());
        let now = Instant::now();
        Job {
            id: unique(&master.client),
            inbox: master.client.new_inbox(),
            core: core::Job::new(settings, PORTION, feed.clone(), control.clone(), results),
            queue: Queue::new(master.role.ack_wait * 5 / 2, now),
            master,
            task,
            feed,
            control,
            rung,
            notes: mpsc::unbounded_channel().0,
            large: BTreeMap::new(),
            fetching: BTreeSet::new(),
            flush_at: None,
            offered: BTreeSet::new(),
            started: false,
            asking: None,
            preparing: false,
            stream: None,
            anew: None,
            trouble: None,
            away: false,
            heard: now,
            asked: now,
            lonely: true,
        }
    }

    /// All of it. Ends when all results are there, the consumer has gone, or it has failed.
    pub async fn run(mut self) {
        let result = self.work().await;
        let complete = result.is_ok();
        if let Err(error) = result {
            self.control.fail(error);
        }
        if complete && self.master.client.connection_state() == State::Connected {
            // The program may exit as soon as it sees the end, and acknowledgements must have left by then.
            let _ = tokio::time::timeout(LAST_ACKS, self.master.client.flush()).await;
        }
        // The consumer sees the end now, and need not wait for what follows.
        self.core.end();
        self.clean_up(complete).await;
    }

    async fn work(&mut self) -> Result<(), TaskError> {
        let client = self.master.client.clone();
        let subjects = self.master.subjects.clone();
        let failed = |error: async_nats::SubscribeError| TaskError::Connection(error.to_string());
        // Results, signs of life and questions for pieces.
        let all = format!("{}.*.{}", subjects.stream(), self.id);
        let mut messages = client.subscribe(all).await.map_err(failed)?;
        let mut hellos = client.subscribe(subjects.worker(&self.task)).await.map_err(failed)?;
        let mut stored = client.subscribe(format!("{}.*", self.inbox)).await.map_err(failed)?;
        let (notes, mut noted) = mpsc::unbounded_channel();
        self.notes = notes;
        let control = self.control.clone();
        let rung = self.rung.clone();

        self.prepare();
        self.ask_workers().await;
        let period = (self.master.role.ack_wait / 4).clamp(Duration::from_millis(25), Duration::from_secs(1));
        let mut tick = tokio::time::interval(period);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let closed = || TaskError::Connection("the client has been closed".into());
        loop {
            if control.is_stopped() {
                return Err(TaskError::Cancelled);
            }
            if self.core.is_complete() {
                return Ok(());
            }
            let flush_at = self.flush_at;
            let flush = async move {
                match flush_at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                message = messages.next() => {
                    self.on_message(message.ok_or_else(closed)?).await;
                    // What has come together is taken together.
                    for _ in 0..AT_ONCE {
                        let Some(Some(message)) = messages.next().now_or_never() else { break };
                        self.on_message(message).await;
                    }
                }
                () = rung.notified() => if self.started {
                    self.send_batches(false).await;
                },
                () = flush, if self.started => self.send_batches(true).await,
                message = stored.next() => self.on_stored(&message.ok_or_else(closed)?).await,
                message = hellos.next() => {
                    let message = message.ok_or_else(closed)?;
                    match frame::decode::<Hello<'_>>(&message.payload) {
                        Some(hello) => {
                            self.saw(hello.worker, hello.threads);
                            if hello.idle {
                                self.queue.idle(Instant::now());
                            }
                        }
                        None => self.control.stats().strays += 1,
                    }
                }
                Some(note) = noted.recv() => match note {
                    Note::Prepared(done, new_stream) => self.on_prepared(done, new_stream).await,
                    Note::Fetched { frame, large, outcomes } => self.on_fetched(frame, large, outcomes).await,
                },
                _ = tick.tick() => self.look().await?,
            }
        }
    }

    // Sending.

    /// Sends what has been pulled: full batches, and the rest too if it is time or workers have nothing to do.
    async fn send_batches(&mut self, now: bool) {
        loop {
            let idle = (self.core.frames_out() as u64) < self.core.pace().threads().max(2);
            let room = if now || idle { Room::Idle } else { Room::Ahead };
            let Some(frame) = self.core.next_frame(room).or_else(|| self.core.next_suspect()) else { break };
            if let Some(route) = self.core.frame(frame).map(Frame::route) {
                self.queue.sent(frame, route, Instant::now());
            }
            self.send_frame(frame).await;
        }
        let open = self.feed.has_open();
        self.flush_at = open.then(|| match self.flush_at {
            Some(at) if !now => at,
            _ => Instant::now() + GATHER,
        });
        self.fetch_large();
    }

    /// Sends a frame, the first time or again.
    async fn send_frame(&mut self, number: u64) {
        let (Some(frame), Some(items)) = (self.core.frame(number), self.core.items(number)) else {
            return;
        };
        let inline = INLINE.min(self.master.client.max_payload() / 2);
        let elsewhere = (items.len() > inline).then_some(items.len() as u64);
        let work = Work {
            count: frame.count(),
            ack_wait: self.master.role.ack_wait.as_millis().try_into().unwrap_or(u32::MAX),
            item_timeout: self.core.settings().item_timeout.map(|limit| limit.as_millis().max(1) as u64),
            care: frame.care(),
            size_limit: self.core.settings().size_limit,
            elsewhere,
        };
        let message = work.encode(if elsewhere.is_some() { &[] } else { &items });
        let subject = self.master.subjects.frame(frame.route(), &self.task, &self.id, number);
        // It fails if the connection is closed for good, which the next look finds.
        let asks = self.asks_about(number);
        let client = &self.master.client;
        let _ = if asks {
            client.publish_with_reply(subject, format!("{}.{number}", self.inbox), message).await
        } else {
            client.publish(subject, message).await
        };
        self.control.stats().sent += 1;
    }

    /// Whether the server shall say if it has taken this frame. It always shall if the frame was offered; else about one
    /// frame at a time. That finds a server that refuses all, and one frame that is lost is offered when it is missed.
    fn asks_about(&mut self, number: u64) -> bool {
        let free = self.asking.is_none_or(|since| since.elapsed() > Duration::from_secs(1));
        if free {
            self.asking = Some(Instant::now());
        }
        free || self.offered.contains(&number)
    }

    /// The server has taken a frame, or not.
    async fn on_stored(&mut self, message: &Message) {
        let number = message.subject.rsplit('.').next().and_then(|number| number.parse::<u64>().ok());
        let Some(number) = number else { return };
        self.asking = None;
        let offered = self.offered.remove(&number);
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            self.note_trouble("nothing takes frames: JetStream or the stream is gone".into());
            return self.prepare();
        }
        match refused(&message.payload) {
            None => {
                self.trouble = None;
                if offered {
                    // It was not there.
                    self.control.stats().sent_again += 1;
                    let acts = self.queue.taken(number, Instant::now());
                    self.act(acts).await;
                }
            }
            Some(why) if why == STILL_THERE => {
                self.trouble = None;
                if offered {
                    let acts = self.queue.refused(number, Instant::now());
                    self.act(acts).await;
                }
            }
            Some(why) => self.note_trouble(why),
        }
    }

    // Receiving.

    async fn on_message(&mut self, message: Message) {
        let kind = message.subject.as_str().rsplit('.').nth(1);
        let known = match kind {
            Some("result") => {
                for reply in frame::each_item(&message.payload) {
                    let known = match reply {
                        Some(reply) => self.on_reply(reply).await,
                        None => None,
                    };
                    self.control.stats().strays += u64::from(known.is_none());
                }
                return;
            }
            Some("alive") => self.on_alive(&message.payload).await,
            Some("fetch") => self.on_fetch(message).await,
            _ => None,
        };
        if known.is_none() {
            self.control.stats().strays += 1;
        }
    }

    async fn on_alive(&mut self, message: &Bytes) -> Option<()> {
        let alive: Alive<'_> = frame::decode(message)?;
        self.saw(alive.worker, alive.threads);
        let now = Instant::now();
        for Sign { frame, at } in alive.frames {
            if let Some(at) = at {
                self.core.begun(frame, at);
            }
            let care = match alive.kind {
                Kind::Holds => {
                    self.queue.heard(frame, now);
                    continue;
                }
                Kind::Begins => self.core.frame(frame).map(Frame::care),
                Kind::Asks => self.judge(frame, now),
            };
            if !is_token(alive.worker) {
                return None;
            }
            let subject = self.master.subjects.fetch(alive.worker);
            let verdict = frame::encode(&Fetch::Verdict { job: &self.id, frame, care });
            let _ = self.master.client.publish(subject, verdict).await;
        }
        // What has become of those that are not to run.
        self.send_batches(false).await;
        Some(())
    }

    /// Whether a worker is to run a frame that was handed out before. See [`core::Job::again`].
    fn judge(&mut self, frame: u64, now: Instant) -> Option<Care> {
        let silent = self.queue.is_silent(frame, now);
        self.queue.heard(frame, now);
        if !silent {
            return self.core.frame(frame).map(Frame::care);
        }
        self.core.again(frame)
    }

    async fn on_fetch(&mut self, message: Message) -> Option<()> {
        let reply = message.reply.filter(|reply| is_inbox(reply))?;
        let Fetch::Piece { frame, offset, length, .. } = frame::decode(&message.payload)? else {
            return None;
        };
        let items = self.core.items(frame).unwrap_or_default();
        let _ = self.master.client.publish(reply, pieces::piece(&items, offset, length)).await;
        Some(())
    }

    /// A reply about a frame. `None`: no worker of ours has sent this.
    async fn on_reply(&mut self, message: Bytes) -> Option<()> {
        let (reply, outcomes) = Reply::decode(&message)?;
        let number = reply.frame;
        if !self.core.can_be(number, reply.start, reply.count) || !is_token(reply.worker) {
            return None;
        }
        // Only such a reply ends a frame at the server.
        let ack = self.master.subjects.is_ack(&self.task, reply.ack).then(|| Subject::from(reply.ack));
        let known = self.core.frame(number).is_some();
        self.saw(reply.worker, reply.threads);
        match reply.what {
            What::Part { back } => {
                if known {
                    self.queue.heard(number, Instant::now());
                    self.count_items(&reply);
                    self.settle(&reply, core::What::Part { back }, outcomes).await;
                }
            }
            What::Done => {
                self.count_reply(&reply);
                self.settle(&reply, core::What::Done, outcomes).await;
                self.acknowledge(ack?).await;
            }
            What::Elsewhere(length) => {
                let ack = ack?;
                let worker = reply.worker.to_owned();
                let Reply { start, count, busy, .. } = reply;
                let large = Large { worker, ack, start, count, busy, length };
                if !known {
                    self.release(number, large).await;
                } else if length > pieces::LARGEST {
                    return None;
                } else if !self.fetching.contains(&number) && !self.large.contains_key(&number) {
                    self.count_reply(&reply);
                    self.large.insert(number, large);
                    self.fetch_large();
                }
            }
        }
        Some(())
    }

    async fn acknowledge(&self, ack: Subject) {
        let _ = self.master.client.publish(ack, Bytes::from_static(b"+ACK")).await;
    }

    /// Tells a worker that its large result is here, or not wanted.
    async fn release(&self, frame: u64, large: Large) {
        let subject = self.master.subjects.fetch(&large.worker);
        let message = frame::encode(&Fetch::Release { job: &self.id, frame });
        let _ = self.master.client.publish(subject, message).await;
        self.acknowledge(large.ack).await;
    }

    /// Begins to fetch large results: that of the head at once, others while there is room for them.
    fn fetch_large(&mut self) {
        while self.fetching.len() < LARGE_AT_ONCE && !self.large.is_empty() {
            let head = self.core.head().filter(|head| self.large.contains_key(head));
            let oldest = self.large.keys().next().copied().filter(|_| !self.feed.is_heavy());
            let Some(number) = head.or(oldest) else { return };
            let Some(large) = self.large.remove(&number) else { return };
            self.fetching.insert(number);
            let fetch = pieces::fetch(
                self.master.client.clone(),
                self.master.subjects.fetch(&large.worker),
                self.id.clone(),
                number,
                large.length,
                self.master.role.ack_wait.max(Duration::from_secs(1)),
            );
            let notes = self.notes.clone();
            tokio::spawn(async move {
                let outcomes = fetch.await;
                let _ = notes.send(Note::Fetched { frame: number, large, outcomes });
            });
        }
    }

    async fn on_fetched(&mut self, number: u64, large: Large, outcomes: Result<Bytes, String>) {
        self.fetching.remove(&number);
        match outcomes {
            Ok(outcomes) if frame::are_outcomes(&outcomes, large.count) => {
                let Large { start, count, busy, .. } = large;
                let reply = core::Reply { frame: number, start, count, busy, what: core::What::Done };
                self.settle_reply(&reply, outcomes).await;
                self.release(number, large).await;
            }
            Ok(_) => self.control.stats().strays += 1,
            // The worker tells of it again while it lives, and the frame is handed out again when it does not.
            Err(_) => {}
        }
        self.fetch_large();
    }

    fn saw(&mut self, worker: &str, threads: u32) {
        let mut stats = self.control.stats();
        if is_token(worker) && stats.saw(worker, threads).is_some() {
            self.heard = Instant::now();
            self.lonely = false;
        } else {
            stats.strays += 1;
        }
    }

    fn count_items(&self, reply: &Reply<'_>) {
        if let Some(worker) = self.control.stats().workers.get_mut(reply.worker) {
            worker.items += u64::from(reply.count);
            worker.busy += Duration::from_nanos(reply.busy);
        }
    }

    /// A frame is done.
    fn count_reply(&mut self, reply: &Reply<'_>) {
        self.count_items(reply);
        let mut stats = self.control.stats();
        if let Some(worker) = stats.workers.get_mut(reply.worker) {
            worker.frames += 1;
        }
        stats.redelivered += u64::from(reply.deliveries > 1);
    }

    async fn settle(&mut self, reply: &Reply<'_>, what: core::What, outcomes: Bytes) {
        let &Reply { frame, start, count, busy, .. } = reply;
        self.settle_reply(&core::Reply { frame, start, count, busy, what }, outcomes).await;
    }

    /// Takes outcomes, and sends again what has none.
    async fn settle_reply(&mut self, reply: &core::Reply, outcomes: Bytes) {
        self.core.reply(reply, outcomes);
        if self.core.frame(reply.frame).is_none() {
            self.queue.gone(reply.frame);
        }
        self.send_batches(false).await;
    }

    // Looking after it.

    fn note_trouble(&mut self, why: String) {
        match &mut self.trouble {
            Some((_, last)) => *last = why,
            None => self.trouble = Some((Instant::now(), why)),
        }
    }

    /// What is done every now and then.
    async fn look(&mut self) -> Result<(), TaskError> {
        if let Some(what) = self.master.refused.borrow().clone() {
            return Err(TaskError::Connection(format!("the server refuses what a master needs: {what}")));
        }
        if self.master.client.connection_state() != State::Connected {
            self.away = true;
            self.note_trouble("the server does not answer".into());
        } else if std::mem::take(&mut self.away) {
            self.trouble = None;
            // No worker could be heard of until now.
            self.heard = Instant::now();
            self.ask_workers().await;
        }
        let limit = self.master.connection_timeout;
        if let Some((_, why)) = self.trouble.as_ref().filter(|(since, _)| since.elapsed() > limit) {
            return Err(TaskError::Connection(format!("{why}, for more than {limit:?}")));
        }
        let threads = self.control.stats().threads(MEMORY);
        self.core.pace_mut().set_threads(threads);
        if self.heard.elapsed() > ASK && self.asked.elapsed() > ASK {
            self.ask_workers().await;
        }
        if self.lonely && self.trouble.is_none() && self.heard.elapsed() > NO_WORKER {
            self.lonely = false;
            self.master.role.no_worker.call(self.task.name);
        }
        if let Some(limit) = self.core.settings().no_worker_timeout {
            let waited = self.heard.elapsed();
            // While the server is away no worker can be heard of.
            if waited > limit && self.trouble.is_none() {
                return Err(TaskError::NoWorker { task: self.task.description.clone(), waited });
            }
        }
        self.look_for_frames().await;
        self.fetch_large();
        Ok(())
    }

    /// Looks for frames of which nothing is heard.
    async fn look_for_frames(&mut self) {
        let now = Instant::now();
        for &number in self.large.keys().chain(&self.fetching) {
            // Its result waits, or is on its way.
            self.queue.heard(number, now);
        }
        let core = &self.core;
        self.queue.retain(|number| core.frame(number).is_some());
        if self.started {
            let acts = self.queue.look(now, self.core.head());
            self.act(acts).await;
        }
    }

    /// Does what was decided about frames of which nothing is heard.
    async fn act(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Look => {
                    self.control.stats().stalls += 1;
                    self.prepare();
                    // Workers that have not heard from here may take the job for dead.
                    self.ask_workers().await;
                }
                Act::Offer(number) => {
                    self.offered.insert(number);
                    self.send_frame(number).await;
                }
                Act::Renew(number) => self.renew(number).await,
                Act::NewConsumer(route) => self.make_anew(Anew::Consumer(route)),
                Act::NewStream => self.make_anew(Anew::Stream),
            }
        }
    }

    /// Sends what is open of a frame under a new number. The server says that it has the old one, and does not hand it out.
    async fn renew(&mut self, number: u64) {
        let Some(frame) = self.core.frame(number) else { return };
        let subject = self.master.subjects.frame(frame.route(), &self.task, &self.id, number);
        self.control.stats().sent_again += 1;
        if self.core.again(number).is_some() {
            self.core.gone(number, Fate::Innocent);
        }
        let master = self.master.clone();
        tokio::spawn(async move { purge(&master, vec![subject]).await });
        self.send_batches(false).await;
    }

    fn make_anew(&mut self, anew: Anew) {
        self.anew = Some(anew);
        self.prepare();
    }

    async fn on_prepared(&mut self, done: Result<[View; 2], String>, new_stream: bool) {
        self.preparing = false;
        match done {
            Ok(views) => {
                let now = Instant::now();
                let before = self.stream.replace(views[0].stream);
                let is_another = before.is_some_and(|before| before != views[0].stream);
                if is_another {
                    // What the old one refused says nothing of this one.
                    self.trouble = None;
                }
                if new_stream || is_another {
                    let acts = self.queue.made_stream(now);
                    self.act(acts).await;
                }
                for (route, view) in ROUTES.into_iter().zip(views) {
                    let acts = self.queue.seen(route, view, now);
                    self.act(acts).await;
                }
                if !self.started {
                    self.started = true;
                    self.trouble = None;
                    self.send_batches(false).await;
                }
            }
            Err(why) => self.note_trouble(why),
        }
        if !self.started || self.anew.is_some() {
            self.prepare();
        }
    }

    async fn ask_workers(&mut self) {
        self.asked = Instant::now();
        self.call(&Call::Who { job: &self.id }).await;
    }

    async fn call(&self, call: &Call<'_>) {
        let subject = self.master.subjects.call(&self.task);
        let _ = self.master.client.publish(subject, frame::encode(call)).await;
    }

    /// Makes stream and consumers if they are not there, in the background.
    fn prepare(&mut self) {
        if std::mem::replace(&mut self.preparing, true) {
            return;
        }
        let (master, task, notes) = (self.master.clone(), self.task.clone(), self.notes.clone());
        let anew = self.anew.take();
        tokio::spawn(async move {
            if let Some(anew) = anew {
                remove(&master, &task, anew).await;
            }
            let prepared = prepare(&master, &task).await;
            if prepared.is_err() {
                // The next attempt comes soon, but not at once.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let _ = notes.send(Note::Prepared(prepared, anew == Some(Anew::Stream)));
        });
    }

    /// Leaves nothing behind.
    async fn clean_up(&self, complete: bool) {
        if !complete {
            self.call(&Call::Over { job: &self.id }).await;
        }
        if self.master.client.connection_state() != State::Connected {
            // They go by their age.
            return;
        }
        let frames = |route| self.master.subjects.frames(route, &self.task, &self.id);
        purge(&self.master, ROUTES.map(frames).into()).await;
    }
}

/// Takes messages out of the stream.
async fn purge(master: &Master, subjects: Vec<String>) {
    let Ok(stream) = master.context.get_stream_no_info(master.subjects.stream()).await else { return };
    for subject in subjects {
        // What cannot be purged goes by its age.
        let _ = stream.purge().filter(subject).await;
    }
}

/// Takes away what is then made anew. If it cannot be taken away, what is there is looked at again.
async fn remove(master: &Master, task: &Identity, anew: Anew) {
    let stream = master.subjects.stream();
    match anew {
        Anew::Consumer(route) => {
            let name = master.subjects.consumer(route, task);
            let _ = master.context.delete_consumer_from_stream(name, stream).await;
        }
        Anew::Stream => {
            let _ = master.context.delete_stream(stream).await;
        }
    }
}

/// Makes what is not there, and says how far the server is.
async fn prepare(master: &Master, task: &Identity) -> Result<[View; 2], String> {
    let (role, subjects) = (&master.role, &master.subjects);
    let config = stream::Config {
        name: subjects.stream().to_owned(),
        subjects: subjects.streamed(),
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        max_messages_per_subject: 1,
        max_age: role.max_age,
        storage: match role.storage {
            Storage::Memory => StorageType::Memory,
            Storage::File => StorageType::File,
        },
        num_replicas: role.replicas,
        ..Default::default()
    };
    let mut stream = master.context.get_or_create_stream(config).await.map_err(|error| {
        format!("the stream {} cannot be made: {}", subjects.stream(), with_sources(&error))
    })?;
    let info = stream.info().await.map_err(|error| with_sources(&error))?.clone();
    let (made, last, found) = (info.created, info.state.last_sequence, &info.config);
    let mut theirs = found.subjects.clone();
    theirs.sort();
    let mut ours = subjects.streamed();
    ours.sort();
    if theirs != ours || found.max_messages_per_subject != 1 || !found.discard_new_per_subject {
        let name = subjects.stream();
        return Err(format!("the stream {name} belongs to something else: choose another namespace"));
    }
    let mut views = [View { stream: made.unix_timestamp_nanos() as u64, last, delivered: 0, pending: 0 }; 2];
    for (route, view) in ROUTES.into_iter().zip(&mut views) {
        let config = consumer::pull::Config {
            durable_name: Some(subjects.consumer(route, task)),
            filter_subject: subjects.consumed(route, task),
            ack_policy: AckPolicy::Explicit,
            ack_wait: role.ack_wait,
            max_ack_pending: MAX_ACK_PENDING,
            max_waiting: MAX_WAITING,
            inactive_threshold: role.max_age,
            ..Default::default()
        };
        let consumer = stream.create_consumer(config).await.map_err(|error| {
            format!(
                "the consumer {} cannot be made: {}",
                subjects.consumer(route, task),
                with_sources(&error)
            )
        })?;
        let info = consumer.cached_info();
        (view.delivered, view.pending) = (info.delivered.stream_sequence, info.num_pending);
    }
    Ok(views)
}
