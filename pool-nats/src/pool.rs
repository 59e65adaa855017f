//! The pool: what a program has of a master.

use crate::RemoteImap;
use crate::builder::Builder;
use crate::error::NatsError;
use crate::job::Job;
use crate::master::{MasterRole, Shared};
use pool_remote::control::Settings;
use pool_remote::{Launch, Task, Transport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::sync::Arc;

/// Workers on other machines, reached through a NATS server with JetStream.
///
/// It has a connection and one thread for it. Any number of imaps share it; each has one more thread, which pulls its
/// input. Dropping the pool and the last of its imaps waits for the messages of dropped imaps to be purged, for at most
/// 2 s.
///
/// ```no_run
/// use pool_nats::{NatsPool, Task};
///
/// const WORDS: Task<String, u64> = Task::named("words");
///
/// let pool = NatsPool::builder("tls://a.example:4222,tls://b.example:4222").credentials_file("m.creds").build()?;
/// let texts = ["one", "two words"].map(String::from);
/// for words in pool.imap(WORDS, texts) {
///     println!("{}", words?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct NatsPool {
    shared: Arc<Shared>,
}

impl NatsPool {
    /// Settings of a pool whose servers have these addresses, separated by commas: `nats://host:4222`, `tls://host:4222`.
    pub fn builder(servers: &str) -> Builder<MasterRole> {
        Builder::new(servers, MasterRole::new())
    }

    /// `items.into_iter().map(f)`, where `f` is what workers call by this name: in order, lazily, in bounded memory.
    ///
    /// Nothing is pulled from `items` before the first `next` or [`start`](RemoteImap::start). From then on a thread of
    /// its own pulls, and may block. See [`RemoteImap`].
    pub fn imap<I, T, N>(&self, task: Task<I, T>, items: N) -> RemoteImap<T>
    where
        N: IntoIterator<Item = I>,
        N::IntoIter: Send + 'static,
        I: Serialize,
        T: DeserializeOwned,
    {
        RemoteImap::new(self.shared.clone(), task.identity(), items.into_iter())
    }
}

/// How often an item is tried, if the user has not said.
const MAX_DELIVER: u32 = 3;

impl Transport for Shared {
    fn settings(&self) -> Settings {
        Settings { attempts: MAX_DELIVER, ..Settings::default() }
    }

    fn input_name(&self) -> &'static str {
        "pool-nats input"
    }

    fn launch(&self, launch: Launch) {
        self.master.runtime.spawn(Job::new(self.master.clone(), launch).run());
    }
}

impl fmt::Debug for NatsPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsPool")
            .field("namespace", &self.shared.master.subjects.stream())
            .finish_non_exhaustive()
    }
}

impl Builder<MasterRole> {
    /// Connects.
    ///
    /// # Errors
    ///
    /// [`NatsError`]: a setting, the connection, an old server, or one without JetStream.
    pub fn build(self) -> Result<NatsPool, NatsError> {
        Ok(NatsPool { shared: self.connect_master()? })
    }
}
