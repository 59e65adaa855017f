//! For tests: runs a program as its user would. Every run has a time limit, so that a hang is a failure.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The program at this path. Its input is empty unless the test gives some.
pub fn program(path: &str) -> Command {
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

/// The program at this path, with these redirections of the shell, such as `>&-` for a closed standard output.
#[cfg(unix)]
pub fn redirected(path: &str, redirections: &str) -> Command {
    let mut command = program("sh");
    command.args(["-c", &format!("exec \"$0\" \"$@\" {redirections}"), path]);
    command
}

/// The output and the exit status of a program.
#[derive(Debug)]
pub struct Done {
    /// How it ended.
    pub status: ExitStatus,
    /// Its results.
    pub stdout: Vec<u8>,
    /// Its messages.
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

/// Runs a program on this input.
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

/// Runs a program on an empty input.
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
