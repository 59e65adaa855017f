//! Many requests, one pool, and one thread for tokio.

use crate::client::{Server, get, open_body, post, post_text, within_limit};
use crate::digest::sha256;
use crate::gate::Gate;
use crate::{ROUTES, expected, numbers};
use bytes::Bytes;
use futures::future::join_all;
use futures::stream;

#[test]
fn many_requests_at_a_time() {
    within_limit(async {
        let server = Server::start(2, sha256);
        let requests = (0..40).map(|request| {
            let address = server.address;
            async move {
                let text = numbers(200 + 10 * request);
                let path = format!("{}?rounds={}", ROUTES[request % 2], 1 + request);
                let lines = post_text(address, &path, &text, 100 * request + 1).await.lines().await;
                assert_eq!(lines, expected(&text, 1 + request as u32), "request {request}");
            }
        });
        join_all(requests).await;
    });
}

#[test]
fn health_is_answered_while_the_pool_is_busy() {
    within_limit(async {
        let gate = Gate::default();
        let server = Server::start(2, {
            let gate = gate.clone();
            move |line, rounds| {
                gate.pass();
                sha256(line, rounds)
            }
        });
        let text = numbers(100);
        let answers = join_all(ROUTES.map(|route| post_text(server.address, route, &text, 10))).await;
        // Both threads are at the gate, and many jobs are queued.
        gate.wait_for(2).await;
        for _ in 0..100 {
            assert_eq!(get(server.address, "/health").await.lines().await, ["ok"]);
        }
        assert_eq!(gate.begun(), 2);
        gate.open();
        for answer in answers {
            assert_eq!(answer.lines().await, expected(&text, 1));
        }
    });
}

/// More slow clients than the pool has threads, of which some do not send and some do not read, hold up no other one.
#[test]
fn slow_clients_hold_up_nobody_else() {
    within_limit(async {
        let server = Server::start(2, |line, rounds| match line {
            b"large" => "x".repeat(1 << 20),
            line => sha256(line, rounds),
        });
        let mut senders = Vec::new();
        for start in ["", "half a li", "one\n", "one\ntwo\nth"].repeat(3) {
            let (body, pieces) = open_body();
            body.send(start).unwrap();
            senders.push((body, post(server.address, "/map", pieces).await));
        }
        // Nor do bodies of `/batch` that do not arrive.
        let (late, pieces) = open_body();
        late.send("one\ntw").unwrap();
        let late_answer = tokio::spawn(post(server.address, "/batch", pieces));
        let mut readers = Vec::new();
        for _ in 0..4 {
            readers.push(post(server.address, "/map", stream::repeat(Bytes::from("large\n"))).await);
            readers.push(post_text(server.address, "/batch", &b"large\n".repeat(40), 1000).await);
        }
        for route in ROUTES {
            let text = numbers(1000);
            let lines = post_text(server.address, route, &text, 1000).await.lines().await;
            assert_eq!(lines, expected(&text, 1), "{route}");
        }
        // The slow clients are answered when they go on.
        for (body, answer) in senders {
            body.send("\nlast").unwrap();
            drop(body);
            assert_eq!(answer.lines().await.last(), Some(&sha256(b"last", 1)));
        }
        late.send("o").unwrap();
        drop(late);
        assert_eq!(late_answer.await.unwrap().lines().await, expected(b"one\ntwo", 1));
        drop(readers);
        server.rest().await;
    });
}
