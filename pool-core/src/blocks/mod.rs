//! Blocks of whole records, cut from a reader (feature `blocks`).
//!
//! A line that is an item for itself costs an allocation, a place in a ring and a call, often more than what is done with it.
//! A [`Block`] is an item that holds many: [`Blocks`] reads it, and the function goes through its records.
//!
//! | part | what it does |
//! |---|---|
//! | `ends` | says where records end; knows no reader |
//! | `input` | reads, and cuts behind the last whole record |
//! | `block` | gives the records of a block |
//! | `spare` | keeps buffers that are used again |
//! | `pipe` | records in, bytes out, to a writer |

mod block;
mod ends;
mod input;
mod pipe;
mod spare;
#[cfg(all(test, not(loom)))]
mod tests;

pub use block::{Block, Records};
pub use ends::RecordTooLong;
pub use input::Blocks;
