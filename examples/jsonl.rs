//! Filters and transforms lines of JSON, in order, on all cores.
//!
//! Each line is an item. The threads of the pool read, parse, filter and format lines, and the main thread prints them.
//! Line numbers need no bookkeeping, since results are in the order of the input.

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use pool_stealing::{Executor, StealingPool};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Each line's memory is allocated by one thread and freed by another. The system's allocator takes a lock for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Filters and transforms JSON, one value on each line, in the order of the input.
///
/// A FIELD is a name, or names with dots between them: `user.name`. A line that is not JSON is reported on standard
/// error with its number, and the exit status is 1 at the end.
#[derive(Parser, Debug)]
#[command(name = "jsonl")]
struct Arguments {
    /// The file to read [default: standard input].
    file: Option<PathBuf>,

    /// Print only lines in which FIELD is VALUE: JSON, or else a string. If given several times, all must hold.
    #[arg(long = "where", value_name = "FIELD=VALUE", value_parser = condition)]
    conditions: Vec<(Field, Value)>,

    /// Print only these fields, in this order. A missing field is null.
    #[arg(long, value_name = "FIELD", value_delimiter = ',', value_parser = field)]
    select: Vec<Field>,

    /// Set FIELD of the object to VALUE.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = condition)]
    set: Vec<(Field, Value)>,

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

/// The names that lead to a value, from the outside in.
type Field = Arc<[String]>;

fn field(text: &str) -> Result<Field, String> {
    let names: Field = text.split('.').map(String::from).collect();
    if names.iter().any(String::is_empty) {
        return Err(format!("`{text}` has an empty name in it; write `name` or `outer.inner`"));
    }
    Ok(names)
}

fn condition(text: &str) -> Result<(Field, Value), String> {
    let (names, value) = text.split_once('=').ok_or("write FIELD=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((field(names)?, value))
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(true) => return ExitCode::SUCCESS,
        Ok(false) => {}
        Err(message) => tell(&message),
    }
    ExitCode::FAILURE
}

fn tell(message: &str) {
    // `eprintln!` panics if standard error is closed.
    let _ = writeln!(io::stderr(), "jsonl: {message}");
}

/// Returns whether every line was JSON. An error is what made the program stop.
fn run(arguments: Arguments) -> Result<bool, String> {
    let mut builder = StealingPool::builder();
    if let Some(threads) = arguments.threads {
        builder = builder.threads(threads);
    }
    // Leaked: dropping the pool would wait for a thread that still reads.
    let pool = Box::leak(Box::new(builder.build().map_err(|error| error.to_string())?));
    let (input, bar) = open(arguments.file.as_ref())?;
    let input = BufReader::with_capacity(1 << 16, bar.wrap_read(input));
    let mut output = BufWriter::with_capacity(1 << 16, stdout().lock());
    let (keep_bad, unbuffered) = (arguments.keep_bad, arguments.unbuffered);
    let lines = pool
        .imap(input.split(b'\n'), move |line| line.map(|mut line| (transform(&arguments, &mut line), line)));
    let written = |error| format!("standard output: {error}");
    let mut all_good = true;
    for (number, line) in (1_u64..).zip(lines) {
        let (wanted, line) = line.map_err(|error| format!("line {number}: {error}"))?;
        let wanted = match wanted {
            Ok(wanted) => wanted,
            Err(reason) => {
                all_good = false;
                // Lines before the message, where both go to the same terminal.
                output.flush().map_err(written)?;
                bar.suspend(|| tell(&format!("line {number}: {reason}")));
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
        return Ok((Box::new(stdin()), ProgressBar::no_length()));
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
    let mut value: Value = serde_json::from_slice(line).map_err(reason)?;
    if arguments.conditions.iter().any(|(field, wanted)| find(&value, field) != Some(wanted)) {
        return Ok(false);
    }
    if arguments.set.is_empty() && arguments.select.is_empty() {
        // Unchanged, so that numbers keep every digit.
        return Ok(true);
    }
    for (field, new) in &arguments.set {
        let Some(place) = place(&mut value, field) else {
            return Err(format!("`{}` cannot be set: it is not in an object", field.join(".")));
        };
        *place = new.clone();
    }
    if !arguments.select.is_empty() {
        let pick = |field: &Field| (field.join("."), find(&value, field).cloned().unwrap_or_default());
        value = Value::Object(arguments.select.iter().map(pick).collect());
    }
    line.clear();
    serde_json::to_writer(line, &value).expect("a value can be written to memory");
    Ok(true)
}

fn find<'v>(value: &'v Value, field: &Field) -> Option<&'v Value> {
    field.iter().try_fold(value, |value, name| value.get(name))
}

/// The place of a field, created where it is missing. `None` if a value on the way is not an object.
fn place<'v>(value: &'v mut Value, field: &Field) -> Option<&'v mut Value> {
    field.iter().try_fold(value, |value, name| {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        Some(value.as_object_mut()?.entry(name.as_str()).or_insert(Value::Null))
    })
}
