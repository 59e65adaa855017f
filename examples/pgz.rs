//! A parallel gzip: standard input to standard output, in blocks that are compressed on all cores.
//!
//! Each block ends on a byte (`Z_SYNC_FLUSH`) and knows the 32 KiB before it as its dictionary, so the blocks in a row
//! are one gzip stream, nearly as small as if it had been made in one piece. The input of the `imap` reads the blocks;
//! its window bounds how many are in memory.
//!
//! The trailer, without which a gzip file is not whole, is written last: what ends early is never taken for complete.

use clap::Parser;
use flate2::read::MultiGzDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress};
use pool_stealing::{Executor, StealingPool};
use std::ffi::OsString;
use std::io::{self, BufReader, IsTerminal, Read, Write, stdin, stdout};
use std::process::exit;
use std::sync::Arc;

/// How far back deflate can refer.
const DICTIONARY: usize = 32 * 1024;

/// Blocks between input and output for each thread: one in work, and some so that no thread waits for the writer.
const WINDOW_PER_THREAD: usize = 3;

/// The method (deflate), no name, no time; the system is unknown.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// An empty last block of deflate. So no block needs to know whether it is the last.
const END: [u8; 2] = [3, 0];

/// Compresses standard input to standard output, in the format of gzip, on all cores.
///
/// `-1` (fast) to `-9` (small) are short for `--level`. The exit status is 1 if anything went wrong, and then the output
/// is not a whole gzip file.
#[derive(Parser, Debug)]
#[command(name = "pgz")]
struct Arguments {
    /// Decompress. Reading runs ahead of writing, but one stream is decompressed by one thread.
    #[arg(short, long)]
    decompress: bool,

    /// How many blocks are compressed at the same time [default: POOL_THREADS, or one per core].
    #[arg(short, long, value_name = "N")]
    processes: Option<usize>,

    /// The size of a block in KiB. Each block first indexes the 32 KiB before it, so small blocks are slower.
    #[arg(short, long, value_name = "KIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(32..=1 << 20))]
    blocksize: u32,

    /// How much work to spend, from 0 (none: store only) to 9. 1 is the same as 2.
    #[arg(short, long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=9))]
    level: u32,
}

/// A piece of the input, and the one before it.
struct Block {
    data: Arc<Vec<u8>>,
    before: Option<Arc<Vec<u8>>>,
}

struct Deflated {
    bytes: Vec<u8>,
    crc: Crc,
}

/// `-6` is how everyone writes `--level=6`.
fn spelled_out(argument: OsString) -> OsString {
    match argument.as_encoded_bytes() {
        [b'-', digit @ b'0'..=b'9'] => format!("--level={}", digit - b'0').into(),
        _ => argument,
    }
}

fn main() {
    let arguments = Arguments::parse_from(std::env::args_os().map(spelled_out));
    if !arguments.decompress && stdout().is_terminal() {
        fail("standard output is a terminal, which cannot show compressed data: write `pgz <in >out.gz`");
    }
    let mut builder = StealingPool::builder();
    if let Some(threads) = arguments.processes {
        builder = builder.threads(threads);
    }
    let pool = builder.build().unwrap_or_else(|error| fail(error));
    let done = match arguments.decompress {
        true => decompress(&pool, stdout().lock()),
        false => compress(&pool, &arguments, stdout().lock()),
    };
    // Not `return`, which would drop the pool, and so wait for a thread that still reads after an error.
    match done {
        Ok(()) => exit(0),
        Err(message) => fail(message),
    }
}

fn fail(message: impl std::fmt::Display) -> ! {
    // `eprintln!` would panic if standard error is closed.
    let _ = writeln!(io::stderr(), "pgz: {message}");
    exit(1)
}

/// Compresses standard input. The error says which side failed.
fn compress(pool: &StealingPool, arguments: &Arguments, mut output: impl Write) -> Result<(), String> {
    // Level 1 of this library makes files that are a fifth larger than those of gzip, and its 2 ones that are smaller.
    let level = if arguments.level == 1 { 2 } else { arguments.level };
    let blocks = blocks(stdin(), arguments.blocksize as usize * 1024);
    let deflated =
        pool.imap(blocks, move |block| block.map(|block| deflate(Compression::new(level), &block)));
    let deflated = deflated.window(WINDOW_PER_THREAD * pool.threads());
    output.write_all(&HEADER).map_err(written)?;
    let mut crc = Crc::new();
    for block in deflated {
        let block = block.map_err(read)?;
        output.write_all(&block.bytes).map_err(written)?;
        crc.combine(&block.crc);
    }
    output.write_all(&END).map_err(written)?;
    output.write_all(&crc.sum().to_le_bytes()).map_err(written)?;
    output.write_all(&crc.amount().to_le_bytes()).map_err(written)?;
    output.flush().map_err(written)
}

/// The input in blocks of this size; the last one is shorter. Nothing comes after an error.
fn blocks(input: impl Read + Send + 'static, size: usize) -> impl Iterator<Item = io::Result<Block>> + Send {
    let mut blocks = chunks(input, size);
    let mut before = None;
    std::iter::from_fn(move || {
        let data = match blocks.next()? {
            Ok(data) => Arc::new(data),
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Block { before: before.replace(data.clone()), data }))
    })
}

/// What `input` gives, in pieces of this size.
fn chunks(mut input: impl Read + Send, size: usize) -> impl Iterator<Item = io::Result<Vec<u8>>> + Send {
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let mut data = Vec::with_capacity(size);
        let read = input.by_ref().take(size as u64).read_to_end(&mut data);
        ended = read.is_err() || data.len() < size;
        match read {
            Ok(0) => None,
            Ok(_) => Some(Ok(data)),
            Err(error) => Some(Err(error)),
        }
    })
}

fn deflate(level: Compression, block: &Block) -> Deflated {
    // A new one for each block: what it makes depends on nothing else then, and so not on which thread made it.
    let mut compress = Compress::new(level, false);
    if let Some(before) = &block.before {
        let start = before.len().saturating_sub(DICTIONARY);
        compress.set_dictionary(&before[start..]).expect("a fresh stream takes a dictionary");
    }
    let mut crc = Crc::new();
    crc.update(&block.data);
    let mut bytes = Vec::with_capacity(block.data.len() / 2 + 64);
    loop {
        let rest = &block.data[compress.total_in() as usize..];
        compress.compress_vec(rest, &mut bytes, FlushCompress::Sync).expect("the stream is in a valid state");
        // With room left, all that was to be flushed has been.
        if compress.total_in() as usize == block.data.len() && bytes.len() < bytes.capacity() {
            return Deflated { bytes, crc };
        }
        bytes.reserve(block.data.len() / 4 + 64);
    }
}

/// Decompresses on a thread of the pool, ahead of this one, which writes.
fn decompress(pool: &StealingPool, mut output: impl Write) -> Result<(), String> {
    let decoder = MultiGzDecoder::new(BufReader::with_capacity(1 << 16, stdin()));
    for data in pool.imap(chunks(decoder, 1 << 17), |data| data).window(WINDOW_PER_THREAD) {
        output.write_all(&data.map_err(read)?).map_err(written)?;
    }
    output.flush().map_err(written)
}

fn read(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "standard input ends too early: it is not a whole gzip file".into(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            format!("standard input is not in the format of gzip, or damaged: {error}")
        }
        _ => format!("standard input: {error}"),
    }
}

fn written(error: io::Error) -> String {
    format!("standard output: {error}; what was written is not whole")
}
