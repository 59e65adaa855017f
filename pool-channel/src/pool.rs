//! The pool: threads around the queue.

use crate::queue::Queue;
use pool_core::{Build, BuildError, Builder, Config, Crew, Executor, Job};
use std::sync::Arc;

/// A pool whose threads share one queue.
///
/// Dropping it runs what is queued, and waits until every thread has ended; on one of its own threads it
/// does not wait.
///
/// ```
/// use pool_channel::ChannelPool;
///
/// let pool = ChannelPool::builder().threads(2).thread_name(|index| format!("hash-{index}")).build()?;
/// pool.join();
/// # Ok::<(), pool_channel::pool_core::BuildError>(())
/// ```
#[derive(Debug)]
pub struct ChannelPool {
    handle: Handle,
    crew: Crew,
    threads: usize,
}

/// What a job spawns on.
#[derive(Clone)]
struct Handle {
    queue: Arc<Queue>,
    threads: usize,
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl ChannelPool {
    /// A pool of so many threads.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`] for 0, and [`BuildError::Thread`] if the system refuses a thread.
    pub fn new(threads: usize) -> Result<ChannelPool, BuildError> {
        ChannelPool::builder().threads(threads).build()
    }

    /// Threads, names, stack size, hooks.
    pub fn builder() -> Builder<ChannelPool> {
        Builder::new()
    }

    /// Runs what is queued, and waits until every thread has ended. Dropping the pool does the same.
    pub fn join(self) {
        drop(self);
    }

    /// Discards what is queued, and waits for what runs. Whoever waits for a discarded job gets
    /// [`Cancelled`](pool_core::Cancelled).
    pub fn terminate(self) {
        self.handle.queue.terminate();
    }
}

impl Build for ChannelPool {
    const NAME: &'static str = "pool-channel";

    fn build(config: Config) -> Result<ChannelPool, BuildError> {
        let threads = config.threads()?;
        let handle = Handle { queue: Arc::new(Queue::new()), threads };
        let workers = (0..threads).map(|_| {
            let handle = handle.clone();
            move || handle.queue.work(|job| job.run(&handle))
        });
        let crew = config.start(workers)?;
        Ok(ChannelPool { handle, crew, threads })
    }
}

impl Drop for ChannelPool {
    fn drop(&mut self) {
        self.handle.queue.close();
        self.crew.join();
    }
}

impl Executor for Handle {
    fn threads(&self) -> usize {
        self.threads
    }

    fn spawn(&self, job: Job) {
        self.queue.push(job);
    }

    fn has_waiting(&self) -> bool {
        !self.queue.is_empty()
    }
}

impl Executor for ChannelPool {
    fn threads(&self) -> usize {
        self.threads
    }

    fn spawn(&self, job: Job) {
        self.handle.spawn(job);
    }

    fn has_waiting(&self) -> bool {
        self.handle.has_waiting()
    }
}
