//! The contenders that every comparison has: sequential code, and any backend of `pool-core`.

use crate::contender::{Contender, Family, Settings, Traits};
use crate::entry::Entry;
use pool_core::Executor;
use std::sync::Arc;

/// `items.map(f)` on one thread.
#[derive(Debug, Clone, Copy)]
pub struct Sequential;

impl Contender for Sequential {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        items.map(f).for_each(sink);
    }

    fn submit<T, F>(&self, jobs: u64, f: F, sink: impl FnMut(T)) -> bool
    where
        T: Send + 'static,
        F: Fn(u64) -> T + Clone + Send + Sync + 'static,
    {
        (0..jobs).map(f).for_each(sink);
        true
    }
}

/// Sequential code, as an entry in a list of contenders.
pub fn sequential() -> Entry {
    let traits = Traits {
        name: "sequential".into(),
        family: Family::Sequential,
        about: "items.map(f)".into(),
        lazy: true,
        live: true,
        cold: false,
        variant: false,
        nests: true,
    };
    Entry::new(traits, |_| Sequential)
}

/// `pool.imap(items, f)` on a backend.
#[derive(Clone)]
struct Backend {
    pool: Pool,
    window: usize,
    chunk: Option<usize>,
}

type Make = Arc<dyn Fn() -> Box<dyn Executor> + Send + Sync>;

#[derive(Clone)]
enum Pool {
    Warm(Arc<dyn Executor>),
    Cold(Make),
}

impl Contender for Backend {
    fn each<I, T, F>(&self, items: I, f: F, sink: impl FnMut(T))
    where
        I: Iterator<Item: Send> + Send + 'static,
        T: Send + 'static,
        F: Fn(I::Item) -> T + Clone + Send + Sync + 'static,
    {
        self.with(|pool| {
            let results = pool.imap(items, f).window(self.window);
            match self.chunk {
                Some(chunk) => results.chunk(chunk).for_each(sink),
                None => results.for_each(sink),
            }
        });
    }

    fn submit<T, F>(&self, jobs: u64, f: F, mut sink: impl FnMut(T)) -> bool
    where
        T: Send + 'static,
        F: Fn(u64) -> T + Clone + Send + Sync + 'static,
    {
        self.with(|pool| {
            let submit = |job| {
                let f = f.clone();
                pool.submit(move || f(job))
            };
            let handles: Vec<_> = (0..jobs).map(submit).collect();
            handles.into_iter().for_each(|handle| sink(handle.join().expect("the job does not panic")));
        });
        true
    }
}

impl Backend {
    fn with(&self, run: impl FnOnce(&&dyn Executor)) {
        match &self.pool {
            Pool::Warm(pool) => run(&pool.as_ref()),
            Pool::Cold(make) => run(&make().as_ref()),
        }
    }
}

/// A backend, as three entries in a list of contenders: as it is; with a chunk of one item (`mine-by-1`); and
/// with threads that are started for each call (`mine-cold`), as most peers do.
///
/// ```
/// use pool_channel::ChannelPool;
/// use pool_compare::ours;
///
/// let entries = ours::backend("mine", |threads| ChannelPool::new(threads).unwrap());
/// assert_eq!(entries[1].traits.name, "mine-by-1");
/// ```
pub fn backend<P: Executor + 'static>(
    name: &str,
    make: impl Fn(usize) -> P + Clone + Send + Sync + 'static,
) -> Vec<Entry> {
    let entry = |suffix: &str, about: &str, chunk, cold| {
        let make = make.clone();
        let ready = move |settings: Settings| {
            let make = make.clone();
            let threads = settings.threads;
            let pool = match cold {
                false => Pool::Warm(Arc::new(make(threads))),
                true => Pool::Cold(Arc::new(move || Box::new(make(threads)))),
            };
            Backend { pool, window: settings.window, chunk }
        };
        let traits = Traits {
            name: format!("{name}{suffix}"),
            family: Family::Backend,
            about: about.into(),
            lazy: true,
            live: true,
            cold,
            variant: !suffix.is_empty(),
            nests: true,
        };
        Entry::new(traits, ready)
    };
    vec![
        entry("", "pool.imap(items, f).window(n)", None, false),
        entry("-by-1", "pool.imap(items, f).window(n).chunk(1)", Some(1), false),
        entry("-cold", "the same with a new pool for each call", None, true),
    ]
}

/// The three backends of this workspace.
pub fn backends() -> Vec<Entry> {
    let channel = |threads| pool_channel::ChannelPool::new(threads).expect("threads start");
    let stealing = |threads| pool_stealing::StealingPool::new(threads).expect("threads start");
    let rayon = |threads| pool_rayon::RayonPool::new(threads).expect("threads start");
    let mut entries = backend("channel", channel);
    entries.extend(backend("stealing", stealing));
    entries.extend(backend("rayon", rayon));
    entries
}
