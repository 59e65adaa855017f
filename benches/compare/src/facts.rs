//! What can be found out about a contender by running it, so that no table has to take it on trust.

use crate::contender::Contender;
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// Items of a run that tells who is lazy: many times what any contender keeps on its way.
const MANY: u64 = 50_000;

/// How long the input waits for a result before it goes on without.
const PATIENCE: Duration = Duration::from_secs(1);

/// What an experiment finds: the fields of [`Traits`](crate::contender::Traits) of the same names.
///
/// It needs a contender with one thread where that can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Never half of a long input was between input and consumer.
    pub lazy: bool,
    /// The first result came while the second item was held back.
    pub live: bool,
    /// Three calls ran on different threads.
    pub cold: bool,
}

impl Facts {
    pub(crate) fn of<C: Contender>(contender: &C) -> Facts {
        Facts { lazy: lazy(contender), live: live(contender), cold: cold(contender) }
    }
}

fn lazy<C: Contender>(contender: &C) -> bool {
    let pulled = Arc::new(AtomicU64::new(0));
    let pulls = pulled.clone();
    let input = (0..MANY).inspect(move |_| {
        pulls.fetch_add(1, Ordering::Relaxed);
    });
    let (mut delivered, mut most) = (0, 0);
    let sink = |_: u64| {
        most = most.max(pulled.load(Ordering::Relaxed) - delivered);
        delivered += 1;
    };
    contender.each(input, |x| x, sink);
    most < MANY / 2
}

fn live<C: Contender>(contender: &C) -> bool {
    let (came, comes) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let input = (0..2).inspect(move |item: &u64| {
        if *item == 1 {
            // The receiver is gone if the contender has lost a result.
            let _ = tell.send(comes.recv_timeout(PATIENCE).is_ok());
        }
    });
    let sink = |_: u64| {
        // The receiver is gone after the second item.
        let _ = came.send(());
    };
    contender.each(input, |x| x, sink);
    told.recv().expect("the input was asked for its second item")
}

fn cold<C: Contender>(contender: &C) -> bool {
    let threads = Arc::new(Mutex::new(HashSet::new()));
    for _ in 0..3 {
        let seen = threads.clone();
        // So long that a consumer that helps leaves it to the threads.
        let f = move |_| {
            thread::sleep(Duration::from_millis(1));
            seen.lock().expect("nothing panics").insert(thread::current().id());
        };
        contender.each(0..8, f, drop);
    }
    let mut threads = threads.lock().expect("nothing panics");
    threads.remove(&thread::current().id());
    threads.len() > 1
}
