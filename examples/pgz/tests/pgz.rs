//! `pgz` beside `gzip`, and with bad input.

use example_common::testing::{Done, LIMIT, collect, has, program, redirected, run, run_with_input, wait};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgz");

fn pgz(arguments: &[&str], input: &[u8]) -> Done {
    run_with_input(program(PROGRAM).args(arguments), input)
}

fn gzip(arguments: &[&str], input: &[u8]) -> Done {
    run_with_input(Command::new("gzip").args(arguments), input)
}

/// Text that compresses as text does, and never repeats for long.
fn prose(length: usize) -> Vec<u8> {
    const WORDS: [&str; 16] = [
        "the", "order", "of", "results", "is", "that", "input", "window", "a", "thread", "waits", "for",
        "block", "and", "queue", "never",
    ];
    let (mut text, mut state) = (Vec::with_capacity(length + 16), 1_u64);
    while text.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.extend_from_slice(WORDS[(state >> 60) as usize].as_bytes());
        text.push(if state >> 40 & 15 == 0 { b'\n' } else { b' ' });
    }
    text.truncate(length);
    text
}

/// Input that does not compress.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 7_u64;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    });
    next.take(length).collect()
}

fn inputs() -> Vec<Vec<u8>> {
    let block = 512 * 1024;
    let lengths = [0, 1, block - 1, block, block + 1, 5 * block + 17];
    let mut inputs: Vec<_> = lengths.into_iter().map(prose).collect();
    inputs.push(noise(3 * block + 1));
    inputs.push(vec![0; 4 * block]);
    inputs
}

#[test]
fn what_it_compresses_comes_back() {
    for input in inputs() {
        for options in [&["-1"][..], &[], &["-9", "-p", "1"], &["-0"], &["-b", "32", "-p3"]] {
            let small = pgz(options, &input).good();
            assert!(pgz(&["-d"], &small).good() == input, "{} bytes, {options:?}", input.len());
        }
    }
}

/// The output is the same with every number of threads.
#[test]
fn the_same_input_gives_the_same_file() {
    let input = prose(6 << 20);
    let one = pgz(&["-p", "1"], &input).good();
    for threads in ["2", "7"] {
        assert!(pgz(&["-p", threads], &input).good() == one, "{threads} threads");
    }
}

#[test]
fn gzip_reads_what_it_writes() {
    if !has("gzip") {
        return;
    }
    for input in inputs() {
        for options in [&["-1"][..], &["-6"], &["-9", "-b", "64"]] {
            let small = pgz(options, &input).good();
            gzip(&["-t"], &small).good();
            assert!(gzip(&["-dc"], &small).good() == input, "{} bytes, {options:?}", input.len());
        }
    }
}

#[test]
fn it_reads_what_gzip_writes() {
    if !has("gzip") {
        return;
    }
    let (one, two) = (prose(300_000), noise(70_000));
    let mut both = gzip(&["-c"], &one).good();
    both.extend(gzip(&["-c"], &two).good());
    // Concatenated gzip files are a gzip file.
    assert!(pgz(&["-d"], &both).good() == [one, two].concat());
}

/// Since each block has a dictionary, blocks make the output hardly larger.
#[test]
fn it_is_nearly_as_small_as_one_block() {
    let input = prose(2 << 20);
    let (blocks, one) = (pgz(&[], &input).good().len(), pgz(&["-b", "4096"], &input).good().len());
    assert!(blocks as f64 <= 1.02 * one as f64, "{blocks} bytes in blocks, {one} in one");
}

#[test]
fn damaged_input_is_refused() {
    let good = pgz(&[], &prose(500_000)).good();
    let cut = &good[..good.len() / 2];
    let without_its_end = &good[..good.len() - 1];
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    let cases: [(&[u8], &str); 5] = [
        (cut, "ends too early"),
        (without_its_end, "ends too early"),
        (&wrong_sum, "damaged"),
        (b"this is text", "not in the format of gzip"),
        (b"", "ends too early"),
    ];
    for (input, reason) in cases {
        let done = pgz(&["-d"], input);
        assert_eq!(done.status.code(), Some(1), "{reason}");
        assert!(done.stderr.starts_with("pgz: ") && done.stderr.contains(reason), "{}", done.stderr);
    }
}

/// Far behind the first damage, whatever the size of the pieces in which it is decompressed.
#[test]
fn what_comes_before_damage_is_written() {
    let input = prose(2_700_000);
    let good = pgz(&[], &input).good();
    let mut damaged = good.clone();
    // The end of the last block: no bit of what comes before can depend on it.
    let at = damaged.len() - 20;
    damaged[at..].fill(0xff);
    let mut wrong_sum = good.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    let cut = &good[..good.len() - 20];
    for (case, least) in
        [(&damaged[..], input.len() - 200), (&wrong_sum, input.len()), (cut, input.len() - 200)]
    {
        let done = pgz(&["-d"], case);
        assert_eq!(done.status.code(), Some(1), "{}", done.stderr);
        let same = done.stdout.iter().zip(&input).take_while(|(ours, right)| ours == right).count();
        assert!(same >= least, "{same} of {}", input.len());
    }
}

/// What is read from a tape or a block device ends with zeros.
#[test]
fn zeros_behind_the_file_are_ignored() {
    let input = prose(300_000);
    for zeros in [1, 2, 70_000] {
        let mut padded = pgz(&[], &input).good();
        padded.resize(padded.len() + zeros, 0);
        assert!(pgz(&["-d"], &padded).good() == input, "{zeros} zeros");
        if has("gzip") {
            assert!(gzip(&["-dc"], &padded).good() == input, "{zeros} zeros");
        }
    }
}

#[test]
fn garbage_behind_the_file_is_a_warning() {
    let input = prose(300_000);
    let small = pgz(&[], &input).good();
    for garbage in [&b"text"[..], b"\x1ftext", b"\0\0text", &[b"\0", &small[..]].concat()] {
        let with = [&small, garbage].concat();
        let done = pgz(&["-d"], &with);
        assert!(done.stdout == input, "{}", garbage.escape_ascii());
        let warning = "pgz: standard input: what follows the compressed data is ignored\n";
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(2), warning));
        if has("gzip") {
            let theirs = gzip(&["-dc"], &with);
            assert!(theirs.stdout == input && theirs.status.code() == Some(2), "{}", theirs.stderr);
        }
    }
    // A second member that is cut off is no garbage.
    for length in [1, 2, small.len() / 2] {
        let done = pgz(&["-d"], &[&small, &small[..length]].concat());
        assert_eq!(done.status.code(), Some(1), "{}", done.stderr);
        assert!(done.stdout.starts_with(&input));
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let input = prose(1 << 20);
    for (arguments, input) in [(&["-1"][..], input.clone()), (&["-d"], pgz(&[], &input).good())] {
        let mut command = program(PROGRAM);
        command.args(arguments).stdin(Stdio::piped()).stderr(Stdio::piped());
        command.stdout(OpenOptions::new().write(true).open("/dev/full").unwrap());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        thread::spawn(move || stdin.write_all(&input));
        let stderr = collect(child.stderr.take());
        assert_eq!(wait(&mut child).code(), Some(1));
        let told = String::from_utf8(stderr.join().unwrap()).unwrap();
        assert!(told.contains("standard output: No space left on device"), "{told}");
    }
}

/// Also while a thread of the pool waits in the input, which stays open.
#[test]
fn a_broken_pipe_is_an_error() {
    let mut child = program(PROGRAM)
        .arg("-1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(&noise(1 << 20));
    let stderr = collect(child.stderr.take());
    assert_eq!(wait(&mut child).code(), Some(1));
    assert!(String::from_utf8(stderr.join().unwrap()).unwrap().contains("standard output: Broken pipe"));
    drop(stdin);
}

#[test]
#[cfg(unix)]
fn an_input_that_cannot_be_read_leaves_no_whole_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.gz");
    let mut command = program(PROGRAM);
    command.stdin(File::open(directory.path()).unwrap()).stdout(File::create(&file).unwrap());
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let stderr = collect(child.stderr.take());
    assert_eq!(wait(&mut child).code(), Some(1));
    assert!(String::from_utf8(stderr.join().unwrap()).unwrap().contains("standard input: Is a directory"));
    let left = std::fs::read(file).unwrap();
    assert_eq!(pgz(&["-d"], &left).status.code(), Some(1));
}

/// With an endless input and an output that is not read, the program stops reading, and its memory is bounded.
#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded_on_an_endless_pipe() {
    let mut command = program(PROGRAM);
    command.args(["-1", "-p", "2"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let counted = taken.clone();
    let piece = noise(1 << 16);
    thread::spawn(move || {
        while stdin.write_all(&piece).is_ok() {
            counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
    });
    // Until the program has read nothing for a while.
    let began = Instant::now();
    let (mut last, mut since) = (0, Instant::now());
    while last == 0 || since.elapsed() < Duration::from_millis(300) {
        assert!(began.elapsed() < LIMIT, "{last} bytes taken, and it goes on");
        let now = taken.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        }
        thread::sleep(Duration::from_millis(5));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(last < 4 << 20, "{last} bytes taken although nothing was handed over");
    assert!(peak < 32 * 1024, "{peak} KiB");
}

#[test]
#[cfg(unix)]
fn a_closed_stream_is_an_error() {
    let small = pgz(&[], b"text").good();
    for option in ["-6", "-d"] {
        for (streams, reason) in [
            ("<&-", "standard input: it is closed"),
            (">&-", "standard output: it is closed"),
            // Open, but in the wrong direction.
            ("0>/dev/null", "standard input: Bad file descriptor"),
            ("1</dev/null", "standard output: Bad file descriptor"),
        ] {
            let done = run_with_input(redirected(PROGRAM, streams).arg(option), &small);
            assert_eq!(done.status.code(), Some(1), "{option} {streams}");
            assert!(
                done.stderr.starts_with(&format!("pgz: {reason}")),
                "{option} {streams}: {}",
                done.stderr
            );
            assert!(pgz(&["-d"], &done.stdout).status.code() != Some(0), "a whole file came out");
        }
    }
    // These are open.
    assert_eq!(run(redirected(PROGRAM, "<>/dev/null >/dev/null").arg("-1")).status.code(), Some(0));
    assert_eq!(run(redirected(PROGRAM, "</dev/null 1<>/dev/null").arg("-1")).status.code(), Some(0));
    // Messages are not the work.
    assert_eq!(run_with_input(redirected(PROGRAM, "2>&-").arg("-d"), &small).good(), b"text");
}

#[test]
#[cfg(target_os = "linux")]
fn help_that_cannot_be_written_is_an_error() {
    for streams in [">&-", ">/dev/full"] {
        let done = run(redirected(PROGRAM, streams).arg("--help"));
        assert_eq!(done.status.code(), Some(1), "{streams}");
        assert!(done.stderr.starts_with("pgz: standard output: "), "{}", done.stderr);
    }
    assert!(run(program(PROGRAM).arg("--help")).good().starts_with(b"Compresses"));
}

#[test]
fn wrong_arguments_are_explained() {
    let cases: [(&[&str], &str); 4] = [
        (&["-b", "1"], "--blocksize"),
        (&["--level", "10"], "--level"),
        (&["file"], "'file'"),
        (&["-p", "many"], "--processes"),
    ];
    for (arguments, named) in cases {
        let done = run(program(PROGRAM).args(arguments));
        assert_eq!(done.status.code(), Some(2));
        assert!(done.stderr.contains(named), "{}", done.stderr);
    }
    let done = run(program(PROGRAM).args(["-p", "0"]));
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.starts_with("pgz: "), "{}", done.stderr);
}
