//! Pools whose type is known: the suite does not know it, so what depends on it is here.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_core::{Builder, Executor, Imap, IterExt};
use std::rc::Rc;
use std::sync::Arc;

on_every_backend! {
    p1_every_method_of_a_pool
    p12_an_imap_that_owns_its_pool_joins_it
    p12_join_runs_what_is_queued
}

fn pool<P: Backend>() -> P {
    Builder::<P>::new().threads(2).build().unwrap()
}

fn use_all<E: Executor>(pool: E) {
    assert!(pool.imap(0..500u64, |x| x + 1).eq(1..501));
    assert!(pool.imap_init(0..500u64, || 1, |one, x| x + *one).eq(1..501));
    let offset = Rc::new(1);
    assert!(pool.imap_local((0..500u64).map(|x| x + *offset), |x| x).eq(1..501));
    assert!((0..500u64).imap(&pool, |x| x + 1).eq(1..501));
    assert!(pool.imap_batched(0..500u64, 7, |x| x + 1).eq(1..501));
    let data = vec![1, 2, 3];
    assert_eq!(pool.map(&data, |x| x + 1), [2, 3, 4]);
    assert_eq!(pool.submit(|| 42).join().unwrap(), 42);
    assert_eq!(pool.scope(|s| s.imap(&data, |x| x + 1).sum::<i32>()), 9);
    assert!(pool.into_imap(0..500u64, |x| x + 1).eq(1..501));
}

fn p1_every_method_of_a_pool<P: Backend>() {
    let borrowed = pool::<P>();
    use_all(&borrowed);
    use_all(borrowed);
    use_all(Box::new(pool::<P>()));
    use_all(Arc::new(pool::<P>()));
}

/// A pool by value, without a box: the last owner is the imap, and joins its threads.
fn p12_an_imap_that_owns_its_pool_joins_it<P: Backend>() {
    let value = Arc::new(());
    let held = value.clone();
    let mut imap: Imap<'static, u64> = pool::<P>().into_imap(0..100_000u64, move |x| (&held, x).1);
    assert_eq!(imap.next(), Some(0));
    drop(imap);
    assert_eq!(Arc::strong_count(&value), 1, "a thread still has the function");
}

fn p12_join_runs_what_is_queued<P: Backend>() {
    let pool = pool::<P>();
    let jobs: Vec<_> = (0..500u64).map(|x| pool.submit(move || x + 1)).collect();
    P::JOIN(pool);
    assert!(jobs.iter().all(|job| job.is_finished()));
    assert!(jobs.into_iter().map(|job| job.join().unwrap()).eq(1..501));
}
