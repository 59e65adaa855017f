//! The token of `std::thread::park` belongs to the user's code: no call of these crates takes one or leaves one.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_core::Builder;
use std::thread::{current, park_timeout, sleep};
use std::time::{Duration, Instant};

/// How long a thread waits that has no token.
const SHORT: Duration = Duration::from_millis(20);
/// Longer than anything takes that does not wait for a token.
const LONG: Duration = Duration::from_secs(30);

on_every_backend! {
    building_leaves_the_token_alone
    a_build_that_fails_leaves_the_token_alone
    ending_leaves_the_token_alone
    waiting_leaves_the_token_alone
}

/// Calls `step`, once with a token and often without. It must block, so that it could take a token.
fn leaves_the_token_alone(step: impl Fn()) {
    current().unpark();
    step();
    let started = Instant::now();
    park_timeout(LONG);
    assert!(started.elapsed() < LONG, "the token was taken");
    for _ in 0..10 {
        step();
        let started = Instant::now();
        park_timeout(SHORT);
        assert!(started.elapsed() >= SHORT, "a token was left");
    }
}

fn slow<P: Backend>() -> Builder<P> {
    Builder::new().threads(2).on_start(|_| sleep(SHORT / 10))
}

fn building_leaves_the_token_alone<P: Backend>() {
    leaves_the_token_alone(|| drop(slow::<P>().build().unwrap()));
}

fn a_build_that_fails_leaves_the_token_alone<P: Backend>() {
    leaves_the_token_alone(|| {
        let refused = slow::<P>().thread_name(|index| if index == 1 { "\0".into() } else { "x".into() });
        assert!(refused.build().is_err());
        let refused = Builder::<P>::new().threads(2).on_start(|_| {
            sleep(SHORT / 10);
            panic!("on purpose");
        });
        assert!(refused.build().is_err());
    });
}

fn ending_leaves_the_token_alone<P: Backend>() {
    let pool = || {
        let pool = slow::<P>().build().unwrap();
        drop(pool.submit(|| sleep(SHORT / 5)));
        pool
    };
    leaves_the_token_alone(|| drop(pool()));
    leaves_the_token_alone(|| P::JOIN(pool()));
    leaves_the_token_alone(|| assert!(P::SHUTDOWN_TIMEOUT(pool(), LONG)));
    leaves_the_token_alone(|| _ = P::SHUTDOWN_TIMEOUT(pool(), SHORT / 20));
}

fn waiting_leaves_the_token_alone<P: Backend>() {
    let pool = slow::<P>().build().unwrap();
    let work = |x: u32| (sleep(SHORT / 10), x).1;
    leaves_the_token_alone(|| assert!(pool.imap(0..3, work).eq(0..3)));
    leaves_the_token_alone(|| assert!(pool.imap(0..3, work).timeout(LONG).map(Result::unwrap).eq(0..3)));
    leaves_the_token_alone(|| assert_eq!(pool.map(0..3, work), [0, 1, 2]));
    leaves_the_token_alone(|| assert_eq!(pool.submit(move || work(3)).join().unwrap(), 3));
    leaves_the_token_alone(|| pool.scope(|s| drop(s.submit(|| work(3)))));
}
