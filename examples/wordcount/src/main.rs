//! Counts the words of all files below a directory, in order: on threads, in processes, or on other machines.
//!
//! ```sh
//! wordcount count /usr/share/doc --threads 4
//! wordcount count /usr/share/doc --processes 4
//!
//! nats-server --jetstream -a 127.0.0.1                              # first terminal
//! wordcount work & wordcount work                                   # second: two workers
//! wordcount count /usr/share/doc --nats nats://127.0.0.1 --stats    # third: the master
//! ```
//!
//! The function and the output are the same. Kill a worker or a child in the middle: the output is still the same.

mod count;
mod input;
mod output;

use clap::{Args, Parser, Subcommand};
use example_common::{parse, stdout, tell, with_causes};
use output::Output;
use pool_nats::{Builder, NatsPool, Task, TaskError, Worker};
use pool_process::{ProcessPool, Program, Tasks};
use pool_stealing::{Executor, StealingPool};
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The task: from the bytes of a file to the number of its words.
const WORDS: Task<Vec<u8>, u64> = Task::named("words");

/// The variable that makes each file take this many milliseconds more, so that there is time to kill something.
const DELAY: &str = "WORDCOUNT_DELAY";

/// How often a file is tried in a process that dies of it, or is killed.
const ATTEMPTS: u32 = 3;

#[derive(Parser)]
#[command(
    about = "Counts the words of all files below a directory, in order, on threads, in processes or on other machines"
)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Counts, and prints for each file its number of words and its name.
    Count {
        /// The directory.
        path: PathBuf,
        #[command(flatten)]
        scale: Scale,
        #[command(flatten)]
        access: Access,
        /// Print at the end what was done where, and what went wrong meanwhile.
        #[arg(long)]
        stats: bool,
        /// With --nats: after how many seconds without a sign of life a worker's files go to others.
        #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
        ack_wait: f64,
    },
    /// Counts for masters, until it gets SIGTERM or SIGINT.
    Work {
        /// The address of the server. Several addresses of a cluster have commas between them.
        #[arg(long, default_value = "nats://127.0.0.1:4222", value_name = "URL")]
        nats: String,
        #[command(flatten)]
        access: Access,
        /// How many files to count at the same time [default: one for each core].
        #[arg(long)]
        threads: Option<usize>,
    },
}

/// Where the function runs. [default: --threads, one for each core]
#[derive(Args)]
#[group(multiple = false)]
struct Scale {
    /// On this many threads of this process.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// In this many child processes.
    #[arg(long, value_name = "N")]
    processes: Option<usize>,
    /// In the workers that this server reaches. Several addresses of a cluster have commas between them.
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
}

#[derive(Args)]
struct Access {
    /// A credentials file for the server.
    #[arg(long)]
    creds: Option<PathBuf>,
    /// The certificate of the server's authority, if that is your own.
    #[arg(long)]
    ca: Option<PathBuf>,
}

impl Access {
    /// The settings that master and worker share.
    fn configure<R>(&self, builder: Builder<R>) -> Builder<R> {
        let mut builder = builder.namespace("wordcount");
        if let Some(path) = &self.creds {
            builder = builder.credentials_file(path);
        }
        if let Some(path) = &self.ca {
            builder = builder.root_certificates(path);
        }
        builder
    }
}

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    // The first line of `main`: a child counts here, and never goes on.
    let program = Tasks::new().task(WORDS, words).serve();
    let result = match parse::<Arguments>("wordcount", std::env::args_os()).role {
        Role::Count { path, scale, access, stats, ack_wait } => match scale {
            Scale { nats: Some(url), .. } => count_elsewhere(path, &url, &access, stats, ack_wait),
            Scale { processes: Some(n), .. } => count_in_processes(path, program, n, stats),
            Scale { threads, .. } => count_on_threads(path, threads, stats),
        },
        Role::Work { nats, access, threads } => work(&nats, &access, threads).map(|()| true),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tell(format_args!("wordcount: {}", with_causes(&*error)));
            ExitCode::FAILURE
        }
    }
}

/// The function, wherever it runs.
fn words(text: Vec<u8>) -> u64 {
    if let Some(delay) = std::env::var(DELAY).ok().and_then(|delay| delay.parse().ok()) {
        std::thread::sleep(Duration::from_millis(delay));
    }
    count::words(&text)
}

fn count_elsewhere(path: PathBuf, url: &str, access: &Access, stats: bool, ack_wait: f64) -> Result<bool> {
    let stdout = stdout().map_err(unwritten)?;
    let ack_wait = Duration::try_from_secs_f64(ack_wait)?;
    let pool = access.configure(NatsPool::builder(url)).ack_wait(ack_wait).build()?;
    let (files, names) = input::files(path);
    let mut counts = pool.imap(WORDS, files);
    let all_read = print(Output::new(stdout, names), counts.by_ref())?;
    tell_if(stats, &counts.stats());
    Ok(all_read)
}

fn count_in_processes(path: PathBuf, program: Program, processes: usize, stats: bool) -> Result<bool> {
    let stdout = stdout().map_err(unwritten)?;
    let pool = ProcessPool::builder(program).processes(processes).build()?;
    let (files, names) = input::files(path);
    let mut counts = pool.imap(WORDS, files).max_attempts(ATTEMPTS);
    let all_read = print(Output::new(stdout, names), counts.by_ref())?;
    tell_if(stats, &counts.stats());
    Ok(all_read)
}

fn count_on_threads(path: PathBuf, threads: Option<usize>, stats: bool) -> Result<bool> {
    let stdout = stdout().map_err(unwritten)?;
    let pool = StealingPool::new(threads.unwrap_or_else(cores))?;
    let (files, names) = input::files(path);
    let mut counts = pool.imap(files, words);
    let all_read = print(Output::new(stdout, names), counts.by_ref().map(Ok))?;
    tell_if(stats, &format_args!("{}\n{}", counts.stats(), pool.stats()));
    Ok(all_read)
}

/// Whether all files could be read.
fn print(
    mut output: Output<impl std::io::Write>,
    counts: impl Iterator<Item = std::result::Result<u64, TaskError>>,
) -> Result<bool> {
    for count in counts {
        match count {
            Ok(words) => output.line(words).map_err(unwritten)?,
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => output.failure(&error).map_err(unwritten)?,
        }
    }
    Ok(output.finish().map_err(unwritten)?)
}

fn tell_if(wanted: bool, stats: &dyn Display) {
    if wanted {
        tell(stats.to_string().trim_end());
    }
}

fn unwritten(error: std::io::Error) -> String {
    format!("standard output: {error}")
}

fn work(url: &str, access: &Access, threads: Option<usize>) -> Result<()> {
    let pool = StealingPool::new(threads.unwrap_or_else(cores))?;
    access.configure(Worker::builder(url)).build()?.task(WORDS, words).run(&pool)?;
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
