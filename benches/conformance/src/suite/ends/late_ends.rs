//! P5, P7, P10, P12: the end of an iteration comes when it is known, whatever hangs beside it.

use crate::oracle::{OnPurpose, panic_on_purpose};
use crate::suite::list::promises;
use crate::suite::parts::{Alive, Gate, LONG, SHORT, soon};
use pool_core::{Cancelled, Executor};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// An input whose `drop` waits for what its caller does after the loop, as that of a child process would.
struct Child {
    items: std::ops::Range<u64>,
    panics: bool,
    closed: mpsc::Receiver<()>,
    ended: mpsc::Sender<bool>,
}

impl Iterator for Child {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let next = self.items.next();
        if next.is_none() && self.panics { panic_on_purpose(9) } else { next }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // A test that fails has gone.
        let _ = self.ended.send(self.closed.recv_timeout(LONG).is_ok());
    }
}

/// How often this thread has gone to sleep; 0 where the system does not say.
fn times_asleep() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.map_or(0, |count| count.trim().parse().expect("a number"))
}

promises! {
    fn p5_the_end_does_not_wait_for_the_drop_of_the_input(subject) {
        for (threads, panics) in [(1, false), (1, true), (2, false), (2, true)] {
            let pool = subject.pool(threads);
            let (close, closed) = mpsc::channel();
            let (ended, end) = mpsc::channel();
            let input = Child { items: 0..3, panics, closed, ended };
            let mut imap = pool.imap(input, |x| x);
            assert!(imap.by_ref().take(3).eq(0..3));
            match catch_unwind(AssertUnwindSafe(|| imap.next())) {
                Ok(next) => assert!(!panics && next.is_none()),
                Err(payload) => assert!(panics && payload.downcast_ref() == Some(&OnPurpose(9))),
            }
            assert_eq!(imap.next(), None);
            // Only now is it closed.
            close.send(()).unwrap();
            assert_eq!(end.recv_timeout(LONG), Ok(true), "the input was dropped once, and had to wait for this");
            assert!(end.recv().is_err());
        }
    }

    /// The same in a job, where the input may be in the consumer's hand.
    fn p5_the_end_in_a_job_does_not_wait_for_the_drop_of_the_input(subject) {
        for threads in [1, 2] {
            let pool = Arc::new(subject.pool(threads));
            let inner = pool.clone();
            let (close, closed) = mpsc::channel();
            let (ended, end) = mpsc::channel();
            pool.submit(move || {
                let mut imap = inner.imap(Child { items: 0..3, panics: false, closed, ended }, |x| x);
                assert!(imap.by_ref().eq(0..3));
                close.send(()).unwrap();
            }).join().unwrap();
            assert_eq!(end.recv_timeout(LONG), Ok(true));
        }
    }

    /// Items that were given up before they were pulled make no room, and nothing is computed for them.
    fn p3_what_was_given_up_before_it_was_pulled_piles_up_nowhere(subject) {
        let pool = subject.pool(2);
        let (send, receive) = mpsc::channel::<()>();
        let (alive, ran) = (Alive::default(), Arc::new(AtomicU64::new(0)));
        let (results, runs) = (alive.clone(), ran.clone());
        let input = (0u64..).inspect(move |&x| if x == 5 { let _ = receive.recv(); });
        let f = move |x| {
            runs.fetch_add(1, Ordering::SeqCst);
            (x, results.new_one())
        };
        let mut imap = pool.imap(input, f).window(10).timeout(Duration::ZERO);
        while imap.next_index() < 2_000 {
            if imap.next().unwrap().is_err() && imap.next_index() >= 5 {
                assert!(imap.give_up());
            }
        }
        let before = ran.load(Ordering::SeqCst);
        drop(send);
        imap.set_limit(LONG);
        assert_eq!(imap.next().unwrap().unwrap().0, 2_000);
        assert!(alive.count() <= 10, "{} results", alive.count());
        // Those that were pulled while their consumer was away are run, and as many as a window holds.
        assert!(ran.load(Ordering::SeqCst) - before <= 30, "{} were run", ran.load(Ordering::SeqCst) - before);
    }

    /// As many hang as there are threads, so no thread is left to ask the input, whose length is known.
    fn p10_the_end_comes_although_every_thread_hangs(subject) {
        for threads in [1, 2] {
            let pool = subject.pool(threads);
            let gate = Gate::closed();
            let door = gate.door();
            let items = 0..threads as u64;
            let results = pool.imap(items.clone(), move |x| (door.pass(), x).1).item_timeout(SHORT);
            assert!(results.map(|result| result.unwrap_err().index()).eq(items.clone()));
            drop(gate);

            let gate = Gate::closed();
            let door = gate.door();
            let mut results = pool.imap(items, move |x| (door.pass(), x).1).timeout(SHORT);
            let mut late = 0;
            while let Some(result) = results.next() {
                assert!(result.is_err());
                late += u64::from(results.give_up());
                assert!(late < 1_000, "it goes on to items that do not exist");
            }
            assert!(late >= threads as u64);
        }
    }

    /// No thread comes for the head any more, though one still hangs in an item that was given up.
    fn p12_terminate_beside_an_item_that_was_given_up(subject) {
        if !subject.terminates() {
            return;
        }
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let f = gate.holds(0);
        let mut imap = pool.imap(0u64.., f).window(4).item_timeout(SHORT).timeout(LONG);
        assert!(imap.next().unwrap().unwrap().is_err());
        assert!(imap.next().unwrap().unwrap().is_ok());
        soon("the window is full", || imap.stats().blocked == 3);
        pool.terminate();
        let mut results = 0;
        let payload = loop {
            match catch_unwind(AssertUnwindSafe(|| imap.next())) {
                Ok(next) => assert!(next.expect("a silent end").expect("it hangs").is_ok()),
                Err(payload) => break payload,
            }
            // A turn that goes on may give some more, until it finds nothing for a moment.
            results += 1;
            assert!(results <= 1_000, "it goes on and on");
            std::thread::sleep(Duration::from_millis(1));
        };
        assert!(payload.is::<Cancelled>());
    }

    /// An item begins while the consumer waits, and its limit counts from then.
    fn p10_a_limit_is_short_beside_an_input_that_waits(subject) {
        let pool = subject.pool(2);
        let gate = Gate::closed();
        let (send, receive) = mpsc::channel();
        let mut results = pool.imap(receive, gate.holds(0)).item_timeout(Duration::from_millis(1));
        let sender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            let began = Instant::now();
            send.send(0).unwrap();
            (began, send)
        });
        assert_eq!(results.next().unwrap().unwrap_err().index(), 0);
        let late = Instant::now();
        let (began, send) = sender.join().unwrap();
        drop(send);
        // On a busy machine no short time can be asked for: this is for an end at all.
        assert!(late.duration_since(began) < LONG);
        assert!(results.next().is_none());
    }

    /// A limit of an item that has not begun is no reason to look at the clock.
    fn p13_a_consumer_of_items_with_limits_sleeps_beside_an_input_that_waits(subject) {
        let pool = subject.pool(2);
        let (send, receive) = mpsc::channel();
        let mut results = pool.imap(receive, |x: u64| x).item_timeout(Duration::from_millis(1));
        let sender = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            send.send(7).unwrap();
        });
        let before = times_asleep();
        // On a busy machine it may be late.
        assert!(matches!(results.next(), Some(Ok(7) | Err(_))));
        let slept = times_asleep() - before;
        sender.join().unwrap();
        assert!(slept < 15, "it slept {slept} times");
    }

    /// The job that found the end goes back to the queue for others with the input that has ended, whose drop panics.
    fn p9_an_ended_input_whose_drop_panics_beside_other_jobs(subject) {
        let pool = Arc::new(subject.pool(2));
        let stop = Arc::new(AtomicBool::new(false));
        (0..4).for_each(|_| submit_again(&pool, &stop));
        for round in 0..20 {
            let count = 8 + round % 9;
            let input = Dropped(0..count, || panic_on_purpose(7));
            let f = |x| (std::thread::sleep(Duration::from_millis(if x % 4 == 1 { 5 } else { 1 })), x).1;
            assert!(pool.imap(input, f).chunk(4).eq(0..count));
        }
        stop.store(true, Ordering::SeqCst);
    }

    /// The payload of a panic that is not handed out is dropped, quietly.
    fn p9_the_payload_of_an_input_that_is_not_handed_out(subject) {
        let pool = subject.pool(1);
        let alive = Alive::default();
        let payload = alive.clone();
        let input = std::iter::from_fn(move || -> Option<u64> {
            let counted = payload.new_one();
            std::panic::panic_any(Dropped(0..0, move || {
                let _counted = &counted;
                panic_on_purpose(7)
            }))
        });
        let imap = pool.imap(input, |x| x).start();
        soon("the input has panicked", || alive.count() == 1);
        assert!(catch_unwind(AssertUnwindSafe(|| drop(imap))).is_ok());
        alive.wait_for(0);
    }

    /// In a job of the only thread each item is run before the next is pulled, since that may wait for it.
    fn p8_a_local_input_in_a_job_waits_for_what_items_do(subject) {
        let pool = Arc::new(subject.pool(1));
        let inner = pool.clone();
        let results = pool.submit(move || {
            let (send, receive) = mpsc::channel();
            send.send(0u64).unwrap();
            let send = Mutex::new(Some(send));
            let f = move |x| {
                let mut send = send.lock().unwrap();
                match &*send {
                    Some(more) if x < 5 => more.send(x + 1).unwrap(),
                    _ => *send = None,
                }
                x
            };
            inner.imap_local(receive.into_iter(), f).collect::<Vec<_>>()
        });
        assert_eq!(results.join().unwrap(), [0, 1, 2, 3, 4, 5]);
    }

    /// A chunk whose items were given up is one job that hangs, and not as many as it has items.
    fn p12_terminate_beside_a_chunk_that_was_given_up(subject) {
        if !subject.terminates() {
            return;
        }
        let pool = Arc::new(subject.pool(3));
        let (busy, doors) = (Gate::closed(), [0, 1, 6].map(|_| Gate::closed()));
        let (hold, begun) = (busy.door(), Arc::new(AtomicU64::new(0)));
        let _busy = pool.submit(move || hold.pass());
        let (held, begins) = (doors.each_ref().map(Gate::door), begun.clone());
        let f = move |x: u64| {
            begins.fetch_or(1 << x, Ordering::SeqCst);
            [0, 1, 6].iter().zip(&held).filter(|held| *held.0 == x).for_each(|held| held.1.pass());
            x
        };
        let mut imap = pool.imap(0..30u64, f).window(30).chunk(5).start();
        soon("0 and 1 have begun", || begun.load(Ordering::SeqCst) & 3 == 3);
        doors[0].open();
        soon("6 has begun", || begun.load(Ordering::SeqCst) & 64 != 0);
        assert_eq!(imap.next(), Some(0));
        for late in 1..6 {
            assert_eq!(imap.next_timeout(SHORT).unwrap_err().index(), late);
            assert!(imap.give_up());
        }
        pool.terminate();
        let opens = imap.next_timeout(SHORT).unwrap_err();
        assert_eq!(opens.index(), 6, "it runs, so it is waited for");
        doors[2].open();
        assert_eq!(imap.next_timeout(LONG), Ok(Some(6)));
    }
}

/// Does this when it is dropped.
struct Dropped<I, F: Fn()>(I, F);

impl<I: Iterator, F: Fn()> Iterator for Dropped<I, F> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

impl<I, F: Fn()> Drop for Dropped<I, F> {
    fn drop(&mut self) {
        (self.1)();
    }
}

/// A job that submits itself, until it is to stop.
fn submit_again<P: Executor + 'static>(pool: &Arc<P>, stop: &Arc<AtomicBool>) {
    if !stop.load(Ordering::SeqCst) {
        let (again, stops) = (pool.clone(), stop.clone());
        drop(pool.submit(move || {
            std::thread::sleep(Duration::from_micros(100));
            submit_again(&again, &stops);
        }));
    }
}
