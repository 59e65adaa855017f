//! BGZF, the gzip of `bgzip`: each block is a member, says how long it is, and can be decompressed alone. So a reader with an
//! index of the blocks begins anywhere.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::io::{self, Write};

/// How many bytes of data are in a block, as in those of `bgzip`. A block is at most 64 KiB long, and these bytes have room
/// there also where they do not compress.
pub const DATA: usize = 0xff00;

/// An empty block: a file that ends without it was cut off.
pub const END_OF_FILE: [u8; 28] =
    [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, b'B', b'C', 2, 0, 27, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// The header of a block without its last field, which is two bytes: the length of the block, less one.
const HEADER: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 6, 0, b'B', b'C', 2, 0];

/// Behind the compressed data: its checksum, and its length.
const TRAILER: usize = 8;

/// The longest block.
const LONGEST: usize = 1 << 16;

/// Some blocks in a row.
#[derive(Debug, Default)]
pub struct Blocks {
    /// The blocks, compressed.
    pub bytes: Vec<u8>,
    /// Their lengths: compressed, and of the data in them.
    pub lengths: Vec<(usize, usize)>,
}

/// Compresses blocks, one after the other. Each depends on its own data alone.
#[derive(Debug)]
pub struct Compressor {
    compress: Compress,
    stores: bool,
}

impl Compressor {
    /// Compresses at this level; at 0 it only stores.
    pub fn new(level: Compression) -> Compressor {
        Compressor { compress: Compress::new(level, false), stores: level.level() == 0 }
    }

    /// Compresses data of any length.
    pub fn blocks(&mut self, data: &[u8]) -> Blocks {
        let mut blocks = Blocks { bytes: Vec::with_capacity(data.len() / 2), lengths: Vec::new() };
        for data in data.chunks(DATA) {
            let before = blocks.bytes.len();
            self.block(data, &mut blocks.bytes);
            blocks.lengths.push((blocks.bytes.len() - before, data.len()));
        }
        blocks
    }

    fn block(&mut self, data: &[u8], bytes: &mut Vec<u8>) {
        let begin = bytes.len();
        bytes.extend(HEADER);
        bytes.extend([0; 2]);
        if self.stores || !self.deflate(data, bytes) {
            store(data, bytes);
        }
        let mut crc = Crc::new();
        crc.update(data);
        bytes.extend(crc.sum().to_le_bytes());
        bytes.extend(crc.amount().to_le_bytes());
        let last = u16::try_from(bytes.len() - begin - 1).expect("a stored block has room");
        bytes[begin + HEADER.len()..][..2].copy_from_slice(&last.to_le_bytes());
    }

    /// Appends the data as a stream of deflate, and returns whether it fits into the block. If not, nothing is appended.
    fn deflate(&mut self, data: &[u8], bytes: &mut Vec<u8>) -> bool {
        let begin = bytes.len();
        bytes.resize(begin + LONGEST - HEADER.len() - 2 - TRAILER, 0);
        self.compress.reset();
        let status = self.compress.compress(data, &mut bytes[begin..], FlushCompress::Finish);
        let fits = matches!(status, Ok(Status::StreamEnd));
        bytes.truncate(begin + if fits { self.compress.total_out() as usize } else { 0 });
        fits
    }
}

/// Appends the data as a stream of deflate with one block, which is stored.
fn store(data: &[u8], bytes: &mut Vec<u8>) {
    let length = u16::try_from(data.len()).expect("a block has less than 64 KiB of data");
    bytes.push(1);
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(data);
}

/// Where each block begins, in the format of `bgzip --index`.
#[derive(Debug, Default)]
pub struct Index {
    /// In the compressed file, and in its data. The first block is not in the list, and neither is [`END_OF_FILE`].
    places: Vec<(u64, u64)>,
    end: (u64, u64),
}

impl Index {
    /// Adds the blocks that come next in the file.
    pub fn add(&mut self, blocks: &Blocks) {
        for (compressed, data) in &blocks.lengths {
            if self.end.0 > 0 {
                self.places.push(self.end);
            }
            self.end = (self.end.0 + *compressed as u64, self.end.1 + *data as u64);
        }
    }

    /// Writes the index of a file that ends here.
    pub fn write_to(&self, output: &mut impl Write) -> io::Result<()> {
        let numbers = self.places.iter().flat_map(|(compressed, data)| [*compressed, *data]);
        let bytes = [self.places.len() as u64].into_iter().chain(numbers).flat_map(u64::to_le_bytes);
        output.write_all(&bytes.collect::<Vec<u8>>())
    }
}
