//! Compressing in blocks on a pool: what the program `pgz` does with its input, and [`GzWriter`] with what is written to it.

pub mod bgzf;
mod block;
mod writer;

pub use block::{Block, Deflated, END, HEADER, deflate, trailer};
pub use writer::GzWriter;
