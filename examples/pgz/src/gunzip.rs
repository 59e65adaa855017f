//! Decompressing gzip as `gzip -d` does: everything that can be decoded comes out before an error, members in a row are
//! one file, and what follows them is not damage.
//!
//! `flate2` has a decoder of its own, which drops what it decoded in the same call as an error, and which takes what
//! follows the last member for a damaged one.

use flate2::{Decompress, FlushDecompress, Status};
use std::fmt::{self, Display};
use std::io::{self, BufRead, Read};

/// The first two bytes of a member.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The largest window that deflate has, as the power of two.
const WINDOW_BITS: u8 = 15;

/// Decompresses what it reads. Nothing comes after an error.
pub struct Gunzip<R> {
    input: R,
    place: Place,
}

enum Place {
    Member(Decompress),
    /// Behind a member.
    Behind,
    /// Behind a member, and the first byte of [`MAGIC`] has been read.
    HalfMagic,
    /// Only zeros may follow.
    Zeros,
    /// The rest of the answers: an error, and then nothing.
    End(Option<io::Error>),
}

/// Something else follows the last member. All of it has been decompressed.
#[derive(Debug)]
struct Garbage;

impl Display for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what follows the compressed data is ignored")
    }
}

impl std::error::Error for Garbage {}

/// Whether all data has been decompressed in spite of this error.
pub fn is_warning(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<Garbage>())
}

impl<R: BufRead> Gunzip<R> {
    pub fn new(input: R) -> Gunzip<R> {
        Gunzip { input, place: Place::Member(Decompress::new_gzip(WINDOW_BITS)) }
    }
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Place::End(error) = &mut self.place {
                return error.take().map_or(Ok(0), Err);
            }
            let (read, written) = self.place.advance(self.input.fill_buf()?, buffer);
            self.input.consume(read);
            if written > 0 {
                return Ok(written);
            }
        }
    }
}

impl Place {
    /// Goes on with this piece of the input, which is empty at its end. Returns the numbers of bytes that were read and
    /// written.
    fn advance(&mut self, input: &[u8], buffer: &mut [u8]) -> (usize, usize) {
        let (read, written, next) = match (&mut *self, input) {
            (Place::Member(inflate), _) => {
                let (read, written, next) = decompress(inflate, input, buffer);
                let Some(next) = next else { return (read, written) };
                (read, written, next)
            }
            (Place::Behind, [first, ..]) if *first == MAGIC[0] => (1, 0, Place::HalfMagic),
            (Place::HalfMagic, [second, ..]) if *second == MAGIC[1] => {
                let mut inflate = Decompress::new_gzip(WINDOW_BITS);
                let (_, _, failed) = decompress(&mut inflate, &MAGIC[..1], &mut []);
                (0, 0, failed.unwrap_or(Place::Member(inflate)))
            }
            (Place::HalfMagic, []) => (0, 0, Place::End(Some(io::ErrorKind::UnexpectedEof.into()))),
            (Place::Behind | Place::Zeros, []) => (0, 0, Place::End(None)),
            (Place::Behind | Place::Zeros, [0, ..]) => {
                (input.iter().take_while(|byte| **byte == 0).count(), 0, Place::Zeros)
            }
            _ => (0, 0, Place::End(Some(io::Error::other(Garbage)))),
        };
        *self = next;
        (read, written)
    }
}

/// The numbers of bytes that were read and written, and where the member ends, what comes then.
///
/// What was decoded in the same call as an error counts as written: the totals have it, and the result has not.
fn decompress(inflate: &mut Decompress, input: &[u8], buffer: &mut [u8]) -> (usize, usize, Option<Place>) {
    let before = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, buffer, FlushDecompress::None);
    let (read, written) = (inflate.total_in() - before.0, inflate.total_out() - before.1);
    let next = match status {
        Ok(Status::StreamEnd) => Some(Place::Behind),
        // Output may be left where the input is at its end.
        Ok(_) if !input.is_empty() || written > 0 => None,
        Ok(_) => Some(Place::End(Some(io::ErrorKind::UnexpectedEof.into()))),
        Err(error) => Some(Place::End(Some(io::Error::new(io::ErrorKind::InvalidData, error)))),
    };
    (read as usize, written as usize, next)
}
