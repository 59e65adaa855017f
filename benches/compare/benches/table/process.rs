//! What only the first `imap` of a process pays for. Each is measured in a process of its own, which is this program
//! again.

use super::Bench;
use super::measure::{Sample, median, sample};
use super::ways::{Limit, Way, compare};
use crate::contenders::{BACKENDS, THREADS};
use pool_core::Executor;
use std::env;
use std::iter;
use std::process::{Command, Stdio};

/// The variable that tells a process to do nothing but the first `imap`, of the backend that it names.
const CHILD: &str = "ENGINE_FIRST";

/// Whether this is such a process; then it has done its work.
pub fn is_child() -> bool {
    let Ok(wanted) = env::var(CHILD) else { return false };
    let (_, new) = BACKENDS.iter().find(|(backend, _)| *backend == wanted).expect("there is such a backend");
    let pool = new(THREADS);
    let Sample { wall, cpu } =
        sample(1, || pool.imap(iter::once(1), |x| x).next().expect("there is one item"));
    println!("{wall} {cpu}");
    true
}

pub fn rows(bench: &Bench) {
    let name = "first of a process";
    if !bench.wants(name) {
        return;
    }
    let way = |backend| Way {
        limits: vec![Limit::Nanoseconds(300_000.0)],
        ..Way::new(backend, move || children(backend))
    };
    compare(bench, name, 1, BACKENDS.iter().map(|(backend, _)| way(*backend)).collect());
}

/// Medians over some processes.
fn children(backend: &str) -> Sample {
    let all: Vec<Sample> = iter::repeat_with(|| child(backend)).take(20).collect();
    Sample {
        wall: median(all.iter().map(|sample| sample.wall)),
        cpu: median(all.iter().map(|sample| sample.cpu)),
    }
}

fn child(backend: &str) -> Sample {
    let program = env::current_exe().expect("this program knows where it is");
    let output = Command::new(program).env(CHILD, backend).stderr(Stdio::inherit()).output();
    let answer = String::from_utf8(output.expect("it starts again").stdout).expect("it prints numbers");
    let mut numbers = answer.split_whitespace().map(|number| number.parse().expect("it prints numbers"));
    let mut number = || numbers.next().expect("it prints two numbers");
    Sample { wall: number(), cpu: number() }
}
