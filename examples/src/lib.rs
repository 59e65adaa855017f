//! Nothing to call: the programs are cargo examples, and cargo wants a library beside them.
//!
//! - `cargo run --release --example quickstart`: three workers, five items, a time limit for each.
//! - `cargo run --release --example pgz -- --help`: a parallel gzip, the blocks of a file.
//! - `cargo run --release --example jsonl -- --help`: filters and transforms lines of JSON.
//! - `cargo run --release --example fetch -- --help`: fetches a list of URLs, with a limit for each.
//! - `cargo run --release --example own_backend -- --quick`: a backend in 60 lines, in the comparison.
//! - `cargo run --release --example checksums -- --help`: the SHA-256 of every file in a tree, in the
//!   format of `sha256sum`.
//! - `cargo run --release --example line_server -- --help`: an HTTP server that maps the lines of its requests.

/// The README's example is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
