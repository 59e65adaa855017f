//! A test in a process of its own, since it would take all others with it if it failed.

use std::env;
use std::process::{Command, Stdio};

/// Says to a process which test it is there for.
const ONLY: &str = "POOL_CONFORMANCE_APART";

/// Runs the body of that test of that subject in a process of its own: this program, with that test alone.
///
/// # Panics
///
/// If the process ends badly: with what it wrote.
pub(super) fn apart(subject: &str, test: &str, body: impl FnOnce()) {
    let name = format!("{subject}::{test}");
    if env::var_os(ONLY).is_some_and(|only| *only == *name) {
        return body();
    }
    let program = env::current_exe().expect("a test knows its program");
    let mut command = Command::new(program);
    command.args([&name, "--exact", "--test-threads=1"]).env(ONLY, &name).stdin(Stdio::null());
    let output = command.output().expect("it starts");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{}\n{said}\n{errors}", output.status);
}
