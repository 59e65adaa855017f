//! One shared queue.
pub use pool_core::{self, Executor};
mod pool;
mod queue;
pub use pool::ChannelPool;
