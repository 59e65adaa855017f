//! What the benchmarks compare, and how: every contender in turn, so that what the machine does meanwhile
//! hits all of them.

use pool_channel::ChannelPool;
use pool_core::Executor;
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::time::{Duration, Instant};

pub const THREADS: usize = 2;

/// The three backends, and rayon's own pool.
pub struct Contenders {
    pub rayon: rayon::ThreadPool,
    pub ours: [(&'static str, Box<dyn Executor>); 3],
}

impl Contenders {
    pub fn new() -> Contenders {
        let rayon = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().expect("threads start");
        let channel: Box<dyn Executor> = Box::new(ChannelPool::new(THREADS).expect("threads start"));
        let stealing: Box<dyn Executor> = Box::new(StealingPool::new(THREADS).expect("threads start"));
        let wrapped: Box<dyn Executor> = Box::new(RayonPool::new(THREADS).expect("threads start"));
        Contenders { rayon, ours: [("channel", channel), ("stealing", stealing), ("rayon", wrapped)] }
    }
}

/// Medians over five rounds of all runs in turn.
pub fn medians(runs: &mut [&mut dyn FnMut() -> Duration]) -> Vec<f64> {
    let mut times = vec![Vec::new(); runs.len()];
    for _ in 0..5 {
        for (run, times) in runs.iter_mut().zip(&mut times) {
            times.push(run().as_secs_f64());
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times.iter().map(|times| times[2]).collect()
}

/// How long a run takes, whose result must be right.
pub fn timed(expected: u64, run: impl FnOnce() -> u64) -> Duration {
    let started = Instant::now();
    assert_eq!(run(), expected);
    started.elapsed()
}
