//! Records as blocks: lines in, bytes out, in order, by `Blocks::pipe`; beside the loop over `lines`, the same loop with one
//! buffer for all lines, and rayon on rounds of blocks.

use super::Bench;
use super::measure::sample;
use super::text::{Entry, log};
use super::ways::{Limit, Way, compare};
use pool_core::work::checksum;
use pool_core::{Block, Blocks};
use rayon::prelude::*;
use regex::bytes::Regex;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

/// Blocks of a round of rayon's.
const ROUND: usize = 16;
/// The log in which the regular expression searches, in lines: 300 MB.
const LOG: u64 = 1_830_000;

pub fn rows(bench: &Bench) {
    let json = |line: &[u8], output: &mut Vec<u8>| {
        let Entry { id, path, ms } = serde_json::from_slice(line).expect("the file has JSON");
        writeln!(output, "{path} {ms} ms {id:08}").expect("memory is writable");
    };
    let lines = bench.items(bench.options.lines);
    row(bench, "json blocks", lines, &[(LINES, 0.65), (REUSED, 0.75), (ROUNDS, 1.0)], json);

    let slow = Regex::new(r#"(?-u)"path":"/api/v1/(orders|users)/\d*7\d*".*"ms":\d{4},"#).expect("it is one");
    let search = move |line: &[u8], output: &mut Vec<u8>| {
        if slow.is_match(line) {
            output.extend(line);
            output.push(b'\n');
        }
    };
    row(bench, "regex blocks", bench.items(LOG), &[(LINES, 0.6)], search);
}

/// The ways of a row, by their places, that ours are compared with.
type Base = (usize, &'static str);
const ROUNDS: Base = (0, "rounds");
const LINES: Base = (1, "lines()");
const REUSED: Base = (2, "buffer");

fn row(
    bench: &Bench,
    name: &str,
    items: u64,
    bars: &[(Base, f64)],
    f: impl Fn(&[u8], &mut Vec<u8>) + Clone + Send + Sync + 'static,
) {
    if !bench.wants(name) {
        return;
    }
    let file = log(items);
    let file = file.path();
    let expected = reused(file, &f);
    let f = &f;
    let rounds = || sample(expected, || in_rounds(&bench.contenders.rayon, file, f));
    let mut ways = vec![
        Way::new("rayon, in rounds", rounds),
        Way { base: Some(REUSED), ..Way::new("lines()", || sample(expected, || by_lines(file, f))) },
        Way::new("one buffer", || sample(expected, || reused(file, f))),
    ];
    for (name, pool) in &bench.contenders.ours {
        let run = move || {
            let mut output = Checked::default();
            Blocks::lines(open(file)).pipe(pool, &mut output, f.clone()).expect("the file is readable");
            output.total()
        };
        let limit = |((index, name), limit): &(Base, f64)| Limit::To(*index, name, *limit);
        let limits = bars.iter().map(limit).collect();
        ways.push(Way { base: Some(LINES), limits, ..Way::new(*name, move || sample(expected, run)) });
    }
    compare(bench, name, items, ways);
}

fn open(file: &Path) -> File {
    File::open(file).expect("the file is there")
}

/// What people write first.
fn by_lines(file: &Path, f: impl Fn(&[u8], &mut Vec<u8>)) -> u64 {
    let mut output = BufWriter::new(Checked::default());
    let mut bytes = Vec::new();
    for line in BufReader::new(open(file)).lines() {
        f(line.expect("the file is readable").as_bytes(), &mut bytes);
        output.write_all(&bytes).expect("it takes everything");
        bytes.clear();
    }
    total(output)
}

/// No allocation for a line.
fn reused(file: &Path, f: impl Fn(&[u8], &mut Vec<u8>)) -> u64 {
    let mut input = BufReader::new(open(file));
    let mut output = BufWriter::new(Checked::default());
    let (mut line, mut bytes) = (Vec::new(), Vec::new());
    while input.read_until(b'\n', &mut line).expect("the file is readable") > 0 {
        f(line.strip_suffix(b"\n").unwrap_or(&line), &mut bytes);
        output.write_all(&bytes).expect("it takes everything");
        line.clear();
        bytes.clear();
    }
    total(output)
}

/// The eager way, for some blocks at a time.
fn in_rounds(pool: &rayon::ThreadPool, file: &Path, f: impl Fn(&[u8], &mut Vec<u8>) + Sync) -> u64 {
    let map = |block: &Block| {
        let mut bytes = Vec::new();
        block.records().for_each(|line| f(line, &mut bytes));
        bytes
    };
    let mut output = Checked::default();
    let mut blocks = Blocks::lines(open(file));
    loop {
        let round: Vec<Block> =
            blocks.by_ref().take(ROUND).collect::<io::Result<_>>().expect("the file is readable");
        if round.is_empty() {
            return output.total();
        }
        let mapped: Vec<Vec<u8>> = pool.install(|| round.par_iter().map(map).collect());
        mapped.iter().try_for_each(|bytes| output.write_all(bytes)).expect("it takes everything");
    }
}

fn total(output: BufWriter<Checked>) -> u64 {
    output.into_inner().expect("it takes everything").total()
}

/// A checksum of what is written, however it is cut.
#[derive(Debug, Default)]
struct Checked {
    sum: u64,
    /// Bytes that are not eight yet.
    begun: Vec<u8>,
}

impl Checked {
    fn add(&mut self, word: [u8; 8]) {
        self.sum = checksum(self.sum, u64::from_le_bytes(word));
    }

    fn total(&self) -> u64 {
        self.begun.iter().fold(self.sum, |sum, byte| checksum(sum, u64::from(*byte)))
    }
}

impl Write for Checked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        if !self.begun.is_empty() {
            let (first, others) = bytes.split_at(bytes.len().min(8 - self.begun.len()));
            self.begun.extend(first);
            rest = others;
            let Ok(word) = self.begun.as_slice().try_into() else { return Ok(bytes.len()) };
            self.add(word);
            self.begun.clear();
        }
        let (words, left) = rest.as_chunks();
        words.iter().for_each(|word| self.add(*word));
        self.begun.extend(left);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
