//! The reader, and how it is cut.
//!
//! What one `read` has brought is cut behind its last whole record, and goes. So a block never waits to be full, and a record
//! never waits for the next one (P4). A `read` is asked for as much as a block may have, and what a block may have doubles
//! each time that a `read` fills it: blocks are small where the input trickles, and large where it gives.

use super::block::Block;
use super::ends::{Ends, RecordTooLong};
use super::spare::Spare;
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::iter::FusedIterator;
use std::sync::Arc;

/// What a block has at first, in bytes.
const FIRST: usize = 16 << 10;
/// What it has at most, unless that is set.
const SIZE: usize = 256 << 10;
/// What a record has at most, unless that is set.
const MOST_OF_A_RECORD: usize = 64 << 20;

/// An input of [`Block`]s: what a reader gives, cut into whole records (feature `blocks`).
///
/// ```
/// use pool_stealing::{Blocks, Executor, StealingPool};
///
/// let pool = StealingPool::new(2)?;
/// let input = "3\n5\nx\n7\n".as_bytes(); // or a `File`, or `std::io::stdin()`
/// let sums = pool.imap(Blocks::lines(input), |block| {
///     // One item: the function goes through its lines.
///     let numbers = block?.records().map(|line| str::from_utf8(line).unwrap().parse().unwrap_or(0)).sum::<u32>();
///     Ok::<u32, std::io::Error>(numbers)
/// });
/// assert_eq!(sums.sum::<std::io::Result<u32>>()?, 15);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A block is what one `read` has brought, cut behind its last whole record. It never waits to be full, so a line that comes
/// alone is a block, and its result comes at once (P4). Where the reader gives as much as it is asked for, blocks grow to
/// [`block_size`](Blocks::block_size). The reader needs no `BufReader` around it.
///
/// What is left at the end of the input is a record, too: a last line without `\n`. An empty input has no block.
///
/// Set the [window](crate::Imap::window), since it counts blocks: four for each thread are enough. For bytes that go to a
/// writer there is [`pipe`](Blocks::pipe), which does that.
///
/// Cost: the thread that pulls copies nothing but the begun record at the end of a block, and searches for ends once. Buffers
/// are used again once their blocks are dropped. No record is allocated.
///
/// # Errors
///
/// An error of the reader comes after the blocks of all whole records before it, and nothing comes after it; the beginning of
/// a record in front of it is dropped. `Interrupted` is no error: it is read again. A reader that would block must block,
/// since `WouldBlock` ends the input like any other error. A record that is longer than [`max_record`](Blocks::max_record) is
/// the error [`RecordTooLong`].
#[must_use = "it is the input of an imap, or is given a `pipe`"]
pub struct Blocks<R> {
    reader: R,
    ends: Ends,
    size: usize,
    limit: usize,
    /// What the next block may have.
    room: usize,
    /// Begins where a record begins. Beyond `filled` there is what an earlier block has left.
    buffer: Vec<u8>,
    filled: usize,
    /// How much of it has no end of a record.
    searched: usize,
    number: u64,
    offset: u64,
    ended: bool,
    /// Comes after the last block.
    error: Option<RecordTooLong>,
    spare: Arc<Spare>,
}

impl<R: Read> Blocks<R> {
    /// Records are lines. They end with `\n` or `\r\n`, which is no part of them, and may be empty. They need not be UTF-8, and
    /// may have any other byte in them.
    pub fn lines(reader: R) -> Blocks<R> {
        Blocks::new(reader, Ends::Line)
    }

    /// Records end with this byte, which is no part of them.
    ///
    /// ```
    /// # use pool_stealing::Blocks;
    /// // As `find -print0` writes them.
    /// let names = Blocks::by_byte("a\0b\nc\0".as_bytes(), b'\0').next().unwrap()?;
    /// assert!(names.records().eq(["a".as_bytes(), b"b\nc"]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn by_byte(reader: R, byte: u8) -> Blocks<R> {
        Blocks::new(reader, Ends::Byte(byte))
    }

    /// Records end where this function says. It gets bytes that begin where a record begins, and gives the length of this first
    /// record, or `None` if its end is not there yet. From that follow all others: the last whole one, at which the block is cut,
    /// and their number.
    ///
    /// The thread that pulls calls it once for each record, and once more for the record at the end of the block each time
    /// that more of it has come; [`Block::records`] calls it again. So it should be quick, must give the same answer each time,
    /// and a record that comes in many pieces costs their number times its length.
    ///
    /// # Panics
    ///
    /// Later, as a panic of the input (P7): if the function panics, or gives 0, or more than there is.
    ///
    /// ```
    /// use pool_stealing::Blocks;
    ///
    /// /// A record of FASTQ is four lines.
    /// fn fastq(bytes: &[u8]) -> Option<usize> {
    ///     let mut ends = (1..).zip(bytes).filter(|(_, byte)| **byte == b'\n');
    ///     ends.nth(3).map(|(len, _)| len)
    /// }
    ///
    /// /// A line of CSV ends where no quotation mark is open. (One within quotes is written twice.)
    /// fn csv(bytes: &[u8]) -> Option<usize> {
    ///     let mut quoted = false;
    ///     let end = bytes.iter().position(|byte| {
    ///         quoted ^= *byte == b'"';
    ///         *byte == b'\n' && !quoted
    ///     });
    ///     end.map(|at| at + 1)
    /// }
    ///
    /// let reads = "@1\nACGT\n+\nIIII\n@2\nGG\n+\nII\n".as_bytes();
    /// let block = Blocks::by(reads, fastq).next().unwrap()?;
    /// assert_eq!(block.records().nth(1), Some("@2\nGG\n+\nII\n".as_bytes()));
    ///
    /// let table = "a,\"one\ntwo\"\nb,\"\"\"\n\"\"\"\n".as_bytes();
    /// let block = Blocks::by(table, csv).next().unwrap()?;
    /// assert!(block.records().eq(["a,\"one\ntwo\"\n".as_bytes(), b"b,\"\"\"\n\"\"\"\n"]));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn by(reader: R, first: impl Fn(&[u8]) -> Option<usize> + Send + Sync + 'static) -> Blocks<R> {
        Blocks::new(reader, Ends::Function(Arc::new(first)))
    }

    fn new(reader: R, ends: Ends) -> Blocks<R> {
        Blocks {
            reader,
            ends,
            size: SIZE,
            limit: MOST_OF_A_RECORD,
            room: FIRST,
            buffer: Vec::new(),
            filled: 0,
            searched: 0,
            number: 0,
            offset: 0,
            ended: false,
            error: None,
            spare: Arc::new(Spare::new(SIZE)),
        }
    }

    /// How many bytes are read for a block at most: 256 KiB, unless this says something else. Only a record that is longer
    /// makes a block larger. The first block has 16 KiB at most, and each that fills up lets the next have twice as much.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn block_size(mut self, bytes: usize) -> Blocks<R> {
        assert!(bytes > 0, "block_size(0): nothing could ever be read");
        (self.size, self.room) = (bytes, bytes.min(FIRST));
        self.spare = Arc::new(Spare::new(bytes));
        self
    }

    /// How many bytes a record may have, its end included: 64 MiB, unless this says something else. Behind a longer one
    /// stands the error [`RecordTooLong`], and nothing else. So no input makes this take more memory than for a
    /// record of this length.
    ///
    /// A [function](Blocks::by) that must see what follows a record meets the limit that many bytes earlier.
    ///
    /// ```
    /// use pool_stealing::{Blocks, RecordTooLong};
    ///
    /// let mut blocks = Blocks::lines("a\nbcdefg\n".as_bytes()).max_record(4);
    /// assert!(blocks.next().unwrap()?.records().eq([b"a"]));
    /// let error = blocks.next().unwrap().unwrap_err();
    /// let too_long = error.get_ref().unwrap().downcast_ref::<RecordTooLong>().unwrap();
    /// assert_eq!((too_long.record(), too_long.offset()), (1, 2));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn max_record(mut self, bytes: usize) -> Blocks<R> {
        assert!(bytes > 0, "max_record(0): every record would be too long");
        self.limit = bytes;
        self
    }

    /// Counts from here: the reader's next byte begins the record of this number, and has this offset. For an input that goes
    /// on where an earlier run has stopped.
    pub fn starting_at(mut self, number: u64, offset: u64) -> Blocks<R> {
        (self.number, self.offset) = (number, offset);
        self
    }

    /// Where its buffers go.
    #[cfg(all(test, not(loom)))]
    pub(super) fn spare(&self) -> &Arc<Spare> {
        &self.spare
    }

    /// Reads once, and gives how much.
    fn read(&mut self) -> io::Result<usize> {
        // A record that is longer than a block doubles what is read for it.
        let most = self.size.max(self.limit.saturating_add(1));
        let end = self.room.max(2 * self.filled).min(most);
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        let room = &mut self.buffer[self.filled..end];
        let read = loop {
            match self.reader.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if read > room.len() {
            return Err(io::Error::other("the reader says that it has read more than it was asked for"));
        }
        self.filled += read;
        if self.filled == end {
            self.room = (2 * self.room).min(self.size);
        }
        Ok(read)
    }

    /// Takes the first `end` bytes as a block, which has this number of records.
    fn cut(&mut self, end: usize, records: u64) -> Block {
        let rest = end..self.filled;
        let left = rest.len();
        let bytes = if end <= self.buffer.len() / 4 {
            // A block that waits in a window should not take much more memory than its bytes do.
            let bytes = self.buffer[..end].to_vec();
            self.buffer.copy_within(rest, 0);
            bytes
        } else {
            let mut next = self.spare.take();
            if next.len() < left {
                next.resize(left, 0);
            }
            next[..left].copy_from_slice(&self.buffer[rest]);
            std::mem::replace(&mut self.buffer, next)
        };
        (self.filled, self.searched) = (left, left);
        let numbers = self.number..self.number + records;
        let spare = Arc::downgrade(&self.spare);
        let block = Block::new((bytes, end), numbers, self.offset, self.ends.clone(), spare);
        self.number += records;
        self.offset += end as u64;
        block
    }

    /// The whole records of what is there, and a note if what comes then is too long.
    fn whole(&mut self) -> Option<Block> {
        let whole = self.ends.whole(&self.buffer[..self.filled], self.searched, self.limit);
        self.searched = self.filled;
        if whole.too_long {
            let (record, offset) = (self.number + whole.records, self.offset + whole.end as u64);
            self.error = Some(RecordTooLong { record, offset, limit: self.limit });
            self.ended = true;
        }
        (whole.end > 0).then(|| self.cut(whole.end, whole.records))
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = io::Result<Block>;

    fn next(&mut self) -> Option<io::Result<Block>> {
        while !self.ended {
            match self.read() {
                Ok(0) => {
                    self.ended = true;
                    return (self.filled > 0).then(|| Ok(self.cut(self.filled, 1)));
                }
                Ok(_) => {
                    if let Some(block) = self.whole() {
                        return Some(Ok(block));
                    }
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        self.error.take().map(|error| Err(io::Error::new(ErrorKind::InvalidData, error)))
    }
}

impl<R: Read> FusedIterator for Blocks<R> {}

impl<R> fmt::Debug for Blocks<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks")
            .field("ends", &self.ends)
            .field("next_record", &self.number)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}
