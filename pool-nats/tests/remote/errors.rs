//! What cannot work says so, and says what to do.

use crate::scene::{Scene, Test};
use crate::server::{Server, free_port};
use crate::tasks::{FUSSY, Fussy, NUMBER, Plan, SAME, VERSION, check, worker};
use pool_nats::{NatsError, NatsPool, Task, TaskError, Worker};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub const TESTS: &[(&str, Test)] = &[
    ("wrong_password", wrong_password),
    ("missing_server", missing_server),
    ("server_without_jetstream", no_jetstream),
    ("wrong_settings", wrong_settings),
    ("a_stream_of_something_else_is_left_alone", foreign_stream),
    ("worker_of_another_build", another_build),
    ("no_worker_at_all", no_worker),
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
    assert!(error.to_string().contains("nats-server --jetstream"));
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
