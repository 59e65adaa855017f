//! Compares our backends with each other and with what others use; see `pool_harness::compare`.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[allow(unused_mut)]
    let mut entries = vec![pool_harness::ours::sequential()];
    #[cfg(feature = "backends")]
    entries.extend(pool_harness::ours::backends());
    #[cfg(feature = "peers")]
    entries.extend(pool_harness::peers::all());
    pool_harness::compare::main(entries)
}
