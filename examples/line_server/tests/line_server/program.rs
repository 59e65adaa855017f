//! The program itself: its arguments, and Ctrl-C.

use crate::client::{get, open_body, post, within_limit};
use crate::digest::sha256;
use example_common::testing::redirected;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

const PROGRAM: &str = env!("CARGO_BIN_EXE_line_server");

fn line_server() -> Command {
    Command::new(PROGRAM)
}

/// The program, which is killed when the test ends, also if the test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start() -> (Running, SocketAddr) {
    let mut command = line_server();
    command.args(["--addr", "127.0.0.1:0", "--threads", "2"]).stderr(Stdio::piped());
    let mut child = Running(command.spawn().unwrap());
    let mut line = String::new();
    let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
    stderr.read_line(&mut line).unwrap();
    // It goes on reading, so that the server can write.
    std::thread::spawn(move || stderr.lines().for_each(drop));
    let address = line.trim_end().strip_prefix("listening on http://").unwrap().parse().unwrap();
    (child, address)
}

fn interrupt(running: &Running) {
    let killed = Command::new("kill").args(["-INT", &running.0.id().to_string()]).status().unwrap();
    assert!(killed.success());
}

async fn end(running: &mut Running) -> ExitStatus {
    loop {
        match running.0.try_wait().unwrap() {
            Some(status) => return status,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_lets_open_requests_end() {
    within_limit(async {
        let (mut child, address) = start();
        assert_eq!(get(address, "/health").await.lines().await, ["ok"]);
        let (body, pieces) = open_body();
        body.send("one\n").unwrap();
        let mut answer = post(address, "/map", pieces).await;
        assert_eq!(answer.line().await, Some(sha256(b"one", 1)));
        interrupt(&child);
        // Once clients cannot connect any more, the server has seen the signal.
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        body.send("two\n").unwrap();
        assert_eq!(answer.line().await, Some(sha256(b"two", 1)));
        drop(body);
        assert_eq!(answer.line().await, None);
        let status = end(&mut child).await;
        assert!(status.success(), "{status}");
    });
}

#[test]
fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = line_server().args(["--addr", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with(&format!("line_server: {address}: ")) && told.contains("--addr"), "{told}");
}

/// As where its log is on a full disk.
#[test]
#[cfg(target_os = "linux")]
fn it_serves_where_no_message_can_be_written() {
    within_limit(async {
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for stderr in ["2>&-", "2>/dev/full"] {
            let mut command = redirected(PROGRAM, stderr);
            command.args(["--addr", &address.to_string(), "--threads", "1"]);
            let mut child = Running(command.spawn().unwrap());
            while tokio::net::TcpStream::connect(address).await.is_err() {
                assert_eq!(child.0.try_wait().unwrap().map(|status| status.to_string()), None, "{stderr}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(get(address, "/health").await.lines().await, ["ok"]);
            interrupt(&child);
            assert!(end(&mut child).await.success(), "{stderr}");
        }
    });
}

#[test]
fn wrong_arguments_are_explained() {
    for arguments in [["--threads", "0"], ["--addr", "nowhere"]] {
        let output = line_server().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8(output.stderr).unwrap().contains(arguments[0]));
    }
}
