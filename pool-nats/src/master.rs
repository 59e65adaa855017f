//! The side of a master: its settings, its connection, and the thread behind it.

use crate::builder::{Builder, Connected, refusal};
use crate::error::NatsError;
use crate::subjects::Subjects;
use async_nats::Client;
use async_nats::client::RequestErrorKind;
use async_nats::jetstream;
use pool_remote::unwind::{catch, drop_quietly};
use pool_remote::wait_for;
use std::fmt;
use std::future::Future;
use std::io::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};

/// How long the end of a pool waits for the last purges.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where the server keeps frames that no worker has yet.
///
/// The master has every item until it has handed out its result, so neither loses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// In memory: faster. After a restart of the server the master sends again what was there, one stall later.
    #[default]
    Memory,
    /// In files: a restart is a shorter stall.
    File,
}

/// What only masters set.
#[derive(Debug, Clone)]
pub struct MasterRole {
    pub(crate) no_worker: Hook,
    pub(crate) ack_wait: Duration,
    pub(crate) storage: Storage,
    pub(crate) replicas: usize,
    pub(crate) max_age: Duration,
}

/// What is called with the name of a function that no worker offers.
#[derive(Clone)]
pub(crate) struct Hook(Arc<dyn Fn(&str) + Send + Sync>);

impl Hook {
    /// Calls it on a thread of its own: it may block or panic, and messages must go on.
    pub fn call(&self, task: &str) {
        let (hook, task) = (self.0.clone(), task.to_owned());
        let thread = std::thread::Builder::new().name("pool-nats hook".into());
        // Without a thread there is no call: what it would say is not worth the map.
        let _ = thread.spawn(move || drop_quietly(catch(|| hook(&task)).err()));
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// Says it on standard error, unless that is closed.
fn say_no_worker(task: &str) {
    let line = format!(
        "pool-nats: no worker offers `{task}` yet; is one running, with the same version and types, in the same namespace?\n"
    );
    let _ = std::io::stderr().write_all(line.as_bytes());
}

impl MasterRole {
    pub(crate) fn new() -> MasterRole {
        MasterRole {
            no_worker: Hook(Arc::new(say_no_worker)),
            ack_wait: Duration::from_secs(5),
            storage: Storage::default(),
            replicas: 1,
            max_age: Duration::from_secs(3600),
        }
    }
}

impl Builder<MasterRole> {
    /// After what time without a sign of life a worker's items go to others. Default 5 s, at least 100 ms.
    ///
    /// Workers send such signs every third of it for all that they hold, so it limits no item: it is how long a worker
    /// may be away. All masters of a namespace should have the same; the last one sets it for all.
    pub fn ack_wait(mut self, limit: Duration) -> Self {
        self.role.ack_wait = limit;
        self
    }

    /// Calls this with the name of the function when an imap has waited for 2 s and has heard of no worker that offers it,
    /// once for each imap. Default: a line on standard error.
    ///
    /// It is called on a thread of its own. The imap waits on, see
    /// [`no_worker_timeout`](crate::RemoteImap::no_worker_timeout). While the server is away it is not called.
    ///
    /// ```no_run
    /// # use pool_nats::NatsPool;
    /// let quiet = NatsPool::builder("nats://localhost").on_no_worker(|_| {}).build()?;
    /// # Ok::<(), pool_nats::NatsError>(())
    /// ```
    pub fn on_no_worker(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.role.no_worker = Hook(Arc::new(hook));
        self
    }

    /// Where the server keeps frames. Of the namespace: the master that makes the stream first decides.
    pub fn storage(mut self, storage: Storage) -> Self {
        self.role.storage = storage;
        self
    }

    /// On how many servers of a cluster frames are kept: 1 (the default), 3 or 5. Of the namespace, as the storage.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.role.replicas = replicas;
        self
    }

    /// After what time the server forgets frames and consumers of a master that vanished. Default an hour.
    ///
    /// A frame that waits longer for a worker is sent again. Of the namespace, as the storage.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.role.max_age = age;
        self
    }

    /// Connects, and starts the thread.
    pub(crate) fn connect_master(self) -> Result<Arc<Shared>, NatsError> {
        let role = &self.role;
        if role.ack_wait < Duration::from_millis(100) {
            let why =
                format!("ack_wait({:?}): at least 100 ms, or workers are taken for dead", role.ack_wait);
            return Err(NatsError::Setting(why));
        }
        if !matches!(role.replicas, 1..=5) {
            return Err(NatsError::Setting(format!("replicas({}): 1 to 5", role.replicas)));
        }
        if role.max_age < role.ack_wait {
            let why = "max_age is below ack_wait: frames would vanish while workers hold them";
            return Err(NatsError::Setting(why.into()));
        }
        let (ready, mut built) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("pool-nats".into())
            .spawn(move || background(self, ready))
            .map_err(|error| NatsError::System(format!("a thread: {error}")))?;
        let started = wait_for(None, |context| Pin::new(&mut built).poll(context)).and_then(Result::ok);
        let (master, stop) = started.ok_or_else(|| NatsError::System("the thread has died".into()))??;
        let ending = Mutex::new(Some((stop, thread)));
        Ok(Arc::new(Shared { master, ending }))
    }
}

/// The thread of a pool: it lives as long as the pool and all its imaps.
fn background(
    builder: Builder<MasterRole>,
    ready: oneshot::Sender<Result<(Master, oneshot::Sender<()>), NatsError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(NatsError::System(error.to_string())));
            return;
        }
    };
    runtime.block_on(async {
        let connected = match connect(&builder).await {
            Ok(connected) => connected,
            Err(error) => {
                let _ = ready.send(Err(error));
                return;
            }
        };
        let Connected { client, mut events, subjects } = connected;
        let (refuse, refused) = watch::channel(None);
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if let Some(what) = refusal(&event) {
                    let _ = refuse.send(Some(what));
                }
            }
        });
        let (busy, mut jobs) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let master = Master {
            // Questions are repeated, so each may fail soon.
            context: jetstream::ContextBuilder::new().timeout(Duration::from_secs(2)).build(client.clone()),
            client: client.clone(),
            subjects,
            role: builder.role,
            connection_timeout: builder.connection_timeout,
            refused,
            runtime: Handle::current(),
            busy,
        };
        if ready.send(Ok((master, stop))).is_err() {
            return;
        }
        let _ = stopped.await;
        // Each job has a sender, and purges before it lets it go.
        let _ = tokio::time::timeout(FAREWELL, async {
            while jobs.recv().await.is_some() {}
            client.flush().await
        })
        .await;
    });
}

async fn connect(builder: &Builder<MasterRole>) -> Result<Connected, NatsError> {
    let mut connected = builder.connect("pool-nats master").await?;
    let info = connected.client.server_info();
    let server = format!("{}:{} ({})", info.host, info.port, info.version);
    let since = Instant::now();
    loop {
        // By hand: the client's own question cannot read what 2.9 answers.
        let question = async_nats::Request::new().timeout(Some(Duration::from_secs(2)));
        let why = match connected.client.send_request("$JS.API.INFO", question).await {
            Ok(answer) => match refused(&answer.payload) {
                None => return Ok(connected),
                Some(why) if why.contains("not enabled") => return Err(NatsError::NoJetStream(server)),
                Some(why) => why,
            },
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                return Err(NatsError::NoJetStream(server));
            }
            Err(error) => error.to_string(),
        };
        while let Ok(event) = connected.events.try_recv() {
            if let Some(what) = refusal(&event) {
                return Err(NatsError::NotPermitted(what));
            }
        }
        // A cluster that elects its leader does not answer.
        if since.elapsed() > builder.connection_timeout {
            return Err(NatsError::Connect(format!(
                "JetStream of the server {server} does not answer: {why}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What JetStream said against a question, if it did.
pub(crate) fn refused(answer: &[u8]) -> Option<String> {
    // An answer to a frame is short, and nearly always has no error in it.
    if !answer.windows(8).any(|part| part == b"\"error\":") {
        return None;
    }
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    Some(answer.get("error")?["description"].as_str().unwrap_or("no reason").to_owned())
}

/// What a job needs of its pool.
#[derive(Clone)]
pub(crate) struct Master {
    pub client: Client,
    pub context: jetstream::Context,
    pub subjects: Subjects,
    pub role: MasterRole,
    pub connection_timeout: Duration,
    /// What the server refuses for ever.
    pub refused: watch::Receiver<Option<String>>,
    pub runtime: Handle,
    /// Held while a job is at work.
    pub busy: mpsc::Sender<()>,
}

pub(crate) struct Shared {
    pub master: Master,
    ending: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = ending {
            // The sender in `master` would keep the thread waiting.
            self.master.busy = mpsc::channel(1).0;
            let _ = stop.send(());
            // From a task on that very thread it cannot be waited for.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}
