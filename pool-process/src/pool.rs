//! The pool: settings, and what a program has of its children.

use crate::ProcessImap;
use crate::error::ProcessError;
use crate::process::Recipe;
use crate::run::{Mail, Office};
use crate::staff::{Rules, Staff};
use crate::tasks::Program;
use pool_remote::control::Settings;
use pool_remote::{Launch, Task, Transport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The settings of a [`ProcessPool`]. From [`ProcessPool::builder`].
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until the pool is built"]
pub struct Builder {
    program: Program,
    rules: Rules,
    recipe: Recipe,
    max_memory: Option<u64>,
}

impl Builder {
    /// How many children there are. Default: one for each core.
    pub fn processes(mut self, n: usize) -> Builder {
        self.rules.processes = n;
        self
    }

    /// How many items each child runs at a time, on threads. Default 1.
    ///
    /// With more than one, an item that kills its process is not known at once: all that ran in it are tried again, each in
    /// a process of its own, so that only the one is lost. And an item that is killed since it is late takes its neighbours
    /// with it, which run again.
    pub fn threads(mut self, n: u32) -> Builder {
        self.rules.threads = n;
        self
    }

    /// Replaces a child after this many items, or a few more: for functions whose libraries leak. Default: never.
    pub fn max_items(mut self, n: u64) -> Builder {
        self.rules.max_items = Some(n);
        self
    }

    /// Replaces a child between items when it holds more bytes of memory than this (Linux only). Default: never.
    ///
    /// It does not stop an item that takes all memory; the system does, and then the item is
    /// [`Lost`](crate::TaskError::Lost).
    pub fn max_memory(mut self, bytes: u64) -> Builder {
        self.max_memory = Some(bytes);
        self
    }

    /// Children are started as this program, instead of as this very one. Its `main` serves the same tasks.
    pub fn program(mut self, program: impl AsRef<Path>) -> Builder {
        self.recipe.program = Some(program.as_ref().to_owned());
        self
    }

    /// The arguments of children. Default: none.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Builder {
        self.recipe.arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        self
    }

    /// A variable in the environment of children, beside those of this process.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Builder {
        self.recipe.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// How long a child may take until it comes to [`Tasks::serve`](crate::Tasks::serve) and its initializer is done.
    /// Default 10 s.
    pub fn start_timeout(mut self, limit: Duration) -> Builder {
        self.rules.start_timeout = limit;
        self
    }

    /// How long an item may run on when its imap or the pool is gone, before its child is killed. Default 500 ms.
    pub fn grace(mut self, limit: Duration) -> Builder {
        self.rules.grace = limit;
        self
    }

    /// Starts the children, and waits for the first to be ready.
    ///
    /// # Errors
    ///
    /// [`ProcessError`]: a setting, no child that comes to [`Tasks::serve`](crate::Tasks::serve), or this process is a
    /// child itself.
    pub fn build(mut self) -> Result<ProcessPool, ProcessError> {
        if self.program.nested {
            return Err(ProcessError::InChild);
        }
        if self.rules.processes == 0 || self.rules.threads == 0 {
            return Err(ProcessError::Setting("a pool has at least 1 process of 1 thread".into()));
        }
        if self.rules.max_items == Some(0) {
            return Err(ProcessError::Setting("max_items(0): no item could ever run".into()));
        }
        self.recipe.threads = self.rules.threads;
        let system = |error: std::io::Error| ProcessError::System(error.to_string());
        let (office, mail, opened) =
            Office::new(Staff::new(self.rules), self.recipe, self.max_memory).map_err(system)?;
        let thread = std::thread::Builder::new().name("pool-process".into());
        let thread = thread.spawn(move || office.run()).map_err(system)?;
        let shared = Arc::new(Shared { mail, thread: Mutex::new(Some(thread)) });
        match opened.recv() {
            Ok(Ok(())) => Ok(ProcessPool { shared }),
            Ok(Err(why)) => Err(ProcessError::Start(why)),
            Err(_) => Err(ProcessError::System("the thread of the pool has ended".into())),
        }
    }
}

/// Child processes of this program, which run its functions.
///
/// Any number of imaps share it. It has one thread, and each imap one more, which pulls its input. A pool is cheap to
/// clone. Dropping the last of a pool's clones and imaps ends the children: at once if they are idle, and after
/// [`grace`](Builder::grace) if an item runs on.
///
/// ```no_run
/// use pool_process::{ProcessPool, Task, Tasks};
///
/// const WORDS: Task<String, u64> = Task::named("words");
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     // The first line of `main`: a child runs tasks here, and never goes on.
///     let program = Tasks::new().task(WORDS, |text| text.split_whitespace().count() as u64).serve();
///     let pool = ProcessPool::builder(program).processes(2).build()?;
///     for words in pool.imap(WORDS, ["one", "two words"].map(String::from)) {
///         println!("{}", words?);
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct ProcessPool {
    shared: Arc<Shared>,
}

impl ProcessPool {
    /// Settings of a pool of children of this program, which has [served](crate::Tasks::serve) its tasks.
    pub fn builder(program: Program) -> Builder {
        Builder {
            program,
            rules: Rules {
                processes: std::thread::available_parallelism().map_or(1, usize::from),
                threads: 1,
                max_items: None,
                start_timeout: Duration::from_secs(10),
                grace: Duration::from_millis(500),
            },
            recipe: Recipe::default(),
            max_memory: None,
        }
    }

    /// `items.into_iter().map(f)`, where `f` is what children run by this name: in order, lazily, in bounded memory.
    ///
    /// Nothing is pulled from `items` before the first `next` or [`start`](ProcessImap::start). From then on a thread of
    /// its own pulls, and may block. See [`ProcessImap`].
    pub fn imap<I, T, N>(&self, task: Task<I, T>, items: N) -> ProcessImap<T>
    where
        N: IntoIterator<Item = I>,
        N::IntoIter: Send + 'static,
        I: Serialize,
        T: DeserializeOwned,
    {
        ProcessImap::new(self.shared.clone(), task.identity(), items.into_iter())
    }

    /// Ends all imaps with [`Cancelled`](crate::TaskError::Cancelled), and the children. Does not wait.
    pub fn terminate(&self) {
        self.shared.mail.end();
    }
}

impl fmt::Debug for ProcessPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessPool").finish_non_exhaustive()
    }
}

struct Shared {
    mail: Arc<Mail>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Transport for Shared {
    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn input_name(&self) -> &'static str {
        "pool-process input"
    }

    fn launch(&self, launch: Launch) {
        let mail = self.mail.clone();
        launch.bell.set(move || mail.ring());
        self.mail.launch(launch);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.mail.end();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}
