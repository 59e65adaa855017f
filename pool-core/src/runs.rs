//! Random runs of a simulation, from seeds.

use std::panic::{RefUnwindSafe, catch_unwind};
use std::thread::{available_parallelism, scope};

/// Plays the runs of the seeds from 0 up to this one, on all cores.
///
/// ```
/// pool_core::runs::play_all(1_000, |seed| assert!(seed < 1_000));
/// ```
///
/// # Panics
///
/// If a run has panicked; its seed is printed. The other threads play theirs first, up to the first of them that panics.
///
/// ```should_panic
/// pool_core::runs::play_all(10, |seed| assert!(seed < 9));
/// ```
pub fn play_all(runs: u64, play: impl Fn(u64) + Sync + RefUnwindSafe) {
    let (threads, play) = (available_parallelism().map_or(1, usize::from) as u64, &play);
    scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for seed in (thread..runs).step_by(threads as usize) {
                    assert!(catch_unwind(|| play(seed)).is_ok(), "run {seed} has failed, see above");
                }
            });
        }
    });
}
