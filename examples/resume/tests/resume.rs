//! `resume` is killed at random, again and again, and its output is that of one run.

use example_common::testing::{LIMIT, program, run, wait};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_resume");

fn resume(input: &Path, output: &Path) -> Command {
    let mut command = program(PROGRAM);
    // A place for each line or two.
    command.args([input, output]).args(["--rounds", "3", "--block", "20"]);
    command
}

/// Numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Kills a program unless it ends before. Returns whether it was killed.
fn kill_after(mut child: Child, time: Duration) -> bool {
    sleep(time);
    // It fails where the program has ended.
    let _ = child.kill();
    let status = wait(&mut child);
    assert!(status.success() || status.code().is_none(), "{status}");
    !status.success()
}

#[test]
fn killed_at_random_it_goes_on_until_the_output_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str| directory.path().join(name);
    let text: String = (0..3000).map(|n| format!("line {n}\n")).collect();
    fs::write(file("input"), text + "\n\r\nthe end").unwrap();
    let began = Instant::now();
    assert_eq!(run(&mut resume(&file("input"), &file("whole"))).good(), b"");
    let time = began.elapsed();
    let whole = fs::read_to_string(file("whole")).unwrap();
    assert!(whole.lines().enumerate().all(|(n, line)| line.starts_with(&format!("{n} "))));
    assert_eq!(whole.lines().count(), 3003);

    let (mut numbers, mut kills, mut resumed) = (Numbers(20_260_101), 0, 0);
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < LIMIT, "{kills} kills, and it has not ended");
        let before = fs::read_to_string(file("killed.place")).ok();
        let child = resume(&file("input"), &file("killed")).stdin(Stdio::null()).spawn().unwrap();
        // A tenth of the whole on average; more and more on a machine that has become slow.
        if !kill_after(child, time * (numbers.below(20) + kills / 5) as u32 / 100) {
            break;
        }
        kills += 1;
        // As a kill would have left it that came between the output and the place.
        let output = OpenOptions::new().append(true).create(true).open(file("killed"));
        output.unwrap().write_all(b"a block too many").unwrap();
        let after = fs::read_to_string(file("killed.place")).ok();
        resumed += u64::from(before.is_some() && after != before);
    }
    assert!(resumed >= 2, "{kills} kills, and {resumed} runs went on in the middle");
    assert!(fs::read_to_string(file("killed")).unwrap() == whole, "after {kills} kills");
    assert!(!file("killed.place").exists());
}

#[test]
fn an_empty_input_has_an_empty_output() {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("input"), directory.path().join("output"));
    fs::write(&input, "").unwrap();
    run(&mut resume(&input, &output)).good();
    assert_eq!(fs::read(&output).unwrap(), b"");
}

#[test]
fn what_cannot_be_used_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let (input, output) = (directory.path().join("input"), directory.path().join("output"));
    let done = run(&mut resume(&input, &output));
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.contains("input: No such file"), "{}", done.stderr);
    fs::write(&input, "x\n").unwrap();
    fs::write(directory.path().join("output.place"), "1 two 3").unwrap();
    let done = run(&mut resume(&input, &output));
    assert!(done.stderr.contains("output.place: it does not have"), "{}", done.stderr);
}
