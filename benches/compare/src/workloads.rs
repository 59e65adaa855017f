//! The workloads of the benchmarks, by name. Each runs on any [`Contender`] and gives a checksum in which the
//! order counts, so that a contender that is wrong is not called fast: `tests/agreement.rs` compares all of them
//! with sequential code.

use crate::contender::Contender;
use crate::corpus;
use flate2::{Compression, write::DeflateEncoder};
use pool_core::Blocks;
use pool_core::work::{checksum, rounds_for, xorshift};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BinaryHeap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// Items of one `imap` where there are many small ones.
const SMALL: u64 = 10;
/// Items of an inner `imap` where they are nested.
const INNER: u64 = 50;

/// A named workload.
#[derive(Debug, Clone, Copy)]
pub struct Workload {
    /// The name, in tables and for `--workload`.
    pub name: &'static str,
    /// What has such items in life, in a few words.
    pub like: &'static str,
    /// One line on what is done for an item.
    pub about: &'static str,
    /// Items between input and consumer where a contender lets one say so.
    pub window: usize,
    /// Whether items or results are allocated, so that it measures the allocator too.
    pub allocates: bool,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    /// This many nanoseconds of arithmetic for each item.
    Even(f64),
    /// The same, and a hundred times that for every hundredth item.
    Skewed(f64),
    /// The same, and for the first item a third of what all others take together.
    SlowHead(f64),
    Strings,
    Hash,
    Compress,
    /// An item after every gap.
    SlowInput(Duration),
    PingPong,
    Small,
    Nested,
    Storm,
    Json,
    JsonBlocks,
}

/// Enough for short items; large ones need less.
const WINDOW: usize = 8192;

const fn workload(name: &'static str, like: &'static str, kind: Kind, about: &'static str) -> Workload {
    let window = if matches!(kind, Kind::Hash | Kind::Compress | Kind::JsonBlocks) { 16 } else { WINDOW };
    let allocates =
        matches!(kind, Kind::Strings | Kind::Hash | Kind::Compress | Kind::Json | Kind::JsonBlocks);
    Workload { name, like, about, window, allocates, kind }
}

/// All workloads.
pub const ALL: [Workload; 18] = [
    workload("empty", "counting", Kind::Even(0.0), "nothing: what the machinery costs"),
    workload("50ns", "a field of a record", Kind::Even(50.0), "50 ns of arithmetic"),
    workload("1us", "a short line of text", Kind::Even(1e3), "1 µs of arithmetic"),
    workload("10us", "a line of a log", Kind::Even(1e4), "10 µs of arithmetic"),
    workload("1ms", "a page, a small picture", Kind::Even(1e6), "1 ms of arithmetic"),
    workload("skewed", "files of all sizes", Kind::Skewed(1e4), "10 µs, and 1 ms for one item in a hundred"),
    workload(
        "slow-head",
        "one large file before many small ones",
        Kind::SlowHead(1e4),
        "10 µs, and for the first item a third of all others together",
    ),
    workload("strings", "a line printed anew", Kind::Strings, "a new `String` of some 40 bytes"),
    workload("hash", "blocks of a file", Kind::Hash, "SHA-256 of a block of 1 MiB"),
    workload("compress", "blocks of a file, compressed", Kind::Compress, "deflate of a block of 1 MiB"),
    workload("json", "records of a log", Kind::Json, "parse a line of JSON, change it, write it again"),
    workload(
        "json-blocks",
        "a log of records",
        Kind::JsonBlocks,
        "the same, while an item is a block of whole lines, of up to 256 KiB",
    ),
    workload(
        "slow-input",
        "a socket, a sensor",
        Kind::SlowInput(Duration::from_micros(100)),
        "1 µs; the input has an item every 100 µs",
    ),
    workload(
        "ping-pong",
        "a dialogue",
        Kind::PingPong,
        "nothing, but each item is there only after the result before it",
    ),
    workload("small", "a query with a few rows", Kind::Small, "1 µs, in `imap`s of 10 items each"),
    workload(
        "nested",
        "folders of files",
        Kind::Nested,
        "1 µs, in `imap`s of 50 items inside the function of another",
    ),
    workload("storm", "requests to a server", Kind::Storm, "1 µs, each a job of its own with a handle"),
    workload("100ns", "a number that is parsed", Kind::Even(100.0), "100 ns of arithmetic"),
];

/// The workload of that name.
pub fn named(name: &str) -> Option<Workload> {
    ALL.into_iter().find(|workload| workload.name == name)
}

/// A workload of `nanoseconds` of arithmetic for each item.
pub const fn even(nanoseconds: f64) -> Workload {
    workload("even", "", Kind::Even(nanoseconds), "arithmetic")
}

static PER_MILLISECOND: OnceLock<u64> = OnceLock::new();

/// The rounds of xorshift that take a millisecond, as measured once in this process.
pub fn rounds_per_millisecond() -> u64 {
    *PER_MILLISECOND.get_or_init(|| rounds_for(1e6))
}

/// Takes over what another process has measured, so that both do the same work. Too late after the first run.
pub fn set_rounds_per_millisecond(rounds: u64) {
    let _ = PER_MILLISECOND.set(rounds);
}

fn rounds(nanoseconds: f64) -> u64 {
    (nanoseconds * 1e-6 * rounds_per_millisecond() as f64) as u64
}

impl Workload {
    /// Runs it with `items` items and gives the checksum of the results; `None` if the contender cannot.
    pub fn run<C: Contender>(&self, contender: &C, items: u64) -> Option<u64> {
        let mut sum = 0;
        let add = |result: u64| sum = checksum(sum, result);
        let microsecond = rounds(1e3);
        match self.kind {
            Kind::Even(time) => {
                let rounds = rounds(time);
                contender.each(0..items, move |x| xorshift(x, rounds), add);
            }
            Kind::Skewed(_) | Kind::SlowHead(_) => {
                let rounds = self.rounds_of(items);
                contender.each(0..items, move |x| xorshift(x, rounds(x)), add);
            }
            Kind::Strings => {
                let text = |x: u64| format!("item {x} has the number {:x}", xorshift(x, 4));
                contender.each(0..items, text, add_bytes(add));
            }
            Kind::Hash => contender.each(corpus::blocks(items), hash, add),
            Kind::Compress => contender.each(corpus::blocks(items), compress, add_bytes(add)),
            Kind::Json => contender.each(corpus::lines(items), corpus::change, add_bytes(add)),
            Kind::JsonBlocks => {
                let blocks = Blocks::lines(corpus::text(items));
                contender.each(blocks, corpus::change_lines, add_bytes(add));
            }
            Kind::SlowInput(gap) => {
                contender.each(slow_input(items, gap), move |(x, _)| xorshift(x, microsecond), add);
            }
            Kind::PingPong => ping_pong(contender, items, add),
            Kind::Small => {
                let mut add = add;
                for call in 0..items / SMALL {
                    let items = call * SMALL..(call + 1) * SMALL;
                    contender.each(items, move |x| xorshift(x, microsecond), &mut add);
                }
            }
            Kind::Nested => {
                let nested = contender.clone();
                let outer = move |call: u64| {
                    let mut sum = 0;
                    let items = call * INNER..(call + 1) * INNER;
                    nested.each(items, move |x| xorshift(x, microsecond), |x| sum = checksum(sum, x));
                    sum
                };
                contender.each(0..items / INNER, outer, add);
            }
            Kind::Storm => {
                if !contender.submit(items, move |x| xorshift(x, microsecond), add) {
                    return None;
                }
            }
        }
        Some(sum)
    }

    /// Runs it and tells which thread ran which item when. Only for workloads of arithmetic.
    pub fn spans<C: Contender>(&self, contender: &C, items: u64) -> Vec<Span> {
        let rounds = self.rounds_of(items);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let spans = seen.clone();
        let origin = Instant::now();
        let f = move |item| {
            let start = origin.elapsed();
            std::hint::black_box(xorshift(item, rounds(item)));
            let end = origin.elapsed();
            spans.lock().expect("nothing panics").push((thread::current().id(), item, start, end));
        };
        contender.each(0..items, f, |()| ());
        let mut threads: Vec<ThreadId> = Vec::new();
        let seen = std::mem::take(&mut *seen.lock().expect("nothing panics"));
        let span = |(thread, item, start, end): (ThreadId, u64, Duration, Duration)| {
            let known = threads.iter().position(|known| *known == thread);
            let thread = known.unwrap_or_else(|| {
                threads.push(thread);
                threads.len() - 1
            });
            Span { thread, item, start: start.as_secs_f64() * 1e6, end: end.as_secs_f64() * 1e6 }
        };
        seen.into_iter().map(span).collect()
    }

    /// How the length of an item follows from its number.
    fn rounds_of(&self, items: u64) -> impl Fn(u64) -> u64 + Copy + Send + Sync + 'static {
        let (kind, unit) = match self.kind {
            kind @ (Kind::Even(time) | Kind::Skewed(time) | Kind::SlowHead(time)) => (kind, rounds(time)),
            kind => (kind, rounds(1e3)),
        };
        move |item| unit * kind.units(item, items)
    }

    /// Whether it hangs unless results come before the next item does.
    pub fn needs_live(&self) -> bool {
        matches!(self.kind, Kind::PingPong)
    }

    /// Whether a contender is used inside its own function.
    pub fn needs_nesting(&self) -> bool {
        matches!(self.kind, Kind::Nested)
    }

    /// Whether a run takes as long as its input, whatever is done with it.
    pub fn is_paced(&self) -> bool {
        matches!(self.kind, Kind::SlowInput(_))
    }

    /// The least number of items that make sense, of which a run has a multiple.
    pub fn step(&self) -> u64 {
        match self.kind {
            Kind::Small => SMALL,
            Kind::Nested => INNER,
            _ => 1,
        }
    }

    /// What would be ideal, as a part of the time that sequential code takes: items handed out in order, each to
    /// the thread that is free first, at no cost. `None` where items wait for results.
    pub fn ideal(&self, items: u64, threads: usize) -> Option<f64> {
        match self.kind {
            Kind::PingPong => None,
            Kind::SlowInput(_) => Some(1.0),
            Kind::Skewed(_) | Kind::SlowHead(_) => {
                Some(greedy((0..items).map(|item| self.kind.units(item, items)), threads))
            }
            // One call after the other.
            Kind::Small => Some(greedy(std::iter::repeat_n(1, SMALL as usize), threads)),
            _ => Some(greedy(std::iter::repeat_n(1, items.min(10_000) as usize), threads)),
        }
    }
}

impl Kind {
    /// How many units of time an item takes.
    fn units(self, item: u64, items: u64) -> u64 {
        match self {
            // Any permutation of the numbers will do; this one puts no two slow items side by side.
            Kind::Skewed(_) if item % 100 == (item / 100) * 37 % 100 => 100,
            Kind::SlowHead(_) if item == 0 => (items / 3).max(1),
            _ => 1,
        }
    }
}

/// How long greedy list scheduling takes (Graham 1966), as a part of the sum.
fn greedy(lengths: impl Iterator<Item = u64>, threads: usize) -> f64 {
    let mut free_at: BinaryHeap<_> = (0..threads).map(|_| std::cmp::Reverse(0)).collect();
    let (mut sum, mut last) = (0, 0);
    for length in lengths {
        let std::cmp::Reverse(start) = free_at.pop().expect("there is a thread");
        sum += length;
        last = last.max(start + length);
        free_at.push(std::cmp::Reverse(start + length));
    }
    last as f64 / sum.max(1) as f64
}

fn hash(block: Vec<u8>) -> u64 {
    let digest = Sha256::digest(&block);
    u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

fn compress(block: Vec<u8>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&block).expect("memory is writable");
    encoder.finish().expect("memory is writable")
}

/// Adds texts to a checksum.
fn add_bytes<T: AsRef<[u8]>>(mut add: impl FnMut(u64)) -> impl FnMut(T) {
    move |text| add(text.as_ref().iter().fold(0, |sum, byte| checksum(sum, u64::from(*byte))))
}

/// An item after every gap, with the time at which it was there.
fn slow_input(items: u64, gap: Duration) -> impl Iterator<Item = (u64, Instant)> + Send {
    let mut origin = None;
    (0..items).map(move |item| {
        let due = *origin.get_or_insert_with(Instant::now) + gap * item as u32;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        (item, Instant::now())
    })
}

/// How long after an item there is its result, where items come one at a time and take 1 µs of work.
pub fn latencies<C: Contender>(contender: &C, items: u64, gap: Duration) -> Vec<Duration> {
    let rounds = rounds(1e3);
    let mut latencies = Vec::new();
    let work = move |(item, there)| (xorshift(item, rounds), there);
    contender
        .each(slow_input(items, gap), work, |(_, there): (u64, Instant)| latencies.push(there.elapsed()));
    latencies
}

fn ping_pong<C: Contender>(contender: &C, items: u64, mut add: impl FnMut(u64)) {
    let (ask, asked) = mpsc::channel();
    let input = (0..items).inspect(move |item| {
        if *item > 0 {
            asked.recv().expect("the consumer asks for every item");
        }
    });
    contender.each(
        input,
        |x| x,
        |x| {
            add(x);
            // The input is gone after the last item.
            let _ = ask.send(());
        },
    );
}

/// A thread ran an item, from one moment to another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The thread, numbered as they appear.
    pub thread: usize,
    /// The item.
    pub item: u64,
    /// Microseconds from the beginning of the run.
    pub start: f64,
    /// Microseconds from the beginning of the run.
    pub end: f64,
}

#[cfg(test)]
mod tests;
