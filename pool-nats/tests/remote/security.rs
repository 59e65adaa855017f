//! Encryption, roles, and strangers.

use crate::credentials::Operator;
use crate::probe::Probe;
use crate::scene::{Process, Scene, Test};
use crate::server::Server;
use crate::tasks::{DEED, Deed, NUMBER, Plan, SLEEP, bytes, check, right, worker};
use pool_nats::{NatsError, NatsPool, TaskError, Worker};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::sync::Arc;
use std::time::Duration;

pub const TESTS: &[(&str, Test)] = &[
    ("tls_with_an_authority_of_its_own", tls),
    ("credentials_files", credentials),
    ("the_list_of_permissions_is_enough_and_anything_else_is_refused", permissions),
    ("a_worker_without_a_permission_says_which", missing_permission),
    ("frames_from_strangers_are_dropped_and_counted", strangers),
];

/// The permissions of a worker in the namespace `pool`, as the crate's documentation has them.
const WORKER_PUBLISH: &[&str] = &[
    "$JS.API.CONSUMER.MSG.NEXT.pool.*",
    "$JS.ACK.pool.>",
    "pool.result.*",
    "pool.alive.*",
    "pool.fetch.*",
    "pool.worker.*",
];
const WORKER_SUBSCRIBE: &[&str] = &["_INBOX.>", "pool.fetch.*", "pool.call.*"];

/// And those of a master.
const MASTER_PUBLISH: &[&str] = &[
    "$JS.API.INFO",
    "$JS.API.STREAM.INFO.pool",
    "$JS.API.STREAM.CREATE.pool",
    "$JS.API.STREAM.PURGE.pool",
    "$JS.API.STREAM.DELETE.pool",
    "$JS.API.CONSUMER.DELETE.pool.*",
    "$JS.API.CONSUMER.CREATE.pool.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.pool.>",
    "$JS.ACK.pool.>",
    "pool.>",
];
const MASTER_SUBSCRIBE: &[&str] = &["_INBOX.>", "pool.>"];

/// Both lists as a server's configuration has them, for the users `w` and `m`.
fn users() -> String {
    let list = |subjects: &[&str]| {
        let quoted: Vec<_> = subjects.iter().map(|subject| format!("{subject:?}")).collect();
        format!("[{}]", quoted.join(", "))
    };
    let user = |name: &str, publish, subscribe| {
        format!(
            "{{ user: {name}, password: p, permissions: {{ publish: {}, subscribe: {}, allow_responses: true }} }}",
            list(publish),
            list(subscribe)
        )
    };
    format!(
        "authorization {{ users: [ {}, {}, {{ user: root, password: p }} ] }}",
        user("w", WORKER_PUBLISH, WORKER_SUBSCRIBE),
        user("m", MASTER_PUBLISH, MASTER_SUBSCRIBE)
    )
}

fn tls(scene: &Arc<Scene>) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    let path = |name: &str| scene.folder().join(name);
    std::fs::write(path("ca.pem"), authority.pem()).unwrap();
    std::fs::write(path("cert.pem"), certificate.pem()).unwrap();
    std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
    let server = Server::with(scene, |_, folder| {
        format!(
            "jetstream {{ store_dir: {folder:?} }}\ntls {{ cert_file: {:?}, key_file: {:?} }}",
            path("cert.pem"),
            path("key.pem")
        )
    });
    let url = format!("tls://localhost:{}", server.port);
    Plan::new(&url, 1).with("ca", path("ca.pem").to_str().unwrap()).start(scene);
    let builder = NatsPool::builder(&url).connection_timeout(Duration::from_secs(5));
    let error = builder.clone().build().unwrap_err();
    assert!(matches!(&error, NatsError::Connect(why) if why.contains("certificate")), "{error}");
    let pool = builder.root_certificates(path("ca.pem")).build().unwrap();
    check(pool.imap(NUMBER, 0..5000), 5000);
}

fn credentials(scene: &Arc<Scene>) {
    let operator = Operator::new();
    let server = Server::with(scene, |_, folder| {
        format!("jetstream {{ store_dir: {folder:?} }}\n{}", operator.config())
    });
    let file = |name: &str, text: String| {
        let path = scene.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let worker = file("w.creds", operator.user(Some((WORKER_PUBLISH, WORKER_SUBSCRIBE))));
    let master = file("m.creds", operator.user(Some((MASTER_PUBLISH, MASTER_SUBSCRIBE))));
    let stranger = file("s.creds", Operator::new().user(None));
    Plan::new(&server.url(), 1).with("creds", worker.to_str().unwrap()).start(scene);
    let builder = NatsPool::builder(&server.url());
    let error = builder.clone().credentials_file(stranger).build().unwrap_err();
    assert!(matches!(&error, NatsError::Connect(why) if why.contains("refuses")), "{error}");
    check(builder.credentials_file(master).build().unwrap().imap(NUMBER, 0..1000), 1000);
}

fn permissions(scene: &Arc<Scene>) {
    let server =
        Server::with(scene, |_, folder| format!("jetstream {{ store_dir: {folder:?} }}\n{}", users()));
    let plan = Plan::new(&server.url(), 2).with("user", "w").with("password", "p");
    let process = plan.start(scene);
    let pool =
        NatsPool::builder(&server.url()).ack_wait(Duration::from_millis(300)).user_and_password("m", "p");
    let pool = pool.build().unwrap();
    // Small and large, quick and slow, panics, a purge: all that the two roles do.
    check(pool.imap(NUMBER, 0..3000), 3000);
    check(pool.imap(SLEEP, [(0, 700), (1, 1)]), 2);
    let large = bytes(3, 2 << 20);
    assert!(pool.imap(crate::tasks::SAME, [large.clone()]).next().unwrap().unwrap() == large);
    drop(pool.imap(SLEEP, (0..).map(|x| (x, 1))).start());
    frames_of_a_killed_worker(&pool, &plan.start(scene));
    drop(pool);
    process.terminate();
    assert!(process.wait().success());

    // What a worker's account cannot do, tried with that account.
    let client = |user: &str| {
        Probe::with(
            &server.url(),
            async_nats::ConnectOptions::with_user_and_password(user.into(), "p".into()),
        )
    };
    let (root, worker) = (client("root"), client("w"));
    for refused in [
        "$JS.API.STREAM.PURGE.pool",
        "$JS.API.STREAM.DELETE.pool",
        "$JS.API.STREAM.CREATE.mine",
        "$JS.API.CONSUMER.CREATE.pool.mine",
        "$JS.API.CONSUMER.DELETE.pool.mine",
        "pool.work.task.job.1",
        "pool.call.task",
        "other",
    ] {
        assert!(!arrives(&root, &worker, refused, Duration::from_millis(150)), "{refused}");
    }
    // After this many refusals the client may connect anew, and lose what it publishes meanwhile.
    assert!((0..20).any(|_| arrives(&root, &worker, "pool.result.job", Duration::from_millis(300))));
    // Nor listen to results or other subjects.
    for refused in ["pool.result.*", "pool.work.>", ">", "other"] {
        let heard = worker.run(async {
            // Dropped in here.
            let mut messages = worker.client.subscribe(refused).await.unwrap();
            worker.client.flush().await.unwrap();
            tokio::time::timeout(Duration::from_millis(100), async {
                root.client.publish(refused.replace(['*', '>'], "x"), "hello".into()).await.unwrap();
                root.client.flush().await.unwrap();
                futures::StreamExt::next(&mut messages).await
            })
            .await
        });
        assert!(heard.is_err(), "{refused}");
    }
}

/// The other worker gets several frames that were handed out before, and asks about all of them at once.
fn frames_of_a_killed_worker(pool: &NatsPool, killed: &Process) {
    let mut imap = pool.imap(SLEEP, (0..300).map(|x| (x, 5))).batch(1);
    check(imap.by_ref().take(100), 100);
    killed.kill();
    for x in 100..300 {
        assert_eq!(imap.next(), Some(Ok(right(x))), "at {x}");
    }
    assert!(imap.stats().redelivered > 1, "it held several: {}", imap.stats());
}

/// Whether what one client publishes gets to another.
fn arrives(to: &Probe, from: &Probe, subject: &str, within: Duration) -> bool {
    let subject = subject.to_owned();
    to.run(async {
        let mut messages = to.client.subscribe(subject.clone()).await.unwrap();
        to.client.flush().await.unwrap();
        from.client.publish(subject, "hello".into()).await.unwrap();
        from.client.flush().await.unwrap();
        let next = futures::StreamExt::next(&mut messages);
        tokio::time::timeout(within, next).await.is_ok()
    })
}

fn missing_permission(scene: &Arc<Scene>) {
    let server = Server::with(scene, |_, folder| {
        format!(
            "jetstream {{ store_dir: {folder:?} }}\nauthorization {{ users: [ \
             {{ user: w, password: p, permissions: {{ publish: \"nothing\", subscribe: \"_INBOX.>\" }} }}, \
             {{ user: m, password: p, permissions: {{ publish: \"$JS.API.INFO\", subscribe: \"_INBOX.>\" }} }} ] }}"
        )
    });
    let worker =
        Worker::builder(&server.url()).user_and_password("w", "p").build().unwrap().task(NUMBER, right);
    let error =
        worker.run_until(&pool_channel::ChannelPool::new(1).unwrap(), &Default::default()).unwrap_err();
    assert!(
        matches!(&error, NatsError::NotPermitted(what) if what.contains("Permissions Violation")),
        "{error}"
    );
    let pool = NatsPool::builder(&server.url()).user_and_password("m", "p").build().unwrap();
    let error = pool.imap(NUMBER, 0..3).next().unwrap().unwrap_err();
    assert!(matches!(&error, TaskError::Connection(why) if why.contains("Permissions Violation")), "{error}");
}

/// Bad bytes wherever a message can go, on either side, while an imap runs.
fn strangers(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let process = worker(scene, &server.url(), 1);
    let probe = Probe::new(&server.url());
    let pool = NatsPool::builder(&server.url()).ack_wait(Duration::from_millis(300)).build().unwrap();
    let mut imap = pool.imap(DEED, (0..60).map(|x| (x, Deed::Sleep(20)))).batch(1).window(10);
    // The names of the task, of the job and of the worker, as anyone can see them who may listen to everything.
    let next = probe.listen("pool.work.>");
    assert_eq!(imap.next(), Some(Ok(right(0))));
    assert_eq!(imap.next(), Some(Ok(right(1))));
    let subject = next();
    let tokens: Vec<&str> = subject.split('.').collect();
    let (task, job) = (tokens[2], tokens[3]);
    let worker = imap.stats().workers.keys().next().unwrap().clone();
    let before = imap.stats().strays;
    let mut told = 0;
    for seed in 0..40u64 {
        let noise = bytes(seed, (seed as usize * 7) % 90);
        // What begins well: a frame number that may be known, an address, a name, and then lengths of all sizes.
        let mut reply = vec![seed as u8, 0, 1, b'x', 1, 1, 1, 0];
        reply.extend(&noise);
        for subject in
            [format!("pool.result.{job}"), format!("pool.alive.{job}"), format!("pool.fetch.{job}")]
        {
            probe.publish(&subject, noise.clone());
            probe.publish(&subject, reply.clone());
            told += 2;
        }
        probe.publish(&format!("pool.worker.{task}"), noise.clone());
        probe.publish(&format!("pool.call.{task}"), noise.clone());
        probe.publish(&format!("pool.fetch.{worker}"), noise.clone());
        // Into the queue itself: as frames of this job, and of one that is not known.
        probe.publish(&format!("pool.work.{task}.{job}.{}", 100_000 + seed), noise.clone());
        probe.publish(&format!("pool.work.{task}.unknown.{seed}"), noise.clone());
        probe.publish(&format!("pool.solo.{task}.unknown.{seed}"), noise);
        probe.publish(&format!("pool.work.{task}.unknown.not.a.number.{seed}"), vec![1, 2, 3]);
    }
    for x in 2..60 {
        assert_eq!(imap.next(), Some(Ok(right(x))), "at {x}");
    }
    assert_eq!(imap.next(), None);
    let strays = imap.stats().strays - before;
    assert!(strays > told / 2, "{strays} of {told} and more: {}", imap.stats());
    assert!(process.status().is_none(), "the worker lives");
    check(pool.imap(NUMBER, 0..1000), 1000);
}
