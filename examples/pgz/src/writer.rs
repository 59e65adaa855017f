//! A `Write` that compresses on a pool.

use crate::block::{Block, Deflated, END, HEADER, deflate, trailer};
use flate2::{Compression, Crc};
use pool_stealing::{Executor, Sink};
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

/// How many bytes a block has.
const BLOCK: usize = 256 * 1024;

/// Compresses what is written to it, in the format of gzip, on a pool that many writers can share.
///
/// It has no thread of its own: `write` gives each full block to the pool, and writes what is compressed by then. Each writer
/// has as many blocks in memory as the pool has threads, and two more.
///
/// # Errors
///
/// An error of the output comes out of the `write`, `flush` or `finish` that meets it. What was written is not whole then, and
/// each further call fails.
///
/// # Dropping
///
/// Without [`finish`](GzWriter::finish) the file is not complete: its end is missing, so it is never taken for a whole one.
/// Dropping the writer writes nothing, waits for nothing, and does not panic.
pub struct GzWriter<'p> {
    sink: SinkOf<'p>,
    data: Vec<u8>,
    before: Option<Arc<Vec<u8>>>,
    has_failed: bool,
}

type SinkOf<'p> = Sink<'p, Piece, Done, Box<dyn FnMut(Done) -> io::Result<()> + Send + 'p>>;

/// What goes through the pool, so that it comes out in order.
enum Piece {
    Block(Block),
    Flush,
    End,
}

enum Done {
    Block(Deflated),
    Flush,
    End,
}

impl<'p> GzWriter<'p> {
    /// On this pool: a reference, or a clone of its `Arc`.
    pub fn new(pool: impl Executor + 'p, output: impl Write + Send + 'p, level: Compression) -> GzWriter<'p> {
        let window = pool.threads() + 2;
        let compress = move |piece| match piece {
            Piece::Block(block) => Done::Block(deflate(level, &block)),
            Piece::Flush => Done::Flush,
            Piece::End => Done::End,
        };
        let (mut output, mut crc, mut has_begun) = (output, Crc::new(), false);
        let write = move |done: Done| {
            if !std::mem::replace(&mut has_begun, true) {
                output.write_all(&HEADER)?;
            }
            match done {
                Done::Block(block) => {
                    crc.combine(&block.crc);
                    output.write_all(&block.bytes)
                }
                Done::Flush => output.flush(),
                Done::End => {
                    output.write_all(&END)?;
                    output.write_all(&trailer(&crc))?;
                    output.flush()
                }
            }
        };
        let sink =
            pool.into_sink(compress, Box::new(write) as Box<dyn FnMut(Done) -> io::Result<()> + Send + 'p>);
        GzWriter { sink: sink.window(window), data: Vec::new(), before: None, has_failed: false }
    }

    /// Compresses and writes the rest, and the end of the file.
    pub fn finish(mut self) -> io::Result<()> {
        self.push_rest()?;
        self.push(Piece::End)?;
        self.sink.finish()
    }

    /// Gives what has been written and is no full block to the pool.
    fn push_rest(&mut self) -> io::Result<()> {
        if self.data.is_empty() {
            return Ok(());
        }
        let data = Arc::new(std::mem::take(&mut self.data));
        let before = self.before.replace(data.clone());
        self.push(Piece::Block(Block::new(before, data)))
    }

    fn push(&mut self, piece: Piece) -> io::Result<()> {
        self.checked(|sink| sink.push(piece))
    }

    /// Nothing is done behind an error: what comes then would leave a gap.
    fn checked(&mut self, call: impl FnOnce(&mut SinkOf<'p>) -> io::Result<()>) -> io::Result<()> {
        if self.has_failed {
            return Err(io::Error::other("an earlier write has failed, so the file is not whole"));
        }
        // Until it has come back: a panic counts, too.
        self.has_failed = true;
        call(&mut self.sink)?;
        self.has_failed = false;
        Ok(())
    }
}

impl fmt::Debug for GzWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GzWriter").field("sink", &self.sink).finish_non_exhaustive()
    }
}

impl Write for GzWriter<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.checked(|_| Ok(()))?;
        let taken = data.len().min(BLOCK - self.data.len());
        self.data.extend_from_slice(&data[..taken]);
        if self.data.len() == BLOCK {
            self.push_rest()?;
        }
        Ok(taken)
    }

    /// Ends the block, and waits until it has been compressed and written.
    fn flush(&mut self) -> io::Result<()> {
        self.push_rest()?;
        self.push(Piece::Flush)?;
        self.checked(Sink::flush)
    }
}
