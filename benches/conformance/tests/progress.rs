//! A bar shows what an imap knows: its total, its position, and not 100 % when it was cancelled. On every backend.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use indicatif::{ProgressBar, ProgressDrawTarget};
use pool_core::{Builder, CancelToken};
use std::panic::{AssertUnwindSafe, catch_unwind};

on_every_backend! {
    p11_the_total_of_a_bar_comes_from_the_input
    p9_a_cancelled_imap_leaves_the_bar_where_it_is
    p9_a_dropped_imap_leaves_the_bar_where_it_is
    p6_a_panic_takes_its_place_in_a_bar
}

fn bar() -> ProgressBar {
    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
}

fn p11_the_total_of_a_bar_comes_from_the_input<P: Backend>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    let known = bar();
    let mut results = pool.imap(0..100, |x| x).with_progress(known.clone());
    assert_eq!((known.length(), known.position()), (Some(100), 0));
    assert_eq!(results.by_ref().take(30).count(), 30);
    assert!(known.position() == 30 && !known.is_finished());
    assert_eq!(results.count(), 70);
    assert!(known.position() == 100 && known.is_finished());

    let unknown = bar();
    let odd = pool.imap((0..100).filter(|x| x % 2 == 1), |x| x);
    assert_eq!(odd.with_progress(unknown.clone()).count(), 50);
    assert_eq!((unknown.length(), unknown.position()), (None, 50));
    assert!(unknown.is_finished());
}

fn p9_a_cancelled_imap_leaves_the_bar_where_it_is<P: Backend>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    let (bar, token) = (bar(), CancelToken::new());
    let mut results = pool.imap(0..1_000_000, |x| x).cancel_with(&token).with_progress(bar.clone());
    assert_eq!(results.by_ref().take(10).count(), 10);
    token.cancel();
    let reached = 10 + results.by_ref().count() as u64;
    assert!(results.get_ref().is_cancelled() && reached < 1_000_000);
    drop(results);
    assert_eq!((bar.position(), bar.length()), (reached, Some(1_000_000)));
    assert!(bar.is_finished());
}

fn p9_a_dropped_imap_leaves_the_bar_where_it_is<P: Backend>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    let bar = bar();
    assert_eq!(pool.imap(0..100, |x| x).with_progress(bar.clone()).take(7).count(), 7);
    assert!(bar.position() == 7 && bar.is_finished());
}

fn p6_a_panic_takes_its_place_in_a_bar<P: Backend>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    let bar = bar();
    let mut results = pool.imap(0..10, |x| assert_ne!(x, 3, "on purpose")).with_progress(bar.clone());
    assert_eq!(results.by_ref().take(3).count(), 3);
    assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
    assert_eq!(results.next(), Some(()));
    assert_eq!(bar.position(), 5);
    assert_eq!(results.count(), 5);
    assert_eq!(bar.position(), 10);
}
