//! Fetches a list of URLs, many at a time, and reports in the order of the list.
//!
//! The threads wait for servers rather than compute, so there are more of them than cores. A server that does not
//! answer costs its own place in the list and nothing else: `item_timeout` counts from when its request *began*.

use clap::Parser;
use example_common::{lines, parse, stdin, stdout, tell, with_causes};
use pool_channel::{ChannelPool, Executor};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
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
    match run(parse("fetch", std::env::args_os())) {
        Ok(all_good) => exit(if all_good { 0 } else { 1 }),
        Err(message) => {
            tell(format_args!("fetch: {message}"));
            exit(1)
        }
    }
}

/// Returns whether every URL gave an answer. An error is what made the program stop.
fn run(arguments: Arguments) -> Result<bool, String> {
    let Arguments { list, threads, limit, largest } = arguments;
    let written = |error| format!("standard output: {error}");
    let mut output = stdout().map_err(written)?;
    // Leaked: dropping the pool would wait for requests that are late.
    let pool = Box::leak(Box::new(ChannelPool::new(threads).map_err(|error| with_causes(&error))?));
    // Longer than `item_timeout`. It frees the thread of a request that is late.
    let config =
        Agent::config_builder().timeout_global(Some(limit.saturating_mul(2))).http_status_as_error(false);
    let agent: Agent = config.max_idle_connections(threads).build().into();
    let names = Names::default();
    let entries = names.clone().note(entries(open(&list)?));
    let answers = pool
        .imap(entries, move |entry| get(&agent, &entry.url?, largest.saturating_mul(1024 * 1024)))
        .item_timeout(limit);
    let mut all_good = true;
    for answer in answers {
        let name = names.next();
        let reason = match answer {
            Ok(Ok(Answer { status, length })) => {
                output.write_all(format!("{status} {length} {name}\n").as_bytes()).map_err(written)?;
                continue;
            }
            Ok(Err(reason)) => reason,
            Err(_late) => format!("no whole answer within {limit:?}"),
        };
        tell(format_args!("fetch: {name}: {reason}"));
        all_good = false;
    }
    Ok(all_good)
}

/// The URLs that were pulled and have no result yet, the oldest first. The error of a late item does not hold the item,
/// so the URLs are noted when they are pulled.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<VecDeque<String>>>);

impl Names {
    fn note(self, entries: impl Iterator<Item = Entry> + Send) -> impl Iterator<Item = Entry> + Send {
        entries.inspect(move |entry| self.0.lock().unwrap().push_back(entry.name.clone()))
    }

    /// The name of the next result. Results are in the order of the items.
    fn next(&self) -> String {
        self.0.lock().unwrap().pop_front().expect("an item is noted before it has a result")
    }
}

/// A line of the list.
struct Entry {
    /// What messages call it: the URL, as far as it can be shown.
    name: String,
    /// The URL, or why there is none.
    url: Result<String, String>,
}

fn open(list: &PathBuf) -> Result<Box<dyn Read + Send>, String> {
    if list.as_os_str() == "-" {
        return Ok(Box::new(stdin().map_err(|error| format!("standard input: {error}"))?));
    }
    let file = File::open(list).map_err(|error| format!("{}: {error}", list.display()))?;
    Ok(Box::new(file))
}

/// What is wrong with a line is an item like any other, so that it is told in its place and the list goes on.
fn entries(list: impl Read + Send) -> impl Iterator<Item = Entry> + Send {
    lines(BufReader::new(list)).filter_map(|line| {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Some(Entry { name: "the list".into(), url: Err(error.to_string()) }),
        };
        let line = line.trim_ascii();
        let wanted = !line.is_empty() && !line.starts_with(b"#");
        wanted.then(|| Entry {
            name: String::from_utf8_lossy(line).into_owned(),
            url: str::from_utf8(line).map(String::from).map_err(|_| "it is not UTF-8".into()),
        })
    })
}

fn get(agent: &Agent, url: &str, largest: u64) -> Result<Answer, String> {
    let mut response = agent.get(url).call().map_err(|error| error.to_string())?;
    let mut body = response.body_mut().with_config().limit(largest).reader();
    let length = io::copy(&mut body, &mut io::sink()).map_err(|error| error.to_string())?;
    Ok(Answer { status: response.status().as_u16(), length })
}
