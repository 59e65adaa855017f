//! Every method of a pool, of whatever type it is.

use pool_core::{Executor, IterExt};
use std::rc::Rc;

/// Uses every method. The pool may be a pointer to something that is not `Sized`.
///
/// # Panics
///
/// If one of them gives a wrong result.
pub fn use_every_method<E: Executor>(pool: E) {
    assert!(pool.imap(0..500u64, |x| x + 1).eq(1..501));
    assert!(pool.imap_init(0..500u64, || 1, |one, x| x + *one).eq(1..501));
    let offset = &Rc::new(1);
    assert!(pool.imap_local((0..500u64).map(|x| x + **offset), |x| x).eq(1..501));
    assert!((0..500u64).imap(&pool, |x| x + 1).eq(1..501));
    assert!((0..500u64).imap_init(&pool, || 1, |one, x| x + *one).eq(1..501));
    let local = || (0..500u64).map(|x| x + **offset).local();
    assert!(local().imap(&pool, |x| x).eq(1..501));
    assert!(local().imap_init(&pool, || 1, |one, x| x * *one).eq(1..501));
    assert!(pool.imap(local(), |x| x).eq(1..501));
    assert!(pool.imap_init(local(), || 1, |one, x| x * *one).eq(1..501));
    let data = vec![1u64, 2, 3];
    assert_eq!(pool.map(&data, |x| x + 1), [2, 3, 4]);
    assert_eq!(pool.submit(|| 42).join().unwrap(), 42);
    assert_eq!(pool.scope(|s| s.imap(&data, |x| x + 1).sum::<u64>()), 9);
    pool.scope(|s| {
        // The items borrow, too.
        let local = || data.iter().map(|x| (x, **offset)).local();
        assert!(s.imap(local(), |(x, offset)| x + offset).eq([2, 3, 4]));
        assert!(
            s.imap_init(local(), || &data, |data, (x, offset)| data.len() as u64 + x * offset).eq([4, 5, 6])
        );
    });
    assert!(pool.into_imap(0..500u64, |x| x + 1).eq(1..501));
}
