//! A backend of one's own, beside all others: this is `compare` with one line more.
//!
//! The backend is [`pool`]; `tests/own_backend.rs` puts it under the conformance suite. The chapter
//! `guide::own_backend` of `pool-core` explains it.

#[allow(dead_code, reason = "`compare` terminates no pool")]
mod pool;

use example_common::{stdout, tell};
use pool::OwnPool;
use pool_compare::{ours, registry};
use std::process::ExitCode;

fn main() -> ExitCode {
    if let Err(error) = stdout() {
        tell(format_args!("own_backend: standard output: {error}"));
        return ExitCode::FAILURE;
    }
    let own = |threads| OwnPool::new(threads).expect("threads start");
    let mut entries = registry::all();
    entries.extend(ours::backend("own", own));
    pool_compare::main(entries)
}
