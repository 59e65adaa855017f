//! Running a loom model, and saying how far it got. For the models of this package and of the backends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Runs `scene` in the orders of steps that there are within `preemptions`, and prints how many that were, and whether
/// all. Loom stops before, but not within its first 20,000 orders, if `LOOM_MAX_DURATION` (seconds) has passed.
pub fn explore(preemptions: usize, scene: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 10_000;
    let (interval, limit) = (builder.checkpoint_interval, builder.max_duration);
    let orders = Arc::new(AtomicUsize::new(0));
    let (counted, began) = (orders.clone(), Instant::now());
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        scene();
    });
    let (orders, took) = (orders.load(Ordering::Relaxed), began.elapsed());
    // Loom looks at the clock before each order whose number is a multiple of this.
    let is_cut = (orders + 1).is_multiple_of(interval) && limit.is_some_and(|limit| took >= limit);
    let all = if is_cut { "cut off there" } else { "all there are" };
    println!(
        "explored {orders} orders in {:.1} s, {all} within {preemptions} preemptions",
        took.as_secs_f32()
    );
}
