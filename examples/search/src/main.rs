//! Ordered parallel search: what `rg --sort path` prints, on all cores.
//!
//! The walk is the input of an imap, so it runs at most a window ahead of the output. The threads of the pool search, each
//! file's lines in a text of its own, and the main thread prints the texts in the order of the walk.

mod arguments;
mod output;
mod walk;
mod worker;

use arguments::Arguments;
use example_common::{parse, stdout, tell, with_causes};
use output::Output;
use pool_stealing::{Executor, IterExt, StealingPool};
use std::process::exit;
use std::sync::Arc;
use std::thread;
use walk::Entry;
use worker::{Found, Worker};

fn main() {
    // Not `return`: that would wait for files that are being searched, after an error for which nothing is printed any more.
    match run(parse("search", std::env::args_os())) {
        Ok(status) => exit(status),
        Err(message) => {
            tell(format_args!("search: {message}"));
            exit(2)
        }
    }
}

/// Returns the exit status. An error is what made the program stop.
fn run(arguments: Arguments) -> Result<i32, String> {
    let written = |error| format!("standard output: {error}");
    let output = Arc::new(Output::new(stdout().map_err(written)?, arguments.are_separated()));
    let mut builder = StealingPool::builder();
    if let Some(threads) = arguments.threads.filter(|threads| *threads > 0) {
        builder = builder.threads(threads);
    }
    let pool = Box::leak(Box::new(builder.build().map_err(|error| with_causes(&error))?));
    let matcher = worker::matcher(&arguments)?;
    let files = walk::files(&arguments)?.with_sizes(Entry::size);
    let budget = usize::from(arguments.memory) << 20;
    let mut searched = !arguments.paths.is_empty();
    let shared = output.clone();
    let init = move || Worker::new(&arguments, matcher.clone(), shared.clone());
    let (mut found, mut failed) = (false, false);
    thread::spawn({
        let output = output.clone();
        move || output.hand_over_late()
    });
    for Found { text, matched } in pool.imap_init(files, init, Worker::search).window_bytes(budget) {
        output.finish(&text).map_err(written)?;
        match matched {
            Ok(matched) => (found, searched) = (found | matched, true),
            Err(message) => {
                output.flush().map_err(written)?;
                tell(format_args!("search: {}", message.text));
                failed |= message.is_failure;
                searched |= message.is_failure;
            }
        }
    }
    output.flush().map_err(written)?;
    if !searched {
        return Err("no file was searched: all are hidden or ignored, or --glob leaves them out".into());
    }
    Ok(if failed { 2 } else { i32::from(!found) })
}
