//! `compare` with mimalloc as its allocator. That program starts this one for the workloads that allocate.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    pool_compare::main(pool_compare::registry::all())
}
