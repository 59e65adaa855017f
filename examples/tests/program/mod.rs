//! Runs a built example as its user would. Every run has a time limit, so that a hang is a failure.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub const LIMIT: Duration = Duration::from_secs(60);

/// The example of this name. Its input is empty unless the test gives some.
pub fn program(name: &str) -> Command {
    // A test is `target/<profile>/deps/<test>-…`.
    let mut program = std::env::current_exe().unwrap();
    program.pop();
    program.pop();
    program.push("examples");
    program.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "`cargo build -p pool-examples --examples` comes first: no {program:?}");
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// The output and the exit status of a program.
pub struct Done {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Done {
    /// The standard output of a run that succeeded and wrote no message.
    pub fn good(self) -> Vec<u8> {
        assert_eq!(self.stderr, "");
        assert!(self.status.success(), "{}", self.status);
        self.stdout
    }
}

/// Waits for a child, and fails if it takes longer than `LIMIT`.
pub fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("still running after {LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Everything that comes out of a pipe, read on a thread so that the child never waits for the test.
pub fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    let mut pipe = pipe.expect("a pipe was asked for");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

pub fn run_with_input(command: &mut Command, input: &[u8]) -> Done {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // This write fails where the program ends early. The test then looks at its output.
    thread::spawn(move || stdin.write_all(&input));
    let status = wait(&mut child);
    Done {
        status,
        stdout: stdout.join().unwrap(),
        stderr: String::from_utf8(stderr.join().unwrap()).unwrap(),
    }
}

pub fn run(command: &mut Command) -> Done {
    run_with_input(command, b"")
}

/// Whether a tool to compare with is installed. If not, the test says that the comparison was left out.
pub fn has(tool: &str) -> bool {
    let found =
        Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        eprintln!("skipped: there is no {tool}");
    }
    found
}

/// Text that compresses as text does, and never repeats for long.
pub fn prose(length: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "the", "order", "of", "results", "is", "that", "input", "window", "a", "thread", "waits", "for",
        "block", "and", "queue", "never",
    ];
    let (mut text, mut state) = (Vec::with_capacity(length + 16), 1_u64);
    while text.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.extend_from_slice(WORDS[(state >> 60) as usize].as_bytes());
        text.push(if state >> 40 & 15 == 0 { b'\n' } else { b' ' });
    }
    text.truncate(length);
    text
}
