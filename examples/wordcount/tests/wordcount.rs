//! The program as its users run it. Threads, processes and workers give the same bytes, also if something is killed.

use example_common::testing::{redirected, run};
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when the test ends, also if the test panics.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wordcount(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordcount"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// The oldest server that pool-nats takes.
const OLDEST: [u64; 3] = [2, 10, 25];

/// Whether it is there, and pool-nats takes it.
fn is_new_enough(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| version(&String::from_utf8_lossy(&output.stdout)) >= Some(OLDEST))
}

/// The three numbers in `nats-server: v2.10.25-preview.1`.
fn version(text: &str) -> Option<[u64; 3]> {
    let (_, version) = text.trim().split_once(": v")?;
    let mut numbers = version.split(['.', '-', '+']).map(|number| number.parse().ok());
    Some([numbers.next()??, numbers.next()??, numbers.next()??])
}

#[test]
fn servers_are_compared_by_their_numbers() {
    let is_taken = |text| version(text) >= Some(OLDEST);
    for taken in [
        "nats-server: v2.10.25\n",
        "nats-server: v2.10.100",
        "nats-server: v2.11.0-preview.1",
        "nats-server: v3.0.0",
    ] {
        assert!(is_taken(taken), "{taken}");
    }
    for other in [
        "nats-server: v2.10.24",
        "nats-server: v2.9.99",
        "nats-server: v1.11.30",
        "nats-server: v2.10",
        "",
        "v",
    ] {
        assert!(!is_taken(other), "{other}");
    }
}

fn server_program() -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/nats-server/newest");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let programs = folders.map(|folder| folder.join("nats-server"));
    let mut programs = std::iter::once(installed).chain(programs);
    let program = match std::env::var_os("NATS_SERVER") {
        Some(named) => Some(PathBuf::from(named)).filter(|program| is_new_enough(program)),
        None => programs.find(|program| is_new_enough(program)),
    };
    if program.is_none() {
        let required = std::env::var_os("POOL_NATS_REQUIRED").is_some_and(|value| value == "1");
        assert!(!required, "POOL_NATS_REQUIRED=1, and there is no nats-server that is new enough");
        eprintln!("*** SKIPPED: there is no nats-server that is new enough; `.ci/nats-server` gets one ***");
    }
    program
}

fn start_server(program: &Path, folder: &Path) -> (Process, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(program);
    command
        .args(["--jetstream", "--addr", "127.0.0.1", "--port", &port.to_string(), "--store_dir"])
        .arg(folder);
    let server = Process(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(10), "the server does not start");
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) {
            let mut line = String::new();
            if BufReader::new(stream).read_line(&mut line).is_ok() && line.starts_with("INFO") {
                return (server, format!("nats://127.0.0.1:{port}"));
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A tree of 200 files, and a file large enough to be sent in pieces.
fn tree(folder: &Path) -> PathBuf {
    let root = folder.join("tree");
    for file in 0..200u64 {
        let below = root.join(format!("d{}", file % 7));
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join(format!("f{file:03}")), "some words \n".repeat(file as usize)).unwrap();
    }
    std::fs::write(root.join("large"), "word ".repeat(400_000)).unwrap();
    root
}

fn text(output: &Output) -> (Option<i32>, &str, &str) {
    (
        output.status.code(),
        std::str::from_utf8(&output.stdout).unwrap(),
        std::str::from_utf8(&output.stderr).unwrap(),
    )
}

/// What all ways must print for the tree.
fn expected(root: &str) -> String {
    let output = wordcount(&["count", root, "--threads", "2"]).output().unwrap();
    let (status, expected, errors) = text(&output);
    assert_eq!((status, errors), (Some(0), ""));
    assert_eq!(expected.lines().count(), 202);
    // 2 words on each line, and 400,000 more.
    assert!(expected.ends_with(&format!("{:>8} total\n", 2 * (0..200).sum::<u64>() + 400_000)));
    expected.to_owned()
}

/// Starts to count, with time to kill something.
fn slowly(arguments: &[&str]) -> Child {
    let mut command = wordcount(arguments);
    command.env("WORDCOUNT_DELAY", "10").stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn workers_give_the_same_bytes_also_if_one_is_killed() {
    let Some(program) = server_program() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = tree(folder.path());
    let root = root.to_str().unwrap();
    let expected = expected(root);
    let (_server, url) = start_server(&program, folder.path());
    let work = ["work", "--nats", &url, "--threads", "1"];
    let mut workers: Vec<Process> = (0..2).map(|_| Process(slowly(&work))).collect();
    let master = slowly(&["count", root, "--nats", &url, "--stats", "--ack-wait", "0.4"]);
    std::thread::sleep(Duration::from_millis(700));
    drop(workers.remove(0));
    let remote = master.wait_with_output().unwrap();
    let (status, lines, stats) = text(&remote);
    assert_eq!((status, lines), (Some(0), &expected[..]), "{stats}");
    assert!(stats.contains("201 delivered") && stats.matches("worker ").count() == 2, "{stats}");
}

#[test]
#[cfg(target_os = "linux")]
fn processes_give_the_same_bytes_also_if_some_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let root = tree(folder.path());
    let root = root.to_str().unwrap();
    let expected = expected(root);
    let counting = slowly(&["count", root, "--processes", "2", "--stats"]);
    let tasks = format!("/proc/{}/task", counting.id());
    for _ in 0..2 {
        std::thread::sleep(Duration::from_millis(300));
        let children = std::fs::read_dir(&tasks).unwrap().flat_map(|task| {
            let text = std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default();
            text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        });
        let child = children.last().expect("a child");
        assert!(Command::new("kill").args(["-9", &child]).status().unwrap().success());
    }
    let output = counting.wait_with_output().unwrap();
    let (status, lines, stats) = text(&output);
    assert_eq!((status, lines), (Some(0), &expected[..]), "{stats}");
    assert!(stats.contains("201 delivered") && stats.matches("worker ").count() >= 3, "{stats}");
}

/// Threads die with their process. What it has printed until then is right.
#[test]
fn a_process_that_is_killed_has_printed_a_beginning_of_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let root = tree(folder.path());
    let root = root.to_str().unwrap();
    let expected = expected(root);
    let mut counting = slowly(&["count", root, "--threads", "2"]);
    std::thread::sleep(Duration::from_millis(500));
    counting.kill().unwrap();
    let output = counting.wait_with_output().unwrap();
    let (status, lines, _) = text(&output);
    assert!(status.is_none() && expected.starts_with(lines));
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let output = wordcount(&["count", missing.to_str().unwrap(), "--threads", "2"]).output().unwrap();
    let (status, lines, errors) = text(&output);
    assert_eq!((status, lines), (Some(1), "       0 total\n"));
    assert!(errors.contains("missing"), "{errors}");
    let output = wordcount(&["count", ".", "--nats", "nats://127.0.0.1:1"]).output().unwrap();
    let (status, lines, errors) = text(&output);
    assert_eq!((status, lines), (Some(1), ""));
    assert!(errors.contains("cannot connect to the NATS server"), "{errors}");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_an_error() {
    let program = env!("CARGO_BIN_EXE_wordcount");
    for (streams, reason) in [(">&-", "it is closed"), (">/dev/full", "No space left on device")] {
        let done = run(redirected(program, streams).args(["count", "src", "--threads", "2"]));
        assert_eq!(done.status.code(), Some(1), "{streams}");
        assert!(done.stderr.starts_with(&format!("wordcount: standard output: {reason}")), "{}", done.stderr);
    }
    // No message ends the work.
    let done = run(redirected(program, "2>/dev/full").args(["count", "src", "--threads", "2", "--stats"]));
    assert!(done.status.success() && done.stdout.ends_with(b" total\n"), "{}", done.status);
}
