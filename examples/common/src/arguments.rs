//! The command line of a program.

use crate::{stdout, tell};
use clap::Parser;
use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::exit;

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
