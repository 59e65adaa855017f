//! Where records end.

use memchr::{memchr, memchr_iter, memrchr};
use std::fmt;
use std::sync::Arc;

/// Says where the first record of some bytes ends; `None` if it is not whole.
type EndOfFirst = dyn Fn(&[u8]) -> Option<usize> + Send + Sync;

/// The rule by which bytes are cut into records.
#[derive(Clone)]
pub(super) enum Ends {
    /// Behind `\n`. A `\r` before it is no part of the record either.
    Line,
    /// Behind this byte.
    Byte(u8),
    /// Where the function says.
    Function(Arc<EndOfFirst>),
}

/// What is whole of some bytes that begin where a record begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Whole {
    /// Where the last whole record ends; 0 if none is whole.
    pub(super) end: usize,
    pub(super) records: u64,
    /// Whether what comes then is longer than a record may be.
    pub(super) too_long: bool,
}

impl Ends {
    /// The length of the first record of `bytes`, its end included; `None` if it is not whole.
    ///
    /// # Panics
    ///
    /// If the function says what cannot be, or panics.
    pub(super) fn first(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Ends::Line => memchr(b'\n', bytes).map(|at| at + 1),
            Ends::Byte(byte) => memchr(*byte, bytes).map(|at| at + 1),
            Ends::Function(f) => f(bytes).inspect(|len| {
                let possible = (1..=bytes.len()).contains(len);
                assert!(possible, "the first record of {} bytes cannot end at {len}", bytes.len());
            }),
        }
    }

    /// What is whole of `bytes`, where no record may have more than `limit` of them. No end is in the first `searched`
    /// bytes.
    pub(super) fn whole(&self, bytes: &[u8], searched: usize, limit: usize) -> Whole {
        let byte = match self {
            Ends::Line => b'\n',
            Ends::Byte(byte) => *byte,
            Ends::Function(_) => return self.walk(bytes, limit),
        };
        if bytes.len() > limit {
            return self.walk(bytes, limit);
        }
        // No record in them can be too long, so the ends need only be counted.
        let new = &bytes[searched..];
        let new = &new[..memrchr(byte, new).map_or(0, |at| at + 1)];
        let end = if new.is_empty() { 0 } else { searched + new.len() };
        Whole { end, records: memchr_iter(byte, new).count() as u64, too_long: false }
    }

    /// The same, record by record.
    fn walk(&self, bytes: &[u8], limit: usize) -> Whole {
        let mut whole = Whole::default();
        while whole.end < bytes.len() && !whole.too_long {
            let rest = &bytes[whole.end..];
            match self.first(rest) {
                Some(len) if len <= limit => {
                    whole.end += len;
                    whole.records += 1;
                }
                Some(_) => whole.too_long = true,
                None => {
                    whole.too_long = rest.len() > limit;
                    break;
                }
            }
        }
        whole
    }

    /// The record without what ends it, where that is a byte.
    pub(super) fn strip<'a>(&self, record: &'a [u8]) -> &'a [u8] {
        match self {
            Ends::Line => match record.strip_suffix(b"\n") {
                Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
                None => record,
            },
            Ends::Byte(byte) => record.strip_suffix(&[*byte]).unwrap_or(record),
            Ends::Function(_) => record,
        }
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ends::Line => f.write_str("Line"),
            Ends::Byte(byte) => f.debug_tuple("Byte").field(byte).finish(),
            Ends::Function(_) => f.write_str("Function"),
        }
    }
}

/// A record is longer than [`Blocks::max_record`](crate::Blocks::max_record) allows.
///
/// It is the source of an `io::Error` whose kind is `InvalidData`: `error.get_ref()` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordTooLong {
    pub(super) record: u64,
    pub(super) offset: u64,
    pub(super) limit: usize,
}

impl RecordTooLong {
    /// Which record it is, counted from 0.
    pub fn record(&self) -> u64 {
        self.record
    }

    /// Where it begins in the input, in bytes.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The most bytes that a record may have, its end included.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for RecordTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordTooLong { record, offset, limit } = self;
        write!(f, "record {record}, at byte {offset}, is longer than {limit} bytes")
    }
}

impl std::error::Error for RecordTooLong {}
