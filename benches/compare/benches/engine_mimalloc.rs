//! The rows of the `engine` bench in which allocation counts, with mimalloc as the global allocator.
//!
//! `cargo bench -p pool-compare --bench engine_mimalloc`; options are those of [`table`], so that
//! `ENGINE_ROWS=` measures every row.

mod contenders;
mod table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Criterion has no part in it.
    table::run(true);
}
