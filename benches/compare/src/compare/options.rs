//! The command line, and what it comes to.

use crate::contender::Family;
use crate::entry::Entry;
use crate::workloads::{self, Workload};
use clap::Parser;
use std::path::PathBuf;
use std::time::Duration;

/// Compares ordered parallel maps: time, processor time and memory per item, for every contender and workload.
///
/// Prints a table and writes report.html, compare.json and compare.md. What allocates is measured with mimalloc too, if
/// there is a program of this name and `_mimalloc` beside this one.
#[derive(Debug, Clone, Parser)]
#[command(version)]
pub struct Options {
    /// Take one minute in all; otherwise ten.
    #[arg(long)]
    pub quick: bool,
    /// Take about so many seconds in all, or less if little is to be measured.
    #[arg(long, conflicts_with = "quick", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: Option<u64>,
    /// Only these backends (`channel` is `channel-by-1` and `channel-cold` too), or `none`.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub backend: Vec<String>,
    /// Only these peers (`rayon` is all that begin with `rayon-`), or `none`.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub peer: Vec<String>,
    /// Only these workloads.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub workload: Vec<String>,
    /// Numbers of threads for the plot of throughput. The table is of as many as there are cores, or of the next
    /// number below that is in this list.
    #[arg(long, value_delimiter = ',', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Vec<u16>,
    /// Compare with the compare.json of an earlier run, and exit with 1 if a backend has become slower.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// How much slower than the baseline a backend may be, in per cent.
    #[arg(long, default_value_t = 10.0, requires = "baseline", value_name = "PERCENT")]
    pub max_loss: f64,
    /// The folder for the files.
    #[arg(long, default_value = "target/compare", value_name = "DIR")]
    pub out: PathBuf,
    /// List contenders and workloads, and do nothing.
    #[arg(long)]
    pub list: bool,
    /// Run one workload and print its peak memory: WORKLOAD,ITEMS,THREADS,ROUNDS_PER_MILLISECOND,CONTENDER.
    #[arg(long, hide = true, value_name = "RUN")]
    pub memory_of: Option<String>,
    /// Measure one workload and print the results, for a program with another allocator.
    #[arg(long, hide = true, value_name = "REQUEST")]
    pub results_of: Option<String>,
}

/// What is to be measured.
#[derive(Debug)]
pub struct Plan {
    /// Who takes part; sequential code comes first.
    pub entries: Vec<Entry>,
    /// Which workloads.
    pub workloads: Vec<Workload>,
    /// Threads of each contender in the tables.
    pub threads: usize,
    /// Numbers of threads for the plot of throughput.
    pub scale: Vec<usize>,
    /// How long all of it may take.
    pub limit: Duration,
    /// Whether it is the short one, with fewer points in the plots.
    pub quick: bool,
}

impl Options {
    /// What these options ask for, of all contenders that there are.
    pub fn plan(&self, entries: Vec<Entry>, cores: usize) -> Result<Plan, String> {
        let names = |family| move |entry: &&Entry| entry.traits.family == family;
        for (option, wanted, family) in
            [("--backend", &self.backend, Family::Backend), ("--peer", &self.peer, Family::Peer)]
        {
            let known: Vec<_> =
                entries.iter().filter(names(family)).map(|entry| &*entry.traits.name).collect();
            if let Some(unknown) =
                wanted.iter().find(|one| *one != "none" && !known.iter().any(|name| is(one, name)))
            {
                return Err(unknown_name(option, unknown, &known));
            }
        }
        let chosen = |entry: &Entry| match entry.traits.family {
            Family::Sequential => true,
            Family::Backend => {
                self.backend.is_empty() || self.backend.iter().any(|one| is(one, &entry.traits.name))
            }
            Family::Peer => self.peer.is_empty() || self.peer.iter().any(|one| is(one, &entry.traits.name)),
        };
        let known = workloads::ALL.map(|workload| workload.name);
        if let Some(unknown) = self.workload.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(unknown_name("--workload", unknown, &known));
        }
        let wanted = |workload: &Workload| self.workload.iter().any(|name| name == workload.name);
        let workloads =
            workloads::ALL.into_iter().filter(|one| self.workload.is_empty() || wanted(one)).collect();
        let mut scale: Vec<usize> = self.threads.iter().map(|threads| usize::from(*threads)).collect();
        if scale.is_empty() {
            scale = (0..).map(|power| 1 << power).take_while(|threads| *threads <= 2 * cores).collect();
            scale.push(cores);
        }
        scale.sort_unstable();
        scale.dedup();
        let below = scale.iter().copied().filter(|threads| *threads <= cores).max();
        let threads = if self.threads.is_empty() { cores } else { below.unwrap_or(scale[0]) };
        let seconds = self.seconds.unwrap_or(if self.quick { 60 } else { 600 });
        Ok(Plan {
            entries: entries.into_iter().filter(chosen).collect(),
            workloads,
            threads,
            scale,
            limit: Duration::from_secs(seconds),
            quick: seconds < 300,
        })
    }
}

/// Whether a contender is meant by this word.
fn is(word: &str, name: &str) -> bool {
    name.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn unknown_name(option: &str, name: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return format!("{option} {name}: this program was built without any");
    }
    format!("{option} {name}: there is no such; there are {}", known.join(", "))
}
