//! What an imap does when nothing goes wrong.

use crate::scene::Scene;
use crate::server::Server;
use crate::tasks::{NUMBER, check, worker};
use pool_nats::NatsPool;

pub const TESTS: &[(&str, fn(&Scene))] = &[("p1_results_come_in_order", in_order)];

fn in_order(scene: &Scene) {
    let server = Server::start(scene);
    let _workers = [worker(scene, &server.url(), 2), worker(scene, &server.url(), 1)];
    let pool = NatsPool::builder(&server.url()).build().unwrap();
    check(pool.imap(NUMBER, 0..100_000), 100_000);
}
