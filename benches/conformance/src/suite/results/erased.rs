//! Pools whose type is not known: every method, behind every kind of pointer.

use crate::every_method::use_every_method;
use crate::suite::list::promises;
use pool_core::{Executor, IterExt};
use std::sync::Arc;

/// What the docs say of `&dyn Executor`, at each lifetime.
fn doubled<'p>(pool: &'p dyn Executor, items: Vec<u64>) -> impl Iterator<Item = u64> + use<'p> {
    pool.into_imap(items, |x| 2 * x)
}

promises! {
    fn p1_erased_pools_behind_a_plain_reference(subject) {
        let pool = subject.pool(2);
        let pool: &dyn Executor = &pool;
        use_every_method(pool);
        assert!((&pool).imap(0..500u64, |x| x + 1).eq(1..501));
        assert!((0..500u64).imap(pool, |x| x + 1).eq(1..501));
        assert!(doubled(pool, vec![1, 2]).eq([2, 4]));
    }

    fn p1_erased_pools_in_a_box(subject) {
        let pool: Box<dyn Executor> = Box::new(subject.pool(2));
        use_every_method(&pool);
        assert!(pool.imap(0..500u64, |x| x + 1).eq(1..501));
        let pool = &pool;
        assert!(pool.imap(0..500u64, |x| x + 1).eq(1..501));
        assert!((0..500u64).imap(pool, |x| x + 1).eq(1..501));
    }

    fn p1_erased_pools_in_an_arc(subject) {
        let pool: Arc<dyn Executor> = Arc::new(subject.pool(2));
        use_every_method(&pool);
        assert!(pool.imap(0..500u64, |x| x + 1).eq(1..501));
        let inner = pool.clone();
        assert_eq!(pool.submit(move || inner.map(0..10, |x| x).len()).join().unwrap(), 10);
        assert!(pool.into_imap(0..500u64, |x| x + 1).eq(1..501));
    }
}
