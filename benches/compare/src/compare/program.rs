//! This program, and the one beside it with another allocator.
//!
//! A program has one allocator, which is chosen when it is built. So there is a second program, which is the same but for
//! that: `compare_mimalloc` lies beside `compare`, and `mine_mimalloc` beside `mine`.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

/// What the name of a program with mimalloc ends with.
const SUFFIX: &str = "_mimalloc";

/// The allocator of this program, as far as its name says.
pub fn allocator() -> &'static str {
    if name().is_some_and(|name| name.ends_with(SUFFIX)) { "mimalloc" } else { "system" }
}

/// The program with mimalloc. The error says how to get it.
pub fn with_mimalloc() -> Result<PathBuf, String> {
    let own = std::env::current_exe()
        .map_err(|error| format!("this program does not know where it is: {error}"))?;
    let name = name().unwrap_or_default();
    let program = own.with_file_name(format!("{name}{SUFFIX}{EXE_SUFFIX}"));
    if program.exists() {
        return Ok(program);
    }
    let remedy = match name.as_str() {
        "compare" => concat!("; `cargo build --release -p ", env!("CARGO_PKG_NAME"), " --bins` builds it"),
        _ => "",
    };
    Err(format!("there is no {}, so nothing is measured with mimalloc{remedy}", program.display()))
}

fn name() -> Option<String> {
    Some(std::env::current_exe().ok()?.file_stem()?.to_string_lossy().into_owned())
}
