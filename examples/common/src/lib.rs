//! What the programs of `examples` share: their standard streams, lines of text, messages, and how their tests run them.

mod lines;
mod streams;
pub mod testing;

pub use lines::lines;
pub use streams::{stdin, stdout};

use clap::Parser;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::exit;

/// Says something on standard error.
///
/// Not `eprintln!`, which panics if standard error cannot be written: no message may end the work. There is nowhere left
/// to tell that.
pub fn tell(message: impl Display) {
    // In one piece, so that the messages of several programs do not mix.
    let _ = io::stderr().write_all(format!("{message}\n").as_bytes());
}

/// The arguments of `program`, of which the first is its name. Ends the program if they are wrong, or ask for help.
///
/// [`Parser::parse`] ends with status 0 also where the help could not be written.
pub fn parse<A: Parser>(program: &str, arguments: impl IntoIterator<Item = OsString>) -> A {
    A::try_parse_from(arguments).unwrap_or_else(|error| {
        if error.use_stderr() {
            error.exit();
        }
        let text = error.render();
        let text = if io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
        if let Err(error) = stdout().and_then(|mut output| output.write_all(text.as_bytes())) {
            tell(format_args!("{program}: standard output: {error}"));
            exit(1);
        }
        exit(0)
    })
}
