//! A parallel gzip: standard input to standard output, in blocks that are compressed on all cores.
//!
//! Each block ends on a byte boundary (`Z_SYNC_FLUSH`) and has the 32 KiB before it as its dictionary. So the blocks in
//! a row are one gzip stream, nearly as small as one that was compressed in one piece. The input of the imap reads the
//! blocks, and its window bounds how many are in memory.
//!
//! The trailer is written last, and a gzip file without it is incomplete. So output that ends early is never taken for
//! complete.

mod gunzip;

use clap::Parser;
use example_common::{parse, stdin, stdout, tell, with_causes};
use flate2::{Compression, Crc};
use gunzip::Gunzip;
use pgz::bgzf::{Compressor, DATA, END_OF_FILE, Index};
use pgz::{Block, END, HEADER, deflate, trailer};
use pool_stealing::{Executor, StealingPool};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::exit;
use std::sync::Arc;

/// Blocks in the window for each thread: one that is compressed, and others so that no thread waits for the writer.
const WINDOW_PER_THREAD: usize = 3;

/// Blocks of BGZF in an item of the imap. They are small, and to wake a thread for each would be a part of the work.
const BLOCKS_PER_ITEM: usize = 8;

/// Compresses standard input to standard output, in the format of gzip, on all cores.
///
/// `-1` (fast) to `-9` (small) are short for `--level`. If anything goes wrong, the exit status is 1 and the output is
/// not a complete gzip file. With `-d`, what comes before damage is written all the same, and the exit status is 2 if
/// something else follows the compressed data.
#[derive(Parser, Debug)]
#[command(name = "pgz")]
struct Arguments {
    /// Decompress. Reading and decompressing run ahead of writing, but only one thread decompresses.
    #[arg(short, long)]
    decompress: bool,

    /// Threads that compress, each one block [default: POOL_THREADS, or one per core].
    #[arg(short, long, value_name = "N")]
    processes: Option<usize>,

    /// The size of a block in KiB. Small blocks are slower, since each block first reads the 32 KiB before it.
    #[arg(short, long, value_name = "KIB", default_value_t = 512, value_parser = clap::value_parser!(u32).range(32..=1 << 20))]
    blocksize: u32,

    /// Write BGZF, the gzip of `bgzip`: its blocks of at most 64 KiB can be read alone. `-d` reads it, too.
    #[arg(long, conflicts_with_all = ["decompress", "blocksize"])]
    bgzf: bool,

    /// Write where the blocks begin to this file, as `bgzip --index` does. `bgzip` looks for it in `<out.gz>.gzi`.
    #[arg(short, long, value_name = "FILE", requires = "bgzf")]
    index: Option<PathBuf>,

    /// How hard to compress, from 0 (store only) to 9 (smallest). 1 is the same as 2.
    #[arg(short, long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=9))]
    level: u32,
}

impl Arguments {
    /// Level 1 of the library makes files a fifth larger than gzip's. Its level 2 makes smaller ones than gzip's level 1.
    fn compression(&self) -> Compression {
        Compression::new(if self.level == 1 { 2 } else { self.level })
    }
}

/// Rewrites `-6` as `--level=6`.
fn spelled_out(argument: OsString) -> OsString {
    match argument.as_encoded_bytes() {
        [b'-', digit @ b'0'..=b'9'] => format!("--level={}", digit - b'0').into(),
        _ => argument,
    }
}

fn main() {
    let arguments: Arguments = parse("pgz", std::env::args_os().map(spelled_out));
    if !arguments.decompress && io::stdout().is_terminal() {
        fail("standard output is a terminal, which cannot show compressed data: write `pgz <in >out.gz`");
    }
    let mut builder = StealingPool::builder();
    if let Some(threads) = arguments.processes {
        builder = builder.threads(threads);
    }
    let pool = builder.build().unwrap_or_else(|error| fail(with_causes(&error)));
    // Not `return`: that would drop the pool, which after an error would wait for a thread that still reads.
    match run(&pool, &arguments) {
        Ok(status) => exit(status),
        Err(message) => fail(message),
    }
}

fn fail(message: impl std::fmt::Display) -> ! {
    tell(format_args!("pgz: {message}"));
    exit(1)
}

/// Returns the exit status. An error says whether reading or writing failed.
fn run(pool: &StealingPool, arguments: &Arguments) -> Result<i32, String> {
    let (input, output) = (stdin().map_err(read)?, stdout().map_err(written)?);
    if arguments.decompress {
        return decompress(pool, input, output);
    }
    match &arguments.index {
        _ if !arguments.bgzf => compress(pool, arguments, input, output),
        None => compress_to_bgzf(pool, arguments, input, output).map(drop),
        Some(path) => {
            // Made before the work, which would be in vain if it could not be.
            let file = File::create(path).map_err(|error| at(path, error))?;
            let index = compress_to_bgzf(pool, arguments, input, output)?;
            index.write_to(&mut &file).map_err(|error| at(path, error))
        }
    }
    .map(|()| 0)
}

fn at(path: &Path, error: io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn compress(
    pool: &StealingPool,
    arguments: &Arguments,
    input: impl Read + Send + 'static,
    mut output: impl Write,
) -> Result<(), String> {
    let level = arguments.compression();
    let blocks = blocks(input, arguments.blocksize as usize * 1024);
    let deflated = pool.imap(blocks, move |block| block.map(|block| deflate(level, &block)));
    let deflated = deflated.window(WINDOW_PER_THREAD * pool.threads());
    output.write_all(&HEADER).map_err(written)?;
    let mut crc = Crc::new();
    for block in deflated {
        let block = block.map_err(read)?;
        output.write_all(&block.bytes).map_err(written)?;
        crc.combine(&block.crc);
    }
    output.write_all(&END).map_err(written)?;
    output.write_all(&trailer(&crc)).map_err(written)?;
    output.flush().map_err(written)
}

/// Returns where the blocks begin.
fn compress_to_bgzf(
    pool: &StealingPool,
    arguments: &Arguments,
    input: impl Read + Send + 'static,
    mut output: impl Write,
) -> Result<Index, String> {
    let level = arguments.compression();
    let compressed = pool.imap_init(
        chunks(input, BLOCKS_PER_ITEM * DATA),
        move || Compressor::new(level),
        |compressor, data| data.map(|data| compressor.blocks(&data)),
    );
    let mut index = Index::default();
    for blocks in compressed.window(WINDOW_PER_THREAD * pool.threads()) {
        let blocks = blocks.map_err(read)?;
        output.write_all(&blocks.bytes).map_err(written)?;
        index.add(&blocks);
    }
    output.write_all(&END_OF_FILE).map_err(written)?;
    output.flush().map_err(written).map(|()| index)
}

/// The input in blocks of this size, of which the last may be shorter. Nothing comes after an error.
fn blocks(input: impl Read + Send + 'static, size: usize) -> impl Iterator<Item = io::Result<Block>> + Send {
    let mut blocks = chunks(input, size);
    let mut before = None;
    std::iter::from_fn(move || {
        let data = match blocks.next()? {
            Ok(data) => Arc::new(data),
            Err(error) => return Some(Err(error)),
        };
        Some(Ok(Block::new(before.replace(data.clone()), data)))
    })
}

/// Reads `input` in pieces of this size. What was read before an error comes before the error, and nothing after it.
fn chunks(input: impl Read + Send, size: usize) -> impl Iterator<Item = io::Result<Vec<u8>>> + Send {
    let (mut input, mut failure) = (Some(input), None);
    std::iter::from_fn(move || {
        let mut data = Vec::with_capacity(size);
        if let Some(open) = &mut input {
            failure = open.by_ref().take(size as u64).read_to_end(&mut data).err();
            if failure.is_some() || data.len() < size {
                input = None;
            }
        }
        if data.is_empty() { failure.take().map(Err) } else { Some(Ok(data)) }
    })
}

/// Decompresses on a thread of the pool, ahead of this thread, which writes. Returns the exit status.
fn decompress(
    pool: &StealingPool,
    input: impl Read + Send + 'static,
    mut output: impl Write,
) -> Result<i32, String> {
    let decoder = Gunzip::new(BufReader::with_capacity(1 << 16, input));
    let mut status = 0;
    for data in pool.imap(chunks(decoder, 1 << 17), |data| data).window(WINDOW_PER_THREAD) {
        match data {
            Err(error) if gunzip::is_warning(&error) => {
                tell(format_args!("pgz: standard input: {error}"));
                status = 2;
            }
            data => output.write_all(&data.map_err(read)?).map_err(written)?,
        }
    }
    output.flush().map_err(written).map(|()| status)
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
