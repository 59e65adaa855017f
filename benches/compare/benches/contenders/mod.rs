//! What the benchmarks compare: the three backends, and rayon's own pool.

use pool_channel::ChannelPool;
use pool_core::Executor;
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::sync::Arc;

/// Threads of a pool, where a benchmark does not say otherwise.
pub const THREADS: usize = 2;

/// Whether everything is only to be run once: with `--test`, or without the `--bench` of `cargo bench`, as in
/// `cargo test`. Criterion has the same rule.
pub fn is_test() -> bool {
    let has = |wanted: &str| std::env::args().any(|argument| argument == wanted);
    has("--test") || !has("--bench")
}

/// A pool of ours. Shared, because a function may use the pool that it runs on.
pub type Pool = Arc<dyn Executor>;

/// A name, and how a pool with this number of threads is made.
pub type Backend = (&'static str, fn(usize) -> Pool);

pub const BACKENDS: [Backend; 3] = [
    ("channel", |threads| Arc::new(ChannelPool::new(threads).expect("threads start"))),
    ("stealing", |threads| Arc::new(StealingPool::new(threads).expect("threads start"))),
    ("rayon", |threads| Arc::new(RayonPool::new(threads).expect("threads start"))),
];

/// The three backends, and rayon's own pool.
pub struct Contenders {
    pub rayon: rayon::ThreadPool,
    pub ours: [(&'static str, Pool); 3],
}

impl Contenders {
    pub fn new(threads: usize) -> Contenders {
        let rayon = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        Contenders { rayon, ours: BACKENDS.map(|(backend, new)| (backend, new(threads))) }
    }
}
