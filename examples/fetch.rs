//! Fetches a list of URLs, many at a time, and reports in the order of the list.
//!
//! The threads wait for servers rather than compute, so there are more of them than cores. A server that does not
//! answer costs its own place in the list and nothing else: `item_timeout` counts from when its request *began*.

use clap::Parser;
use pool_channel::{ChannelPool, Executor};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write, stdout};
use std::path::PathBuf;
use std::process::exit;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use ureq::Agent;

/// Fetches each URL of a list, and prints its status, its length in bytes, and the URL, in the order of the list.
///
/// A URL that fails or is late is named on standard error when its turn has come, and the exit status is 1 at the end.
/// A status of 400 or more is an answer like any other.
#[derive(Parser, Debug)]
#[command(name = "fetch")]
struct Arguments {
    /// A file of URLs, one on each line. Empty lines and lines that begin with `#` are skipped. `-` is standard input.
    #[arg(default_value = "-")]
    list: PathBuf,

    /// How many requests run at the same time.
    #[arg(long, value_name = "N", default_value_t = 16)]
    threads: usize,

    /// How many seconds each request may take, counted from when it began.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    limit: Duration,

    /// The longest answer that is read, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 100)]
    largest: u64,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "it must be a number of seconds, such as 0.5")?;
    match Duration::try_from_secs_f64(number) {
        Ok(limit) if !limit.is_zero() => Ok(limit),
        _ => Err("it must be more than 0, and not endless".into()),
    }
}

/// An answer: its status, and its length in bytes.
struct Answer {
    status: u16,
    length: u64,
}

fn main() {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(all_good) => exit(if all_good { 0 } else { 1 }),
        Err(message) => {
            tell(&message);
            exit(1)
        }
    }
}

fn tell(message: &str) {
    // `eprintln!` panics if standard error is closed.
    let _ = writeln!(io::stderr(), "fetch: {message}");
}

/// Returns whether every URL gave an answer. An error is what made the program stop.
fn run(arguments: Arguments) -> Result<bool, String> {
    let Arguments { list, threads, limit, largest } = arguments;
    // Leaked: dropping the pool would wait for requests that are late.
    let pool = Box::leak(Box::new(ChannelPool::new(threads).map_err(|error| error.to_string())?));
    // Longer than `item_timeout`. It frees the thread of a request that is late.
    let config =
        Agent::config_builder().timeout_global(Some(limit.saturating_mul(2))).http_status_as_error(false);
    let agent: Agent = config.max_idle_connections(threads).build().into();
    let names = Names::default();
    let urls = names.clone().note(urls(open(&list)?));
    let answers = pool
        .imap(urls, move |url| get(&agent, &url?, largest.saturating_mul(1024 * 1024)))
        .item_timeout(limit);
    let mut all_good = true;
    for answer in answers {
        let name = names.next();
        match answer {
            Ok(Ok(Answer { status, length })) => {
                writeln!(stdout(), "{status} {length} {name}")
                    .map_err(|error| format!("standard output: {error}"))?;
                continue;
            }
            Ok(Err(reason)) => tell(&format!("{name}: {reason}")),
            Err(_late) => tell(&format!("{name}: no whole answer within {limit:?}")),
        }
        all_good = false;
    }
    Ok(all_good)
}

/// The URLs that were pulled and have no result yet, the oldest first. The error of a late item does not hold the item,
/// so the URLs are noted when they are pulled.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<VecDeque<String>>>);

impl Names {
    fn note(self, urls: impl Iterator<Item = Url> + Send) -> impl Iterator<Item = Url> + Send {
        urls.inspect(move |url| {
            let name = url.as_ref().map_or("the list", |url| url).to_string();
            self.0.lock().unwrap().push_back(name);
        })
    }

    /// The URL of the next result. Results are in the order of the items.
    fn next(&self) -> String {
        self.0.lock().unwrap().pop_front().expect("an item is noted before it has a result")
    }
}

/// A URL, or the error that ended the list.
type Url = Result<String, String>;

fn open(list: &PathBuf) -> Result<Box<dyn Read + Send>, String> {
    if list.as_os_str() == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(list).map_err(|error| format!("{}: {error}", list.display()))?;
    Ok(Box::new(file))
}

fn urls(list: impl Read + Send) -> impl Iterator<Item = Url> + Send {
    let mut broken = false;
    let lines = BufReader::new(list).lines().map(|line| match line {
        Ok(line) => Ok(line.trim().to_string()),
        Err(error) => Err(error.to_string()),
    });
    let wanted = lines.filter(|line| !line.as_ref().is_ok_and(|url| url.is_empty() || url.starts_with('#')));
    // Nothing is read after an error.
    wanted.take_while(move |line| !std::mem::replace(&mut broken, line.is_err()))
}

fn get(agent: &Agent, url: &str, largest: u64) -> Result<Answer, String> {
    let mut response = agent.get(url).call().map_err(|error| error.to_string())?;
    let mut body = response.body_mut().with_config().limit(largest).reader();
    let length = io::copy(&mut body, &mut io::sink()).map_err(|error| error.to_string())?;
    Ok(Answer { status: response.status().as_u16(), length })
}
