//! P11: what an imap can do, it can do under every wrapper.

use crate::oracle::panic_on_purpose;
use crate::suite::list::promises;
use crate::suite::parts::{Gate, LONG, SHORT, late, soon};
use crate::suite::tasks::Woken;
use futures::StreamExt;
use futures::executor::block_on;
use pool_core::{CancelToken, Executor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::thread;

/// Numbers from 0 up, and how many were pulled.
fn counted() -> (impl Iterator<Item = u64> + Send + 'static, Arc<AtomicU64>) {
    let pulled = Arc::new(AtomicU64::new(0));
    let pulls = pulled.clone();
    ((0..).inspect(move |_| _ = pulls.fetch_add(1, Ordering::SeqCst)), pulled)
}

/// Checks one wrapper: how it is made of an imap, and how it gives its next result.
macro_rules! check_wrapper {
    ($subject:ident, $imap:ident => $wrap:expr, $wrapped:ident => $next:expr) => {{
        let pool = $subject.pool(2);
        let (input, pulled) = counted();
        let token = CancelToken::new();
        let $imap = pool.imap(input, |x| x).window(10);
        let mut $wrapped = $wrap.cancel_with(&token);
        assert_eq!(pulled.load(Ordering::SeqCst), 0);
        $wrapped = $wrapped.start();
        soon("it has started", || pulled.load(Ordering::SeqCst) > 0);
        for expected in 0..5 {
            assert_eq!($wrapped.next_index(), expected);
            assert_eq!($next, Some(expected));
        }
        assert_eq!(($wrapped.next_index(), $wrapped.stats().delivered), (5, 5));
        assert!(!$wrapped.is_cancelled());
        // The token of the imap is the one that it was given.
        $wrapped.cancel_token().cancel();
        assert!(token.is_cancelled());
        while $next.is_some() {}
        assert!($wrapped.is_cancelled());
    }};
}

promises! {
    fn p11_wrapped_in_every_way_it_can_the_same(subject) {
        check_wrapper!(subject, imap => imap, results => results.next());
        check_wrapper!(subject, imap => imap.catch_panics(), results => results.next().map(Result::unwrap));
        check_wrapper!(subject, imap => imap.item_timeout(LONG), results => results.next().map(Result::unwrap));
        check_wrapper!(subject, imap => imap.numbered(), results => results.next().map(|(_, x)| x));
        check_wrapper!(subject, imap => imap.timeout(LONG), results => results.next().map(Result::unwrap));
        check_wrapper!(
            subject,
            imap => imap.timeout(LONG).catch_panics().numbered(),
            results => results.next().map(|result| result.unwrap().1.unwrap())
        );
        check_wrapper!(subject, imap => imap.into_stream(), results => block_on(results.next()));
        check_wrapper!(
            subject,
            imap => imap.item_timeout(LONG).into_stream(),
            results => block_on(results.next()).map(Result::unwrap)
        );
    }

    /// The limits of items stay when the imap becomes a stream, and their errors are values there.
    fn p10_wrapped_a_stream_of_items_with_limits(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let mut stream = pool.imap(0..4u64, gate.holds(1)).item_timeout(SHORT).into_stream();
        // A stream has no timer: this one is polled again and again.
        let task = Arc::new(Woken::default());
        let mut late = 0;
        for expected in 0..4 {
            loop {
                match task.poll(&mut stream) {
                    Poll::Ready(Some(Ok(x))) => assert_eq!(x, expected),
                    Poll::Ready(Some(Err(error))) => {
                        assert_eq!(error.index(), expected);
                        late += u64::from(expected == 1);
                    }
                    Poll::Ready(None) => panic!("it has ended at {expected}"),
                    Poll::Pending => {
                        thread::yield_now();
                        continue;
                    }
                }
                break;
            }
        }
        assert_eq!((late, block_on(stream.next())), (1, None));
    }

    fn p10_wrapped_into_inner_waits_for_the_same_item(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let mut results = pool.imap(0..6u64, gate.holds(0)).timeout(SHORT);
        assert_eq!(late(&mut results), 0);
        let mut results = results.into_inner().timeout(SHORT);
        assert_eq!(results.get_ref().next_index(), 0);
        gate.open();
        results.set_limit(LONG);
        assert_eq!(results.next(), Some(Ok(0)));
        let rest = results.into_inner().into_stream().into_inner();
        assert!(rest.eq(1..6));
    }

    /// On an imap itself, after one call with a limit.
    fn p10_give_up_without_a_wrapper(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let mut results = pool.imap(0..5u64, gate.holds(2)).chunk(1);
        assert!(!results.give_up(), "nothing has been asked for");
        assert_eq!((results.next(), results.next()), (Some(0), Some(1)));
        assert_eq!(results.next_timeout(SHORT).unwrap_err().index(), 2);
        assert!(results.give_up());
        assert!(!results.give_up(), "once");
        assert_eq!((results.next_index(), results.next()), (3, Some(3)));
        assert!(!results.give_up(), "a result has come");
        assert_eq!(results.next_timeout(LONG), Ok(Some(4)));
        assert_eq!(results.next(), None);
        assert!(!results.give_up(), "it has ended");
        assert_eq!(results.next_index(), 5);
    }

    /// The head was late once, and has come since, or the imap has ended at it.
    fn p10_give_up_is_for_what_is_still_late(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let mut results = pool.imap(0..3u64, gate.holds(1));
        assert_eq!(results.next(), Some(0));
        assert!(results.next_timeout(SHORT).is_err());
        gate.open();
        assert_eq!(results.next(), Some(1));
        assert!(!results.give_up(), "it has come");
        let gate = Gate::closed();
        let mut results = pool.imap(0..3u64, gate.holds(0)).chunk(1);
        assert!(results.next_timeout(SHORT).is_err());
        results.cancel_token().cancel();
        assert_eq!(results.next(), None);
        assert!(!results.give_up(), "it has ended");
        assert_eq!(results.next_index(), 0);
    }

    /// A panic counts, and so does what is given up; a panic of the input has the place of the item that it was.
    fn p11_numbered_by_the_place_in_the_input(subject) {
        let pool = subject.pool(2);
        let f = |x: u64| if x % 3 == 1 { panic_on_purpose(x) } else { x };
        let input = || (0..20).inspect(|&x| if x == 10 { panic_on_purpose(x) });
        let caught = pool.imap(input(), f).catch_panics().numbered();
        assert_eq!(caught.size_hint().1, Some(20));
        let seen: Vec<_> = caught.map(|(index, result)| (index, result.ok())).collect();
        let expected = (0..=10).map(|x| (x, (x % 3 != 1).then_some(x)));
        assert!(seen.into_iter().eq(expected));

        let mut results = pool.imap(input(), f).numbered();
        for expected in 0..10 {
            match catch_unwind(AssertUnwindSafe(|| results.next())) {
                Ok(next) => assert!(expected % 3 != 1 && next == Some((expected, expected))),
                Err(_) => assert_eq!(expected % 3, 1),
            }
        }

        let gate = Gate::closed();
        let mut results = pool.imap(0..5u64, gate.holds(1)).numbered();
        assert_eq!(results.next_timeout(LONG), Ok(Some((0, 0))));
        assert_eq!(results.next_timeout(SHORT).unwrap_err().index(), 1);
        assert!(results.give_up());
        assert!(results.eq((2..5).map(|x| (x, x))));
    }

    /// The iterator's own methods are not hidden.
    fn p11_wrapped_iterators_have_the_methods_of_iterators(subject) {
        let pool = subject.pool(2);
        assert!(pool.imap(5..8u64, |x| x).timeout(LONG).enumerate().eq((0..3usize).map(|n| (n, Ok(n as u64 + 5)))));
        assert!(pool.imap(5..8u64, |x| x).numbered().enumerate().all(|(n, (index, _))| n as u64 == index));
        assert_eq!(pool.imap(5..8u64, |x| x).position(|x| x == 7), Some(2));
        assert_eq!(pool.imap(5..8u64, |x| x).timeout(LONG).position(|x| x == Ok(6)), Some(1));
    }
}
