//! A filter that is put on later takes `membarrier` away, after the engine has registered it: it does without, and nothing
//! panics or hangs. Alone in its process, which keeps the filter.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

use futures::executor::block_on_stream;
use pool_channel::ChannelPool;
use pool_conformance::chaos::Chaos;
use pool_core::Executor;
use pool_core::watchdog::{LIMIT, within};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter_all_threads};
use std::sync::{Arc, mpsc};
use std::thread;

/// The number of the system call.
const MEMBARRIER: i64 = if cfg!(target_arch = "x86_64") { 324 } else { 283 };

/// "Operation not permitted".
const EPERM: u32 = 1;

/// Makes `membarrier` fail on all threads of this process, and on all that are started later.
fn refuse_membarrier() -> Result<(), Box<dyn std::error::Error>> {
    let refused = [(MEMBARRIER, Vec::new())].into_iter().collect();
    let architecture = std::env::consts::ARCH.try_into()?;
    let filter =
        SeccompFilter::new(refused, SeccompAction::Allow, SeccompAction::Errno(EPERM), architecture)?;
    let program: BpfProgram = filter.try_into()?;
    Ok(apply_filter_all_threads(&program)?)
}

/// Everything that sleeps and is woken.
fn everything(pool: &Arc<impl Executor + 'static>) {
    let items = if cfg!(debug_assertions) { 20_000 } else { 200_000 };
    for _ in 0..3 {
        assert!(pool.imap(0..items, |x| x).eq(0..items));
        assert_eq!(pool.imap(0..items, |x| x).unordered().count() as u64, items);
        assert!(block_on_stream(pool.imap(0..items, |x| x).into_stream()).eq(0..items));
        assert!(pool.imap_local(0..items, |x| x).eq(0..items));
        assert!(pool.imap(0..items, |x| x).timeout(LIMIT).map(Result::unwrap).eq(0..items));
        assert!(pool.map(0..items, |x| x).into_iter().eq(0..items));
    }
    for n in 0..300 {
        assert!(pool.imap(0..n % 20, |x| x).eq(0..n % 20));
        assert!(pool.imap(0..n % 20, |x| x).window(1).eq(0..n % 20));
    }
    let inner = pool.clone();
    let nested = pool.imap(0..300u64, move |n| inner.imap(0..n % 20, |x| x).sum::<u64>());
    assert!(nested.eq((0..300u64).map(|n| (0..n % 20).sum::<u64>())));
    // In lock-step, so that both sides sleep each time.
    let (send, receive) = mpsc::channel();
    let mut imap = pool.imap(receive, |x: u64| x);
    for x in 0..1_000 {
        send.send(x).unwrap();
        assert_eq!(imap.next(), Some(x));
    }
    let token = imap.cancel_token();
    let canceller = thread::spawn(move || token.cancel());
    assert_eq!(imap.next(), None);
    canceller.join().unwrap();
    drop(send);
    for _ in 0..100 {
        let mut endless = pool.imap(0u64.., |x| x);
        let token = endless.cancel_token();
        assert_eq!(endless.next(), Some(0));
        let canceller = thread::spawn(move || token.cancel());
        endless.by_ref().for_each(drop);
        assert!(endless.is_cancelled());
        canceller.join().unwrap();
        drop(pool.imap(0u64.., |x| x).start());
    }
}

#[test]
fn p5_membarrier_may_be_refused_later() {
    within(2 * LIMIT, || {
        let channel = Arc::new(ChannelPool::new(2).unwrap());
        let stealing = Arc::new(StealingPool::new(2).unwrap());
        let rayon = Arc::new(RayonPool::new(2).unwrap());
        let chaos = Arc::new(Chaos::new(2));
        // One imap that began before goes on afterwards.
        let mut begun = channel.imap(0..50_000u64, |x| x);
        assert!(begun.by_ref().take(10_000).eq(0..10_000));
        for pool in [&*stealing as &dyn Executor, &*rayon, &*chaos] {
            assert!((&pool).imap(0..10_000u64, |x| x).eq(0..10_000));
        }
        if let Err(error) = refuse_membarrier() {
            eprintln!("SKIPPED: this system allows no filter: {error}");
            return;
        }
        assert!(begun.eq(10_000..50_000));
        everything(&channel);
        everything(&stealing);
        everything(&rayon);
        everything(&chaos);
        everything(&Arc::new(ChannelPool::new(1).unwrap()));
    });
}
