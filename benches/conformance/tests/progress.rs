//! A bar shows what an imap knows: its total, its position, and not 100 % when it ended early. On every backend.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use futures::StreamExt;
use futures::executor::block_on;
use indicatif::{ProgressBar, ProgressDrawTarget};
use pool_core::{Builder, CancelToken, Cancelled};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

on_every_backend! {
    p11_the_total_of_a_bar_comes_from_the_input
    p9_a_cancelled_imap_leaves_the_bar_where_it_is
    p9_a_dropped_imap_leaves_the_bar_where_it_is
    p6_a_panic_takes_its_place_in_a_bar
    p7_a_panic_of_the_input_leaves_the_bar_where_it_is
    p12_a_terminated_pool_leaves_the_bar_where_it_is
    p10_a_bar_under_limits_and_in_a_stream
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
    assert!(results.is_cancelled() && reached < 1_000_000);
    assert_eq!((bar.position(), bar.length()), (reached, Some(1_000_000)));
    assert!(bar.is_finished(), "at the end, and not only when it is dropped");
    drop(results);
    assert_eq!(bar.position(), reached);
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

fn p7_a_panic_of_the_input_leaves_the_bar_where_it_is<P: Backend>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    let input = || (0..1000).inspect(|&x| assert_ne!(x, 500, "on purpose"));
    let shown = bar();
    let mut results = pool.imap(input(), |x| x).with_progress(shown.clone());
    assert_eq!(results.by_ref().take(500).count(), 500);
    assert!(catch_unwind(AssertUnwindSafe(|| results.next())).is_err());
    assert_eq!(results.next(), None);
    drop(results);
    assert_eq!((shown.position(), shown.length(), shown.is_finished()), (500, Some(1000), true));

    // The same where the panic is a value, and an item was given up before.
    let (caught, (release, hang)) = (bar(), mpsc::channel::<()>());
    let hang = Mutex::new(hang);
    let f = move |x| {
        if x == 499 {
            _ = hang.lock().unwrap().recv()
        }
    };
    let results = pool.imap(input(), f).catch_panics().with_progress(caught.clone());
    let mut results = results.timeout(Duration::from_millis(5));
    let mut panics = 0;
    while let Some(result) = results.next() {
        match result {
            Ok(result) => panics += usize::from(result.is_err()),
            Err(late) if late.index() == 499 => assert!(results.give_up()),
            Err(_) => {}
        }
    }
    assert_eq!((panics, caught.position(), caught.is_finished()), (1, 500, true));
    drop(release);
}

fn p12_a_terminated_pool_leaves_the_bar_where_it_is<P: Backend>() {
    let pool = Arc::new(Builder::<P>::new().threads(2).build().unwrap());
    let bar = bar();
    // Workers come and go with the room in the window, and after `terminate` none comes.
    let mut results = pool.imap(0..1_000_000, |x| x).window(10).with_progress(bar.clone());
    assert_eq!(results.by_ref().take(100).count(), 100);
    P::TERMINATE(&pool);
    let told = loop {
        match catch_unwind(AssertUnwindSafe(|| results.next())) {
            Ok(Some(_)) => {}
            Ok(None) => break false,
            Err(payload) => break payload.is::<Cancelled>(),
        }
    };
    assert!(told, "by a panic with Cancelled");
    let reached = results.next_index();
    assert_eq!(results.next(), None);
    drop(results);
    assert!((100..1_000_000).contains(&reached));
    assert_eq!((bar.position(), bar.length(), bar.is_finished()), (reached, Some(1_000_000), true));
}

fn p10_a_bar_under_limits_and_in_a_stream<P: Backend>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    let (limited, streamed) = (bar(), bar());
    let minute = Duration::from_secs(60);
    let results = pool.imap(0..100, |x| x).timeout(minute).with_progress(limited.clone());
    assert_eq!(results.filter_map(Result::ok).count(), 100);
    assert_eq!((limited.position(), limited.length(), limited.is_finished()), (100, Some(100), true));

    let stream = pool.imap(0..100, |x| x).item_timeout(minute).with_progress(streamed.clone()).into_stream();
    assert_eq!(block_on(stream.count()), 100);
    assert_eq!((streamed.position(), streamed.length(), streamed.is_finished()), (100, Some(100), true));
}
