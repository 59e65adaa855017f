//! For authors of backends: builders, threads, and figures. Nothing here knows of imaps.

mod builder;
mod counters;
mod stats;
mod threads;

pub use builder::{Build, Builder, Config};
pub use counters::Counters;
pub use stats::{PoolStats, WorkerStats};
pub use threads::Workers;
