//! The worker's loop: one task that owns everything, on the thread that called `run`.
//!
//! It asks for frames, gives them to the executor, says what it holds, and sends what has become of it. The executor's
//! threads touch nothing here but the progress of their own frame, and a channel.

use super::held::{Begins, Finished, Held, Progress, Stage, run};
use super::outbox::{Outbox, Part};
use super::pulls::Pulls;
use super::{EXIT_ITEM_TIMED_OUT, WorkerRole};
use crate::builder::{Builder, Connected, refusal, unique};
use crate::error::NatsError;
use crate::frame::{self, Alive, Call, Hello, INLINE, Kind, Outcome, Sign, What, Work};
use crate::pieces::{self, Fetch};
use crate::subjects::{deliveries, handed_out_by, is_inbox};
use async_nats::connection::State;
use async_nats::{Event, Message, StatusCode, Subject};
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use pool_core::Executor;
use pool_remote::functions::{Functions, Offer};
use pool_remote::ledger::{Care, Route};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

/// How much work waits behind the threads: many times what it takes to get more. Behind items that take longer nothing
/// waits.
const AHEAD: Duration = Duration::from_millis(40);
const MOST_AHEAD: f64 = 128.0;

/// Frames of which it is not known how long they take.
const FIRST_AHEAD: f64 = 2.0;

/// The bytes of items that wait.
const AHEAD_BYTES: f64 = 32.0 * 1024.0 * 1024.0;

/// How often a worker with frames looks after them, and one without.
const LOOK: Duration = Duration::from_millis(10);
const IDLE_LOOK: Duration = Duration::from_millis(100);

/// How many messages are taken before something else is looked at.
const AT_ONCE: usize = 64;

/// How long a job that is over is remembered, and how many are.
const MEMORY: Duration = Duration::from_secs(60);
const MOST_OVER: usize = 16 * 1024;

/// How long the last messages may take before the process ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// What the server takes at the address of a frame.
const IN_PROGRESS: &str = "+WPI";
const HAND_BACK: &str = "-NAK";
const TERMINATE: &str = "+TERM";

/// The server says here that signs of life had no subscriber, followed by the job.
const ALIVE: &str = "alive-";

/// A connection, and the runtime on which it lives.
pub(crate) struct Connection {
    runtime: Runtime,
    connected: Connected,
    inbox: String,
}

pub(crate) fn connect(builder: &Builder<WorkerRole>) -> Result<Connection, NatsError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| NatsError::System(error.to_string()))?;
    let connected = runtime.block_on(builder.connect("pool-nats worker"))?;
    let inbox = connected.client.new_inbox();
    Ok(Connection { runtime, connected, inbox })
}

/// Ends at SIGTERM or SIGINT.
pub(crate) async fn signals() -> Result<(), NatsError> {
    let failed = |error: std::io::Error| NatsError::System(format!("a signal handler: {error}"));
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}

impl Connection {
    pub fn serve(
        self,
        executor: &dyn Executor,
        offers: Functions,
        leave: impl Future<Output = Result<(), NatsError>>,
    ) -> Result<(), NatsError> {
        let Connection { runtime, connected, inbox } = self;
        let Connected { client, events, subjects } = connected;
        let (finished, finishes) = mpsc::unbounded_channel();
        let (fetched, fetches) = mpsc::unbounded_channel();
        let (begins, beginning) = mpsc::unbounded_channel();
        let me = unique(&client);
        let threads = executor.threads().clamp(1, 1 << 16) as u32;
        let service = Service {
            threads,
            executor,
            offers,
            client,
            subjects,
            inbox,
            held: BTreeMap::new(),
            results: 0,
            suspects: 0,
            next_key: 0,
            outbox: Outbox::new(me, threads),
            pulls: Pulls::new(),
            finished,
            begins,
            telling: Vec::new(),
            fetched,
            leaving: false,
            failure: None,
            over: HashMap::new(),
            silent: HashMap::new(),
            frame_time: 0.0,
            frame_bytes: 0.0,
            longest: Duration::ZERO,
            busy: Instant::now(),
        };
        runtime.block_on(service.run(leave, events, finishes, fetches, beginning))
    }
}

struct Service<'e> {
    executor: &'e dyn Executor,
    offers: Functions,
    client: async_nats::Client,
    subjects: crate::subjects::Subjects,
    threads: u32,
    /// Frames come to subjects below this one.
    inbox: String,
    /// By their arrival.
    held: BTreeMap<u64, Held>,
    /// How many of them are large results, and how many must run alone.
    results: u32,
    suspects: u32,
    next_key: u64,
    outbox: Outbox,
    pulls: Pulls,
    finished: mpsc::UnboundedSender<Finished>,
    begins: mpsc::UnboundedSender<Begins>,
    /// Threads that wait until the master has heard of it.
    telling: Vec<Begins>,
    fetched: mpsc::UnboundedSender<(u64, Result<Bytes, String>)>,
    leaving: bool,
    /// Why, if no one asked it to.
    failure: Option<NatsError>,
    /// Jobs that are over, and since when.
    over: HashMap<String, Instant>,
    /// Jobs whose masters did not answer: since when, and when last.
    silent: HashMap<String, (Instant, Instant)>,
    /// Averages of frames: seconds and bytes.
    frame_time: f64,
    frame_bytes: f64,
    /// For how long some thread has been at one item, when that was last looked at.
    longest: Duration,
    /// When it last held a frame.
    busy: Instant,
}

impl Service<'_> {
    async fn run(
        mut self,
        leave: impl Future<Output = Result<(), NatsError>>,
        mut events: mpsc::UnboundedReceiver<Event>,
        mut finishes: mpsc::UnboundedReceiver<Finished>,
        mut fetches: mpsc::UnboundedReceiver<(u64, Result<Bytes, String>)>,
        mut beginning: mpsc::UnboundedReceiver<Begins>,
    ) -> Result<(), NatsError> {
        let lost = |error: async_nats::SubscribeError| NatsError::Connect(error.to_string());
        let mut frames = self.client.subscribe(format!("{}.*", self.inbox)).await.map_err(lost)?;
        let mut questions =
            self.client.subscribe(self.subjects.fetch(&self.outbox.me)).await.map_err(lost)?;
        let mut calls = futures::stream::SelectAll::new();
        for offer in self.offers.offers() {
            calls.push(self.client.subscribe(self.subjects.call(offer.task())).await.map_err(lost)?);
            self.hello(offer).await;
        }
        let mut leave = std::pin::pin!(leave);
        let mut looked = Instant::now();
        // When it was told to leave.
        let mut left: Option<Instant> = None;
        let closed = || NatsError::Connect("the client has been closed".into());
        loop {
            self.send_replies().await;
            self.pull().await;
            if self.leaving && self.held.is_empty() && self.pulls.is_empty() {
                break;
            }
            // Without a server there is no one to give anything to.
            let connected = self.client.connection_state() == State::Connected;
            if left.is_some_and(|left| !connected && left.elapsed() > FAREWELL) {
                break;
            }
            let next = looked + if self.held.is_empty() { IDLE_LOOK } else { LOOK };
            tokio::select! {
                biased;
                // First, so that signs of life go out however much comes in.
                () = tokio::time::sleep_until(next.into()) => {
                    looked = Instant::now();
                    self.look().await;
                }
                result = &mut leave, if !self.leaving => {
                    result?;
                    self.leaving = true;
                    left = Some(Instant::now());
                }
                Some(event) = events.recv() => {
                    if let Some(what) = refusal(&event) {
                        return Err(NatsError::NotPermitted(what));
                    }
                    if matches!(event, Event::Connected) {
                        self.pulls.forget();
                    }
                }
                Some(message) = calls.next(), if self.offers.offers().next().is_some() => self.on_call(&message).await,
                Some(message) = questions.next() => self.on_question(message).await,
                Some((key, items)) = fetches.recv() => self.on_fetched(key, items),
                Some(first) = beginning.recv() => {
                    let mut begins = vec![first];
                    begins.extend(std::iter::from_fn(|| beginning.try_recv().ok()));
                    self.tell_begins(begins).await;
                }
                Some(finished) = finishes.recv() => {
                    self.on_finished(&finished);
                    while let Ok(finished) = finishes.try_recv() {
                        self.on_finished(&finished);
                    }
                }
                message = frames.next() => {
                    self.on_message(message.ok_or_else(closed)?).await;
                    // What has come together is taken together.
                    for _ in 0..AT_ONCE {
                        let Some(Some(message)) = frames.next().now_or_never() else { break };
                        self.on_message(message).await;
                    }
                }
            }
        }
        let _ = tokio::time::timeout(FAREWELL, self.client.flush()).await;
        self.failure.map_or(Ok(()), Err)
    }

    // Asking.

    /// How many frames it wants to hold, so that no thread waits for the server.
    fn wanted(&self) -> u32 {
        let threads = f64::from(self.threads);
        let time = if self.longest > AHEAD {
            self.frame_time.max(self.longest.as_secs_f64())
        } else {
            self.frame_time
        };
        let ahead = if time == 0.0 {
            FIRST_AHEAD
        } else {
            let by_time = AHEAD.as_secs_f64() / time * threads;
            by_time.min(AHEAD_BYTES / self.frame_bytes.max(1.0)).min(MOST_AHEAD)
        };
        self.threads + ahead as u32
    }

    async fn pull(&mut self) {
        if self.leaving {
            return;
        }
        let alone = self.suspects > 0;
        let free = self.wanted().saturating_sub(self.held.len() as u32 - self.results);
        let mut asks = Vec::new();
        for offer in self.offers.offers() {
            let task = &offer.task().fingerprint;
            let wanted = [(Route::Work, if alone { 0 } else { free }), (Route::Solo, u32::from(!alone))];
            for (route, wanted) in wanted {
                if let Some((number, count)) = self.pulls.ask(task, route, wanted) {
                    asks.push((self.subjects.pull(route, offer.task()), number, count));
                }
            }
        }
        let expires = self.pulls.expires().as_nanos();
        for (subject, number, count) in asks {
            let question = format!("{{\"batch\":{count},\"expires\":{expires}}}");
            let reply = format!("{}.{number}", self.inbox);
            let _ = self.client.publish_with_reply(subject, reply, question.into()).await;
        }
    }

    // Frames.

    async fn on_message(&mut self, message: Message) {
        let Some(status) = message.status else {
            // Nothing but statuses is sent to the inbox itself.
            let is_frame = !message.subject.starts_with(&self.inbox);
            if is_frame {
                self.on_frame(&message).await;
            }
            return;
        };
        // Statuses come to the subject that was given, frames under their own.
        let token = message.subject.rsplit('.').next().unwrap_or_default();
        match (token.strip_prefix(ALIVE), token.parse()) {
            (Some(job), _) if status == StatusCode::NO_RESPONDERS => self.on_silence(job).await,
            (None, Ok(number)) => {
                let in_time = matches!(status, StatusCode::TIMEOUT | StatusCode::NOT_FOUND);
                self.pulls.ended(number, !in_time);
            }
            _ => {}
        }
    }

    async fn on_frame(&mut self, message: &Message) {
        let Some(ack) = message.reply.clone() else { return };
        if let Some((route, task)) = handed_out_by(&ack) {
            self.pulls.received(task, route);
        }
        let Some(held) = self.open(message, ack.clone()) else {
            // Nothing can be done with it, and it would be handed out for ever.
            return self.answer(&ack, TERMINATE).await;
        };
        self.pulls.learn(held.work.ack_wait());
        if self.over.contains_key(&held.job) {
            return self.answer(&ack, TERMINATE).await;
        }
        self.frame_bytes = average(self.frame_bytes, message.payload.len() as f64);
        let key = self.next_key;
        self.next_key += 1;
        self.suspects += u32::from(held.route == Route::Solo);
        let asks = matches!(held.stage, Stage::Asking);
        self.held.insert(key, held);
        if asks {
            self.ask(key).await;
        } else {
            self.get_ready(key);
        }
    }

    /// Asks the master whether a frame is to run.
    async fn ask(&mut self, key: u64) {
        let Some(held) = self.held.get(&key) else { return };
        // If the master is gone, this is answered, too.
        self.tell_alive(&held.job, Kind::Asks, vec![Sign { frame: held.number, at: None }]).await;
    }

    async fn on_verdict(&mut self, job: &str, frame: u64, care: Option<Care>) {
        let about = |held: &Held| held.number == frame && held.job == job;
        let Some(key) = self.held.iter().find(|(_, held)| about(held)).map(|(&key, _)| key) else { return };
        // A thread that waits for this may begin.
        self.telling.retain(|begins| begins.key != key);
        if !self.held.get(&key).is_some_and(|held| matches!(held.stage, Stage::Asking)) {
            return;
        }
        if let (Some(care), Some(held)) = (care, self.held.get_mut(&key)) {
            (held.work.care, held.stage) = (care, Stage::Fetching);
            self.get_ready(key);
        } else if let Some(held) = self.drop_held(key) {
            // Others have taken its place.
            self.answer(&held.ack, TERMINATE).await;
        }
    }

    /// Gets the items of a frame, if they are with the master.
    fn get_ready(&mut self, key: u64) {
        let Some(held) = self.held.get(&key) else { return };
        let Some(length) = held.work.elsewhere else { return self.begin(key) };
        let fetch = pieces::fetch(
            self.client.clone(),
            self.subjects.fetch(&held.job),
            held.job.clone(),
            held.number,
            length,
            held.work.ack_wait().max(Duration::from_secs(1)),
        );
        let fetched = self.fetched.clone();
        tokio::spawn(async move {
            let _ = fetched.send((key, fetch.await));
        });
    }

    /// Reads a frame.
    fn open(&self, message: &Message, ack: Subject) -> Option<Held> {
        let address = self.subjects.parse_frame(message.subject.as_str())?;
        self.offers.get(address.task)?;
        let (work, items) = Work::decode(&message.payload)?;
        let now = Instant::now();
        Some(Held {
            task: address.task.to_owned(),
            job: address.job.to_owned(),
            number: address.frame,
            route: address.route,
            deliveries: deliveries(&ack)?,
            stage: if deliveries(&ack)? > 1 { Stage::Asking } else { Stage::Fetching },
            ack,
            progress: Arc::new(Progress::new(work.count)),
            items,
            work,
            beat: now,
            seen: (0, now),
        })
    }

    fn on_fetched(&mut self, key: u64, items: Result<Bytes, String>) {
        let Some(held) = self.held.get_mut(&key) else { return };
        match items {
            Ok(items) if frame::is_work(&items, held.work.count) => {
                held.items = items;
                self.begin(key);
            }
            // The master does not know it any more, or cannot be reached now.
            _ => self.hand_back(key),
        }
    }

    /// The items are here.
    fn begin(&mut self, key: u64) {
        let Some(held) = self.held.get_mut(&key) else { return };
        held.stage = Stage::Waiting;
        if self.suspects > 0 {
            self.begin_suspect();
        } else {
            self.submit(key);
        }
    }

    /// Runs a suspect, if nothing else runs that could perish with it. What has not begun goes to others, and what comes
    /// meanwhile waits.
    fn begin_suspect(&mut self) {
        if self.suspects == 0 {
            let waits = |(&key, held): (&u64, &Held)| matches!(held.stage, Stage::Waiting).then_some(key);
            let waiting: Vec<u64> = self.held.iter().filter_map(waits).collect();
            return waiting.into_iter().for_each(|key| self.submit(key));
        }
        let mut suspects = self.held.iter().filter(|(_, held)| held.route == Route::Solo);
        let Some((&key, _)) = suspects.find(|(_, held)| matches!(held.stage, Stage::Waiting)) else { return };
        self.hand_back_unbegun();
        if !self.held.values().any(|held| matches!(held.stage, Stage::Queued)) {
            self.submit(key);
        }
    }

    fn submit(&mut self, key: u64) {
        let Some(held) = self.held.get_mut(&key) else { return };
        let Some(offer) = self.offers.get(&held.task) else { return };
        held.stage = Stage::Queued;
        run(self.executor, key, held, offer.function(), self.finished.clone(), self.begins.clone());
    }

    fn on_finished(&mut self, finished: &Finished) {
        // It may be of a job that is over.
        let inline = self.inline();
        let Some(held) = self.held.get_mut(&finished.key) else { return };
        if !finished.ran {
            self.leaving = true;
            self.failure = Some(NatsError::System("the worker's pool was terminated".into()));
            return self.hand_back(finished.key);
        }
        self.frame_time = average(self.frame_time, finished.busy.as_secs_f64());
        let (start, count, outcomes) = {
            let mut items = held.progress.lock();
            (items.sent, items.done - items.sent, Bytes::from(std::mem::take(&mut items.outcomes)))
        };
        if outcomes.len() > inline {
            let busy = finished.busy;
            held.stage = Stage::Result { outcomes, start, count, busy, told: Instant::now() };
            self.results += 1;
            return self.tell_result(finished.key);
        }
        let Some(held) = self.drop_held(finished.key) else { return };
        self.begin_suspect();
        let part = Part { start, count, busy: finished.busy, outcomes: &outcomes };
        self.outbox.reply(&held, What::Done, &part);
    }

    /// What fits a message.
    fn inline(&self) -> usize {
        INLINE.min(self.client.max_payload() / 2)
    }

    fn drop_held(&mut self, key: u64) -> Option<Held> {
        self.busy = Instant::now();
        self.telling.retain(|begins| begins.key != key);
        let held = self.held.remove(&key)?;
        self.results -= u32::from(matches!(held.stage, Stage::Result { .. }));
        self.suspects -= u32::from(held.route == Route::Solo);
        Some(held)
    }

    /// Says that a large result is here.
    fn tell_result(&mut self, key: u64) {
        let Some(held) = self.held.get(&key) else { return };
        let Stage::Result { outcomes, start, count, busy, .. } = &held.stage else { return };
        let what = What::Elsewhere(outcomes.len() as u64);
        let part = Part { start: *start, count: *count, busy: *busy, outcomes: &[] };
        self.outbox.reply(held, what, &part);
    }

    /// Sends replies. The master acknowledges when it has them.
    async fn send_replies(&mut self) {
        for (job, message) in self.outbox.take() {
            let _ = self.client.publish(self.subjects.result(&job), message.into()).await;
        }
    }

    /// Lets others have a frame that has not begun. Through the master, so that it does not count as an attempt.
    fn hand_back(&mut self, key: u64) {
        if let Some(held) = self.drop_held(key) {
            held.progress.stop();
            self.outbox.reply(&held, What::Done, &Part::NONE);
        }
    }

    /// If all threads are at items that take long, others may have time for what waits here.
    fn hand_back_waiting(&mut self) {
        let running: Vec<Duration> = self.held.values().filter_map(Held::running).collect();
        if running.len() < self.threads as usize || running.iter().any(|running| *running < AHEAD) {
            return;
        }
        self.hand_back_unbegun();
    }

    /// Hands back what waits for a thread.
    fn hand_back_unbegun(&mut self) {
        let waits = |held: &Held| matches!(held.stage, Stage::Queued) && held.progress.claim_if_waiting();
        let waiting: Vec<u64> =
            self.held.iter().filter(|(_, held)| waits(held)).map(|(&key, _)| key).collect();
        for key in waiting {
            self.hand_back(key);
        }
    }

    async fn answer(&self, ack: &Subject, what: &'static str) {
        let _ = self.client.publish(ack.clone(), Bytes::from_static(what.as_bytes())).await;
    }

    // Masters.

    async fn on_question(&mut self, message: Message) {
        let Some(question) = frame::decode(&message.payload) else { return };
        let (job, number) = match question {
            Fetch::Piece { job, frame, .. } | Fetch::Release { job, frame } => (job, frame),
            Fetch::Verdict { job, frame, care } => return self.on_verdict(job, frame, care).await,
        };
        let asked = |held: &Held| held.number == number && held.job == job;
        let found = self.held.iter().find_map(|(&key, held)| match &held.stage {
            Stage::Result { outcomes, .. } if asked(held) => Some((key, outcomes.clone())),
            _ => None,
        });
        match (question, message.reply) {
            (Fetch::Piece { offset, length, .. }, Some(reply)) if is_inbox(&reply) => {
                let outcomes = found.map(|(_, outcomes)| outcomes).unwrap_or_default();
                let _ = self.client.publish(reply, pieces::piece(&outcomes, offset, length)).await;
            }
            (Fetch::Release { .. }, _) => {
                if let Some((key, _)) = found {
                    self.drop_held(key);
                }
            }
            _ => {}
        }
    }

    async fn on_call(&mut self, message: &Message) {
        let task = message.subject.rsplit('.').next().unwrap_or_default();
        let Some(offer) = self.offers.get(task) else { return };
        match frame::decode(&message.payload) {
            Some(Call::Who { job }) => {
                self.over.remove(job);
                self.silent.remove(job);
                self.pulls.called(task);
                self.hello(offer).await;
            }
            Some(Call::Over { job }) => {
                let job = job.to_owned();
                self.drop_job(&job).await;
            }
            None => {}
        }
    }

    async fn hello(&self, offer: &Offer) {
        let idle = self.held.is_empty() && !self.leaving && self.busy.elapsed() > self.pulls.ack_wait() / 2;
        let hello = frame::encode(&Hello { worker: &self.outbox.me, threads: self.threads, idle });
        let _ = self.client.publish(self.subjects.worker(offer.task()), hello).await;
    }

    /// Drops what it holds of a job that is over. What runs, runs on, but not to the next item.
    async fn drop_job(&mut self, job: &str) {
        if self.over.len() < MOST_OVER {
            self.over.insert(job.to_owned(), Instant::now());
        }
        self.silent.remove(job);
        let keys: Vec<u64> =
            self.held.iter().filter(|(_, held)| held.job == job).map(|(&key, _)| key).collect();
        for key in keys {
            if let Some(held) = self.drop_held(key) {
                held.progress.stop();
                self.answer(&held.ack, TERMINATE).await;
            }
        }
    }

    /// Signs of life about this job have no subscriber: its master is away, or gone.
    async fn on_silence(&mut self, job: &str) {
        let ack_wait = self.pulls.ack_wait();
        let now = Instant::now();
        let (since, last) = self.silent.entry(job.to_owned()).or_insert((now, now));
        if last.elapsed() > ack_wait * 3 {
            *since = now;
        }
        *last = now;
        if since.elapsed() >= ack_wait {
            let job = job.to_owned();
            self.drop_job(&job).await;
        }
    }

    async fn tell_alive(&self, job: &str, kind: Kind, frames: Vec<Sign>) {
        let alive = frame::encode(&Alive { worker: &self.outbox.me, threads: self.threads, kind, frames });
        let reply = format!("{}.{ALIVE}{job}", self.inbox);
        let _ = self.client.publish_with_reply(self.subjects.alive(job), reply, alive).await;
    }

    /// Threads are about to begin, and wait until the master has heard of it.
    async fn tell_begins(&mut self, begins: Vec<Begins>) {
        let mut jobs: BTreeMap<String, Vec<Sign>> = BTreeMap::new();
        for Begins { key, at, .. } in &begins {
            if let Some(held) = self.held.get(key) {
                jobs.entry(held.job.clone()).or_default().push(Sign { frame: held.number, at: Some(*at) });
            }
        }
        for (job, signs) in jobs {
            self.tell_alive(&job, Kind::Begins, signs).await;
        }
        // Those that are asked for again have gone on waiting with another one.
        self.telling.retain(|old| begins.iter().all(|begins| begins.key != old.key));
        self.telling.extend(begins);
    }

    // Every now and then.

    async fn look(&mut self) {
        self.pulls.expire();
        let now = Instant::now();
        let memory = MEMORY.max(self.pulls.ack_wait() * 4);
        self.over.retain(|_, since| now - *since < memory);
        self.silent.retain(|_, (_, last)| now - *last < memory);
        self.longest = self.held.values().filter_map(Held::running).max().unwrap_or_default();
        self.begin_suspect();
        self.beat().await;
        self.send_parts();
        self.hand_back_waiting();
        if self.held.values().any(Held::is_late) {
            self.end_process().await;
        }
    }

    /// Says what it holds, three times in `ack_wait`.
    async fn beat(&mut self) {
        let mut jobs: BTreeMap<String, Vec<Sign>> = BTreeMap::new();
        let (mut acks, mut asks) = (Vec::new(), Vec::new());
        let mut results = Vec::new();
        for (&key, held) in &mut self.held {
            let ack_wait = held.work.ack_wait();
            if held.beat.elapsed() >= ack_wait / 3 {
                held.beat = Instant::now();
                acks.push(held.ack.clone());
                if matches!(held.stage, Stage::Asking) {
                    asks.push(key);
                } else {
                    let sign = Sign { frame: held.number, at: held.at() };
                    jobs.entry(held.job.clone()).or_default().push(sign);
                }
            }
            match &mut held.stage {
                Stage::Result { told, .. } if told.elapsed() >= ack_wait => {
                    *told = Instant::now();
                    results.push(key);
                }
                _ => {}
            }
        }
        for ack in acks {
            self.answer(&ack, IN_PROGRESS).await;
        }
        for (job, frames) in jobs {
            self.tell_alive(&job, Kind::Holds, frames).await;
        }
        for key in asks {
            self.ask(key).await;
        }
        for key in results {
            self.tell_result(key);
        }
    }

    /// Outcomes of frames that take long leave before the others are there, and what waits behind an item that takes
    /// long goes to other workers.
    fn send_parts(&mut self) {
        let mut parts = Vec::new();
        for (&key, held) in &mut self.held {
            if let Some(part) = held.part() {
                parts.push((key, part));
            }
        }
        for (key, (start, count, back, outcomes)) in parts {
            let Some(held) = self.held.get(&key) else { continue };
            if outcomes.len() > self.inline() {
                // They go with the rest, in pieces.
                held.progress.unsend(start, outcomes);
                continue;
            }
            let part = Part { start, count, busy: Duration::ZERO, outcomes: &outcomes };
            self.outbox.reply(held, What::Part { back }, &part);
        }
    }

    /// An item takes longer than it may, and a thread cannot be stopped. So the process ends, after it has said which
    /// item it was and given everything else back.
    async fn end_process(&mut self) {
        for held in self.held.values() {
            let late = held.is_late();
            let (start, count, outcomes) = {
                let mut items = held.progress.lock();
                items.end = 0;
                let mut outcomes = std::mem::take(&mut items.outcomes);
                if late {
                    Outcome::TimedOut.push(&mut outcomes);
                }
                (items.sent, items.done - items.sent + u32::from(late), outcomes)
            };
            let large = matches!(held.stage, Stage::Result { .. }) || outcomes.len() > self.inline();
            if large {
                // There is no time to give it away.
                self.answer(&held.ack, HAND_BACK).await;
                continue;
            }
            let part = Part { start, count, busy: held.seen.1.elapsed(), outcomes: &outcomes };
            self.outbox.reply(held, What::Done, &part);
        }
        self.send_replies().await;
        let _ = tokio::time::timeout(FAREWELL, self.client.flush()).await;
        std::process::exit(EXIT_ITEM_TIMED_OUT);
    }
}

fn average(old: f64, new: f64) -> f64 {
    if old == 0.0 { new } else { old + (new - old) / 8.0 }
}
