//! For tests that are generic over a backend, of what is not in the trait `Executor`.
#![allow(dead_code, unused_imports, unused_macros, reason = "each test uses a part of it")]

use pool_channel::ChannelPool;
use pool_core::Executor;
use pool_core::backend::Build;
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::sync::Arc;
use std::time::Duration;

/// A backend, with the methods that every pool has by itself.
pub trait Backend: Build + Default + Executor + 'static {
    const JOIN: fn(Self);
    const TERMINATE: fn(&Self);
    const SHUTDOWN_TIMEOUT: fn(Self, Duration) -> bool;
}

macro_rules! backends {
    ($($pool:ident)*) => {$(
        impl Backend for $pool {
            const JOIN: fn(Self) = $pool::join;
            const TERMINATE: fn(&Self) = $pool::terminate;
            const SHUTDOWN_TIMEOUT: fn(Self, Duration) -> bool = $pool::shutdown_timeout;
        }
    )*};
}
backends! { ChannelPool StealingPool RayonPool }

/// Calls `check` with a pool of each backend, one after the other.
pub fn on_each_pool(threads: usize, mut check: impl FnMut(&'static str, &Arc<dyn Executor>)) {
    check("channel", &(Arc::new(ChannelPool::new(threads).unwrap()) as _));
    check("stealing", &(Arc::new(StealingPool::new(threads).unwrap()) as _));
    check("rayon", &(Arc::new(RayonPool::new(threads).unwrap()) as _));
}

/// Makes a test for each backend of a function that is generic over it.
macro_rules! on_every_backend {
    ($($test:ident)*) => {$(
        mod $test {
            use pool_core::watchdog::{LIMIT, within};

            #[test]
            fn channel() {
                within(LIMIT, super::$test::<pool_channel::ChannelPool>);
            }
            #[test]
            fn stealing() {
                within(LIMIT, super::$test::<pool_stealing::StealingPool>);
            }
            #[test]
            fn rayon() {
                within(LIMIT, super::$test::<pool_rayon::RayonPool>);
            }
        }
    )*};
}
pub(crate) use on_every_backend;
