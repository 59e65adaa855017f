//! Filters and transforms lines of JSON, in order, on all cores.
//!
//! An item is a block of whole lines. The threads of the pool read, parse, filter and format its lines, and the main thread
//! writes what is left of a block in one piece. A block never waits to be full, so a line that comes alone is printed at once.

mod json;

use clap::Parser;
use example_common::{parse, stdin, stdout, tell, with_causes, without_byte_order_mark};
use indicatif::{ProgressBar, ProgressStyle};
use json::{find, quoted, same, set};
use pool_stealing::{Block, Blocks, Executor, StealingPool};
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

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
    let mut output = stdout().map_err(written)?;
    let (input, bar) = open(arguments.file.as_ref())?;
    // Not `lines`: a `\r` at the end of a line stays as it is written.
    let blocks = Blocks::by_byte(bar.wrap_read(input), b'\n');
    let window = 4 * pool.threads();
    let printed = pool.imap(blocks, move |block| Ok::<_, io::Error>(Printed::of(&block?, &arguments)));
    let (mut all_good, mut lines) = (true, 0);
    for block in printed.window(window) {
        let block = block.map_err(|error| format!("line {}: {error}", lines + 1))?;
        let mut rest = &block.text[..];
        for Bad { before, number, reason } in &block.bad {
            let text;
            // Lines before the message, where both go to the same terminal.
            (text, rest) = rest.split_at(*before);
            output.write_all(text).map_err(written)?;
            bar.suspend(|| tell(format_args!("jsonl: line {number}: {reason}")));
        }
        output.write_all(rest).map_err(written)?;
        all_good &= block.bad.is_empty();
        lines = block.lines;
    }
    bar.finish_and_clear();
    Ok(all_good)
}

/// What comes of a block.
#[derive(Default)]
struct Printed {
    text: Vec<u8>,
    bad: Vec<Bad>,
    /// How many lines have been read by its end.
    lines: u64,
}

/// A line that is not what was asked for.
struct Bad {
    /// Bytes of text between the message before and this one.
    before: usize,
    number: u64,
    reason: String,
}

impl Printed {
    fn of(block: &Block, arguments: &Arguments) -> Printed {
        let mut printed = Printed { lines: block.numbers().end, ..Printed::default() };
        let mut told = 0;
        for (number, line) in (block.numbers().start + 1..).zip(block) {
            let line = if number == 1 { without_byte_order_mark(line) } else { line };
            let kept = transform(arguments, line, &mut printed.text);
            let Err(reason) = kept else { continue };
            printed.bad.push(Bad { before: printed.text.len() - told, number, reason });
            told = printed.text.len();
            if arguments.keep_bad {
                printed.text.extend(line);
                printed.text.push(b'\n');
            }
        }
        printed
    }
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

/// Appends what is to be printed of a line. An error says why the line is not what was asked for.
fn transform(arguments: &Arguments, line: &[u8], output: &mut Vec<u8>) -> Result<(), String> {
    if line.trim_ascii().is_empty() {
        return Ok(());
    }
    // serde's message names a line, which is always 1.
    let reason = |error: serde_json::Error| error.to_string().replace("at line 1 column", "at column");
    // Its text. So no limit of numbers, of depth or of strings makes a line bad, and all that is not changed stays as it is.
    let value: &RawValue = serde_json::from_slice(line).map_err(reason)?;
    let is = |(field, wanted): &(Field, Box<RawValue>)| {
        find(value, field).is_some_and(|found| same(found, wanted, DEEPEST))
    };
    if !arguments.conditions.iter().all(is) {
        return Ok(());
    }
    if arguments.set.is_empty() && arguments.select.is_empty() {
        output.extend(line);
    } else {
        output.extend(changed(arguments, value)?.into_bytes());
    }
    output.push(b'\n');
    Ok(())
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
