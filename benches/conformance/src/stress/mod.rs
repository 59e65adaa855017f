//! Random scenarios against sequential code, from a seed, for as long as wanted.
//!
//! A scenario ([`scenario`]) is one pool and up to four consumers that use it at the same time: imaps with every setting and
//! from every entrance, chains, streams, sinks, maps and jobs, with inputs and functions ([`code`]) that block, pause,
//! panic, lie and use the pool, and values ([`values`]) that panic when they are dropped. Some are dropped, cancelled or
//! terminated on the way. What comes is compared with sequential code ([`oracle`]), and the input and the function look
//! ([`watch`]) whether they are called too early, too often, or on a wrong thread. At the end no value, byte and thread may
//! be left.
//!
//! A process has one policy of the engine, so each policy has a process of its own. So a scenario that aborts the process
//! is told as well, with its seed.

mod child;
mod code;
mod drive;
mod made;
mod oracle;
mod parent;
mod parts;
mod pool;
mod run;
mod scenario;
mod values;
mod watch;

use crate::subject::{AnySubject, Subject};
use clap::Parser;
use pool_core::Executor;
use scenario::{POLICIES, policy_of};
use std::process::exit;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

/// A scenario that has not ended by then hangs. They take some milliseconds.
const HANG: Duration = Duration::from_secs(20);

/// How often a thread that waits looks whether it still must.
const TICK: Duration = Duration::from_millis(20);

/// By how many KiB the memory may grow between the first scenarios and the last ones.
const GROWTH: u64 = 128 << 10;

/// The environment variable that tells a process that it is a child, and where it begins.
const CHILD: &str = "POOL_STRESS_FROM";

/// Random scenarios for backends, and the command line that says which.
///
/// ```no_run
/// use pool_channel::ChannelPool;
/// use pool_conformance::{Stress, Subject};
///
/// let mut stress = Stress::from_args();
/// let channel = Subject::new("channel", |threads| ChannelPool::new(threads).unwrap());
/// stress.add(channel.terminated_by(ChannelPool::terminate));
/// stress.run();
/// ```
#[derive(Debug)]
pub struct Stress {
    options: Options,
    subjects: Vec<Arc<AnySubject>>,
}

/// Random scenarios on all backends with all policies.
#[derive(Debug, Parser)]
struct Options {
    /// How many seconds [default: 30, or 0 with --seed].
    #[arg(long)]
    seconds: Option<u64>,
    /// Only the scenario of this seed, once, or again and again for as long as it says.
    #[arg(long)]
    seed: Option<u64>,
    /// Only on this backend.
    #[arg(long)]
    backend: Option<String>,
}

impl Stress {
    /// Of no backend yet, for the command line of this process:
    ///
    /// - `--seconds N`: how long; 30 by default;
    /// - `--backend NAME`: only on this backend;
    /// - `--seed N`: only the scenario of this seed, once, or again and again for that many seconds. The threads take
    ///   their steps in another order each time.
    ///
    /// `POOL_POLICY` chooses one policy of the engine. Otherwise each has a third of the time.
    pub fn from_args() -> Stress {
        Stress { options: Options::parse(), subjects: Vec::new() }
    }

    /// Adds a backend.
    pub fn add<P: Executor + 'static>(&mut self, subject: Subject<P>) {
        self.subjects.push(Arc::new(subject.erased()));
    }

    /// Runs, and ends the process: with status 1 if there was a fault, which was printed with its seed.
    pub fn run(self) -> ! {
        if let Some(wanted) = &self.options.backend
            && !self.subjects.iter().any(|subject| subject.name() == wanted)
        {
            eprintln!("no backend is called {wanted}");
            exit(2);
        }
        let fine = match env::var(CHILD).ok().and_then(|from| from.parse().ok()) {
            Some(from) => child::run_all(&self.options, &self.subjects, from),
            None => self.run_children(),
        };
        exit(if fine { 0 } else { 1 })
    }

    /// Each policy has its share of the time.
    fn run_children(&self) -> bool {
        let from = self.options.seed.unwrap_or_else(|| fastrand::u64(..1 << 48));
        let policies = self.policies();
        let seconds = self.options.seconds.unwrap_or(if self.options.seed.is_some() { 0 } else { 30 });
        let share = seconds / policies.len().max(1) as u64;
        policies.iter().all(|&policy| {
            let from = from - policy_of(from) as u64 + policy as u64;
            parent::run(&self.options, POLICIES[policy], from, share)
        })
    }

    fn policies(&self) -> Vec<usize> {
        let chosen = env::var("POOL_POLICY");
        let is_meant = |policy: &usize| match (self.options.seed, &chosen) {
            (Some(seed), _) => *policy == policy_of(seed),
            (None, Ok(chosen)) => POLICIES[*policy] == chosen,
            (None, Err(_)) => true,
        };
        (0..POLICIES.len()).filter(is_meant).collect()
    }
}

/// A number of this process. 0 where the system is not Linux.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
