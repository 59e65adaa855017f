//! Compares our backends with each other and with what others use; see `pool_compare::compare`.

use std::process::ExitCode;

fn main() -> ExitCode {
    pool_compare::main(pool_compare::registry::all())
}
