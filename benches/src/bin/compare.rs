//! Compares our backends with each other and with what others use; see `pool_harness::compare`.

use pool_harness::{compare, contender};
use std::process::ExitCode;

fn main() -> ExitCode {
    compare::main(contender::all())
}
