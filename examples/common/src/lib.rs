//! What the programs of `examples` share: their standard streams, lines of text, messages, and how their tests run them.

#[cfg(feature = "arguments")]
mod arguments;
mod lines;
mod streams;
pub mod testing;

#[cfg(feature = "arguments")]
pub use arguments::parse;
pub use lines::{lines, without_byte_order_mark};
pub use streams::{stdin, stdout};

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};

/// Says something on standard error.
///
/// Not `eprintln!`, which panics if standard error cannot be written: no message may end the work. There is nowhere left
/// to tell that.
pub fn tell(message: impl Display) {
    // In one piece, so that the messages of several programs do not mix.
    let _ = io::stderr().write_all(format!("{message}\n").as_bytes());
}

/// An error and its causes, in one line.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
