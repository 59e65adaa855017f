//! Items that are allocated by one thread and freed by another, so that the allocator counts: `engine` has these rows
//! with the system's, `engine_mimalloc` with another.

use super::Bench;
use super::row::{Bar, IDEAL, Row, Runs, SEQUENTIAL};
use crate::contenders::Pool;
use pool_core::Executor;
use pool_core::work::{checksum, xorshift};
use rayon::prelude::*;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Lines, Write};
use std::path::Path;
use tempfile::NamedTempFile;

pub fn rows(bench: &Bench) {
    strings(bench);
    json_lines(bench);
}

/// Adds a text of at least eight bytes to a checksum, by its last eight: a consumer that looked at all of them
/// would take as long as what is measured.
fn add(sum: u64, text: String) -> u64 {
    let end = text.as_bytes().last_chunk().expect("it has eight bytes");
    checksum(sum, u64::from_le_bytes(*end))
}

fn strings(bench: &Bench) {
    let items = bench.items(1_000_000);
    let f = |x: u64| format!("item {x} has the number {:x}", xorshift(x, 4));
    let eager = |pool: &rayon::ThreadPool| {
        let results: Vec<String> = pool.install(|| (0..items).into_par_iter().map(f).collect());
        results.into_iter().fold(0, add)
    };
    let bars: &[Bar] = if bench.mimalloc { &[] } else { &[Bar::Ratio(1.9)] };
    let row = Row { name: "strings", items, base: IDEAL, bars };
    let runs = Runs {
        sequential: &|| (0..items).map(f).fold(0, add),
        eager: Some(&eager),
        ours: &|pool| pool.imap(0..items, f).fold(0, add),
    };
    bench.compare(&row, &runs);
}

/// What is read of a line of a log; the rest of it is skipped.
#[derive(Deserialize)]
pub struct Entry<'a> {
    pub id: u64,
    pub path: &'a str,
    pub ms: u32,
}

/// A line of a log, of about 165 bytes.
fn line(id: u64) -> String {
    let random = xorshift(id, 4);
    let level = ["debug", "info", "warn", "error"][(random >> 20) as usize % 4];
    let path = ["orders", "users", "invoices"][(random >> 24) as usize % 3];
    let ms = (random >> 32) % 10_000;
    format!(
        r#"{{"id":{id},"time":"2026-01-01T12:34:56Z","level":"{level}","path":"/api/v1/{path}/{ms:05}","status":200,"ms":{ms},"agent":"Mozilla/5.0 (X11; Linux x86_64)","host":"p"}}"#
    )
}

/// A file with this number of lines.
pub fn log(lines: u64) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("there is room for a file");
    let mut write = BufWriter::new(file.as_file_mut());
    (0..lines).try_for_each(|id| writeln!(write, "{}", line(id))).expect("the file is writable");
    write.flush().expect("the file is writable");
    drop(write);
    file
}

/// Parses a line and writes a short one. The number comes last, where the checksum looks.
fn short(line: io::Result<String>) -> String {
    let line = line.expect("the file is readable");
    let Entry { id, path, ms } = serde_json::from_str(&line).expect("the file has JSON");
    format!("{path} {ms} ms {id:08}")
}

fn lines(file: &Path) -> Lines<BufReader<File>> {
    BufReader::new(File::open(file).expect("the file is there")).lines()
}

/// Prints the results into a sink.
fn print(results: impl Iterator<Item = String>) -> u64 {
    let mut out = BufWriter::new(io::sink());
    results.fold(0, |sum, text| {
        writeln!(out, "{text}").expect("a sink takes everything");
        add(sum, text)
    })
}

fn json_lines(bench: &Bench) {
    let name = "json lines";
    if !bench.wants(name) {
        return;
    }
    let items = bench.items(bench.options.lines);
    let file = log(items);
    let file = file.path();

    let eager = |pool: &rayon::ThreadPool| {
        let lines: Vec<_> = lines(file).collect();
        let results: Vec<String> = pool.install(|| lines.into_par_iter().map(short).collect());
        print(results.into_iter())
    };
    let bar = if bench.mimalloc { 0.62 } else { 0.9 };
    let row = Row { name, items, base: SEQUENTIAL, bars: &[Bar::Ratio(bar)] };
    let runs = Runs {
        sequential: &|| print(lines(file).map(short)),
        eager: Some(&eager),
        ours: &|pool: &Pool| print(pool.imap(lines(file), short)),
    };
    bench.compare(&row, &runs);
}
