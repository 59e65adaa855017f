//! The errors of pools, jobs and imaps where programs put them: `anyhow`, and `Box<dyn Error + Send + Sync>`.

mod every_backend;

use every_backend::{Backend, on_every_backend};
use pool_channel::ChannelPool;
use pool_core::watchdog::within;
use pool_core::{BuildError, Builder, Executor, JobError, JobTimedOut, TimedOut};
use pool_rayon::RayonPool;
use pool_stealing::StealingPool;
use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

on_every_backend! {
    p6_the_errors_of_a_pool_pass_through_a_question_mark
    p6_an_error_is_what_it_was_behind_a_question_mark
    p10_a_late_job_says_that_it_is_a_job
}

const LONG: Duration = Duration::from_secs(30);

/// A function that uses each method which can fail, with this type of error.
macro_rules! function_with {
    ($name:ident, $error:ty) => {
        fn $name<P: Backend>() -> Result<u64, $error> {
            let pool = Builder::<P>::new().threads(2).build()?;
            let mut handle = pool.submit(|| 1);
            let mut sum: u64 = handle.join_timeout(LONG)?? + pool.submit(|| 2).join()?;
            for result in pool.imap(3..5, |x| x).timeout(LONG) {
                sum += result?;
            }
            for result in pool.imap(5..7, |x| x).item_timeout(LONG) {
                sum += result?;
            }
            for result in pool.imap(7..9, |x| x).catch_panics() {
                sum += result?;
            }
            sum += pool.imap(9.., |x| x).next_timeout(LONG)?.unwrap_or(0);
            Ok(sum)
        }
    };
}

fn p6_the_errors_of_a_pool_pass_through_a_question_mark<P: Backend>() {
    function_with!(with_anyhow, anyhow::Error);
    function_with!(boxed, Box<dyn Error + Send + Sync>);
    assert_eq!(with_anyhow::<P>().unwrap(), 45);
    assert_eq!(boxed::<P>().unwrap(), 45);
}

/// The first line of most programs.
#[test]
fn p6_new_with_a_question_mark() {
    fn with_anyhow() -> anyhow::Result<()> {
        StealingPool::new(1)?;
        RayonPool::new(1)?;
        ChannelPool::new(0)?;
        Ok(())
    }
    fn boxed() -> Result<(), Box<dyn Error + Send + Sync>> {
        ChannelPool::new(1)?;
        StealingPool::new(1)?;
        RayonPool::new(0)?;
        Ok(())
    }
    assert!(matches!(with_anyhow().unwrap_err().downcast_ref(), Some(BuildError::ZeroThreads)));
    assert!(matches!(boxed().unwrap_err().downcast_ref(), Some(BuildError::ZeroThreads)));
}

fn p6_an_error_is_what_it_was_behind_a_question_mark<P: Backend>() {
    let pool = Builder::<P>::new().threads(1).build().unwrap();
    let failed = anyhow::Error::from(pool.submit(|| panic!("reason {}", black_box(1))).join().unwrap_err());
    assert_eq!(format!("{failed:#}"), "panicked: reason 1", "and that once");
    let Ok(JobError::Panicked(panic)) = failed.downcast() else { panic!("not the panic of a job") };
    assert_eq!(panic.into_payload().downcast_ref(), Some(&String::from("reason 1")));
    // A hook that panics, and its payload, on the thread that builds.
    let refused = Builder::<P>::new().threads(1).on_start(|_| panic!("reason {}", black_box(2))).build();
    let Err(BuildError::Hook(panic)) = refused.map(drop) else { panic!("the hook was not called") };
    assert_eq!(panic.message(), Some("reason 2"));
    let refused = anyhow::Error::from(BuildError::Hook(panic));
    assert_eq!(format!("{refused:#}"), "the start hook panicked: reason 2");
    // What the system says is a cause, also behind the backend's own library.
    let refused = Builder::<P>::new().threads(1).thread_name(|_| "\0".into()).build().map(drop).unwrap_err();
    let (refused, why) = (anyhow::Error::from(refused), "a zero byte");
    let told = format!("{refused:#}");
    assert!(told.starts_with("thread 0 could not be started: "), "{told}");
    assert_eq!(told.matches(why).count(), 1, "{told}");
    assert!(refused.root_cause().is::<std::io::Error>(), "{told}");
}

fn p10_a_late_job_says_that_it_is_a_job<P: Backend>() {
    let pool = Builder::<P>::new().threads(1).build().unwrap();
    let (release, hang) = mpsc::channel::<()>();
    let mut handle = pool.submit(move || hang.recv().is_err());
    let limit = Duration::from_millis(5);
    let late: anyhow::Error = handle.join_timeout(limit).unwrap_err().into();
    assert_eq!(late.to_string(), "the job had not ended after 5ms");
    assert_eq!(late.downcast_ref::<JobTimedOut>().map(JobTimedOut::waited), Some(limit));
    assert!(late.downcast_ref::<TimedOut>().is_none(), "no item is late");
    drop(release);
    assert!(handle.join().unwrap());
}

/// What a user sees with `RUST_BACKTRACE=1`: the function that panicked, and nearly nothing of the engine.
#[test]
fn p6_a_short_backtrace_has_few_frames_of_the_engine() {
    const CHILD: &str = "POOL_TEST_BACKTRACE";
    if std::env::var_os(CHILD).is_some() {
        let pools: [Box<dyn Executor>; 3] = [
            Box::new(ChannelPool::new(2).unwrap()),
            Box::new(StealingPool::new(2).unwrap()),
            Box::new(RayonPool::new(2).unwrap()),
        ];
        for pool in pools {
            assert_eq!(
                pool.imap(0..100_u32, |x| assert_ne!(x, 50)).catch_panics().filter(Result::is_err).count(),
                1
            );
            assert!(pool.submit(|| assert!(black_box(false))).join().is_err());
        }
        return;
    }
    let name = "p6_a_short_backtrace_has_few_frames_of_the_engine";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name, "--nocapture"]).env(CHILD, "1").env("RUST_BACKTRACE", "1");
    let output = within(LONG, move || child.output().unwrap());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let traces: Vec<_> = said.split("stack backtrace:").skip(1).collect();
    assert_eq!(traces.len(), 6, "{said}");
    for trace in traces {
        let frames = trace.lines().filter_map(|line| line.trim().split_once(": "));
        let mut frames =
            frames.filter(|(number, _)| number.parse::<u32>().is_ok()).map(|(_, function)| function);
        assert!(frames.any(|function| function.contains("errors::")), "{trace}");
        let below = frames.count();
        assert!(below <= 8, "{below} frames below the function:\n{trace}");
    }
}
