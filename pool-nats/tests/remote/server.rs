//! A `nats-server` of a test's own: a free port, a storage folder that goes with the test.

use crate::scene::{Process, Scene, play};
use pool_nats::{NatsError, Worker};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How to get one.
pub const INSTALL: &str = "get one with `.ci/nats-server`, or name one in NATS_SERVER";

/// The program: `$NATS_SERVER`, what `.ci/nats-server` has installed, or what is in the `PATH`.
pub fn program() -> Option<PathBuf> {
    if let Some(program) = std::env::var_os("NATS_SERVER") {
        return Some(PathBuf::from(program));
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nats-server/newest");
    Some(installed).filter(|program| program.is_file()).or_else(|| in_path("nats-server"))
}

/// A program in the `PATH`, or where Debian has servers.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

/// Why nothing can be tested here, if that is so.
pub fn missing() -> Option<String> {
    if program().is_none() {
        return Some("there is no nats-server".into());
    }
    let too_old = |scene: &Arc<Scene>| {
        if let Err(error @ NatsError::TooOld(_)) = Worker::builder(&Server::start(scene).url()).build() {
            panic!("{error}");
        }
    };
    play(too_old).err()
}

/// A server, running or not.
pub struct Server {
    pub port: u16,
    folder: PathBuf,
    config: PathBuf,
    program: PathBuf,
    process: Option<Process>,
}

impl Server {
    /// A server with JetStream.
    pub fn start(scene: &Scene) -> Server {
        Server::with(scene, |_, folder| format!("jetstream {{ store_dir: {folder:?} }}"))
    }

    /// A server with this configuration, which is told its port and its folder.
    pub fn with(scene: &Scene, config: impl Fn(u16, &Path) -> String) -> Server {
        let mut server = Server::stopped(scene, free_port(), config);
        server.run(scene);
        server
    }

    pub fn stopped(scene: &Scene, port: u16, config: impl Fn(u16, &Path) -> String) -> Server {
        let folder = scene.folder().join(format!("server-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("server.conf");
        std::fs::write(&path, format!("listen: 127.0.0.1:{port}\n{}\n", config(port, &folder))).unwrap();
        let program = program().expect("main has looked");
        Server { port, folder, config: path, program, process: None }
    }

    /// The same with another program.
    pub fn of(mut self, program: PathBuf) -> Server {
        self.program = program;
        self
    }

    /// Starts it, or starts it again on the same port with the same folder.
    pub fn run(&mut self, scene: &Scene) {
        let mut command = Command::new(&self.program);
        command.arg("-c").arg(&self.config).arg("-l").arg(self.folder.join("log"));
        self.process = Some(scene.spawn(command));
        let began = Instant::now();
        while !greets(self.port) {
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(began.elapsed() < Duration::from_secs(10), "the server does not start: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.take().expect("it runs").kill();
    }
}

/// Whether a server says hello there.
fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("INFO")
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
