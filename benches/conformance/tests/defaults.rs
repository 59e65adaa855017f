//! What a pool is that was told nothing, on every backend: `Default`, `POOL_THREADS`, and what a panic leaves of it.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_channel::ChannelPool;
use pool_core::{BuildError, Builder, Executor};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

on_every_backend! {
    p6_a_pool_is_unwind_safe
}

/// What pools of this process are. A builder that was told does not ask.
fn describe<P: Backend>() {
    assert_eq!(Builder::<P>::new().threads(2).build().unwrap().threads(), 2);
    match Builder::<P>::new().build() {
        Ok(pool) => {
            assert_eq!(P::default().threads(), pool.threads());
            println!("\nsaid: {}", pool.threads());
        }
        Err(error) => {
            assert!(matches!(error, BuildError::Variable { name: "POOL_THREADS", .. }));
            assert!(catch_unwind(P::default).is_err());
            println!("\nsaid: {error}");
        }
    }
}

#[test]
#[ignore = "it is run by the others, in a process with a variable of its own"]
fn child() {
    describe::<ChannelPool>();
    describe::<StealingPool>();
    describe::<RayonPool>();
}

/// What three pools say in a process with this value of `POOL_THREADS`.
fn said(value: Option<&str>) -> Vec<String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["child", "--exact", "--ignored", "--nocapture"]).env_remove("POOL_THREADS");
    if let Some(value) = value {
        command.env("POOL_THREADS", value);
    }
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{value:?}: {stdout}{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<_> =
        stdout.lines().filter_map(|line| line.strip_prefix("said: ")).map(String::from).collect();
    assert_eq!(said.len(), 3, "{stdout}");
    said
}

#[test]
fn the_variable_says_how_many_threads() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for (value, threads) in [(None, cores), (Some("1"), 1), (Some("3"), 3), (Some("17"), 17)] {
        assert!(said(value).iter().all(|said| *said == threads.to_string()), "{value:?}");
    }
}

#[test]
fn a_variable_that_is_no_number_of_threads_is_named() {
    for value in ["0", "", "many", "-1", "1.5", "4 ", "70000", "99999999999999999999999"] {
        for said in said(Some(value)) {
            let names = said.contains("POOL_THREADS") && said.contains(&format!("{value:?}"));
            assert!(names && said.contains("from 1"), "{said}");
        }
    }
}

fn p6_a_pool_is_unwind_safe<P: Backend + UnwindSafe + RefUnwindSafe>() {
    let pool = Builder::<P>::new().threads(2).build().unwrap();
    // Without an assertion of the caller's.
    let payload = catch_unwind(|| pool.imap(0..10, |x| assert_ne!(x, 3, "on purpose")).count()).unwrap_err();
    assert!(payload.downcast_ref::<String>().is_some_and(|message| message.contains("on purpose")));
    assert_eq!(pool.imap(0..10, |x| x).count(), 10);
    assert_eq!(catch_unwind(move || pool.map(0..10, |x| x).len()).unwrap(), 10);
}

#[test]
fn a_pool_for_the_whole_program() {
    static CHANNEL: LazyLock<ChannelPool> = LazyLock::new(ChannelPool::default);
    static STEALING: LazyLock<StealingPool> = LazyLock::new(StealingPool::default);
    static RAYON: LazyLock<RayonPool> = LazyLock::new(RayonPool::global);
    fn squares(pool: &'static impl Executor) -> impl Iterator<Item = u64> {
        pool.imap(0..100u64, |x| x * x)
    }
    let expected = || (0..100).map(|x| x * x);
    assert!(squares(&*CHANNEL).eq(expected()));
    assert!(squares(&*STEALING).eq(expected()));
    assert!(squares(&*RAYON).eq(expected()));
}
