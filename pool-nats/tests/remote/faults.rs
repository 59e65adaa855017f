//! The table of failures, row by row. In each: every item once, in order, checked by value.

use crate::probe::Probe;
use crate::scene::{Process, Scene, Test, eventually};
use crate::server::{Server, free_port};
use crate::tasks::{BYTES, DEED, Deed, NUMBER, Plan, SLEEP, Supervisor, bytes, check, right, worker};
use async_nats::jetstream::consumer::PullConsumer;
use futures::StreamExt;
use pool_channel::ChannelPool;
use pool_core::{Executor, backend::Job};
use pool_nats::{
    Builder, CancelToken, EXIT_ITEM_TIMED_OUT, MasterRole, NatsPool, RemoteStats, Storage, TaskError, Worker,
};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub const TESTS: &[(&str, Test)] = &[
    ("worker_killed", worker_killed),
    ("all_workers_killed_and_new_ones_later", all_workers_killed),
    ("worker_stopped_that_comes_back", worker_stopped),
    ("worker_joins", worker_joins),
    ("worker_leaves_politely", worker_leaves),
    ("server_killed_with_memory_storage", server_killed_memory),
    ("server_killed_with_file_storage", server_killed_file),
    ("server_away_for_longer_than_a_worker_may_be", server_away),
    ("leader_of_a_cluster_of_three_killed", leader_killed),
    ("function_hangs", function_hangs),
    ("long_items_are_not_redelivered", long_items),
    ("function_aborts_its_process_beside_innocents", function_aborts),
    ("batch_with_an_item_that_aborts", batch_aborts),
    ("one_item_in_many_that_aborts_is_found_in_time", found_in_time),
    ("results_that_arrive_twice", results_twice),
    ("stream_deleted_under_way", stream_deleted),
    ("frames_that_the_server_has_and_does_not_hand_out", held_by_a_stranger),
    ("worker_killed_with_large_results", large_results_and_a_kill),
    ("server_gone_for_good", server_gone),
    ("storage_full", storage_full),
    ("master_killed", master_killed),
    ("worker_whose_pool_is_terminated", pool_terminated),
];

/// What the bars are measured with.
const ACK_WAIT: Duration = Duration::from_millis(600);

fn builder(server: &Server) -> Builder<MasterRole> {
    NatsPool::builder(&server.url()).ack_wait(ACK_WAIT)
}

fn pool(server: &Server) -> NatsPool {
    builder(server).build().unwrap()
}

/// Runs `count` items of some milliseconds, does something after the first third, and checks all results. The stats, and
/// the longest time without a result since then.
fn disturbed(
    pool: &NatsPool,
    count: u64,
    milliseconds: u64,
    disturb: impl FnOnce(),
) -> (RemoteStats, Duration) {
    let mut imap = pool.imap(SLEEP, (0..count).map(move |x| (x, milliseconds)));
    check(imap.by_ref().take(count as usize / 3), count / 3);
    disturb();
    let mut longest = Duration::ZERO;
    let mut last = Instant::now();
    for x in count / 3..count {
        assert_eq!(imap.next(), Some(Ok(right(x))));
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    assert_eq!(imap.next(), None);
    (imap.stats(), longest)
}

fn worker_killed(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let workers = [0; 3].map(|_| worker(scene, &server.url(), 1));
    let (stats, longest) = disturbed(&pool(&server), 600, 5, || workers[1].kill());
    assert!(stats.redelivered > 0, "it held something: {stats}");
    assert!(longest <= Duration::from_secs(1), "one stall of {longest:?}");
}

fn all_workers_killed(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let workers = [0; 2].map(|_| worker(scene, &server.url(), 2));
    disturbed(&pool(&server), 300, 5, || {
        workers.iter().for_each(Process::kill);
        let (scene, url) = (scene.clone(), server.url());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(2));
            worker(&scene, &url, 2);
        });
    });
}

fn worker_stopped(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let workers = [0; 2].map(|_| worker(scene, &server.url(), 2));
    let stopped = workers[0].clone();
    let (stats, _) = disturbed(&pool(&server), 900, 5, || {
        stopped.stop();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(1500));
            stopped.go_on();
        });
    });
    assert!(stats.redelivered > 0, "it held something: {stats}");
    // It is at work again.
    check(pool(&server).imap(SLEEP, (0..100).map(|x| (x, 1))), 100);
}

fn worker_joins(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let (stats, _) = disturbed(&pool(&server), 300, 5, || {
        worker(scene, &server.url(), 1);
    });
    assert!(stats.workers.values().filter(|worker| worker.items > 20).count() == 2, "{stats}");
    assert_eq!(stats.redelivered, 0);
}

fn worker_leaves(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let workers = [0; 3].map(|_| worker(scene, &server.url(), 2));
    let (stats, longest) = disturbed(&pool(&server), 1200, 5, || workers[1].terminate());
    assert!(workers[1].wait().success());
    assert_eq!((stats.redelivered, stats.duplicates), (0, 0), "{stats}");
    // The bar is 100 ms; a machine that builds something else at the same time gets some more.
    assert!(longest <= Duration::from_millis(400), "{longest:?}");
}

fn restarted(scene: &Arc<Scene>, storage: Storage) {
    let mut server = Server::start(scene);
    let _workers = [0; 2].map(|_| worker(scene, &server.url(), 2));
    let pool = builder(&server).storage(storage).build().unwrap();
    disturbed(&pool, 400, 5, || {
        server.kill();
        std::thread::sleep(Duration::from_millis(300));
        server.run(scene);
    });
    check(pool.imap(NUMBER, 0..1000), 1000);
}

fn server_killed_memory(scene: &Arc<Scene>) {
    restarted(scene, Storage::Memory);
}

fn server_killed_file(scene: &Arc<Scene>) {
    restarted(scene, Storage::File);
}

/// No worker can be heard of while the server is away.
fn server_away(scene: &Arc<Scene>) {
    let mut server = Server::start(scene);
    let worker = worker(scene, &server.url(), 2);
    let limit = Duration::from_secs(2);
    let mut imap = pool(&server).imap(SLEEP, (0..200).map(|x| (x, 5))).no_worker_timeout(limit);
    check(imap.by_ref().take(100), 100);
    // So that it is not back before the master.
    worker.stop();
    server.kill();
    std::thread::sleep(limit + Duration::from_millis(500));
    server.run(scene);
    let probe = Probe::new(&server.url());
    // The master is back when it asks, and it looks several times a second.
    probe.listen("pool.call.>")();
    std::thread::sleep(ACK_WAIT);
    worker.go_on();
    for x in 100..200 {
        assert_eq!(imap.next(), Some(Ok(right(x))), "at {x}");
    }
}

fn leader_killed(scene: &Arc<Scene>) {
    let (ports, routes) = ([0; 3].map(|_| free_port()), [0; 3].map(|_| free_port()));
    let all = routes.map(|route| format!("nats://127.0.0.1:{route}")).join(", ");
    let mut servers: Vec<Server> = (0..3)
        .map(|at| {
            Server::stopped(scene, ports[at], |_, folder| {
                format!(
                    "server_name: s{at}\njetstream {{ store_dir: {folder:?} }}\n\
                     cluster {{ name: c, listen: \"127.0.0.1:{}\", routes: [{all}] }}",
                    routes[at]
                )
            })
        })
        .collect();
    servers.iter_mut().for_each(|server| server.run(scene));
    let urls: Vec<String> = servers.iter().map(Server::url).collect();
    let urls = urls.join(",");
    let pool =
        NatsPool::builder(&urls).ack_wait(ACK_WAIT).replicas(3).storage(Storage::File).build().unwrap();
    let _workers = [0; 2].map(|_| worker(scene, &urls, 2));
    check(pool.imap(SLEEP, (0..20).map(|x| (x, 1))), 20);
    let probe = Probe::new(&servers[0].url());
    let leader = probe.run(async {
        let context = async_nats::jetstream::new(probe.client.clone());
        let stream = context.get_stream("pool").await.unwrap();
        stream.cached_info().cluster.as_ref().unwrap().leader.clone().unwrap()
    });
    drop(probe);
    let leader: usize = leader.trim_start_matches('s').parse().unwrap();
    disturbed(&pool, 600, 10, || servers[leader].kill());
}

fn function_hangs(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let supervisors = [0; 2].map(|_| Supervisor::new(scene, &Plan::new(&server.url(), 2)));
    for batch in [1, 6] {
        let hangs = |x: u64| x == 7 || x == 20;
        let items = (0..40).map(move |x| (x, if hangs(x) { Deed::Hang } else { Deed::Sleep(1) }));
        let mut imap = pool(&server).imap(DEED, items).batch(batch).item_timeout(Duration::from_millis(400));
        for x in 0..40 {
            let expected = if hangs(x) { Err(TaskError::TimedOut) } else { Ok(right(x)) };
            assert_eq!(imap.next(), Some(expected), "at {x}");
        }
        assert_eq!(imap.next(), None);
    }
    let ends: Vec<_> =
        supervisors.iter().flat_map(|supervisor| supervisor.ends.lock().unwrap().clone()).collect();
    assert!(!ends.is_empty() && ends.iter().all(|end| end.code() == Some(EXIT_ITEM_TIMED_OUT)), "{ends:?}");
}

/// Items that take several times `ack_wait` are not taken for lost.
fn long_items(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _workers = [0; 2].map(|_| worker(scene, &server.url(), 1));
    let mut imap = pool(&server).imap(SLEEP, (0..6).map(|x| (x, 1500)));
    check(imap.by_ref(), 6);
    let stats = imap.stats();
    assert_eq!((stats.redelivered, stats.duplicates, stats.sent_again), (0, 0, 0), "{stats}");
}

fn function_aborts(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _supervisors = [0; 2].map(|_| Supervisor::new(scene, &Plan::new(&server.url(), 4)));
    let items = (0..60).map(|x| (x, if x == 20 { Deed::Abort } else { Deed::Sleep(5) }));
    let pool = builder(&server).ack_wait(Duration::from_millis(300)).build().unwrap();
    let mut imap = pool.imap(DEED, items).batch(1).max_deliver(2);
    for x in 0..60 {
        match (x, imap.next()) {
            (20, Some(Err(TaskError::Lost { attempts, .. }))) => assert_eq!(attempts, 2),
            (x, result) => assert_eq!(result, Some(Ok(right(x))), "at {x}"),
        }
    }
    assert_eq!(imap.next(), None);
}

fn batch_aborts(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _supervisor = Supervisor::new(scene, &Plan::new(&server.url(), 2));
    let items = (0..30).map(|x| (x, if x == 14 { Deed::Abort } else { Deed::Nothing }));
    let pool = builder(&server).ack_wait(Duration::from_millis(300)).build().unwrap();
    let mut imap = pool.imap(DEED, items).batch(10).max_deliver(1);
    for x in 0..30 {
        match (x, imap.next()) {
            // Once among others, once to find its batch, and then by itself.
            (14, Some(Err(TaskError::Lost { attempts, .. }))) => assert_eq!(attempts, 1),
            (x, result) => assert_eq!(result, Some(Ok(right(x))), "at {x}"),
        }
    }
    assert_eq!(imap.next(), None);
}

/// In large batches, beside items of all threads, and with two of them: the stall is what is promised.
fn found_in_time(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let _supervisors = [0; 2].map(|_| Supervisor::new(scene, &Plan::new(&server.url(), 2)));
    let (ack_wait, attempts) = (Duration::from_millis(400), 3);
    let pool = builder(&server).ack_wait(ack_wait).build().unwrap();
    let items = (0..50_000).map(|x| (x, if x == 31_234 { Deed::Abort } else { Deed::Nothing }));
    let mut imap = pool.imap(DEED, items).max_deliver(attempts);
    let (mut longest, mut last) = (Duration::ZERO, Instant::now());
    for x in 0..50_000 {
        match (x, imap.next()) {
            (31_234, Some(Err(TaskError::Lost { attempts: 3, .. }))) => {}
            (x, result) => assert_eq!(result, Some(Ok(right(x))), "at {x}"),
        }
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    assert_eq!(imap.next(), None);
    // A machine that does something else, too, may take longer to start a process.
    let promised = ack_wait * (attempts + 3) + Duration::from_millis(600);
    assert!(longest < promised, "{longest:?}, and {promised:?} is promised: {}", imap.stats());
}

fn results_twice(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 2);
    let probe = Probe::with(&server.url(), async_nats::ConnectOptions::new().no_echo());
    probe.echo("pool.result.*");
    let mut imap = pool(&server).imap(NUMBER, 0..2000).batch(3);
    check(imap.by_ref(), 2000);
    assert!(imap.stats().duplicates > 100, "{}", imap.stats());
}

/// As if the server had lost what it had acknowledged, while frames are sent, and when all have been.
fn stream_deleted(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    worker(scene, &server.url(), 2);
    let probe = Probe::new(&server.url());
    let delete = || {
        probe.run(async {
            let context = async_nats::jetstream::new(probe.client.clone());
            context.delete_stream("pool").await.unwrap();
        });
    };
    let (stats, _) = disturbed(&pool(&server), 400, 5, delete);
    assert!(stats.sent_again > 0 && stats.stalls > 0, "{stats}");
    let (stats, longest) = disturbed(&pool(&server), 60, 5, delete);
    assert!(stats.sent_again > 0 && stats.stalls > 0, "{stats}");
    // Missed after two and a half, and found by the first look.
    assert!(longest < ACK_WAIT * 7 / 2, "{longest:?}: {stats}");
}

/// A stranger pulls some frames and says for ever that it is at them. So the server has them, refuses them, and hands them
/// out to no one else.
fn held_by_a_stranger(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let pool = builder(&server).ack_wait(Duration::from_millis(300)).build().unwrap();
    let mut imap = pool.imap(NUMBER, 0..200).batch(1).window(20).start();
    let probe = Probe::new(&server.url());
    eventually(Duration::from_secs(10), "frames are there", || probe.messages("pool") == Some(20));
    let name = probe.consumer_of("pool", "work_");
    let held: Vec<async_nats::jetstream::Message> = probe.run(async {
        let context = async_nats::jetstream::new(probe.client.clone());
        let consumer: PullConsumer = context.get_consumer_from_stream(name, "pool").await.unwrap();
        let messages = consumer.fetch().max_messages(7).messages().await.unwrap();
        messages.map(Result::unwrap).collect().await
    });
    assert_eq!(held.len(), 7);
    probe.spawn(async move {
        loop {
            for message in &held {
                message.ack_with(async_nats::jetstream::AckKind::Progress).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    worker(scene, &server.url(), 2);
    let began = Instant::now();
    check(imap.by_ref(), 200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}: {}", began.elapsed(), imap.stats());
    assert!(imap.stats().sent_again >= 7, "{}", imap.stats());
    drop(imap);
    eventually(Duration::from_secs(2), "no message is left", || probe.messages("pool") == Some(0));
}

fn large_results_and_a_kill(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let workers = [0; 2].map(|_| worker(scene, &server.url(), 1));
    let length = 5 << 20;
    let mut imap = pool(&server).imap(BYTES, (0..16).map(move |seed| (seed, length)));
    for seed in 0..16 {
        if seed == 4 {
            workers[0].kill();
        }
        assert!(imap.next().unwrap().unwrap() == bytes(seed, length), "{seed}");
    }
    assert_eq!(imap.next(), None);
}

fn server_gone(scene: &Arc<Scene>) {
    let mut server = Server::start(scene);
    worker(scene, &server.url(), 1);
    let pool = builder(&server).connection_timeout(Duration::from_secs(1)).build().unwrap();
    let mut imap = pool.imap(SLEEP, (0..).map(|x| (x, 10)));
    check(imap.by_ref().take(10), 10);
    server.kill();
    let began = Instant::now();
    let error = imap.by_ref().find_map(Result::err).unwrap();
    assert!(matches!(&error, TaskError::Connection(why) if why.contains("does not answer")), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(imap.next(), None);
}

fn storage_full(scene: &Arc<Scene>) {
    let server = Server::with(scene, |_, folder| {
        format!("jetstream {{ store_dir: {folder:?}, max_mem: 200K, max_file: 1M }}")
    });
    worker(scene, &server.url(), 1).stop();
    let pool = builder(&server).connection_timeout(Duration::from_secs(1)).build().unwrap();
    let mut imap = pool.imap(crate::tasks::SAME, (0..).map(|x| bytes(x, 50_000))).window(100);
    let error = imap.next().unwrap().unwrap_err();
    assert!(matches!(&error, TaskError::Connection(why) if why.contains("for more than")), "{error}");
    assert_eq!(imap.next(), None);
}

fn master_killed(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let process = worker(scene, &server.url(), 1);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["master", &server.url()]);
    let master = scene.spawn(command);
    let probe = Probe::new(&server.url());
    eventually(Duration::from_secs(10), "the master sends", || probe.messages("pool") > Some(20));
    master.kill();
    // No worker goes on for a master that is gone, and without workers the consumers go.
    eventually(Duration::from_secs(8), "no message is left", || probe.messages("pool") == Some(0));
    process.terminate();
    assert!(process.wait().success());
    eventually(Duration::from_secs(8), "no consumer is left", || probe.consumers("pool") == Some(0));
}

/// A pool that drops its jobs from some time on, as one that is terminated does.
struct Mortal {
    pool: ChannelPool,
    dead: AtomicBool,
}

impl Executor for Mortal {
    fn threads(&self) -> usize {
        self.pool.threads()
    }

    fn spawn(&self, job: Job) {
        if !self.dead.load(Ordering::SeqCst) {
            self.pool.spawn(job);
        }
    }
}

/// The items go to others, and the worker's program is told.
fn pool_terminated(scene: &Arc<Scene>) {
    let server = Server::start(scene);
    let mortal = Mortal { pool: ChannelPool::new(1).unwrap(), dead: AtomicBool::new(false) };
    let here = Worker::builder(&server.url()).build().unwrap().task(SLEEP, |(x, milliseconds)| {
        std::thread::sleep(Duration::from_millis(milliseconds));
        right(x)
    });
    std::thread::scope(|scope| {
        let mortal = &mortal;
        let worked = scope.spawn(move || here.run_until(mortal, &CancelToken::new()));
        disturbed(&pool(&server), 200, 5, || {
            mortal.dead.store(true, Ordering::SeqCst);
            worker(scene, &server.url(), 1);
        });
        let error = worked.join().unwrap().unwrap_err();
        assert!(error.to_string().contains("terminated"), "{error}");
    });
}
