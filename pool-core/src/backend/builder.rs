//! What every pool's builder offers.

use crate::error::BuildError;
use crate::executor::MOST_THREADS;
use crate::unwind::{Quiet, catch, drop_quietly};
use std::env;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Configures a pool of type `P`. Each backend's `builder()` gives one.
///
/// The defaults: as many threads as the environment variable `POOL_THREADS` says, or one per core; names after the
/// backend; std's stack size; no hooks.
#[must_use = "nothing is built before `build`"]
pub struct Builder<P> {
    config: Config,
    pool: PhantomData<fn() -> P>,
}

/// A pool that a [`Builder`] can build.
pub trait Build: Sized {
    /// What the threads are called: `name-0`, `name-1`, and so on.
    const NAME: &'static str;

    /// Builds the pool.
    ///
    /// # Errors
    ///
    /// If a thread cannot be started; then none is left.
    fn build(config: Config) -> Result<Self, BuildError>;
}

/// The environment variable that says how many threads a pool has, unless its builder does.
const THREADS: &str = "POOL_THREADS";

type Name = Arc<dyn Fn(usize) -> String + Send + Sync>;
type Hook = Arc<dyn Fn(usize) + Send + Sync>;

/// The settings of a [`Builder`].
#[derive(Clone)]
pub struct Config {
    threads: Option<usize>,
    name: Name,
    stack_size: Option<usize>,
    on_start: Option<Hook>,
    on_exit: Option<Hook>,
    drop_timeout: Option<Duration>,
}

impl<P: Build> Builder<P> {
    /// A builder with the defaults.
    pub fn new() -> Builder<P> {
        let config = Config {
            threads: None,
            name: Arc::new(|index| format!("{}-{index}", P::NAME)),
            stack_size: None,
            on_start: None,
            on_exit: None,
            drop_timeout: None,
        };
        Builder { config, pool: PhantomData }
    }

    /// How many threads; 0 makes [`build`](Builder::build) fail. Default: what the environment variable `POOL_THREADS`
    /// says, and without it one per core.
    pub fn threads(mut self, threads: usize) -> Self {
        self.config.threads = Some(threads);
        self
    }

    /// Names thread `index`, counted from 0. The system shows the first 15 bytes. A name must not contain a zero byte.
    /// The thread that builds calls `name`, and a panic of `name` comes out of [`build`](Builder::build).
    pub fn thread_name(mut self, name: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let name = Quiet::new(name);
        self.config.name = Arc::new(move |index| name.get()(index));
        self
    }

    /// The size of each thread's stack, in bytes.
    ///
    /// Your function and your input's `next` run on these stacks, however small the consumer's is.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.config.stack_size = Some(bytes);
        self
    }

    /// Called on each new thread with its index, before its first job. If it panics, `build` fails with
    /// [`BuildError::Hook`].
    pub fn on_start(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.on_start = Some(quiet(hook));
        self
    }

    /// Called on each thread with its index, after its last job. If it panics, the panic ends there.
    pub fn on_exit(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.on_exit = Some(quiet(hook));
        self
    }

    /// Lets dropping the pool wait for at most this long, so that a function which returns early, as `?` does, ends
    /// although a job hangs.
    ///
    /// Dropping the pool then does what its [`shutdown_timeout`](crate::backend::Pool::shutdown_timeout) does: what is
    /// queued is discarded, and threads that have not ended in time are let go. Its `join` still runs everything, and
    /// waits without a limit.
    ///
    /// ```
    /// use pool_stealing::{Executor, StealingPool};
    /// use std::time::Duration;
    ///
    /// let (release, hang) = std::sync::mpsc::channel::<()>();
    /// let pool = StealingPool::builder().threads(1).drop_timeout(Duration::from_millis(10)).build()?;
    /// drop(pool.submit(move || hang.recv()));
    /// drop(pool);
    /// # drop(release);
    /// # Ok::<(), pool_stealing::BuildError>(())
    /// ```
    pub fn drop_timeout(mut self, limit: Duration) -> Self {
        self.config.drop_timeout = Some(limit);
        self
    }

    /// Starts the threads, and returns when all of them are running.
    ///
    /// # Cost
    ///
    /// Besides the threads: on Linux the first pool of a process also [registers for
    /// `membarrier`](crate::backend::register_membarrier). That takes some 5 to 20 ms if the process has more than one thread
    /// then, and microseconds if it has one.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`]; [`BuildError::Variable`] if the builder sets no number of threads and
    /// `POOL_THREADS` is not a valid one; [`BuildError::Thread`] if the system refuses a thread; [`BuildError::Hook`]
    /// if the start hook panics. No thread is left running then.
    pub fn build(self) -> Result<P, BuildError> {
        P::build(self.config)
    }
}

impl<P: Build> Default for Builder<P> {
    fn default() -> Self {
        Builder::new()
    }
}

impl<P> fmt::Debug for Builder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("threads", &self.threads)
            .field("stack_size", &self.stack_size)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// How many threads to start: as many as the builder was told, or else what the environment variable
    /// `POOL_THREADS` says, or else one per core.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`], and [`BuildError::Variable`] if `POOL_THREADS` is no number of threads.
    pub fn threads(&self) -> Result<usize, BuildError> {
        match self.threads {
            Some(0) => Err(BuildError::ZeroThreads),
            Some(threads) => Ok(threads),
            None => threads_of_environment(),
        }
    }

    /// The name of a thread, for a backend whose library starts the threads itself.
    pub fn name(&self, index: usize) -> String {
        (self.name)(index)
    }

    /// The stack size in bytes, if one was asked for.
    pub fn stack_size(&self) -> Option<usize> {
        self.stack_size
    }

    /// How long dropping the pool may wait, if that has a limit.
    pub fn drop_timeout(&self) -> Option<Duration> {
        self.drop_timeout
    }

    /// Runs the start hook, if there is one.
    pub fn on_start(&self, index: usize) {
        self.on_start.iter().for_each(|hook| hook(index));
    }

    /// Runs the exit hook, if there is one. Its panic ends here.
    pub fn on_exit(&self, index: usize) {
        drop_quietly(catch(|| self.on_exit.iter().for_each(|hook| hook(index))));
    }
}

/// A hook that is dropped quietly: several in one drop may panic, and the last owner may be a thread of the pool.
fn quiet(hook: impl Fn(usize) + Send + Sync + 'static) -> Hook {
    let hook = Quiet::new(hook);
    Arc::new(move |index| hook.get()(index))
}

/// The number of threads of a pool whose builder sets none.
fn threads_of_environment() -> Result<usize, BuildError> {
    let Some(value) = env::var_os(THREADS) else {
        return Ok(thread::available_parallelism().map_or(1, usize::from));
    };
    let threads = value.to_str().and_then(|value| value.parse().ok());
    let threads = threads.filter(|threads| (1..=MOST_THREADS).contains(threads));
    threads.ok_or(BuildError::Variable { name: THREADS, value })
}
