//! SHA-256 of every file in a tree, in the format of `sha256sum`.
//!
//! The walk is the input of an `imap`, so it runs at most a window ahead of the output, and the lines come
//! in the order of the walk, and not in the order in which hashing ends.

mod hash;
mod input;
mod output;

use clap::{Parser, ValueEnum};
use example_common::{parse, stdout, tell, with_causes};
use hash::Sum;
use input::Failure;
use output::{FLUSH_AFTER, Output, Progress};
use pool_channel::ChannelPool;
use pool_rayon::RayonPool;
use pool_stealing::{BuildError, Executor, Imap, ImapStats, PoolStats, StealingPool};
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::exit;
use std::thread::available_parallelism;

/// Prints the SHA-256 of every regular file below the given paths.
///
/// The lines come in the order of the walk, which is sorted by name, and as soon as they can; `sha256sum
/// -c` reads them. What cannot be read is reported on standard error, and the exit status is 1 at the end. It is 1,
/// too, if the lines cannot be written, as after `| head`.
#[derive(Parser, Debug)]
#[command(name = "checksums")]
struct Arguments {
    /// Files and directories. `-` reads names of files from standard input, one a line (or see `-0`).
    ///
    /// Links are followed if they are named here, and not below a directory. Without any path: names from
    /// standard input, or the current directory if that is a terminal.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Names on standard input end with a zero byte, as those of `find -print0` do, and not with a line.
    #[arg(short = '0', long)]
    null: bool,

    /// The pool that does the work.
    #[arg(long, value_enum, default_value_t = Backend::Stealing)]
    backend: Backend,

    /// How many files to hash at the same time [default: one per core].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    threads: Option<usize>,

    /// How many files the walk may be ahead of the output [default: 4096 per thread].
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    window: Option<usize>,

    /// Say at the end, on standard error, how the files went through and what each thread has done.
    ///
    /// First how many files were where in the middle of the run, after a quarter to a half of them; then at its end.
    /// For each thread: its jobs (few, since one goes on from file to file), how long it was busy with them,
    /// how often it slept since there was none, and how many it took from another thread.
    #[arg(long)]
    stats: bool,
}

#[derive(ValueEnum, Clone, Copy, Debug)]
enum Backend {
    /// One queue that all threads share.
    Channel,
    /// A queue for each thread; idle threads steal.
    Stealing,
    /// The threads of rayon.
    Rayon,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

fn main() {
    let mut arguments: Arguments = parse("checksums", std::env::args_os());
    if arguments.paths.is_empty() {
        let path = if io::stdin().is_terminal() { "." } else { "-" };
        arguments.paths.push(path.into());
    }
    let threads = arguments.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    match arguments.backend {
        Backend::Channel => run(ChannelPool::new(threads), ChannelPool::stats, arguments),
        Backend::Stealing => run(StealingPool::new(threads), StealingPool::stats, arguments),
        Backend::Rayon => run(RayonPool::new(threads), RayonPool::stats, arguments),
    }
}

/// Prints a line for each file, on any backend.
fn run<P: Executor>(
    pool: Result<P, BuildError>,
    pool_stats: impl Fn(&P) -> PoolStats,
    arguments: Arguments,
) -> ! {
    let stdout = stdout().unwrap_or_else(|error| fail(format_args!("standard output: {error}")));
    let pool = pool.unwrap_or_else(|error| fail(with_causes(&error)));
    let progress = Progress::new();
    let mut output = Output::new(stdout, progress.clone());
    let files = progress.clone().count(input::files(arguments.paths, if arguments.null { 0 } else { b'\n' }));
    let mut results = pool.imap(files, move |file| {
        let name = file?;
        match hash::sha256(&name, |bytes| progress.read(bytes)) {
            Ok(sum) => Ok((sum, name)),
            Err(error) => Err(Failure { name, error }),
        }
    });
    if let Some(window) = arguments.window {
        results = results.window(window);
    }
    let mut middle = Middle::default();
    let printed = print_lines(&mut results, &mut output, &mut middle);
    if arguments.stats {
        let (end, pool) = (results.stats(), pool_stats(&pool));
        output.message(&format!(
            "in the middle: {}\nat the end: {end}\n{pool}\n",
            middle.stats().unwrap_or(&end)
        ));
    }
    drop(output);
    // Not `return`, which would drop the pool and so wait for the files that are being hashed: after an
    // error of standard output their lines have nowhere to go.
    match printed {
        Ok(all_read) => exit(if all_read { 0 } else { 1 }),
        Err(error) => fail(format_args!("standard output: {}", output::reason(&error))),
    }
}

type Hashed = Result<(Sum, PathBuf), Failure>;

/// The figures of the middle of a run. Its length is not known before its end, so they are taken after 1, 2, 4, …
/// files. The last but one is from between a quarter and a half.
#[derive(Default)]
struct Middle {
    files: u64,
    taken: Vec<ImapStats>,
}

impl Middle {
    fn count(&mut self, results: &Imap<'_, Hashed>) {
        self.files += 1;
        if self.files.is_power_of_two() {
            self.taken.push(results.stats());
        }
    }

    fn stats(&self) -> Option<&ImapStats> {
        self.taken.iter().nth_back(1).or(self.taken.last())
    }
}

/// Whether all files could be read. The error is one of standard output.
fn print_lines(
    results: &mut Imap<'_, Hashed>,
    output: &mut Output<impl Write>,
    middle: &mut Middle,
) -> io::Result<bool> {
    let mut all_read = true;
    loop {
        // With a limit: what has been gathered is handed over before a long wait.
        match results.next_timeout(FLUSH_AFTER) {
            Ok(Some(Ok((sum, name)))) => output.line(&sum, &name)?,
            Ok(Some(Err(failure))) => {
                output.failure(&failure)?;
                all_read = false;
            }
            Ok(None) => return output.flush().map(|()| all_read),
            Err(_late) => {
                output.flush()?;
                continue;
            }
        }
        middle.count(results);
    }
}

fn fail(message: impl Display) -> ! {
    tell(format_args!("checksums: {message}"));
    exit(1)
}
