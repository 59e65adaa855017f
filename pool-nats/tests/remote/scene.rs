//! What a test has started, and that it ends: processes end with the test, also if it panics or hangs.

use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(180);

/// The processes and the folder of one test.
pub struct Scene {
    folder: TempDir,
    processes: Mutex<Vec<Process>>,
}

impl Scene {
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn spawn(&self, mut command: Command) -> Process {
        let child = command.stdin(Stdio::null()).spawn().expect("the program can be started");
        let process = Process(Arc::new(Mutex::new(child)));
        self.processes.lock().unwrap().push(process.clone());
        process
    }

    fn end(&self) {
        for process in self.processes.lock().unwrap().drain(..) {
            process.kill();
        }
    }
}

/// A test, and how the thread of a supervisor holds its scene.
pub type Test = fn(&Arc<Scene>);

/// Runs a test with a scene of its own. What went wrong, if anything.
pub fn play(test: Test) -> Result<(), String> {
    let scene = Scene { folder: tempfile::tempdir().unwrap(), processes: Mutex::default() };
    let scene = Arc::new(scene);
    let (done, ended) = mpsc::channel::<()>();
    let played = scene.clone();
    let thread = std::thread::spawn(move || {
        // Sent also when the test panics.
        let _done = done;
        test(&played);
    });
    let result = match ended.recv_timeout(LIMIT) {
        Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("hangs: it has not ended after {LIMIT:?}")),
        _ => thread.join().map_err(|payload| {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("panicked").to_owned()
        }),
    };
    scene.end();
    result
}

/// A process of a test.
#[derive(Clone)]
pub struct Process(Arc<Mutex<Child>>);

impl Process {
    /// `kill -9`, and waits until it is gone.
    pub fn kill(&self) {
        let mut child = self.0.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }

    /// SIGSTOP.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.0.lock().unwrap().id();
        kill_process(Pid::from_raw(pid as i32).unwrap(), signal).unwrap();
    }

    pub fn status(&self) -> Option<ExitStatus> {
        self.0.lock().unwrap().try_wait().unwrap()
    }

    /// Waits until it ends by itself.
    pub fn wait(&self) -> ExitStatus {
        eventually(Duration::from_secs(20), "the process ends", || self.status().is_some());
        self.status().unwrap()
    }
}

/// Waits until it is so.
pub fn eventually(limit: Duration, what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "after {limit:?} it is not so that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
