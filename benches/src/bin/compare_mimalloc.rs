//! `compare` with mimalloc as its allocator. That program starts this one for the workloads that allocate.

use pool_harness::{compare, contender};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    compare::main(contender::all())
}
