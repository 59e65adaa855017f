//! For authors of backends: what a pool is made of. Nothing here knows of imaps.
//!
//! A backend is a queue with threads, behind the trait [`Backend`]; a [`Pool`] of it has everything else. The chapter
//! [`guide::own_backend`](crate::guide::own_backend) shows one.

pub(crate) mod builder;
mod counters;
mod pool;
pub(crate) mod stats;
mod threads;
mod watched;

pub use crate::executor::{PoolId, Terminated};
#[doc(inline)]
pub use crate::forward_executor;
pub use crate::job::{Job, in_job};
pub use crate::sync::fence::register_membarrier;
pub use builder::{Build, Config};
pub use counters::Counters;
pub use pool::{Backend, Guest, Pool};
pub use threads::Workers;
