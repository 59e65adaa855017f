//! Nothing to call: the programs are cargo examples, and cargo wants a library beside them.
//!
//! - `cargo run --release --example quickstart`: three workers, five items, a time limit for each.
//! - `cargo run --release --example checksums -- --help`: the SHA-256 of every file in a tree, in the
//!   format of `sha256sum`.
//! - `cargo run --release --example line_server -- --help`: an HTTP server that maps the lines of its requests.

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
