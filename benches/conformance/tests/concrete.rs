//! Pools whose type is known: the suite does not know it, so what depends on it is here.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_conformance::use_every_method;
use pool_core::{Builder, Imap};
use std::sync::Arc;

on_every_backend! {
    p1_every_method_of_a_pool
    p12_an_imap_that_owns_its_pool_joins_it
    p12_join_runs_what_is_queued
}

fn pool<P: Backend>() -> P {
    Builder::<P>::new().threads(2).build().unwrap()
}

fn p1_every_method_of_a_pool<P: Backend>() {
    let borrowed = pool::<P>();
    use_every_method(&borrowed);
    use_every_method(borrowed);
    use_every_method(Box::new(pool::<P>()));
    use_every_method(Arc::new(pool::<P>()));
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
