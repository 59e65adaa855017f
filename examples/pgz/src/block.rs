//! A block of a gzip file: it ends on a byte boundary, and has the 32 KiB before it as its dictionary, so that the blocks in a
//! row are one stream of deflate.

use flate2::{Compress, Compression, Crc, FlushCompress};
use std::sync::Arc;

/// How far back deflate can refer, in bytes.
const DICTIONARY: usize = 32 * 1024;

/// The gzip header: deflate, no name, no time, unknown system.
pub const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// An empty last block of deflate, so that no block must know whether it is the last.
pub const END: [u8; 2] = [3, 0];

/// A block of the input, and the block before it.
#[derive(Debug)]
pub struct Block {
    data: Arc<Vec<u8>>,
    before: Option<Arc<Vec<u8>>>,
}

/// A block, compressed.
#[derive(Debug)]
pub struct Deflated {
    /// A piece of a stream of deflate.
    pub bytes: Vec<u8>,
    /// Of what was compressed.
    pub crc: Crc,
}

impl Block {
    /// This data, behind that of the block before it.
    pub fn new(before: Option<Arc<Vec<u8>>>, data: Arc<Vec<u8>>) -> Block {
        Block { data, before }
    }
}

/// Compresses a block, so that it ends on a byte boundary.
pub fn deflate(level: Compression, block: &Block) -> Deflated {
    // A new one for each block, so that its output depends on this block alone, and not on which thread compresses it.
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
        // Where room is left, everything has been flushed.
        if compress.total_in() as usize == block.data.len() && bytes.len() < bytes.capacity() {
            return Deflated { bytes, crc };
        }
        bytes.reserve(block.data.len() / 4 + 64);
    }
}

/// What stands behind the last block: the checksum of what was compressed, and its length.
pub fn trailer(crc: &Crc) -> [u8; 8] {
    let mut trailer = [0; 8];
    trailer[..4].copy_from_slice(&crc.sum().to_le_bytes());
    trailer[4..].copy_from_slice(&crc.amount().to_le_bytes());
    trailer
}
