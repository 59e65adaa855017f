//! A server and workers that end with the measurement.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A server on a free port with a folder of its own, and processes that use it.
pub struct Processes {
    url: String,
    children: Mutex<Vec<Child>>,
    _folder: tempfile::TempDir,
}

impl Processes {
    pub fn start() -> super::Result<Processes> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let program = std::env::var_os("NATS_SERVER").unwrap_or_else(|| "nats-server".into());
        let server = Command::new(program)
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", &port.to_string(), "--store_dir"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("nats-server: {error}; install it, or name it in NATS_SERVER"))?;
        let url = format!("nats://127.0.0.1:{port}");
        let processes = Processes { url, children: Mutex::new(vec![server]), _folder: folder };
        let began = Instant::now();
        while !greets(port) {
            if began.elapsed() > Duration::from_secs(10) {
                return Err("the server does not start".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(processes)
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn workers(&self, count: usize, threads: usize) -> super::Result<()> {
        (0..count).try_for_each(|_| self.spawn(&["worker", &self.url, &threads.to_string()]))
    }

    pub fn by_hand(&self, count: usize, batch: u64) -> super::Result<()> {
        (0..count).try_for_each(|_| self.spawn(&["by-hand", &self.url, &batch.to_string()]))
    }

    fn spawn(&self, arguments: &[&str]) -> super::Result<()> {
        let child = Command::new(std::env::current_exe()?).args(arguments).spawn()?;
        self.children.lock().unwrap().push(child);
        Ok(())
    }

    /// Sends a signal (`KILL`, `TERM`) to the first worker.
    pub fn signal(&self, signal: &str) -> super::Result<()> {
        let pid = self.children.lock().unwrap()[1].id().to_string();
        Command::new("kill").args(["-s", signal, &pid]).status()?;
        Ok(())
    }

    /// What a master of this many items says of its memory.
    pub fn memory(&self, items: u64) -> super::Result<String> {
        let output = Command::new(std::env::current_exe()?)
            .args(["memory", &self.url, &items.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        Ok(String::from_utf8(output.stdout)?)
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        // The server last.
        for mut child in self.children.lock().unwrap().drain(..).rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("INFO")
}

pub fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
