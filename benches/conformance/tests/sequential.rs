//! What holds without threads: `Sequential`, `None`, and every executor that says that it is sequential. The suite needs pools
//! whose threads are at work while the test does something else.

use futures::StreamExt;
use pool_channel::{
    CancelToken, ChannelPool, Executor, IterExt, JobError, Sequential, StreamImapExt, backend::Job,
};
use pool_conformance::oracle::{OnPurpose, assert_same, caught, panic_on_purpose, sequential};
use pool_conformance::use_every_method;
use pool_core::watchdog::{LIMIT, within};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::thread;
use std::time::Duration;

/// Takes no job: an imap must not need one.
struct NoJobs;

impl Executor for NoJobs {
    fn threads(&self) -> usize {
        1
    }
    fn spawn(&self, _: Job) {
        panic!("a job was spawned");
    }
    fn is_sequential(&self) -> bool {
        true
    }
}

/// Says first that it has no threads, and then that it has.
#[derive(Default)]
struct Wavers(AtomicUsize);

impl Executor for Wavers {
    fn threads(&self) -> usize {
        1
    }
    fn spawn(&self, job: Job) {
        job.run(self);
    }
    fn has_waiting(&self) -> bool {
        false
    }
    fn is_sequential(&self) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst).is_multiple_of(2)
    }
}

#[test]
fn p1_an_executor_is_asked_once_whether_it_has_threads() {
    within(LIMIT, || {
        for first in [0, 1] {
            let pool = Wavers(AtomicUsize::new(first));
            let asked = |before: usize| pool.0.swap(first, Ordering::SeqCst) - before;
            assert!(pool.imap(0..50, |x| x).eq(0..50));
            assert_eq!(asked(first), 1);
            assert!(pool.imap((0..50).local(), |x| x).eq(0..50));
            assert_eq!(asked(first), 1);
            let mut got = Vec::new();
            let mut sink = pool.sink(|x| x, |x| got.push(x));
            (0..50).for_each(|x| sink.push(x));
            sink.finish();
            assert_eq!((got.len(), asked(first)), (50, 1));
            assert!(
                futures::executor::block_on_stream(futures::stream::iter(0..50).imap(&pool, |x| x)).eq(0..50)
            );
            assert_eq!(asked(first), 1);
        }
    });
}

/// Runs the test with each executor whose imap is sequential.
fn on_each(check: impl Fn(Arc<dyn Executor>) + Send + 'static) {
    within(LIMIT, move || {
        check(Arc::new(NoJobs));
        check(Arc::new(Sequential));
        check(Arc::new(None::<ChannelPool>));
        check(Arc::new(Some(Box::new(Sequential) as Box<dyn Executor>)));
    });
}

/// What happened, in this order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(&'static str, u64)>>>);

impl Log {
    fn note(&self, what: &'static str, item: u64) {
        self.0.lock().unwrap().push((what, item));
    }
    fn input(&self) -> impl Iterator<Item = u64> + Send + 'static {
        let log = self.clone();
        (0..50).inspect(move |item| log.note("pull", *item))
    }
    fn function(&self) -> impl Fn(u64) -> u64 + Send + Sync + 'static {
        let log = self.clone();
        move |item| {
            log.note("run", item);
            item
        }
    }
    /// Takes the results, and gives what has happened.
    fn of(self, results: impl IntoIterator<Item = u64>) -> Vec<(&'static str, u64)> {
        results.into_iter().for_each(|result| self.note("take", result));
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

#[test]
fn p1_every_method_works_on_what_has_no_threads() {
    within(LIMIT, || {
        use_every_method(Sequential);
        use_every_method(None::<ChannelPool>);
        use_every_method(Some(ChannelPool::new(2).unwrap()));
        use_every_method(Some(&Sequential as &dyn Executor));
        use_every_method(Arc::new(Sequential) as Arc<dyn Executor>);
    });
}

#[test]
fn p1_some_pool_is_that_pool() {
    within(LIMIT, || {
        let (some, none) = (Some(ChannelPool::new(3).unwrap()), None::<ChannelPool>);
        assert_eq!((some.threads(), none.threads()), (3, 1));
        assert_eq!(some.pool_id(), some.as_ref().unwrap().pool_id());
        assert!(some.pool_id().is_some() && none.pool_id().is_none());
        assert!(!some.is_sequential() && none.is_sequential());
        assert!(!some.is_worker() && none.is_worker());
        let me = thread::current().id();
        assert_ne!(some.submit(|| thread::current().id()).join().unwrap(), me);
        assert_eq!(none.submit(|| thread::current().id()).join().unwrap(), me);
    });
}

#[test]
fn p2_pulls_and_calls_come_in_the_order_of_items_map() {
    on_each(|pool| {
        let log = Log::default();
        let expected = log.clone().of(log.input().map(log.function()));
        assert_eq!(expected.len(), 150);
        let got = |imap: &dyn Fn(&Log) -> Box<dyn Iterator<Item = u64>>| {
            let log = Log::default();
            let results = imap(&log);
            assert_eq!(*log.0.lock().unwrap(), [], "it is lazy");
            log.of(results)
        };
        let own = || pool.clone();
        assert_eq!(got(&|log| Box::new(own().into_imap(log.input(), log.function()))), expected);
        assert_eq!(got(&|log| Box::new(own().into_imap(log.input(), log.function()).window(40))), expected);
        assert_eq!(got(&|log| Box::new(own().into_imap(log.input(), log.function()).chunk(40))), expected);
        assert_eq!(got(&|log| Box::new(own().into_imap(log.input(), log.function()).unordered())), expected);
        assert_eq!(got(&|log| Box::new(own().into_imap(log.input(), log.function()).start())), expected);
        let with_state = |log: &Log| {
            let f = log.function();
            log.input().imap_init(own(), || (), move |(), item| f(item))
        };
        assert_eq!(got(&|log| Box::new(with_state(log))), expected);
        assert_eq!(got(&|log| Box::new(log.input().local().imap(own(), log.function()))), expected);
        let log = Log::default();
        let in_scope = pool.scope(|s| log.clone().of(s.imap(log.input(), log.function())));
        assert_eq!(in_scope, expected);
    });
}

#[test]
fn p2_map_has_no_batches() {
    on_each(|pool| {
        let log = Log::default();
        let expected = {
            let _: Vec<u64> = log.input().map(log.function()).collect();
            log.clone().of([])
        };
        assert!(pool.map(log.input(), log.function()).into_iter().eq(0..50));
        assert_eq!(log.of([]), expected);
    });
}

#[test]
fn p4_an_input_may_wait_for_the_result_before() {
    on_each(|pool| {
        let (send, receive) = mpsc::channel();
        let receive = Mutex::new(receive);
        let wait = move || (receive.lock().unwrap().try_recv() == Ok(())).then_some(1u64);
        let imap = pool.imap(std::iter::from_fn(wait), |x| x).window(100);
        send.send(()).unwrap();
        let taken = imap.take(50).inspect(|_| send.send(()).unwrap());
        assert_eq!(taken.sum::<u64>(), 50);
    });
}

#[test]
fn p16_all_code_runs_on_the_thread_that_iterates() {
    on_each(|pool| {
        let me = thread::current().id();
        let here = move || assert_eq!(thread::current().id(), me);
        let init = move || {
            here();
            7
        };
        let input = (0..100u64).inspect(move |_| here());
        let imap = pool.imap_init(input, init, move |seven, x| {
            here();
            x * *seven
        });
        assert!(imap.eq((0..100).map(|x| x * 7)));
        pool.map(0..100, move |_| here());
        // A thread that takes it over computes.
        let mut imap = pool.imap(0..10, |_| thread::current().id());
        assert_eq!(imap.next(), Some(me));
        thread::scope(|s| {
            let other = s.spawn(move || imap.all(|id| id == thread::current().id()));
            assert!(other.join().unwrap());
        });
    });
}

fn fragile(x: u64) -> u64 {
    if x % 7 == 3 { panic_on_purpose(x) } else { x * x }
}

#[test]
fn p6_a_panic_stands_at_its_place() {
    on_each(|pool| {
        assert_same(&sequential(0..50, fragile), &caught(pool.imap(0..50, fragile).catch_panics()));
        let mut imap = pool.imap(0..50, fragile);
        for expected in sequential(0..50, fragile) {
            let got = catch_unwind(AssertUnwindSafe(|| imap.next().unwrap()));
            assert_same(&[expected], &caught([got.map_err(|payload| panic_of(&*pool, payload))]));
        }
        assert_eq!(imap.next(), None);
        let indices = pool.imap(0..50, fragile).catch_panics().filter_map(Result::err);
        assert!(indices.map(|panic| panic.index()).eq((0..50).filter(|x| x % 7 == 3).map(Some)));
    });
}

/// The panic of an imap whose only item panics with this payload.
fn panic_of(pool: &dyn Executor, payload: Box<dyn std::any::Any + Send>) -> pool_channel::Panic {
    let once = Mutex::new(Some(payload));
    let throw = move |()| std::panic::resume_unwind(once.lock().unwrap().take().unwrap());
    let mut imap = [()].into_iter().imap(pool, throw).catch_panics();
    imap.next().unwrap().unwrap_err()
}

#[test]
fn p6_a_state_is_made_once_and_anew_after_a_panic() {
    on_each(|pool| {
        let made = Arc::new(AtomicUsize::new(0));
        let make = made.clone();
        let init = move || make.fetch_add(1, Ordering::SeqCst);
        let imap = pool.imap_init(0..50, init, |state, x| {
            fragile(x);
            *state as u64
        });
        // A panic of item 3 spoils the first state, and so on.
        let results = imap.catch_panics().filter_map(Result::ok);
        assert!(results.eq((0..50).filter(|x| x % 7 != 3).map(|x| (x + 3) / 7)));
        assert_eq!(made.load(Ordering::SeqCst), 8);
    });
}

#[test]
fn p7_a_panic_of_the_input_comes_last() {
    on_each(|pool| {
        let pulls = Arc::new(AtomicUsize::new(0));
        let count = pulls.clone();
        let input = (0..9u64).inspect(move |x| {
            count.fetch_add(1, Ordering::SeqCst);
            if *x == 5 {
                panic_on_purpose(5);
            }
        });
        let mut imap = pool.imap(input, |x| x).catch_panics();
        assert!(imap.by_ref().take(5).map(Result::unwrap).eq(0..5));
        let panic = imap.next().unwrap().unwrap_err();
        assert_eq!(panic.index(), None);
        assert_eq!(*panic.into_payload().downcast::<OnPurpose>().unwrap(), OnPurpose(5));
        assert!(imap.next().is_none() && imap.next().is_none());
        assert!(!imap.is_cancelled());
        assert_eq!(pulls.load(Ordering::SeqCst), 6);
    });
}

#[test]
fn p8_imaps_nest_in_each_other_and_in_pools() {
    on_each(|pool| {
        fn sum(pool: &Arc<dyn Executor>, depth: u64) -> u64 {
            let inner = pool.clone();
            let below = move |x| if depth == 0 { x } else { sum(&inner, depth - 1) + x };
            pool.imap(0..4, below).sum()
        }
        let expected = (0..5).map(|depth| 6 * 4u64.pow(depth)).sum::<u64>();
        assert_eq!(sum(&pool, 4), expected);
        let threads = Arc::new(ChannelPool::new(1).unwrap());
        let inner = pool.clone();
        assert!(threads.imap(0..9, move |_| sum(&inner, 2)).all(|sum| sum == 6 + 24 + 96));
        let inner = threads.clone();
        assert!(pool.imap(0..9, move |_| inner.imap(0..4, |x| x).sum::<u64>()).all(|sum| sum == 6));
    });
}

#[test]
fn p9_a_token_ends_it_after_the_present_item() {
    on_each(|pool| {
        let token = CancelToken::new();
        let cancel = token.clone();
        let cancels = move |x| {
            if x == 5 {
                cancel.cancel();
            }
            x
        };
        let mut imap = pool.imap(0u64.., cancels).cancel_with(&token);
        assert!(imap.by_ref().eq(0..6));
        assert!(imap.is_cancelled());
        assert_eq!((imap.next(), imap.size_hint()), (None, (0, Some(0))));
        let log = Log::default();
        assert_eq!(pool.imap(log.input(), log.function()).cancel_with(&token).next(), None);
        assert_eq!(log.of([]), []);
        // A stage behind it is told.
        let cancelled = pool.clone().into_imap(0..9u64, |x| x).cancel_with(&token);
        let mut behind = cancelled.map(|x| x + 1).imap(&pool, |x| x);
        assert_eq!(behind.next(), None);
        assert!(behind.is_cancelled());
    });
}

/// Counts when it is dropped, and panics.
struct Bomb(Arc<AtomicUsize>);

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
        if !thread::panicking() {
            panic_on_purpose(0);
        }
    }
}

#[test]
fn p9_all_is_dropped_once_though_each_drop_panics() {
    on_each(|pool| {
        for taken in [0, 3, 5, 6] {
            let dropped = Arc::new(AtomicUsize::new(0));
            let bomb = || Bomb(dropped.clone());
            let (input, init, f) = (bomb(), dropped.clone(), bomb());
            let items = (0..5u64).inspect(move |_| _ = &input.0);
            let imap = pool.imap_init(
                items,
                move || Bomb(init.clone()),
                move |_, x| {
                    let _ = &f.0;
                    x
                },
            );
            let mut imap = imap;
            assert_eq!(imap.by_ref().take(taken).count(), taken.min(5));
            drop(imap);
            // The input, the function, and a state if there was an item.
            assert_eq!(dropped.load(Ordering::SeqCst), 2 + usize::from(taken > 0), "{taken} taken");
        }
    });
}

#[test]
fn p9_an_input_stays_until_the_imap_is_dropped_and_a_cancelled_one_goes_at_once() {
    on_each(|pool| {
        let alive = Arc::new(());
        let input = |alive: Arc<()>| (0..3u64).inspect(move |_| _ = &alive);
        let mut imap = pool.imap(input(alive.clone()), |x| x);
        assert_eq!(imap.by_ref().count(), 3);
        assert_eq!(Arc::strong_count(&alive), 2);
        drop(imap);
        let mut imap = pool.imap(input(alive.clone()), |x| x);
        imap.cancel_token().cancel();
        assert_eq!((imap.next(), Arc::strong_count(&alive)), (None, 1));
    });
}

#[test]
fn p10_a_limit_is_not_kept_and_loses_nothing() {
    on_each(|pool| {
        let slow = |x| {
            thread::sleep(Duration::from_micros(100));
            x
        };
        let mut imap = pool.imap(0..9u64, slow);
        assert_eq!(imap.next_timeout(Duration::ZERO).unwrap(), Some(0));
        assert!(!imap.give_up());
        assert!(imap.timeout(Duration::ZERO).map(Result::unwrap).eq(1..9));
        assert!(pool.imap(0..9u64, slow).item_timeout(Duration::ZERO).map(Result::unwrap).eq(0..9));
    });
}

#[test]
fn p10_a_poll_computes() {
    on_each(|pool| {
        let stream = pool.imap(0..1000u64, fragile_in_the_end).into_stream();
        let results: Vec<_> = futures::executor::block_on(stream.take(999).collect());
        assert!(results.into_iter().eq(0..999));
    });
}

fn fragile_in_the_end(x: u64) -> u64 {
    assert!(x < 999);
    x
}

#[test]
fn p11_the_hint_and_the_figures_are_exact() {
    on_each(|pool| {
        let mut imap = pool.imap(0..9u64, |x| x);
        for delivered in 0..9 {
            assert_eq!(imap.size_hint(), (9 - delivered, Some(9 - delivered)));
            assert_eq!(imap.next_index(), delivered as u64);
            let stats = imap.stats();
            assert_eq!((stats.pulled, stats.delivered), (delivered as u64, delivered as u64));
            assert_eq!((stats.waiting, stats.running, stats.blocked), (0, 0, 0));
            assert!(imap.next().is_some());
        }
        assert_eq!((imap.next(), imap.next(), imap.size_hint()), (None, None, (0, Some(0))));
        assert_eq!(imap.stats().pulled, 9);
    });
}

#[test]
fn p12_a_job_runs_before_submit_returns() {
    within(LIMIT, || {
        let me = thread::current().id();
        let mut job = Sequential.submit(|| thread::current().id());
        assert!(job.is_finished() && !job.cancel());
        assert_eq!(job.join_timeout(Duration::ZERO).unwrap().unwrap(), me);
        let panicked = Sequential.submit(|| panic_on_purpose(1)).join();
        assert!(matches!(panicked, Err(JobError::Panicked(_))));
        let nested = Sequential.submit(|| Sequential.submit(|| 7).join().unwrap());
        assert_eq!(futures::executor::block_on(nested).unwrap(), 7);
    });
}

#[test]
fn p9_a_scope_lends_and_does_not_wait_for_what_was_leaked() {
    within(LIMIT, || {
        let (text, order) = (String::from("a b c"), Mutex::new(Vec::new()));
        Sequential.scope(|s| {
            drop(s.submit(|| order.lock().unwrap().push("job")));
            order.lock().unwrap().push("body");
            assert!(s.imap(text.split(' '), str::len).all(|len| len == 1));
            let letters = Rc::new(RefCell::new(text.split(' ')));
            let input = std::iter::from_fn(move || letters.borrow_mut().next());
            assert!(s.imap_local(input, |word| word).eq(["a", "b", "c"]));
            let mut leaked = s.imap_init(text.split(' '), || &text, |text, word| text.len() + word.len());
            assert_eq!(leaked.next(), Some(6));
            std::mem::forget(leaked);
        });
        assert_eq!(*order.lock().unwrap(), ["job", "body"]);
        let unjoined = catch_unwind(|| Sequential.scope(|s| drop(s.submit(|| panic_on_purpose(1)))));
        assert_eq!(*unjoined.unwrap_err().downcast::<OnPurpose>().unwrap(), OnPurpose(1));
    });
}

/// A push runs its item, and hands on the result. A panic comes out of the push of its item.
#[test]
fn p8_a_sink_runs_each_item_in_its_push() {
    on_each(|executor| {
        let seen = RefCell::new(Vec::new());
        let f = |x: u64| if x == 3 { panic_on_purpose(x) } else { x };
        let mut sink = executor.into_sink(f, |x| seen.borrow_mut().push(x)).window(1);
        for x in 0..6 {
            let pushed = catch_unwind(AssertUnwindSafe(|| sink.push(x)));
            assert_eq!(pushed.is_err(), x == 3);
            assert_eq!(seen.borrow().last(), Some(&if x == 3 { 2 } else { x }));
        }
        sink.finish();
        assert_eq!(*seen.borrow(), [0, 1, 2, 4, 5]);
    });
}

/// A stream that is pending each second time: the stage is, too, and goes on.
#[test]
fn p8_a_stage_runs_each_item_where_it_is_polled() {
    on_each(|executor| {
        let me = thread::current().id();
        let (mut next, mut hesitates) = (0, false);
        let input = futures::stream::poll_fn(move |context| {
            hesitates = !hesitates;
            if hesitates {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            next += 1;
            Poll::Ready((next <= 20).then_some(next))
        });
        let results = input.imap(executor, move |x: u64| {
            assert_eq!(thread::current().id(), me);
            2 * x
        });
        let results: Vec<_> = futures::executor::block_on(results.collect());
        assert!(results.into_iter().eq((1..=20).map(|x| 2 * x)));
    });
}

/// Counts how often its task is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The stream has nothing, and so does not wake the task.
#[test]
fn p12_a_stage_that_waits_is_woken_when_it_is_cancelled() {
    let input = futures::stream::iter([1]).chain(futures::stream::pending());
    let mut stage = input.imap(Sequential, |x| x + 1);
    let token = stage.cancel_token();
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    let mut context = std::task::Context::from_waker(&waker);
    assert_eq!(stage.poll_next_unpin(&mut context), Poll::Ready(Some(2)));
    assert_eq!(stage.poll_next_unpin(&mut context), Poll::Pending);
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
    token.cancel();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert_eq!(stage.poll_next_unpin(&mut context), Poll::Ready(None));
}
