//! Records in, bytes out, in order, to a writer.

use super::block::Block;
use super::input::Blocks;
use super::spare::Spare;
use crate::error::Panic;
use crate::executor::threads_of;
use crate::unwind::catch;
use crate::{Executor, IterExt};
use std::io::{self, Read, Write};
use std::sync::Arc;

/// Blocks that are under way, for each thread: one in work, one that waits for its turn, and as many for threads that are
/// slower for a while.
const WINDOW: usize = 4;
/// The largest buffer for bytes to write that is used again.
const LARGEST: usize = 1 << 20;

impl<R: Read + Send + 'static> Blocks<R> {
    /// Calls `f` on each record, and writes what it appends to the `Vec`, in the order of the input.
    ///
    /// It is this loop on all threads of the pool, for the price of some calls for each block:
    ///
    /// ```text
    /// for line in input.lines() {
    ///     f(line, &mut bytes);
    ///     output.write_all(&bytes)?;
    ///     bytes.clear();
    /// }
    /// ```
    ///
    /// The bytes of a block are written in one piece as soon as it and those before it are done, and then the output is
    /// flushed. So it needs no `BufWriter`, and a line that comes alone is there at once, as `tail -f input | program` wants it.
    /// At most four blocks for each thread are under way.
    ///
    /// ```
    /// use pool_stealing::{Blocks, StealingPool};
    ///
    /// let pool = StealingPool::new(2)?;
    /// let (input, mut output) = ("to be\nor not\n", Vec::new()); // or `stdin()` and `stdout().lock()`
    /// Blocks::lines(input.as_bytes()).pipe(&pool, &mut output, |line, output| {
    ///     output.extend(line.to_ascii_uppercase());
    ///     output.push(b'\n');
    /// })?;
    /// assert_eq!(output, b"TO BE\nOR NOT\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// With that of the reader, or [`RecordTooLong`](crate::RecordTooLong), after all records before it have been written. With
    /// that of the output, at once: the reader may be waiting for its input then, and goes on to wait on a thread of the pool.
    ///
    /// # Panics
    ///
    /// With the panic of `f`, after what was appended for all records before that one has been written; or with that of the
    /// reader.
    pub fn pipe<E, W, F>(self, executor: E, mut output: W, f: F) -> io::Result<()>
    where
        E: Executor,
        W: Write,
        F: Fn(&[u8], &mut Vec<u8>) + Send + Sync + 'static,
    {
        let window = WINDOW * threads_of(&executor);
        let spare = Arc::new(Spare::new(LARGEST));
        let buffers = spare.clone();
        let map = move |block: io::Result<Block>| Ok::<_, io::Error>(append(&block?, buffers.take(), &f));
        for result in self.imap(executor, map).window(window) {
            let (mut bytes, panic) = result?;
            if !bytes.is_empty() {
                output.write_all(&bytes)?;
                output.flush()?;
            }
            if let Some(panic) = panic {
                panic.resume();
            }
            bytes.clear();
            spare.put(bytes);
        }
        Ok(())
    }
}

/// What `f` appends for the records of a block, up to one on which it panics.
fn append(block: &Block, mut bytes: Vec<u8>, f: impl Fn(&[u8], &mut Vec<u8>)) -> (Vec<u8>, Option<Panic>) {
    let mut whole = 0;
    let panic = catch(|| {
        for record in block.records() {
            f(record, &mut bytes);
            whole = bytes.len();
        }
    });
    bytes.truncate(whole);
    (bytes, panic.err().map(Panic::new))
}
