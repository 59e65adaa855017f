//! `into_imap`: an imap that owns its executor, and jobs that do not.

use crate::oracle::panic_on_purpose;
use crate::subject::AnyPool;
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Counted, Gate, LONG, soon};
use crate::suite::wrapped::{Wrapped, Wrapper};
use futures::StreamExt;
use futures::executor::block_on;
use pool_core::{Executor, Imap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

/// A pool that does something when it is dropped: before the pool inside it is.
struct Last<D: Fn()> {
    pool: AnyPool,
    dropped: D,
}

impl<D: Fn() + Send + Sync> Wrapper for Last<D> {
    fn pool(&self) -> &dyn Executor {
        &self.pool
    }
}

impl<D: Fn()> Drop for Last<D> {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

/// What a function can return.
fn doubled<E: Executor + 'static>(pool: E, count: u64) -> impl Iterator<Item = u64> + Send + 'static {
    pool.into_imap(0..count, |x| 2 * x)
}

/// A struct that owns an imap.
struct Owner {
    results: Imap<'static, u64>,
}

promises! {
    fn p11_owned_imap_is_returned_from_a_function(subject) {
        for threads in [1, 2, 4] {
            let expected = || (0..3_000).map(|x| 2 * x);
            assert!(doubled(subject.pool(threads), 3_000).eq(expected()));
            let shared = Arc::new(subject.pool(threads));
            assert!(doubled(shared.clone(), 3_000).eq(expected()));
            let any: Arc<dyn Executor> = shared;
            assert!(doubled(any, 3_000).eq(expected()));
            let boxed: Box<dyn Executor> = Box::new(subject.pool(threads));
            assert!(doubled(boxed, 3_000).eq(expected()));
        }
    }

    fn p11_owned_imap_is_kept_and_consumed_elsewhere(subject) {
        let mut owner = Owner { results: subject.pool(2).into_imap(0..1_000, |x| x + 1).start() };
        assert_eq!(owner.results.next(), Some(1));
        let rest = thread::spawn(move || {
            assert_eq!(owner.results.next_timeout(LONG), Ok(Some(2)));
            owner.results.sum::<u64>()
        });
        assert_eq!(rest.join().unwrap(), 500_500 - 3);
    }

    fn p11_owned_imap_is_a_stream_of_its_own(subject) {
        let pool = Arc::new(subject.pool(2));
        let stream = || pool.clone().into_imap(0..500u64, |x| x).into_stream().boxed();
        let both = stream().chain(stream());
        assert!(block_on(both.collect::<Vec<_>>()).into_iter().eq((0..500).chain(0..500)));
        soon("both have let go of the pool", || Arc::strong_count(&pool) == 1);
    }

    /// With an item that hangs: its job has no part in the pool.
    fn p12_owned_by_the_consumer_and_never_by_a_job(subject) {
        let pool = Arc::new(subject.pool(2));
        let gate = Gate::closed();
        let door = gate.door();
        let (begun, begins) = mpsc::channel();
        let imap = pool.clone().into_imap(0..100, move |x: u64| {
            let _ = begun.send(());
            door.pass();
            x
        });
        let imap = imap.start();
        begins.recv_timeout(LONG).unwrap();
        assert_eq!(Arc::strong_count(&pool), 2);
        drop(imap);
        assert_eq!(Arc::strong_count(&pool), 1);
        gate.open();
        assert_eq!(pool.submit(|| 3).join().unwrap(), 3);
    }

    /// It joins the pool: what ran has ended, and has been dropped.
    fn p12_owned_dropping_the_last_owner_joins_the_pool(subject) {
        for ended in [false, true] {
            let (alive, begun) = (Alive::default(), Arc::new(AtomicUsize::new(0)));
            let (of_items, begins) = (alive.clone(), begun.clone());
            let items = (0..if ended { 5 } else { 1_000u64 }).map(move |_| of_items.new_one());
            let gate = Gate::closed();
            let door = gate.door();
            let opens = move || gate.open();
            let pool = Wrapped(Last { pool: subject.pool(2), dropped: opens });
            let mut imap = pool.into_imap(items, move |item: Counted| {
                if begins.fetch_add(1, Ordering::SeqCst) == 5 {
                    door.pass();
                }
                drop(item);
            });
            assert_eq!(imap.by_ref().take(5).count(), 5);
            if ended {
                assert_eq!(imap.next(), None);
            } else {
                imap = imap.start();
                soon("an item hangs", || begun.load(Ordering::SeqCst) > 5);
            }
            drop(imap);
            assert_eq!(alive.count(), 0);
        }
    }

    fn p9_owned_an_executor_that_panics_when_it_is_dropped(subject) {
        let pool = Wrapped(Last { pool: subject.pool(2), dropped: || panic_on_purpose(0) });
        let mut imap = pool.into_imap(0..100u64, |x| x);
        assert_eq!(imap.next(), Some(0));
        drop(imap);
        let pool = Wrapped(Last { pool: subject.pool(2), dropped: || panic_on_purpose(0) });
        assert_eq!(pool.into_imap(0..100u64, |x| x).count(), 100);
    }

    fn p8_owned_consumed_and_dropped_inside_a_job_of_its_pool(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let (own, (go, gate)) = (pool.clone(), mpsc::channel::<()>());
            let sum = pool.submit(move || {
                gate.recv().unwrap();
                // Now this imap is the last owner of the pool that runs it.
                own.into_imap(0..500u64, |x| x).sum::<u64>()
            });
            drop(pool);
            go.send(()).unwrap();
            assert_eq!(sum.join().unwrap(), 124_750);
        }
    }
}
