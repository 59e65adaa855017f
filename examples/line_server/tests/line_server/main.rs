//! The line server on a real socket. Every test has a time limit, so that a hang is a failure.

mod client;
mod gate;
mod program;
mod sharing;
mod streaming;

#[path = "../../src/digest.rs"]
mod digest;
#[path = "../../src/lines.rs"]
mod lines;
#[path = "../../src/server.rs"]
mod server;

use client::{Server, get, post_text, within_limit};
use digest::sha256;
use hyper::StatusCode;

const ROUTES: [&str; 2] = ["/map", "/batch"];

/// The lines of a text, split by other means than the server's.
fn expected(text: &[u8], rounds: u32) -> Vec<String> {
    let mut lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
    lines.pop_if(|last| last.is_empty());
    lines.iter().map(|line| sha256(line.strip_suffix(b"\r").unwrap_or(line), rounds)).collect()
}

fn numbers(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| format!("line {number}\n").into_bytes()).collect()
}

#[test]
fn the_work_is_that_of_sha256sum() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let twice = "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358";
    assert_eq!([sha256(b"abc", 1), sha256(b"abc", 2)], [abc, twice]);
}

#[test]
fn lines_come_in_order_however_they_are_cut() {
    within_limit(async {
        let server = Server::start(2, sha256);
        let long = [b"x".repeat(100_000), b"\n".to_vec(), b"y".repeat(50_000)].concat();
        let texts: [&[u8]; 9] = [
            b"",
            b"\n",
            b"one",
            b"one\ntwo\r\nthree\n",
            b"\n\r\n\n last \r",
            b"not UTF-8 \xff\xfe\nin the middle \xc3\n\xa4 of one\0",
            "\u{fc}ber\n\u{6f22}\u{5b57}\n".as_bytes(),
            &numbers(500),
            &long,
        ];
        for text in texts {
            for piece in [1, 2, 7, 4096, usize::MAX] {
                if text.len() / piece > 20_000 {
                    continue;
                }
                for route in ROUTES {
                    let answer = post_text(server.address, &format!("{route}?rounds=3"), text, piece).await;
                    assert_eq!(answer.status, StatusCode::OK);
                    assert_eq!(answer.lines().await, expected(text, 3), "{route} {piece}");
                }
            }
        }
    });
}

#[test]
fn rounds_are_checked() {
    within_limit(async {
        let server = Server::start(1, sha256);
        for route in ROUTES {
            assert_eq!(post_text(server.address, route, b"x", 1).await.lines().await, expected(b"x", 1));
            for wrong in ["0", "1000001", "-1", "many", "99999999999"] {
                let answer = post_text(server.address, &format!("{route}?rounds={wrong}"), b"x", 1).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
            }
        }
    });
}

/// Longer than 2 MB, which is axum's limit for a body that an extractor collects.
#[test]
fn long_bodies() {
    within_limit(async {
        let server = Server::start(2, |line, _| line.len().to_string());
        let line = [b"z".repeat(999), b"\n".to_vec()].concat();
        let (long, too_long) = (line.repeat(3_000), line.repeat(server::LARGEST_BATCH / line.len() + 1));
        for route in ROUTES {
            let lines = post_text(server.address, route, &long, 1 << 16).await.lines().await;
            assert_eq!(lines, vec!["999"; 3_000], "{route}");
        }
        let lines = post_text(server.address, "/map", &too_long, 1 << 16).await.lines().await;
        assert_eq!(lines.len(), too_long.len() / line.len());
        // The request tells its length, so the server can refuse the body without reading it.
        let answer = post_text(server.address, "/batch", &too_long, usize::MAX).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    });
}

#[test]
fn a_line_that_is_too_long_ends_its_answer() {
    within_limit(async {
        let server = Server::start(2, sha256);
        let text = [b"one\ntwo\n".to_vec(), b"x".repeat(lines::LONGEST + 1), b"\nfour\n".to_vec()].concat();
        for route in ROUTES {
            let lines = post_text(server.address, route, &text, 1 << 16).await.lines().await;
            assert_eq!(lines[..2], expected(b"one\ntwo", 1));
            assert!(lines[2].starts_with("error: "), "{}", lines[2]);
            assert_eq!(lines.len(), 3);
            let longest = b"x".repeat(lines::LONGEST);
            let lines = post_text(server.address, route, &longest, 1 << 16).await.lines().await;
            assert_eq!(lines, expected(&longest, 1));
        }
    });
}

#[test]
fn a_panic_is_a_line_and_nothing_else_breaks() {
    within_limit(async {
        let server = Server::start(2, |line, rounds| {
            assert!(line != b"bad", "no bad lines");
            sha256(line, rounds)
        });
        for route in ROUTES {
            for _ in 0..10 {
                let text = b"one\nbad\ntwo\nbad\nbad\nthree\n";
                let lines = post_text(server.address, route, text, usize::MAX).await.lines().await;
                let good = expected(b"one\ntwo\nthree", 1);
                // A panic of an imap says which item it was; one of a job does not.
                let bad =
                    |line: &str| line.starts_with("error: ") && line.ends_with("panicked: no bad lines");
                let seen: Vec<_> = lines.iter().map(|line| if bad(line) { "bad" } else { line }).collect();
                assert_eq!(seen, [&*good[0], "bad", &good[1], "bad", "bad", &good[2]]);
            }
        }
        assert_eq!(get(server.address, "/health").await.lines().await, ["ok"]);
    });
}
