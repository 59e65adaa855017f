//! P12: leaving a pool, also one with jobs that hang, on every backend.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_core::watchdog::{LIMIT, within};
use pool_core::{Builder, Cancelled, Executor, JobError, JobHandle};
use pool_rayon::RayonPool;
use std::cell::RefCell;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// How long is waited for what hangs.
const SHORT: Duration = Duration::from_millis(30);
/// Longer than anything takes that does not hang.
const LONG: Duration = Duration::from_secs(30);

on_every_backend! {
    p12_shutdown_timeout_waits_for_what_ends
    p12_shutdown_timeout_leaves_what_hangs
    p12_shutdown_timeout_from_its_own_job
    p12_shutdown_timeout_waits_for_thread_locals
    p12_shutdown_timeout_leaves_thread_locals_that_hang
    p12_shutdown_timeout_leaves_discarded_jobs_that_hang
    p12_drop_timeout_lets_an_early_return_end
    p12_drop_timeout_leaves_thread_locals_that_hang
    p12_drop_timeout_is_not_for_join
    p12_terminate_through_an_arc_does_not_wait
    p12_terminate_beside_threads_that_submit
}

/// Keeps a thread of the pool busy until the sender is dropped. Returns when it has begun.
fn hang<P: Backend>(pool: &P) -> (mpsc::Sender<()>, JobHandle<u32>) {
    let ((open, gate), (begin, begun)) = (mpsc::channel(), mpsc::channel());
    let hanging = pool.submit(move || {
        begin.send(()).unwrap();
        let _ = gate.recv();
        7
    });
    begun.recv_timeout(LONG).unwrap();
    (open, hanging)
}

/// A builder whose threads count themselves out.
fn counting<P: Backend>(threads: usize) -> (Builder<P>, Arc<AtomicUsize>) {
    let exits = Arc::new(AtomicUsize::new(0));
    let counts = exits.clone();
    let builder = Builder::new().threads(threads).on_exit(move |_| _ = counts.fetch_add(1, Ordering::SeqCst));
    (builder, exits)
}

fn is_cancelled<T>(handle: JobHandle<T>) -> bool {
    matches!(handle.join(), Err(JobError::Cancelled))
}

fn p12_shutdown_timeout_waits_for_what_ends<P: Backend>() {
    let (builder, exits) = counting::<P>(3);
    let pool = builder.build().unwrap();
    let running = pool.submit(|| thread::sleep(SHORT));
    assert!(P::SHUTDOWN_TIMEOUT(pool, LONG));
    assert_eq!(exits.load(Ordering::SeqCst), 3);
    drop(running);
}

fn p12_shutdown_timeout_leaves_what_hangs<P: Backend>() {
    let (builder, exits) = counting::<P>(1);
    let pool = builder.build().unwrap();
    let (open, hanging) = hang(&pool);
    let queued: Vec<_> = (0..20).map(|x| pool.submit(move || x)).collect();
    let started = Instant::now();
    assert!(!P::SHUTDOWN_TIMEOUT(pool, SHORT));
    let took = started.elapsed();
    assert!(took >= SHORT && took < LONG, "{took:?}");
    assert!(queued.into_iter().all(is_cancelled));
    assert!(!hanging.is_finished());
    // Its thread ends by itself.
    drop(open);
    assert_eq!(hanging.join().unwrap(), 7);
    while exits.load(Ordering::SeqCst) < 1 {
        thread::sleep(Duration::from_millis(1));
    }
}

fn p12_shutdown_timeout_from_its_own_job<P: Backend>() {
    let pool = Arc::new(Builder::<P>::new().threads(2).build().unwrap());
    let (own, (go, gate)) = (pool.clone(), mpsc::channel::<()>());
    let answer = pool.submit(move || {
        gate.recv().unwrap();
        let pool = Arc::into_inner(own).expect("the last owner");
        let started = Instant::now();
        (P::SHUTDOWN_TIMEOUT(pool, LONG), started.elapsed() < LONG)
    });
    drop(pool);
    go.send(()).unwrap();
    assert_eq!(answer.join().unwrap(), (false, true));
}

/// Waits, when it is dropped, until the sender is, and says that it has.
struct Hangs(mpsc::Receiver<()>, Arc<AtomicUsize>);

impl Drop for Hangs {
    fn drop(&mut self) {
        let _ = self.0.recv();
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local! {
    /// Dropped when its thread ends.
    static AT_THE_END: RefCell<Option<Hangs>> = const { RefCell::new(None) };
}

/// Lets the end of a thread of the pool wait until the sender is dropped. The number is 1 after that.
fn hang_at_the_end<P: Backend>(pool: &P) -> (mpsc::Sender<()>, Arc<AtomicUsize>) {
    let ((open, gate), ended) = (mpsc::channel(), Arc::new(AtomicUsize::new(0)));
    let hangs = Hangs(gate, ended.clone());
    pool.submit(|| AT_THE_END.set(Some(hangs))).join().unwrap();
    (open, ended)
}

fn p12_shutdown_timeout_waits_for_thread_locals<P: Backend>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    let (open, ended) = hang_at_the_end(&pool);
    let opens = thread::spawn(move || {
        thread::sleep(SHORT);
        drop(open);
    });
    assert!(P::SHUTDOWN_TIMEOUT(pool, LONG));
    assert_eq!(ended.load(Ordering::SeqCst), 1, "the thread has not ended");
    opens.join().unwrap();
}

fn p12_shutdown_timeout_leaves_thread_locals_that_hang<P: Backend>() {
    let pool = Builder::<P>::new().threads(1).build().unwrap();
    let (open, ended) = hang_at_the_end(&pool);
    let started = Instant::now();
    assert!(!P::SHUTDOWN_TIMEOUT(pool, SHORT));
    let took = started.elapsed();
    assert!(took >= SHORT && took < LONG, "{took:?}");
    assert_eq!(ended.load(Ordering::SeqCst), 0);
    // Its thread ends by itself.
    drop(open);
    while ended.load(Ordering::SeqCst) < 1 {
        thread::sleep(Duration::from_millis(1));
    }
}

fn p12_shutdown_timeout_leaves_discarded_jobs_that_hang<P: Backend>() {
    let pool = Builder::<P>::new().threads(1).build().unwrap();
    let (release, _hanging) = hang(&pool);
    let ((open, gate), ended) = (mpsc::channel(), Arc::new(AtomicUsize::new(0)));
    let hangs = Hangs(gate, ended.clone());
    let queued = pool.submit(move || drop(hangs));
    assert!(!P::SHUTDOWN_TIMEOUT(pool, SHORT));
    drop((release, open));
    assert!(is_cancelled(queued));
    while ended.load(Ordering::SeqCst) < 1 {
        thread::sleep(Duration::from_millis(1));
    }
}

fn p12_drop_timeout_lets_an_early_return_end<P: Backend>() {
    fn fails<P: Backend>(hung: &mut Option<mpsc::Sender<()>>) -> Result<u32, Box<dyn Error>> {
        let pool = Builder::<P>::new().threads(1).drop_timeout(SHORT).build()?;
        *hung = Some(hang(&pool).0);
        let late = pool.imap(0..3u32, |x| x).timeout(SHORT);
        Ok(late.sum::<Result<u32, _>>()?)
    }
    let mut hung = None;
    let started = Instant::now();
    assert!(fails::<P>(&mut hung).is_err());
    assert!(started.elapsed() < LONG);
}

fn p12_drop_timeout_leaves_thread_locals_that_hang<P: Backend>() {
    let pool = Builder::<P>::new().threads(1).drop_timeout(SHORT).build().unwrap();
    let (open, ended) = hang_at_the_end(&pool);
    drop(pool);
    assert_eq!(ended.load(Ordering::SeqCst), 0);
    drop(open);
}

fn p12_drop_timeout_is_not_for_join<P: Backend>() {
    let pool = Builder::<P>::new().threads(1).drop_timeout(Duration::ZERO).build().unwrap();
    let handles: Vec<_> = (0..20).map(|x| pool.submit(move || (thread::sleep(SHORT / 10), x).1)).collect();
    P::JOIN(pool);
    for (x, handle) in handles.into_iter().enumerate() {
        assert!(handle.is_finished());
        assert_eq!(handle.join().unwrap(), x);
    }
}

fn p12_terminate_through_an_arc_does_not_wait<P: Backend>() {
    let pool = Arc::new(Builder::<P>::new().threads(1).build().unwrap());
    let (open, hanging) = hang(&*pool);
    let queued = pool.submit(|| 1);
    let consumer = {
        let (pool, (begin, begun)) = (pool.clone(), mpsc::channel());
        let consumer = thread::spawn(move || {
            let mut imap = pool.imap(0..10, |x| x).start();
            begin.send(()).unwrap();
            catch_unwind(AssertUnwindSafe(|| imap.next()))
        });
        begun.recv_timeout(LONG).unwrap();
        consumer
    };
    P::TERMINATE(&pool);
    P::TERMINATE(&pool);
    assert!(!hanging.is_finished(), "it did not wait");
    assert!(is_cancelled(queued));
    let payload = consumer.join().unwrap().unwrap_err();
    assert!(payload.is::<Cancelled>(), "never a silent early end");
    assert!(is_cancelled(pool.submit(|| 2)), "what comes later is discarded, too");
    drop(open);
    assert_eq!(hanging.join().unwrap(), 7);
}

/// No job is left where no worker comes any more.
fn p12_terminate_beside_threads_that_submit<P: Backend>() {
    for _ in 0..50 {
        let pool = Builder::<P>::new().threads(2).build().unwrap();
        thread::scope(|scope| {
            let submit = || (0..100).for_each(|x| drop(pool.submit(move || x).join()));
            scope.spawn(submit);
            scope.spawn(submit);
            P::TERMINATE(&pool);
        });
    }
}

/// Its threads are not the pool's own, and yet it does not wait on them.
#[test]
fn p12_shutdown_timeout_from_its_own_job_on_a_rayon_pool_made_elsewhere() {
    within(LIMIT, || {
        let rayon = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
        let pool = Arc::new(RayonPool::from_pool(rayon));
        let (own, (go, gate)) = (pool.clone(), mpsc::channel::<()>());
        let answer = pool.submit(move || {
            gate.recv().unwrap();
            let pool = Arc::into_inner(own).expect("the last owner");
            let started = Instant::now();
            (pool.shutdown_timeout(LONG), started.elapsed() < LONG)
        });
        drop(pool);
        go.send(()).unwrap();
        assert_eq!(answer.join().unwrap(), (false, true));
    });
}

/// It waits for its own jobs alone, and the rayon pool lives on.
#[test]
fn p12_shutdown_timeout_on_a_rayon_pool_made_elsewhere() {
    let rayon = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
    let pool = RayonPool::from_pool(rayon.clone());
    let (open, hanging) = hang(&pool);
    assert!(!pool.shutdown_timeout(SHORT));
    drop(open);
    assert_eq!(hanging.join().unwrap(), 7);
    assert!(RayonPool::from_pool(rayon.clone()).shutdown_timeout(LONG));
    assert_eq!(rayon.install(|| 7), 7);
}
