//! The backend: the queue, and threads that run what is in it.

use crate::queue::Queue;
use pool_core::backend::{Backend, Config, Counters, Job, Pool, PoolId, Workers};
use pool_core::{BuildError, Executor, PoolStats};
use std::fmt;
use std::sync::Arc;

/// A pool whose threads share one queue.
///
/// Its methods are those of [`Pool`] and of [`Executor`](pool_core::Executor).
///
/// ```
/// use pool_channel::ChannelPool;
///
/// let pool = ChannelPool::builder().threads(2).thread_name(|index| format!("hash-{index}")).build()?;
/// pool.join();
/// # Ok::<(), pool_channel::BuildError>(())
/// ```
///
/// In its [`stats`](ChannelPool::stats), `steals` is 0: there is nothing to steal.
pub type ChannelPool = Pool<Channel>;

/// The backend of a [`ChannelPool`].
#[derive(Clone)]
pub struct Channel {
    queue: Arc<Queue>,
    /// One for each thread.
    counters: Arc<[Counters]>,
}

impl Backend for Channel {
    const NAME: &'static str = "pool-channel";

    fn start(config: &Config) -> Result<(Channel, Workers), BuildError> {
        let counters = (0..config.threads()?).map(|_| Counters::new()).collect();
        let channel = Channel { queue: Arc::new(Queue::new()), counters };
        let workers = (0..channel.counters.len()).map(|index| {
            let channel = channel.clone();
            move || channel.work(&channel.counters[index])
        });
        let workers = config.start(workers)?;
        Ok((channel, workers))
    }

    fn close(self) {
        self.queue.close();
    }

    fn terminate(&self) -> Vec<Job> {
        self.queue.terminate()
    }

    fn stats(&self) -> PoolStats {
        self.counters.iter().map(Counters::stats).collect()
    }
}

impl Channel {
    /// The life of a worker's thread.
    fn work(&self, counters: &Counters) {
        self.queue.work(counters, |job| counters.run(job, self));
    }
}

impl Executor for Channel {
    fn threads(&self) -> usize {
        self.counters.len()
    }

    fn spawn(&self, job: Job) {
        self.queue.push(job);
    }

    fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }

    fn pool_id(&self) -> Option<PoolId> {
        Some(PoolId::of(&*self.queue))
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("threads", &self.threads()).finish_non_exhaustive()
    }
}
