//! The first program of a newcomer.

use example_common::testing::{collect, program, redirected, run, wait};
use std::process::Stdio;

const PROGRAM: &str = env!("CARGO_BIN_EXE_quickstart");

#[test]
fn results_come_in_the_order_of_the_input() {
    let lines = String::from_utf8(run(&mut program(PROGRAM)).good()).unwrap();
    let expected: String = [5, 1, 4, 2, 3].map(|n| format!("{n} slept for {} ms\n", 100 * n)).concat();
    assert_eq!(lines, expected);
}

/// As with `| true`.
#[test]
fn a_closed_pipe_is_an_error_and_no_panic() {
    let mut child = program(PROGRAM).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let stderr = collect(child.stderr.take());
    assert_eq!(wait(&mut child).code(), Some(1));
    let told = String::from_utf8(stderr.join().unwrap()).unwrap();
    assert!(told.contains("Broken pipe") || told.contains("BrokenPipe"), "{told}");
}

#[cfg(unix)]
#[test]
fn only_an_output_that_is_closed_is_an_error() {
    let done = run(&mut redirected(PROGRAM, ">&-"));
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.contains("it is closed"), "{}", done.stderr);
    assert_eq!(
        run(&mut redirected(PROGRAM, "<&- 2>&-")).good().iter().filter(|byte| **byte == b'\n').count(),
        5
    );
}
