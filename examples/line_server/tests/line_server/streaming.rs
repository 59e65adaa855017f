//! Answers while the request still comes, and what happens when one side stops.

use crate::client::{Server, get, open_body, post, post_text, within_limit};
use crate::digest::sha256;
use crate::gate::Gate;
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

#[test]
fn a_line_is_answered_before_there_is_a_next() {
    within_limit(async {
        for threads in [1, 2] {
            let server = Server::start(threads, sha256);
            let (body, pieces) = open_body();
            body.send("one\ntw").unwrap();
            let mut answer = post(server.address, "/map", pieces).await;
            assert_eq!(answer.line().await, Some(sha256(b"one", 1)));
            body.send("o\n").unwrap();
            assert_eq!(answer.line().await, Some(sha256(b"two", 1)));
            for _ in 0..100 {
                body.send("again\r\n").unwrap();
                assert_eq!(answer.line().await, Some(sha256(b"again", 1)));
            }
            body.send("end").unwrap();
            drop(body);
            assert_eq!(answer.line().await, Some(sha256(b"end", 1)));
            assert_eq!(answer.line().await, None);
        }
    });
}

/// Neither the body nor the answer fits into the buffers between client and server, so one of the two has to wait.
#[test]
fn a_client_that_does_not_read_is_not_read() {
    const LINES: usize = 4_000;
    const LENGTH: usize = 16 * 1024;
    within_limit(async {
        let (begun, sent) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = Server::start(2, {
            let begun = begun.clone();
            move |line, _| {
                begun.fetch_add(1, Ordering::SeqCst);
                String::from_utf8(line.to_vec()).unwrap()
            }
        });
        let line = Bytes::from([b"x".repeat(LENGTH), b"\n".to_vec()].concat());
        let pieces = stream::iter(0..LINES).map({
            let sent = sent.clone();
            move |_| {
                sent.fetch_add(1, Ordering::SeqCst);
                line.clone()
            }
        });
        let answer = post(server.address, "/map", pieces).await;
        // Until neither side has moved for a while.
        let mut seen = 0;
        while seen < sent.load(Ordering::SeqCst) {
            seen = sent.load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let stopped = (begun.load(Ordering::SeqCst), sent.load(Ordering::SeqCst));
        assert!(stopped.0 < LINES / 2 && stopped.1 < LINES, "{stopped:?} of {LINES}");
        let lines = answer.lines().await;
        assert_eq!(lines.len(), LINES);
        assert!(lines.iter().all(|line| line.len() == LENGTH));
    });
}

#[test]
fn a_client_that_hangs_up_cancels_its_lines() {
    const LINES: usize = 100_000;
    within_limit(async {
        let gate = Gate::default();
        let server = Server::start(2, {
            let gate = gate.clone();
            move |line, rounds| {
                gate.pass();
                if line != b"after" {
                    thread::sleep(Duration::from_millis(1));
                }
                sha256(line, rounds)
            }
        });
        for route in ["/map", "/batch"] {
            let before = gate.begun();
            let answer = post_text(server.address, route, &b"line\n".repeat(LINES), 5_000).await;
            gate.wait_for(before + 2).await;
            gate.open();
            drop(answer);
            server.rest().await;
            // Lines that have begun may end, and no other line begins.
            let begun = gate.begun();
            assert!(begun - before < LINES / 2, "{route}: {} of {LINES}", begun - before);
            for _ in 0..20 {
                let lines = post_text(server.address, "/map", b"after\n", 6).await.lines().await;
                assert_eq!(lines, [sha256(b"after", 1)]);
            }
            assert_eq!(gate.begun(), begun + 20, "{route}");
        }
        assert_eq!(get(server.address, "/health").await.lines().await, ["ok"]);
    });
}
