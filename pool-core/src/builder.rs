//! What every pool's builder offers, and starting threads all or none.
//!
//! The engine starts no threads; this is here so that a backend that does need not write it again.

use crate::error::{BuildError, Panic};
use crate::executor::MOST_THREADS;
use crate::unwind::{catch, drop_quietly};
use std::env;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Configures a pool of type `P`. Each backend's `builder()` gives one.
///
/// Unless told otherwise: as many threads as the environment variable `POOL_THREADS` says, or one per core; named after
/// the backend, with the stack size that std gives a thread, and no hooks.
#[must_use = "nothing is built before `build`"]
pub struct Builder<P> {
    config: Config,
    pool: PhantomData<fn() -> P>,
}

/// A pool that a [`Builder`] can build. For authors of backends.
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

/// What a [`Builder`] has been told. For authors of backends.
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

    /// Names thread `index`, counted from 0. The system shows the first 15 bytes. A name must not contain
    /// a zero byte. It is asked for on the thread that builds, and a panic in it comes out of `build`.
    pub fn thread_name(mut self, name: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        self.config.name = Arc::new(name);
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
        self.config.on_start = Some(Arc::new(hook));
        self
    }

    /// Called on each thread with its index, after its last job. If it panics, the panic ends there.
    pub fn on_exit(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Self {
        self.config.on_exit = Some(Arc::new(hook));
        self
    }

    /// Lets dropping the pool wait for at most this long, so that a function which returns early, as `?` does, ends
    /// although a job hangs.
    ///
    /// Dropping the pool then does what its `shutdown_timeout` does: what is queued is discarded, and threads that
    /// have not ended in time are let go. Its `join` still runs everything, and waits without a limit.
    ///
    /// ```
    /// use pool_channel::{ChannelPool, Executor};
    /// use std::time::Duration;
    ///
    /// let (release, hang) = std::sync::mpsc::channel::<()>();
    /// let pool = ChannelPool::builder().threads(1).drop_timeout(Duration::from_millis(10)).build()?;
    /// drop(pool.submit(move || hang.recv()));
    /// drop(pool);
    /// # drop(release);
    /// # Ok::<(), pool_channel::BuildError>(())
    /// ```
    pub fn drop_timeout(mut self, limit: Duration) -> Self {
        self.config.drop_timeout = Some(limit);
        self
    }

    /// Starts the threads, and returns when all of them are running.
    ///
    /// # Errors
    ///
    /// [`BuildError::ZeroThreads`]; [`BuildError::Variable`] if the number of threads was left to the environment
    /// variable `POOL_THREADS`, and that is no such number; [`BuildError::Thread`] if the system refuses a thread;
    /// [`BuildError::Hook`] if the start hook panics. No thread is left running then.
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

    /// Starts one thread for each of `workers`, and returns when all of them have begun, or none is left.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`].
    pub fn start<W>(&self, workers: impl IntoIterator<Item = W>) -> Result<Crew, BuildError>
    where
        W: FnOnce() + Send + 'static,
    {
        let (alive, ended) = mpsc::channel();
        let mut crew = Crew { threads: Vec::new(), ended: Mutex::new(ended) };
        // Nobody works before all have begun: each waits for a word, and ends if there comes none.
        let mut words = Vec::new();
        let (report, reports) = mpsc::channel();
        let reports = Reports(reports);
        for (index, worker) in workers.into_iter().enumerate() {
            let (word, heard) = mpsc::channel();
            words.push(word);
            let (config, report, alive) = (self.clone(), report.clone(), alive.clone());
            let started = self.thread(index).and_then(|builder| {
                builder.spawn(move || {
                    config.live(index, &report, &heard, worker);
                    // The last thing that the thread does: see `Crew::join_timeout`.
                    drop(alive);
                })
            });
            match started {
                Ok(thread) => crew.threads.push(thread),
                Err(source) => {
                    drop(words);
                    crew.join();
                    return Err(BuildError::Thread { index, source });
                }
            }
        }
        drop(report);
        if let Some(panic) = reports.0.iter().take(words.len()).find_map(Result::err) {
            drop(words);
            crew.join();
            return Err(BuildError::Hook(panic));
        }
        for word in words {
            // A thread that reported is waiting for it.
            let _ = word.send(());
        }
        Ok(crew)
    }

    fn thread(&self, index: usize) -> std::io::Result<thread::Builder> {
        let name = (self.name)(index);
        if name.contains('\0') {
            let error = std::io::ErrorKind::InvalidInput;
            return Err(std::io::Error::new(error, "its name contains a zero byte"));
        }
        let builder = thread::Builder::new().name(name);
        Ok(match self.stack_size {
            Some(bytes) => builder.stack_size(bytes),
            None => builder,
        })
    }

    fn live(
        &self,
        index: usize,
        report: &mpsc::Sender<Result<(), Panic>>,
        heard: &mpsc::Receiver<()>,
        worker: impl FnOnce(),
    ) {
        let started = catch(|| self.on_start(index));
        let failed = started.is_err();
        // Nobody listens any more if another thread has failed first.
        let _ = report.send(started.map_err(Panic::new));
        if failed {
            return;
        }
        if heard.recv().is_ok() {
            worker();
        }
        self.on_exit(index);
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

/// What the threads say of their start: the panic of the hook, if there was one.
struct Reports(mpsc::Receiver<Result<(), Panic>>);

impl Drop for Reports {
    fn drop(&mut self) {
        // One panic at most goes into the error. The payloads of others may panic when they are dropped.
        self.0.try_iter().for_each(drop_quietly);
    }
}

/// The threads of a pool.
#[derive(Debug)]
pub struct Crew {
    threads: Vec<JoinHandle<()>>,
    /// Nothing is ever sent. Each thread has a sender, so it is disconnected when the last of them ends.
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Crew {
    /// Waits until every thread has ended.
    ///
    /// On one of those threads it returns at once, and they end by themselves: a job that drops its own
    /// pool can wait neither for itself nor for jobs that may wait for it.
    pub fn join(&mut self) {
        let threads = std::mem::take(&mut self.threads);
        if is_one_of(&threads) {
            return;
        }
        for thread in threads {
            // Workers do not unwind: jobs and hooks are caught.
            let _ = thread.join();
        }
    }

    /// Waits until every thread has ended, for at most `limit`. Returns whether all have; else they are let go, and end
    /// by themselves when what they run does.
    ///
    /// On one of those threads it returns `false` at once.
    pub fn join_timeout(&mut self, limit: Duration) -> bool {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let in_time = self.threads.is_empty()
            || (!is_one_of(&self.threads)
                && ended.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Disconnected));
        if in_time {
            self.join();
        }
        self.threads.clear();
        in_time
    }
}

/// Whether the current thread is one of these.
fn is_one_of(threads: &[JoinHandle<()>]) -> bool {
    let me = thread::current().id();
    threads.iter().any(|thread| thread.thread().id() == me)
}

/// How many threads a pool has that was not told.
fn threads_of_environment() -> Result<usize, BuildError> {
    let Some(value) = env::var_os(THREADS) else {
        return Ok(thread::available_parallelism().map_or(1, usize::from));
    };
    let threads = value.to_str().and_then(|value| value.parse().ok());
    let threads = threads.filter(|threads| (1..=MOST_THREADS).contains(threads));
    threads.ok_or(BuildError::Variable { name: THREADS, value })
}
