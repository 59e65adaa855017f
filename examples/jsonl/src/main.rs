//! Filters and transforms lines of JSON, in order, on all cores.
//!
//! Each line is an item. The threads of the pool read, parse, filter and format lines, and the main thread prints them.
//! Line numbers need no bookkeeping, since results are in the order of the input.

mod json;

use clap::Parser;
use example_common::{lines, parse, stdin, stdout, tell, with_causes};
use indicatif::{ProgressBar, ProgressStyle};
use json::{find, quoted, same, set};
use pool_stealing::{Executor, StealingPool};
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Each line's memory is allocated by one thread and freed by another. The system's allocator takes a lock for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Filters and transforms JSON, one value on each line, in the order of the input.
///
/// A FIELD is a name, or names with dots between them: `user.name`. Of several fields with one name, the last counts. What
/// no option asks to change stays as it is written. A line that is not JSON is reported on standard error with its number,
/// and the exit status is 1 at the end.
#[derive(Parser, Debug)]
#[command(name = "jsonl")]
struct Arguments {
    /// The file to read [default: standard input].
    file: Option<PathBuf>,

    /// Print only lines in which FIELD is VALUE: JSON, or else a string. If given several times, all must hold.
    ///
    /// Numbers are compared by their values: `1` is `1.0`. VALUE may be nested 100 levels deep.
    #[arg(long = "where", value_name = "FIELD=VALUE", value_parser = condition)]
    conditions: Vec<(Field, Box<RawValue>)>,

    /// Print only these fields, in this order. A missing field is null.
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = field)]
    select: Vec<Field>,

    /// Set FIELD of the object to VALUE.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = assignment)]
    set: Vec<(Field, Box<RawValue>)>,

    /// Print a line that is not JSON unchanged. Without this option it is left out.
    #[arg(long)]
    keep_bad: bool,

    /// Threads that parse [default: POOL_THREADS, or one per core].
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Flush after each line, for a reader that waits for it.
    #[arg(long)]
    unbuffered: bool,
}

/// How deep a value to compare with may be nested. The comparison needs some stack for each level.
const DEEPEST: u32 = 100;

/// The names that lead to a value, from the outside in.
type Field = Arc<[String]>;

fn field(text: &str) -> Result<Field, String> {
    let names: Field = text.split('.').map(String::from).collect();
    if names.iter().any(String::is_empty) {
        return Err(format!("`{text}` has an empty name in it; write `name` or `outer.inner`"));
    }
    Ok(names)
}

fn assignment(text: &str) -> Result<(Field, Box<RawValue>), String> {
    let (names, value) = text.split_once('=').ok_or("write FIELD=VALUE")?;
    // An end of line can only be between the parts of a value, and would end the line into which the value is put.
    let value = RawValue::from_string(value.trim().replace(['\n', '\r'], " "))
        .unwrap_or_else(|_| json::string(value));
    Ok((field(names)?, value))
}

fn condition(text: &str) -> Result<(Field, Box<RawValue>), String> {
    let (field, value) = assignment(text)?;
    // What is too deep to be compared is not even the same as itself.
    let comparable = same(&value, &value, DEEPEST);
    comparable
        .then_some((field, value))
        .ok_or_else(|| format!("VALUE is nested more than {DEEPEST} levels deep"))
}

fn main() -> ExitCode {
    match run(parse("jsonl", std::env::args_os())) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => {}
        Err(message) => tell(format_args!("jsonl: {message}")),
    }
    ExitCode::FAILURE
}

/// Returns whether every line was JSON. An error is what made the program stop.
fn run(arguments: Arguments) -> Result<bool, String> {
    let mut builder = StealingPool::builder();
    if let Some(threads) = arguments.threads {
        builder = builder.threads(threads);
    }
    // Leaked: dropping the pool would wait for a thread that still reads.
    let pool = Box::leak(Box::new(builder.build().map_err(|error| with_causes(&error))?));
    let written = |error| format!("standard output: {error}");
    let mut output = BufWriter::with_capacity(1 << 16, stdout().map_err(written)?);
    let (input, bar) = open(arguments.file.as_ref())?;
    let input = BufReader::with_capacity(1 << 16, bar.wrap_read(input));
    let (keep_bad, unbuffered) = (arguments.keep_bad, arguments.unbuffered);
    let lines =
        pool.imap(lines(input), move |line| line.map(|mut line| (transform(&arguments, &mut line), line)));
    let mut all_good = true;
    for (number, line) in (1_u64..).zip(lines) {
        let (wanted, line) = line.map_err(|error| format!("line {number}: {error}"))?;
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(reason) => {
                all_good = false;
                // Lines before the message, where both go to the same terminal.
                output.flush().map_err(written)?;
                bar.suspend(|| tell(format_args!("jsonl: line {number}: {reason}")));
                keep_bad
            }
        };
        if wanted {
            output.write_all(&line).and_then(|()| output.write_all(b"\n")).map_err(written)?;
        }
        if unbuffered {
            output.flush().map_err(written)?;
        }
    }
    bar.finish_and_clear();
    output.flush().map_err(written)?;
    Ok(all_good)
}

/// The input, and a progress bar with the input's length in bytes. The bar is shown only on a terminal.
fn open(file: Option<&PathBuf>) -> Result<(Box<dyn Read + Send>, ProgressBar), String> {
    let Some(path) = file else {
        let input = stdin().map_err(|error| format!("standard input: {error}"))?;
        return Ok((Box::new(input), ProgressBar::no_length()));
    };
    let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (length, file) = opened.map_err(|error| format!("{}: {error}", path.display()))?;
    let style = "{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let style = ProgressStyle::with_template(style).expect("the template is valid");
    Ok((Box::new(file), ProgressBar::new(length).with_style(style)))
}

/// Replaces a line by what is to be printed, and returns whether it is to be printed. An error says why the line is not
/// what was asked for, and leaves the line unchanged.
fn transform(arguments: &Arguments, line: &mut Vec<u8>) -> Result<bool, String> {
    if line.trim_ascii().is_empty() {
        return Ok(false);
    }
    // serde's message names a line, which is always 1.
    let reason = |error: serde_json::Error| error.to_string().replace("at line 1 column", "at column");
    // Its text. So no limit of numbers, of depth or of strings makes a line bad, and all that is not changed stays as it is.
    let value: &RawValue = serde_json::from_slice(line).map_err(reason)?;
    let is = |(field, wanted): &(Field, Box<RawValue>)| {
        find(value, field).is_some_and(|found| same(found, wanted, DEEPEST))
    };
    if !arguments.conditions.iter().all(is) {
        return Ok(false);
    }
    if !arguments.set.is_empty() || !arguments.select.is_empty() {
        *line = changed(arguments, value)?.into_bytes();
    }
    Ok(true)
}

/// The value with what is to be set, and of that what is selected.
fn changed(arguments: &Arguments, value: &RawValue) -> Result<String, String> {
    let mut value = value.to_owned();
    for (field, new) in &arguments.set {
        let reason = || format!("`{}` cannot be set: it is not in an object", field.join("."));
        value = set(&value, field, new).ok_or_else(reason)?;
    }
    if arguments.select.is_empty() {
        return Ok(String::from(Box::<str>::from(value)));
    }
    let pick = |field: &Field| {
        format!("{}:{}", quoted(&field.join(".")), find(&value, field).map_or("null", RawValue::get))
    };
    Ok(format!("{{{}}}", arguments.select.iter().map(pick).collect::<Vec<_>>().join(",")))
}
