//! Counts the words of all files below a directory, in order: on other machines, or here.
//!
//! ```sh
//! nats-server --jetstream                     # first terminal
//! wordcount work & wordcount work             # second: two workers
//! wordcount count /usr/share/doc --stats      # third: the master
//! ```
//!
//! Kill a worker in the middle: the output is the same. `wordcount count --local` prints the same bytes without any
//! server.

mod count;
mod input;
mod output;

use clap::{Args, Parser, Subcommand};
use example_common::{parse, stdout, tell, with_causes};
use output::Output;
use pool_nats::{Builder, NatsPool, Task, Worker};
use pool_stealing::{Executor, StealingPool};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// The task: from the bytes of a file to the number of its words.
const WORDS: Task<Vec<u8>, u64> = Task::named("words");

#[derive(Parser)]
#[command(about = "Counts the words of all files below a directory, in order, on other machines or here")]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Gives files to workers, and prints for each its number of words and its name.
    Count {
        /// The directory.
        path: PathBuf,
        #[command(flatten)]
        server: Server,
        /// Count on the threads of this machine, without workers. The output is the same.
        #[arg(long)]
        local: bool,
        /// Print at the end what each worker has done, and what went wrong meanwhile.
        #[arg(long)]
        stats: bool,
        /// After how many seconds without a sign of life a worker's files go to others.
        #[arg(long, default_value_t = 2.0, value_name = "SECONDS")]
        ack_wait: f64,
    },
    /// Counts for masters, until it gets SIGTERM or SIGINT.
    Work {
        #[command(flatten)]
        server: Server,
        /// How many files to count at the same time [default: one for each core].
        #[arg(long)]
        threads: Option<usize>,
        /// Make each file take this many milliseconds more, so that there is time to kill a worker.
        #[arg(long, default_value_t = 0)]
        delay: u64,
    },
}

#[derive(Args)]
struct Server {
    /// The address of the server. Several addresses of a cluster have commas between them.
    #[arg(long, default_value = "nats://127.0.0.1:4222")]
    server: String,
    /// A credentials file.
    #[arg(long)]
    creds: Option<PathBuf>,
    /// The certificate of the server's authority, if that is your own.
    #[arg(long)]
    ca: Option<PathBuf>,
}

impl Server {
    /// The task and its settings, which master and worker share.
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
    let result = match parse::<Arguments>("wordcount", std::env::args_os()).role {
        Role::Count { path, local: true, stats, .. } => count_here(path, stats),
        Role::Count { path, server, stats, ack_wait, .. } => count_elsewhere(path, &server, stats, ack_wait),
        Role::Work { server, threads, delay } => work(&server, threads, delay).map(|()| true),
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

/// Whether all files could be read.
fn count_elsewhere(path: PathBuf, server: &Server, stats: bool, ack_wait: f64) -> Result<bool> {
    let stdout = stdout().map_err(unwritten)?;
    let ack_wait = Duration::try_from_secs_f64(ack_wait)?;
    let pool = server.configure(NatsPool::builder(&server.server)).ack_wait(ack_wait).build()?;
    let (files, names) = input::files(path);
    let mut counts = pool.imap(WORDS, files);
    let mut output = Output::new(stdout, names);
    for count in counts.by_ref() {
        match count {
            Ok(words) => output.line(words).map_err(unwritten)?,
            Err(error) if error.is_final() => return Err(error.into()),
            Err(error) => output.failure(&error).map_err(unwritten)?,
        }
    }
    let all_read = output.finish().map_err(unwritten)?;
    if stats {
        tell(counts.stats().to_string().trim_end());
    }
    Ok(all_read)
}

fn count_here(path: PathBuf, stats: bool) -> Result<bool> {
    let stdout = stdout().map_err(unwritten)?;
    let pool = StealingPool::new(cores())?;
    let (files, names) = input::files(path);
    let mut counts = pool.imap(files, |text| count::words(&text));
    let mut output = Output::new(stdout, names);
    for words in counts.by_ref() {
        output.line(words).map_err(unwritten)?;
    }
    let all_read = output.finish().map_err(unwritten)?;
    if stats {
        tell(format_args!("{}\n{}", counts.stats(), pool.stats()));
    }
    Ok(all_read)
}

fn unwritten(error: std::io::Error) -> String {
    format!("standard output: {error}")
}

fn work(server: &Server, threads: Option<usize>, delay: u64) -> Result<()> {
    let pool = StealingPool::new(threads.unwrap_or_else(cores))?;
    let worker = server.configure(Worker::builder(&server.server)).build()?.task(WORDS, move |text| {
        std::thread::sleep(Duration::from_millis(delay));
        count::words(&text)
    });
    worker.run(&pool)?;
    Ok(())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
