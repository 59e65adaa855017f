//! A program that may be killed at any moment. Started again, it goes on where it was, until its output is whole.
//!
//! Results come in order, so three numbers say where it is: the next line, where that begins in the input, and how long the
//! output is. They are written down after each block, behind the output.

use clap::Parser;
use example_common::{parse, tell};
use pool_stealing::{Block, Blocks, Executor, StealingPool};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Writes the number and the SHA-256 of each line of INPUT to OUTPUT.
///
/// If it is killed, start it again with the same arguments: it goes on where it was. Where that is stands in OUTPUT.place,
/// which is gone when OUTPUT is whole. INPUT must not change meanwhile.
#[derive(Parser, Debug)]
#[command(name = "resume")]
struct Arguments {
    /// The file to read.
    input: PathBuf,

    /// The file to write.
    output: PathBuf,

    /// Hash each line this many times.
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: u32,

    /// Bytes of input after which it writes down where it is: what a kill makes it do again, for each block under way.
    #[arg(long, value_name = "BYTES", default_value = "65536", value_parser = clap::value_parser!(u32).range(1..))]
    block: u32,
}

/// Where it is: what comes before has been written.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Place {
    /// The next line.
    line: u64,
    /// Where that begins in the input, in bytes.
    offset: u64,
    /// How long the output is, in bytes.
    written: u64,
}

impl Place {
    /// That of the last run, or the beginning.
    fn load(path: &Path) -> io::Result<Place> {
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Place::default()),
            text => text?,
        };
        let numbers: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[line, offset, written]) => Ok(Place { line, offset, written }),
            _ => Err(io::Error::other("it does not have the three numbers of a place")),
        }
    }

    /// All of it or nothing: a file of this name is there before and after.
    fn save(self, path: &Path) -> io::Result<()> {
        let new = beside(path, ".new");
        fs::write(&new, format!("{} {} {}\n", self.line, self.offset, self.written))?;
        fs::rename(new, path)
    }
}

fn main() -> ExitCode {
    match run(&parse("resume", std::env::args_os())) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => tell(format_args!("resume: {error}")),
    }
    ExitCode::FAILURE
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let saved = beside(&arguments.output, ".place");
    let place = Place::load(&saved).map_err(told(&saved))?;
    let input = open_at(OpenOptions::new().read(true), &arguments.input, place.offset);
    let input = input.map_err(told(&arguments.input))?;
    let output = open_at(OpenOptions::new().write(true).create(true), &arguments.output, place.written);
    let mut output = output.map_err(told(&arguments.output))?;
    // What was written behind the place is written again.
    output.set_len(place.written).map_err(told(&arguments.output))?;
    hash_lines(arguments, place, input, &mut output, &saved)?;
    match fs::remove_file(&saved) {
        // An empty input has no block.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(told(&saved)),
    }
}

/// Says of which file an error is.
fn told(path: &Path) -> impl Fn(io::Error) -> String + use<> {
    let path = path.display().to_string();
    move |error| format!("{path}: {error}")
}

/// The file whose name has this ending in addition.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn open_at(options: &OpenOptions, path: &Path, offset: u64) -> io::Result<File> {
    let mut file = options.open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    Ok(file)
}

/// Goes on from this place, and notes each place that it comes to.
fn hash_lines(
    arguments: &Arguments,
    mut place: Place,
    input: impl Read + Send + 'static,
    output: &mut impl Write,
    saved: &Path,
) -> Result<(), String> {
    let pool = StealingPool::default();
    let rounds = arguments.rounds;
    let blocks =
        Blocks::lines(input).block_size(arguments.block as usize).starting_at(place.line, place.offset);
    let hashed = pool.imap(blocks, move |block| {
        let block = block?;
        Ok::<_, io::Error>((hashes(&block, rounds), block.numbers().end, block.offsets().end))
    });
    for result in hashed.window(4 * pool.threads()) {
        let (text, line, offset) = result.map_err(told(&arguments.input))?;
        output.write_all(text.as_bytes()).map_err(told(&arguments.output))?;
        place = Place { line, offset, written: place.written + text.len() as u64 };
        // Behind the output: a kill between the two repeats this block, and loses nothing.
        place.save(saved).map_err(told(saved))?;
    }
    Ok(())
}

/// A line of output for each line of input.
fn hashes(block: &Block, rounds: u32) -> String {
    let mut text = String::new();
    for (number, line) in block.numbers().zip(block) {
        let mut hash = Sha256::digest(line);
        (1..rounds).for_each(|_| hash = Sha256::digest(hash));
        write!(text, "{number} ").expect("memory is writable");
        hash.iter().for_each(|byte| write!(text, "{byte:02x}").expect("memory is writable"));
        text.push('\n');
    }
    text
}
