//! A test in a process of its own, since its failure would end all other tests.

use std::env;
use std::process::{Command, Stdio};

/// The environment variable that tells a process which test to run.
const ONLY: &str = "POOL_CONFORMANCE_ONLY";

/// Whether this process is there for one test.
pub(crate) fn is_child() -> bool {
    env::var_os(ONLY).is_some()
}

/// Runs the body of the test of this name in a process of its own: this program, with that test alone.
///
/// # Panics
///
/// If the process ends badly: with what it wrote.
pub fn in_own_process(test: &str, body: impl FnOnce()) {
    if env::var_os(ONLY).is_some_and(|only| *only == *test) {
        return body();
    }
    let program = env::current_exe().expect("a test knows its program");
    let mut command = Command::new(program);
    command.args([test, "--exact", "--test-threads=1"]).env(ONLY, test).stdin(Stdio::null());
    let output = command.output().expect("it starts");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{}\n{said}\n{errors}", output.status);
}
