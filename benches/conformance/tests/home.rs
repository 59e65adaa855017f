//! P16 home, as far as only a pool's builder can tell: names, hooks, thread-locals and stacks.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_conformance::in_own_process;
use pool_core::watchdog::LIMIT;
use pool_core::{Builder, Imap};
use std::cell::Cell;
use std::thread;

on_every_backend! {
    p16_names_and_what_a_start_hook_sets
    p16_a_deep_function_has_the_pools_stack
}

const ITEMS: u64 = 5_000;

thread_local! {
    /// What the start hook sets.
    static MARK: Cell<u64> = const { Cell::new(0) };
}

/// Fails on a thread that the builder has not made.
fn at_home() {
    assert_eq!(MARK.get(), 77, "no start hook has run on this thread");
    let here = thread::current();
    let name = here.name().unwrap_or_default();
    assert!(name.starts_with("home-"), "it runs on {name:?}");
}

/// An input that must be pulled at home.
fn input(items: u64) -> impl Iterator<Item = u64> + Send {
    let mut items = 0..items;
    std::iter::from_fn(move || {
        at_home();
        items.next()
    })
}

/// A short function that must run at home.
fn work(x: u64) -> u64 {
    at_home();
    x
}

fn p16_names_and_what_a_start_hook_sets<P: Backend>() {
    for threads in [1, 2] {
        let builder = Builder::<P>::new().threads(threads).thread_name(|index| format!("home-{index}"));
        let pool = builder.on_start(|_| MARK.set(77)).build().unwrap();
        let settings: [fn(Imap<'_, u64>) -> Imap<'_, u64>; 6] = [
            |imap| imap,
            |imap| imap.start(),
            |imap| imap.window(3),
            |imap| imap.chunk(8),
            |imap| imap.unordered(),
            |imap| imap.unordered().start(),
        ];
        for set in settings {
            assert_eq!(set(pool.imap(input(ITEMS), work)).sum::<u64>(), ITEMS * (ITEMS - 1) / 2);
            let with_state = pool.imap_init(input(ITEMS), at_home, |(), x| work(x));
            assert_eq!(set(with_state).sum::<u64>(), ITEMS * (ITEMS - 1) / 2);
            let limited = set(pool.imap(input(ITEMS), work)).timeout(LIMIT);
            assert_eq!(limited.map(Result::unwrap).sum::<u64>(), ITEMS * (ITEMS - 1) / 2);
            let stream = set(pool.imap(input(ITEMS), work)).into_stream();
            assert_eq!(futures::executor::block_on_stream(stream).sum::<u64>(), ITEMS * (ITEMS - 1) / 2);
        }
        for _ in 0..200 {
            assert!(pool.imap(input(10), work).eq(0..10));
        }
        assert!(pool.map(input(ITEMS), work).into_iter().eq(0..ITEMS));
        assert_eq!(pool.submit(|| work(1)).join().unwrap(), 1);
        pool.scope(|s| {
            assert!(s.imap(input(ITEMS), work).eq(0..ITEMS));
            assert_eq!(s.submit(|| work(2)).join().unwrap(), 2);
        });
    }
}

/// Needs about so much of the stack; without optimisation some times more.
fn descend(left: usize) -> usize {
    const FRAME: usize = 16 << 10;
    let frame = std::hint::black_box([1u8; FRAME]);
    let below = if left > FRAME { descend(left - FRAME) } else { 0 };
    below + usize::from(frame[left % FRAME])
}

/// The consumer has 256 KiB, and the function needs 16 MiB for some items. It would end the process on the consumer's
/// thread, so it is in one of its own.
fn p16_a_deep_function_has_the_pools_stack<P: Backend>() {
    let backend = P::NAME.trim_start_matches("pool-");
    in_own_process(&format!("p16_a_deep_function_has_the_pools_stack::{backend}"), descends_on_the_pool::<P>);
}

fn descends_on_the_pool<P: Backend>() {
    const DEPTH: usize = 16 << 20;
    let expected = descend_on_a_large_stack(DEPTH);
    let consume = move || {
        for threads in [1, 2] {
            let pool = Builder::<P>::new().threads(threads).stack_size(64 << 20).build().unwrap();
            // Short items, some of them deep: the first ones, and some after many short ones.
            let deep = |x| if x % 500 < 3 { descend(DEPTH) } else { x as usize };
            let check = |(x, result): (u64, usize)| {
                assert_eq!(result, if x % 500 < 3 { expected } else { x as usize });
            };
            (0..).zip(pool.imap(0..ITEMS, deep)).for_each(check);
            (0..).zip(pool.imap(0..ITEMS, deep).chunk(8)).for_each(check);
            (0..).zip(pool.imap_local(0..ITEMS, deep)).for_each(check);
            (0..).zip(pool.map(0..ITEMS, deep)).for_each(check);
            for _ in 0..50 {
                (0..).zip(pool.imap(0..10, deep)).for_each(check);
            }
            // An input that is deep itself, and blocks before its last item.
            let (send, receive) = std::sync::mpsc::channel();
            let input = receive.into_iter().inspect(|_| _ = descend(DEPTH));
            let mut imap = pool.imap(input, deep).chunk(8);
            for x in 0..50 {
                send.send(x).unwrap();
                check((x, imap.next().unwrap()));
            }
        }
    };
    let consumer =
        thread::Builder::new().name("consumer".into()).stack_size(256 << 10).spawn(consume).unwrap();
    consumer.join().unwrap();
}

fn descend_on_a_large_stack(depth: usize) -> usize {
    let large =
        thread::Builder::new().name("large".into()).stack_size(64 << 20).spawn(move || descend(depth));
    large.unwrap().join().unwrap()
}
