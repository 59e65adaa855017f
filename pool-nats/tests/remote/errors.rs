//! What cannot work says so, and says what to do.

use crate::scene::{Scene, Test};
use crate::server::{Server, free_port, in_path};
use crate::tasks::{FUSSY, Fussy, NUMBER, OTHER, Plan, SAME, VERSION, check, worker};
use pool_nats::{NatsError, NatsPool, Task, TaskError, Worker};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const TESTS: &[(&str, Test)] = &[
    ("wrong_password", wrong_password),
    ("missing_server", missing_server),
    ("server_without_jetstream", no_jetstream),
    ("server_that_is_too_old", too_old),
    ("wrong_settings", wrong_settings),
    ("a_stream_of_something_else_is_left_alone", foreign_stream),
    ("worker_of_another_build", another_build),
    ("no_worker_at_all", no_worker),
    ("without_a_worker_the_user_is_told_after_two_seconds", told_of_no_worker),
    ("items_that_cannot_be_encoded_or_decoded_or_are_too_large", bad_items),
];

fn wrong_password(scene: &Arc<Scene>) {
    let server = Server::with(scene, |_, folder| {
        format!("jetstream {{ store_dir: {folder:?} }}\nauthorization {{ user: me, password: secret }}")
    });
    let began = Instant::now();
    let wrong = NatsPool::builder(&server.url()).user_and_password("me", "guess").build().unwrap_err();
    assert!(matches!(&wrong, NatsError::Connect(why) if why.contains("refuses user, password")), "{wrong}");
    let none = Worker::builder(&server.url()).build().unwrap_err();
    assert!(matches!(&none, NatsError::Connect(why) if why.contains("refuses user, password")), "{none}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let plan = Plan::new(&server.url(), 1).with("user", "me").with("password", "guess");
    assert_eq!(plan.start(scene).wait().code(), Some(3));
    Plan::new(&server.url(), 1).with("user", "me").with("password", "secret").start(scene);
    let pool = NatsPool::builder(&server.url()).user_and_password("me", "secret").build().unwrap();
    check(pool.imap(NUMBER, 0..100), 100);
}

fn missing_server(_: &Arc<Scene>) {
    let url = format!("nats://127.0.0.1:{}", free_port());
    for error in [NatsPool::builder(&url).build().unwrap_err(), Worker::builder(&url).build().unwrap_err()] {
        assert!(matches!(&error, NatsError::Connect(why) if why.contains("refused")), "{error}");
    }
}

fn no_jetstream(scene: &Arc<Scene>) {
    let server = Server::with(scene, |_, _| String::new());
    let error = NatsPool::builder(&server.url()).build().unwrap_err();
    assert!(matches!(error, NatsError::NoJetStream(_)), "{error}");
    // The port is taken, also if it is a service of the system that has it.
    assert!(
        error.to_string().contains("on another port with `nats-server --jetstream -a 127.0.0.1 -p "),
        "{error}"
    );
}

/// Both roles look at the version, and say what to do.
fn refused_as_too_old(url: &str) {
    for error in [NatsPool::builder(url).build().unwrap_err(), Worker::builder(url).build().unwrap_err()] {
        assert!(matches!(&error, NatsError::TooOld(version) if version == "2.9.10"), "{error}");
        assert!(error.to_string().contains("2.10.25 is the oldest that works"), "{error}");
        assert!(error.to_string().contains("get a newer one with"), "{error}");
    }
}

fn too_old(scene: &Arc<Scene>) {
    // What such a server says first.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let info = format!(
                "INFO {{\"server_id\":\"S\",\"server_name\":\"s\",\"version\":\"2.9.10\",\"go\":\"\",\"host\":\"127.0.0.1\",\
                 \"port\":{port},\"headers\":true,\"max_payload\":1048576,\"proto\":1,\"client_id\":1}}\r\nPONG\r\n"
            );
            client.write_all(info.as_bytes()).unwrap();
            // Until the client goes.
            std::thread::spawn(move || std::io::copy(&mut client, &mut std::io::sink()));
        }
    });
    refused_as_too_old(&format!("nats://127.0.0.1:{port}"));
    // Debian 12's, where it is.
    let Some(program) = in_path("nats-server") else { return };
    let version = Command::new(&program).arg("--version").output().unwrap().stdout;
    if String::from_utf8_lossy(&version).contains("v2.9.10") {
        let config = |_: u16, folder: &std::path::Path| format!("jetstream {{ store_dir: {folder:?} }}");
        let mut server = Server::stopped(scene, free_port(), config).of(program);
        server.run(scene);
        refused_as_too_old(&server.url());
    }
}

fn wrong_settings(_: &Arc<Scene>) {
    let port = free_port();
    let url = format!("nats://127.0.0.1:{port}");
    let short = NatsPool::builder(&url).ack_wait(Duration::from_millis(1)).build().unwrap_err();
    let space = NatsPool::builder(&url).namespace("my pool").build().unwrap_err();
    let address = Worker::builder("nats://host:port:port").build().unwrap_err();
    let file = Worker::builder(&url).credentials_file("/not/there.creds").build().unwrap_err();
    for (error, says) in [
        (short, "at least 100 ms"),
        (space, "letters"),
        (address, "tls://host:4222"),
        (file, "/not/there.creds"),
    ] {
        assert!(matches!(&error, NatsError::Setting(why) if why.contains(says)), "{error}");
    }
}

fn foreign_stream(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let probe = crate::probe::Probe::new(&server.url());
    probe.run(async {
        let config = async_nats::jetstream::stream::Config {
            name: "pool".into(),
            subjects: vec!["orders".into()],
            ..Default::default()
        };
        async_nats::jetstream::new(probe.client.clone()).create_stream(config).await.unwrap();
    });
    let pool =
        NatsPool::builder(&server.url()).connection_timeout(Duration::from_millis(500)).build().unwrap();
    let error = pool.imap(NUMBER, 0..10).next().unwrap().unwrap_err();
    assert!(matches!(&error, TaskError::Connection(why) if why.contains("another namespace")), "{error}");
}

fn another_build(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let pool = NatsPool::builder(&server.url()).build().unwrap();
    check(pool.imap(VERSION.version(2), 0..10), 10);
    let mut imap = pool.imap(VERSION, 0..10).no_worker_timeout(Duration::from_secs(2));
    let error = imap.next().unwrap().unwrap_err();
    assert!(matches!(error, TaskError::NoWorker { .. }));
    assert!(error.to_string().contains("version, version 1 (u64 -> u64)"), "{error}");
    assert_eq!(imap.next(), None);
    // Types of other names.
    const TYPES: Task<u64, i64> = Task::named("number");
    let error =
        pool.imap(TYPES, 0..10).no_worker_timeout(Duration::from_secs(2)).next().unwrap().unwrap_err();
    assert!(error.to_string().contains("(u64 -> i64)"), "{error}");
}

fn no_worker(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let pool = NatsPool::builder(&server.url()).ack_wait(Duration::from_millis(300)).build().unwrap();
    let began = Instant::now();
    let error =
        pool.imap(NUMBER, 0..10).no_worker_timeout(Duration::from_secs(1)).next().unwrap().unwrap_err();
    assert!(matches!(error, TaskError::NoWorker { .. }), "{error}");
    assert!((900..3000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    // Without the limit it waits until there is one.
    let mut imap = pool.imap(NUMBER, 0..100);
    assert!(imap.next_timeout(Duration::from_millis(1500)).is_err());
    worker(scene, &server.url(), 1);
    check(imap, 100);
}

fn told_of_no_worker(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let lonely = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["lonely", &server.url()]).stdin(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let (reads, mut closed) = (lonely(), lonely());
    // What is written there fails from now on.
    drop(closed.stderr.take());
    // A hook that panics, and one that blocks.
    let (send, told) = std::sync::mpsc::channel();
    let pool = NatsPool::builder(&server.url()).on_no_worker(move |task| {
        send.send(task.to_owned()).unwrap();
        if task == "number" {
            panic!("on purpose");
        }
        std::thread::sleep(Duration::from_secs(60));
    });
    let pool = pool.build().unwrap();
    let began = Instant::now();
    let (mut numbers, mut others) = (pool.imap(NUMBER, 0..100).start(), pool.imap(OTHER, 0..100).start());
    let mut names = [0; 2].map(|_| told.recv_timeout(Duration::from_secs(10)).unwrap());
    assert!((1900..5000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    names.sort();
    assert_eq!(names, ["number", "other"]);
    assert!(numbers.next_timeout(Duration::from_millis(1500)).is_err());
    worker(scene, &server.url(), 1);
    check(&mut numbers, 100);
    check(&mut others, 100);
    // Once, and not where there is a worker.
    assert!(told.try_recv().is_err());
    let output = reads.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && text.contains("no worker offers `number` yet"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(closed.wait().unwrap().success());
}

fn bad_items(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let pool = NatsPool::builder(&server.url()).build().unwrap();
    // At its place, on either way and at either end, and its neighbours travel.
    for batch in [1, 10] {
        let mut imap = pool.imap(FUSSY, (0..10).map(Fussy)).batch(batch);
        for x in 0..10 {
            match (x, imap.next().unwrap()) {
                (4 | 7, Err(TaskError::Encode(_))) => {}
                (6 | 8, Err(TaskError::Decode(_))) => {}
                (x, result) => assert_eq!(result, Ok(Fussy(x))),
            }
        }
        assert_eq!(imap.next(), None);
    }
    // An item that is too large, and a result.
    let sizes = [10, 5000, 10];
    let mut imap = pool.imap(SAME, sizes.map(|size| vec![1u8; size])).size_limit(1000);
    let results: Vec<_> = imap.by_ref().map(|result| result.map(|bytes| bytes.len())).collect();
    assert_eq!(results, [Ok(10), Err(TaskError::TooLarge { size: 5002, limit: 1000 }), Ok(10)]);
    let mut imap = pool.imap(crate::tasks::BYTES, sizes.map(|size| (1u64, size))).size_limit(1000);
    let results: Vec<_> = imap.by_ref().map(|result| result.map(|bytes| bytes.len())).collect();
    assert_eq!(results, [Ok(10), Err(TaskError::TooLarge { size: 5002, limit: 1000 }), Ok(10)]);
}
