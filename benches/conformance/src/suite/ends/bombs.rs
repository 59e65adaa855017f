//! P9 drop: destructors that panic, of payloads, results, items and states. None ends the process or a thread of the
//! pool, and each value is dropped exactly once. Two that panic in one `drop` would end the process, so each test has a
//! process of its own.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::own_process::in_own_process;
use crate::subject::{AnyPool, AnySubject};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Counted, Gate, LONG, SHORT, soon};
use crate::suite::whereabouts::all_threads_are_there;
use pool_core::{Executor, Imap, JobHandle, Place, TimedOut};
use std::any::Any;
use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Panics when it is dropped, unless it was made safe.
pub(super) struct Bomb {
    safe: bool,
    _counted: Counted,
}

impl Bomb {
    pub(super) fn new(alive: &Alive) -> Bomb {
        Bomb { safe: false, _counted: alive.new_one() }
    }

    /// Drops it without harm.
    fn defuse(mut self) {
        self.safe = true;
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if !self.safe {
            panic_on_purpose(0);
        }
    }
}

/// An input with a hint that depends on how often it was asked, and a bomb.
struct Hinted<H> {
    items: Range<u64>,
    hint: H,
    asked: Cell<usize>,
    _bomb: Bomb,
}

impl<H: Fn(usize) -> (usize, Option<usize>)> Iterator for Hinted<H> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.items.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.asked.set(self.asked.get() + 1);
        (self.hint)(self.asked.get())
    }
}

/// Drops a payload that may be a bomb.
fn defuse(payload: Box<dyn Any + Send>) {
    if let Ok(bomb) = payload.downcast::<Bomb>() {
        bomb.defuse();
    }
}

/// All items but every fourth panic with a bomb.
fn explode(x: u64, alive: &Alive) -> u64 {
    if x.is_multiple_of(4) { x } else { panic_any(Bomb::new(alive)) }
}

/// An imap of 64 items, of which most panic with a bomb; all have run when it is returned.
fn of_bombs<'p>(
    pool: &'p AnyPool,
    alive: &Alive,
    set: impl Fn(Imap<'p, u64>) -> Imap<'p, u64>,
) -> Imap<'p, u64> {
    let counts = alive.clone();
    let imap = set(pool.imap(0..64u64, move |x| explode(x, &counts)).window(64)).start();
    soon("all have panicked", || imap.stats().blocked == 64);
    imap
}

/// Iterates an imap of `0..100` to its end, to the middle, and not at all. No panic of a destructor comes out.
fn left_each_way<'p, P: Place>(pool: &'p AnyPool, imap: impl Fn(&'p AnyPool) -> Imap<'p, u64, P>)
where
    Imap<'p, u64, P>: Iterator<Item = u64>,
{
    for taken in [0, 50, 101] {
        let mut imap = imap(pool);
        assert!(imap.by_ref().take(taken).eq(0..taken.min(100) as u64));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(imap))).is_ok(), "{taken} taken");
    }
}

/// Runs `body` with pools of one and two threads, in turn. Afterwards no bomb is left, and no thread is lost.
fn each_pool(subject: &AnySubject, test: &str, body: impl Fn(&AnyPool, &Alive)) {
    in_own_process(&format!("{}::{test}", subject.name()), || {
        quiet();
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let alive = Alive::default();
            body(&pool, &alive);
            alive.wait_for(0);
            all_threads_are_there(&pool);
            assert!(pool.imap(0..1_000, |x| x).eq(0..1_000));
        }
    });
}

/// Makes the panic hook say nothing about bombs.
fn quiet() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Bomb>() {
            loud(info);
        }
    }));
    let _ = catch_unwind(|| panic_on_purpose(0));
}

/// How many items of an imap began after it was dropped.
fn begun_after_the_drop(pool: &impl Executor, chunk: Option<usize>) -> usize {
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(Duration::from_micros(600));
        }
    }
    let (gone, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (left, count) = (gone.clone(), late.clone());
    let imap = pool.imap(0..1_000_000, move |_| {
        if left.load(Ordering::SeqCst) {
            count.fetch_add(1, Ordering::SeqCst);
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_micros(200) {
            std::hint::spin_loop();
        }
        Slow
    });
    let mut imap = if let Some(chunk) = chunk { imap.chunk(chunk) } else { imap };
    for _ in 0..3 {
        drop(imap.next());
    }
    // Some results are there that were not asked for.
    thread::sleep(2 * SHORT);
    gone.store(true, Ordering::SeqCst);
    drop(imap);
    // Jobs on all threads come after what the imap had there.
    all_threads_are_there(pool);
    late.load(Ordering::SeqCst)
}

promises! {
    fn p9_payloads_that_panic_in_a_dropped_imap(subject) {
        each_pool(&subject, "p9_payloads_that_panic_in_a_dropped_imap", |pool, alive| {
            for chunk in [1, 8, 64] {
                let mut imap = of_bombs(pool, alive, |imap| imap.chunk(chunk));
                assert_eq!(imap.next(), Some(0));
                drop(imap);
                drop(of_bombs(pool, alive, |imap| imap.chunk(chunk)).timeout(SHORT));
                drop(of_bombs(pool, alive, |imap| imap.chunk(chunk)).into_stream());
            }
        });
    }

    /// While the items still panic.
    fn p9_payloads_that_panic_under_way(subject) {
        each_pool(&subject, "p9_payloads_that_panic_under_way", |pool, alive| {
            for round in 0..100 {
                let counts = alive.clone();
                let mut imap = pool.imap(0..1_000u64, move |x| explode(x, &counts));
                for _ in 0..round % 5 {
                    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| imap.next())) {
                        defuse(payload);
                    }
                }
                drop(imap);
            }
        });
    }

    fn p9_payloads_that_panic_in_a_cancelled_imap(subject) {
        each_pool(&subject, "p9_payloads_that_panic_in_a_cancelled_imap", |pool, alive| {
            for iterates in [false, true] {
                let gate = Gate::closed();
                let (counts, door) = (alive.clone(), gate.door());
                let imap = pool.imap(0..200u64, move |x| {
                    if x == 100 {
                        door.pass();
                    }
                    explode(x, &counts)
                });
                let mut imap = imap.window(200).chunk(1).start();
                soon("the first ones have panicked", || imap.stats().blocked >= 100);
                imap.cancel_token().cancel();
                gate.open();
                let mut ended = !iterates;
                while !ended {
                    match catch_unwind(AssertUnwindSafe(|| imap.next())) {
                        Ok(result) => ended = result.is_none(),
                        Err(payload) => defuse(payload),
                    }
                }
                drop(imap);
            }
        });
    }

    fn p9_payloads_that_panic_in_an_unordered_imap(subject) {
        each_pool(&subject, "p9_payloads_that_panic_in_an_unordered_imap", |pool, alive| {
            for chunk in [1, 8, 64] {
                drop(of_bombs(pool, alive, |imap| imap.unordered().chunk(chunk)));
            }
        });
    }

    fn p9_payloads_that_panic_in_a_caught_imap(subject) {
        each_pool(&subject, "p9_payloads_that_panic_in_a_caught_imap", |pool, alive| {
            let mut imap = of_bombs(pool, alive, |imap| imap).catch_panics();
            assert_eq!(imap.next().unwrap().unwrap(), 0);
            // One is the consumer's, who drops it.
            drop(imap.next().unwrap().unwrap_err());
            drop(imap);
            drop(of_bombs(pool, alive, |imap| imap.unordered()).catch_panics());
        });
    }

    fn p9_payloads_that_panic_in_a_scope(subject) {
        each_pool(&subject, "p9_payloads_that_panic_in_a_scope", |pool, alive| {
            for _ in 0..20 {
                pool.scope(|s| {
                    let imap = s.imap(0..64u64, |x| explode(x, alive)).window(64).start();
                    soon("all have panicked", || imap.stats().blocked == 64);
                });
                // The scope goes on with the panic of one job, and those of the others end there.
                let submit_all = |own: Option<u64>| {
                    pool.scope(|s| {
                        (0..8).for_each(|x| drop(s.submit(move || explode(x, alive))));
                        if let Some(own) = own {
                            panic_on_purpose(own);
                        }
                    });
                };
                defuse(catch_unwind(AssertUnwindSafe(|| submit_all(None))).unwrap_err());
                // Or with the body's own, which comes first.
                let payload = catch_unwind(AssertUnwindSafe(|| submit_all(Some(3)))).unwrap_err();
                assert_eq!(payload.downcast_ref(), Some(&OnPurpose(3)));
            }
        });
    }

    fn p9_payloads_that_panic_behind_the_first_panic_of_a_map(subject) {
        each_pool(&subject, "p9_payloads_that_panic_behind_the_first_panic_of_a_map", |pool, alive| {
            for _ in 0..50 {
                let gone = catch_unwind(AssertUnwindSafe(|| pool.map(0..64u64, |x| explode(x, alive))));
                defuse(gone.unwrap_err());
                // Results that panic when they are dropped, before and behind it.
                let gone = catch_unwind(AssertUnwindSafe(|| {
                    pool.map(0..64u64, |x| if x == 40 { panic_on_purpose(x) } else { Bomb::new(alive) })
                }));
                assert!(gone.is_err());
            }
        });
    }

    fn p9_payloads_that_panic_of_items_that_were_given_up(subject) {
        each_pool(&subject, "p9_payloads_that_panic_of_items_that_were_given_up", |pool, alive| {
            let gate = Gate::closed();
            let (counts, door) = (alive.clone(), gate.door());
            let imap = pool.imap(0..10u64, move |x| {
                if x < 4 {
                    door.pass();
                    panic_any(Bomb::new(&counts));
                }
                x
            });
            let mut imap = imap.timeout(SHORT);
            for expected in 0..4 {
                match imap.next() {
                    Some(Err(late)) => assert_eq!(TimedOut::index(&late), expected),
                    _ => panic!("item {expected} hangs"),
                }
                assert!(imap.give_up());
            }
            gate.open();
            imap.set_limit(LONG);
            assert!(imap.map(Result::unwrap).eq(4..10));
        });
    }

    fn p9_payloads_that_panic_of_jobs_without_a_join(subject) {
        each_pool(&subject, "p9_payloads_that_panic_of_jobs_without_a_join", |pool, alive| {
            for _ in 0..50 {
                // A handle that comes too late for its result may let the caller have the panic of its drop.
                let drop_it = |handle: JobHandle<Bomb>| _ = catch_unwind(AssertUnwindSafe(|| drop(handle)));
                let counts = alive.clone();
                drop_it(pool.submit(move || panic_any(Bomb::new(&counts))));
                let counts = alive.clone();
                drop_it(pool.submit(move || Bomb::new(&counts)));
                for panics in [false, true] {
                    let counts = alive.clone();
                    let handle = pool.submit(move || {
                        let bomb = Bomb::new(&counts);
                        if panics { panic_any(bomb) } else { bomb }
                    });
                    soon("it has ended", || handle.is_finished());
                    // But not if that would be the second one.
                    let payload = catch_unwind(AssertUnwindSafe(|| {
                        let _kept = handle;
                        panic_on_purpose(1);
                    }));
                    assert_eq!(payload.unwrap_err().downcast_ref(), Some(&OnPurpose(1)));
                }
            }
        });
    }

    /// Of an input and of an `init` that panic with one.
    fn p9_payloads_that_panic_of_inputs_and_states(subject) {
        each_pool(&subject, "p9_payloads_that_panic_of_inputs_and_states", |pool, alive| {
            for _ in 0..100 {
                let counts = alive.clone();
                let input = (0..10u64).inspect(move |&x| if x == 5 { panic_any(Bomb::new(&counts)) });
                let imap = pool.imap(input, |x| x).start();
                soon("the others are finished", || imap.stats().blocked >= 5);
                drop(imap);
                let counts = alive.clone();
                let imap = pool.imap_init(0..10u64, move || panic_any(Bomb::new(&counts)), |(), x| x).start();
                soon("all have panicked", || imap.stats().blocked == 10);
                drop(imap);
                // States that panic when they are dropped, with the imap's end and without.
                let counts = alive.clone();
                let mut imap = pool.imap_init(0..100u64, move || Bomb::new(&counts), |_, x| x);
                assert_eq!(imap.next(), Some(0));
                assert!(imap.by_ref().take(50).eq(1..51));
                drop(imap);
                let counts = alive.clone();
                let imap = pool.imap_init(0..100u64, move || Bomb::new(&counts), |_, x| x);
                assert!(imap.eq(0..100));
            }
        });
    }

    /// Functions and what makes their states, together with the states, of imaps that own them.
    fn p9_functions_that_panic_when_dropped(subject) {
        each_pool(&subject, "p9_functions_that_panic_when_dropped", |pool, alive| {
            // What it gives panics when it is dropped.
            let plain = || {
                let bomb = Bomb::new(alive);
                move |x: u64| {
                    let _bomb = &bomb;
                    x
                }
            };
            let init = || {
                let (bomb, alive) = (Bomb::new(alive), alive.clone());
                move || {
                    let _bomb = &bomb;
                    Bomb::new(&alive)
                }
            };
            let with_state = || {
                let bomb = Bomb::new(alive);
                move |_: &mut Bomb, x: u64| {
                    let _bomb = &bomb;
                    x
                }
            };
            for _ in 0..20 {
                left_each_way(pool, |pool| pool.imap(0..100, plain()));
                left_each_way(pool, |pool| pool.imap_init(0..100, init(), with_state()));
                left_each_way(pool, |pool| pool.imap_local(0..100, plain()));
                left_each_way(pool, |pool| pool.into_imap(0..100, plain()));
                assert!(pool.map(0..100, plain()).into_iter().eq(0..100));
                pool.scope(|s| {
                    assert!(s.imap(0..100, plain()).eq(0..100));
                    drop(s.imap_init(0..100, init(), with_state()).start());
                    assert_eq!(s.imap_local(0..100, plain()).next(), Some(0));
                });
            }
        });
    }

    /// The job that would drop the input is queued when the scope's imap is dropped, and does not come.
    fn p9_inputs_that_panic_when_dropped_beside_a_queued_job(subject) {
        each_pool(&subject, "p9_inputs_that_panic_when_dropped_beside_a_queued_job", |pool, alive| {
            for panics in [false, true] {
                let gate = Gate::closed();
                let (bomb, door) = (Bomb::new(alive), gate.door());
                let hog = move || drop(pool.submit(move || door.pass()));
                let mut hog = Some(hog);
                // Its end takes long, and then another job waits: so its own goes to the end of the queue.
                let end = move || {
                    let _bomb = &bomb;
                    hog.take().into_iter().for_each(|hog| hog());
                    thread::sleep(SHORT);
                    if panics { panic_on_purpose(3) } else { None }
                };
                let input = (0..3u64).chain(std::iter::from_fn(end));
                let gone = catch_unwind(AssertUnwindSafe(|| pool.scope(|s| s.imap(input, |x| x).count())));
                assert_eq!(gone.is_err(), panics);
                assert!(gone.is_ok_and(|count| count == 3) || panics);
            }
        });
    }

    /// An input of a `map` that panics where it is asked for its length, at first or always, and when it is dropped.
    fn p9_hints_that_panic_of_a_map(subject) {
        each_pool(&subject, "p9_hints_that_panic_of_a_map", |pool, alive| {
            let input = |times| Hinted {
                items: 0..100,
                hint: move |asked| if asked <= times { panic_on_purpose(9) } else { (0, None) },
                asked: Cell::new(0),
                _bomb: Bomb::new(alive),
            };
            assert!(pool.map(input(1), |x| x).into_iter().eq(0..100));
            let payload = catch_unwind(AssertUnwindSafe(|| pool.map(input(usize::MAX), |x| x))).unwrap_err();
            assert_eq!(payload.downcast_ref(), Some(&OnPurpose(9)));
            // An imap asks once when it is made, and then before each pull.
            let hint = move |asked| if asked > 1 { panic_any(Bomb::new(alive)) } else { (0, None) };
            let input = Hinted { items: 0..100, hint, asked: Cell::new(0), _bomb: Bomb::new(alive) };
            assert!(pool.scope(|s| s.imap(input, |x| x).eq(0..100)));
        });
    }

    /// A hint may be much too large. An allocation that fails ends the process.
    fn p15_hints_that_are_too_large(subject) {
        each_pool(&subject, "p15_hints_that_are_too_large", |pool, alive| {
            for hint in [usize::MAX >> 24, usize::MAX] {
                let input = || {
                    let hint = move |_| (hint, None);
                    Hinted { items: 0..100, hint, asked: Cell::new(0), _bomb: Bomb::new(alive) }
                };
                let large = |x| [x; 1 << 13];
                assert!(pool.map(input(), large).into_iter().eq((0..100).map(large)));
                assert!(pool.imap(input(), |x| x).eq(0..100));
            }
        });
    }

    /// Items and results that panic when they are dropped, of many short imaps, each dropped after some results.
    fn p9_results_that_panic_are_dropped_once(subject) {
        each_pool(&subject, "p9_results_that_panic_are_dropped_once", |pool, alive| {
            for round in 0..1_000usize {
                let (of_items, of_results) = (alive.clone(), alive.clone());
                let items = 10 + round as u64 % 40;
                let input = (0..items).map(move |x| (x, Bomb::new(&of_items)));
                let imap = pool.imap(input, move |(_, item)| {
                    item.defuse();
                    Bomb::new(&of_results)
                });
                let imap = match round % 4 {
                    0 => imap.chunk(1),
                    1 => imap.chunk(5),
                    2 => imap.chunk(1_000).unordered(),
                    _ => imap,
                };
                let mut imap = if round % 3 == 0 { imap.window(7) } else { imap };
                imap.by_ref().take(round % 13).for_each(Bomb::defuse);
                drop(imap);
            }
        });
    }

    /// The same, at the moment when another thread cancels.
    fn p9_results_that_panic_are_dropped_once_when_cancelled(subject) {
        each_pool(&subject, "p9_results_that_panic_are_dropped_once_when_cancelled", |pool, alive| {
            for round in 0..300usize {
                let (of_items, of_results) = (alive.clone(), alive.clone());
                let input = (0..200u64).map(move |x| (x, Bomb::new(&of_items)));
                let mut imap = pool.imap(input, move |(_, item)| {
                    item.defuse();
                    Bomb::new(&of_results)
                });
                let token = imap.cancel_token();
                imap.by_ref().take(round % 7).for_each(Bomb::defuse);
                thread::scope(|scope| {
                    scope.spawn(move || token.cancel());
                    if round % 2 == 0 {
                        imap.for_each(Bomb::defuse);
                    } else {
                        drop(imap);
                    }
                });
            }
        });
    }

    /// The consumer's own panic drops the imap, and the bombs in it go off on the way.
    fn p9_results_that_panic_while_the_consumer_unwinds(subject) {
        each_pool(&subject, "p9_results_that_panic_while_the_consumer_unwinds", |pool, alive| {
            for _ in 0..100 {
                let counts = alive.clone();
                let mut imap = pool.imap(0..64u64, move |_| Bomb::new(&counts)).window(64).start();
                soon("all are finished", || imap.stats().blocked == 64);
                imap.next().unwrap().defuse();
                let gone = catch_unwind(AssertUnwindSafe(|| {
                    let _kept = imap;
                    panic_on_purpose(1);
                }));
                assert!(gone.is_err());
            }
        });
    }

    /// Results that take long to drop do not keep the pool at work: each thread begins at most the item that was on its
    /// way when the imap was dropped. More may begin if this thread is switched out just before, so there are some
    /// attempts.
    fn p9_after_the_drop_nothing_begins(subject) {
        for threads in [1, 2] {
            for chunk in [None, Some(8), Some(1_000)] {
                let pool = subject.pool(threads);
                let late: Vec<_> = (0..5).map(|_| begun_after_the_drop(&pool, chunk)).collect();
                let least = *late.iter().min().unwrap();
                assert!(least <= threads, "{late:?} items began after the drop, chunk {chunk:?}");
            }
        }
    }

    /// The consumer drops the imap at a result in the middle of a chunk that is being worked on.
    fn p9_dropped_in_the_middle_of_a_chunk(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let alive = Alive::default();
            for taken in [0, 1, 3, 7] {
                let gate = Gate::closed();
                let (door, (begun, begins)) = (gate.door(), mpsc::channel());
                let (of_items, of_results) = (alive.clone(), alive.clone());
                let input = (0..100u64).map(move |x| (x, of_items.new_one()));
                let imap = pool.imap(input, move |(x, item)| {
                    if x == 8 {
                        let _ = begun.send(());
                        door.pass();
                    }
                    (item, of_results.new_one())
                });
                let mut imap = imap.chunk(32).start();
                begins.recv_timeout(LONG).unwrap();
                assert_eq!(imap.by_ref().take(taken).count(), taken);
                drop(imap);
                // All but the chunk of the hanging thread.
                soon("the results are dropped", || alive.count() <= 32);
                gate.open();
                alive.wait_for(0);
            }
        }
    }
}
