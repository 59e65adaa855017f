//! P16 home, as far as only a pool's builder can tell: names, hooks, thread-locals and stacks.

use pool_channel::ChannelPool;
use pool_core::watchdog::{LIMIT, within};
use pool_core::{Build, Builder, Executor, Imap};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::cell::Cell;
use std::process::{Command, Stdio};
use std::thread;

/// A backend with a builder.
trait Backend: Build + Executor + 'static {}
impl<P: Build + Executor + 'static> Backend for P {}

/// Makes a test for each backend of a function that is generic over it.
macro_rules! on_every_backend {
    ($($test:ident)*) => {$(
        mod $test {
            #[test]
            fn channel() {
                super::within(super::LIMIT, super::$test::<super::ChannelPool>);
            }
            #[test]
            fn stealing() {
                super::within(super::LIMIT, super::$test::<super::StealingPool>);
            }
            #[test]
            fn rayon() {
                super::within(super::LIMIT, super::$test::<super::RayonPool>);
            }
        }
    )*};
}

on_every_backend! {
    p16_names_and_what_a_start_hook_sets
    p16_a_deep_function_has_the_pools_stack
}

const ITEMS: u64 = 5_000;

/// Whether this process is there for that test alone. If not, runs it in one that is.
fn is_apart<P: Backend>(test: &str) -> bool {
    const ONLY: &str = "POOL_CONFORMANCE_APART";
    let name = format!("{test}::{}", P::NAME.trim_start_matches("pool-"));
    if std::env::var_os(ONLY).is_some_and(|only| *only == *name) {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().expect("a test knows its program"));
    command.args([&name, "--exact", "--test-threads=1"]).env(ONLY, &name).stdin(Stdio::null());
    let output = command.output().expect("it starts");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{}\n{said}\n{errors}", output.status);
    false
}

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
            |line| line,
            |line| line.start(),
            |line| line.window(3),
            |line| line.chunk(8),
            |line| line.unordered(),
            |line| line.unordered().start(),
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
    if !is_apart::<P>("p16_a_deep_function_has_the_pools_stack") {
        return;
    }
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
            let mut line = pool.imap(input, deep).chunk(8);
            for x in 0..50 {
                send.send(x).unwrap();
                check((x, line.next().unwrap()));
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
