//! A block, and the records in it.

use super::ends::Ends;
use super::spare::Spare;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Range;
use std::sync::Weak;

/// Whole records that have been read together. From [`Blocks`](crate::Blocks).
///
/// ```
/// use pool_stealing::Blocks;
///
/// let block = Blocks::lines("one\r\n\nthree".as_bytes()).next().unwrap()?;
/// assert!(block.records().eq(["one".as_bytes(), b""]));
/// assert_eq!((block.numbers(), block.offsets()), (0..2, 0..6));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// (The last line comes in a block of its own, when the reader says that nothing follows.)
pub struct Block {
    /// Beyond `len` there is what an earlier block has left.
    bytes: Vec<u8>,
    len: usize,
    numbers: Range<u64>,
    offset: u64,
    ends: Ends,
    /// Where the buffer goes; none where the input is gone.
    spare: Weak<Spare>,
}

impl Block {
    pub(super) fn new(
        (bytes, len): (Vec<u8>, usize),
        numbers: Range<u64>,
        offset: u64,
        ends: Ends,
        spare: Weak<Spare>,
    ) -> Block {
        Block { bytes, len, numbers, offset, ends, spare }
    }

    /// The bytes of memory that it takes.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// The records, in order. There is at least one.
    ///
    /// A line comes without its `\n` or `\r\n`, and a record by a byte without that byte. A record by a function comes as the
    /// function has cut it, and this calls the function once for each. Nothing is allocated.
    pub fn records(&self) -> Records<'_> {
        Records { rest: self.bytes(), ends: &self.ends }
    }

    /// All bytes of the block, the ends of its records included: for a parser that reads many records itself.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The numbers of its records, counted from 0, or from what [`starting_at`](crate::Blocks::starting_at) says.
    ///
    /// ```
    /// # use pool_stealing::Blocks;
    /// # let block = Blocks::lines("a\nb\n".as_bytes()).next().unwrap().unwrap();
    /// for (number, line) in block.numbers().zip(block.records()) {
    ///     println!("line {}: {} bytes", number + 1, line.len());
    /// }
    /// ```
    pub fn numbers(&self) -> Range<u64> {
        self.numbers.clone()
    }

    /// Where the block begins in the input, and where the next one does, in bytes.
    pub fn offsets(&self) -> Range<u64> {
        self.offset..self.offset + self.len as u64
    }
}

impl<'a> IntoIterator for &'a Block {
    type Item = &'a [u8];
    type IntoIter = Records<'a>;

    fn into_iter(self) -> Records<'a> {
        self.records()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if let Some(spare) = self.spare.upgrade() {
            spare.put(std::mem::take(&mut self.bytes));
        }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Block");
        debug.field("numbers", &self.numbers).field("offsets", &self.offsets()).finish_non_exhaustive()
    }
}

/// The records of a [`Block`], each as the bytes that it is. From [`Block::records`].
#[derive(Debug, Clone)]
#[must_use = "an iterator does nothing until it is iterated"]
pub struct Records<'a> {
    rest: &'a [u8],
    ends: &'a Ends,
}

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        // The last record of an input may lack its end.
        let len = self.ends.first(self.rest).unwrap_or(self.rest.len());
        let (record, rest) = self.rest.split_at(len);
        self.rest = rest;
        Some(self.ends.strip(record))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(!self.rest.is_empty()), Some(self.rest.len()))
    }
}

impl FusedIterator for Records<'_> {}
