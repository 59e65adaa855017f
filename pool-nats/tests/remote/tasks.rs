//! The tasks of the tests, and the program that offers them: this binary with the argument `worker`.

use crate::scene::{Process, Scene};
use pool_channel::ChannelPool;
use pool_nats::{NatsPool, Task, TaskError, Worker};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a task does with a number: no two are alike, so a result at another's place is found.
pub fn right(x: u64) -> u64 {
    x.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xABCD
}

/// Whether these are the right results of 0 to `count`, in order, and no more.
pub fn check(results: impl IntoIterator<Item = Result<u64, TaskError>>, count: u64) {
    let mut expected = 0..count;
    for result in results {
        match (expected.next(), result) {
            (Some(x), Ok(value)) => assert_eq!(value, right(x), "at {x}"),
            (at, other) => panic!("at {at:?} of {count}: {other:?}"),
        }
    }
    assert_eq!(expected.next(), None, "the results end early");
}

/// Bytes that follow from a number.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let words = (0u64..).flat_map(|at| right(seed ^ (at << 32)).to_le_bytes());
    words.take(length).collect()
}

pub const NUMBER: Task<u64, u64> = Task::named("number");
pub const OTHER: Task<u64, u64> = Task::named("other");
/// A number, and for how many milliseconds it sleeps.
pub const SLEEP: Task<(u64, u64), u64> = Task::named("sleep");
/// A number, and how long the result is.
pub const BYTES: Task<(u64, usize), Vec<u8>> = Task::named("bytes");
pub const SAME: Task<Vec<u8>, Vec<u8>> = Task::named("same");
pub const DEED: Task<(u64, Deed), u64> = Task::named("deed");
/// Sleeps for so long, and notes in a file that it has run.
pub const NOTE: Task<(u64, u64, PathBuf), u64> = Task::named("note");
/// Workers offer the second version only.
pub const VERSION: Task<u64, u64> = Task::named("version");

pub const FUSSY: Task<Fussy, Fussy> = Task::named("fussy");

/// A number that cannot be written if it is 4, nor read if it is 6.
#[derive(Debug, PartialEq, Eq)]
pub struct Fussy(pub u64);

impl Serialize for Fussy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == 4 {
            return Err(serde::ser::Error::custom("on purpose"));
        }
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Fussy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fussy, D::Error> {
        match u64::deserialize(deserializer)? {
            6 => Err(serde::de::Error::custom("on purpose")),
            x => Ok(Fussy(x)),
        }
    }
}

/// 7 and 8 become those.
fn fussy(Fussy(x): Fussy) -> Fussy {
    Fussy(match x {
        7 => 4,
        8 => 6,
        x => x,
    })
}

/// What the function does before it gives the right number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Deed {
    Nothing,
    Panic,
    Abort,
    Hang,
    Sleep(u64),
}

fn deed((x, deed): (u64, Deed)) -> u64 {
    match deed {
        Deed::Nothing => {}
        Deed::Panic => panic!("on purpose: {x}"),
        Deed::Abort => std::process::abort(),
        Deed::Hang => loop {
            std::thread::park();
        },
        Deed::Sleep(milliseconds) => std::thread::sleep(Duration::from_millis(milliseconds)),
    }
    right(x)
}

fn note((x, milliseconds, path): (u64, u64, PathBuf)) -> u64 {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "{x}").unwrap();
    std::thread::sleep(Duration::from_millis(milliseconds));
    right(x)
}

/// How a worker process is started.
#[derive(Clone)]
pub struct Plan {
    pub url: String,
    pub threads: usize,
    pub backend: &'static str,
    /// Arguments in pairs: `user`, `password`, `creds`, `ca`, `inbox`, `namespace`.
    pub more: Vec<(&'static str, String)>,
}

impl Plan {
    pub fn new(url: &str, threads: usize) -> Plan {
        Plan { url: url.to_owned(), threads, backend: "channel", more: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Plan {
        self.more.push((name, value.into()));
        self
    }

    pub fn backend(mut self, backend: &'static str) -> Plan {
        self.backend = backend;
        self
    }

    pub fn start(&self, scene: &Scene) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["worker", &self.url, &self.threads.to_string(), self.backend]);
        for (name, value) in &self.more {
            command.args([name, value.as_str()]);
        }
        scene.spawn(command)
    }
}

/// A worker process with this many threads.
pub fn worker(scene: &Scene, url: &str, threads: usize) -> Process {
    Plan::new(url, threads).start(scene)
}

/// Starts a worker again whenever its process ends, as systemd would, until it is dropped.
pub struct Supervisor {
    stop: Arc<AtomicBool>,
    /// How its processes have ended.
    pub ends: Arc<Mutex<Vec<ExitStatus>>>,
}

impl Supervisor {
    pub fn new(scene: &Arc<Scene>, plan: &Plan) -> Supervisor {
        let supervisor = Supervisor { stop: Arc::default(), ends: Arc::default() };
        let (scene, plan) = (scene.clone(), plan.clone());
        let (stop, ends) = (supervisor.stop.clone(), supervisor.ends.clone());
        std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let process = plan.start(&scene);
                let status = loop {
                    if let Some(status) = process.status() {
                        break status;
                    }
                    if stop.load(Ordering::SeqCst) {
                        return;
                    }
                    std::thread::sleep(Duration::from_millis(10));
                };
                ends.lock().unwrap().push(status);
            }
        });
        supervisor
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// A master that never ends: it is killed.
pub fn endless_master(url: &str) -> ExitCode {
    let pool = NatsPool::builder(url)
        .ack_wait(Duration::from_millis(300))
        .max_age(Duration::from_secs(2))
        .build()
        .expect("the server is there");
    pool.imap(SLEEP, (0..).map(|x| (x, 50))).for_each(drop);
    ExitCode::FAILURE
}

/// A master that no worker serves. It ends well if it is told so.
pub fn lonely_master(url: &str) -> ExitCode {
    let pool = NatsPool::builder(url).namespace("lonely").build().expect("the server is there");
    let mut imap = pool.imap(NUMBER, 0..3).no_worker_timeout(Duration::from_millis(3500));
    match imap.next() {
        Some(Err(TaskError::NoWorker { .. })) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The worker program.
pub fn main(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    // Panics are part of the tests, and what they say is checked at the master.
    std::panic::set_hook(Box::new(|_| {}));
    let [url, threads, backend, more @ ..] = arguments else {
        return Err("worker URL THREADS BACKEND …".into());
    };
    let mut builder = Worker::builder(url);
    let find = |name: &str| more.chunks(2).find(|pair| pair[0] == name).map(|pair| pair[1].as_str());
    if let (Some(user), Some(password)) = (find("user"), find("password")) {
        builder = builder.user_and_password(user, password);
    }
    if let Some(path) = find("creds") {
        builder = builder.credentials_file(path);
    }
    if let Some(path) = find("ca") {
        builder = builder.root_certificates(path);
    }
    if let Some(prefix) = find("inbox") {
        builder = builder.inbox_prefix(prefix);
    }
    if let Some(namespace) = find("namespace") {
        builder = builder.namespace(namespace);
    }
    let worker = builder
        .build()?
        .task(NUMBER, right)
        .task(OTHER, right)
        .task(SLEEP, |(x, milliseconds)| {
            std::thread::sleep(Duration::from_millis(milliseconds));
            right(x)
        })
        .task(BYTES, |(seed, length)| bytes(seed, length))
        .task(SAME, |bytes| bytes)
        .task(DEED, deed)
        .task(FUSSY, fussy)
        .task(NOTE, note)
        .task(VERSION.version(2), right);
    let threads = threads.parse()?;
    match backend.as_str() {
        "channel" => worker.run(&ChannelPool::new(threads)?)?,
        "stealing" => worker.run(&StealingPool::new(threads)?)?,
        "rayon" => worker.run(&RayonPool::new(threads)?)?,
        other => return Err(format!("no backend {other}").into()),
    }
    Ok(())
}
