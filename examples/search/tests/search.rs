//! `search` beside what `rg --sort path` prints: written down, and compared where `rg` is installed.
#![cfg(unix)]

use example_common::testing::{Done, LIMIT, collect, has, program, redirected, run, run_with_input, wait};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_search");

fn search(directory: &Path) -> Command {
    let mut command = program(PROGRAM);
    command.current_dir(directory);
    command
}

fn put(directory: &Path, name: &[u8], data: &[u8]) {
    let path = directory.join(OsStr::from_bytes(name));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, data).unwrap();
}

/// What a walk can meet.
fn tree() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    let at = tree.path();
    fs::create_dir(at.join(".git")).unwrap();
    put(at, b".gitignore", b"*.log\nbuild/\n");
    put(at, b".hidden", b"a hidden needle\n");
    put(at, b"a.txt", b"one\ntwo needle\nthree\nfour\nfive\nNeedles.\n");
    put(at, b"a/last", b"no end of the needle");
    put(at, b"binary", b"needle before\n\0\nneedle behind\n");
    put(at, b"build/out", b"an ignored needle\n");
    put(at, b"crlf", b"needle\r\nother\r\n");
    put(at, b"empty", b"");
    // So late that lines are printed before it is seen that the file is binary.
    put(at, b"late", &[b"needle\n", &b"no\n".repeat(30_000)[..], b"\0\nneedle\n"].concat());
    put(at, b"noise.log", b"an ignored needle\n");
    put(at, b"odd/two\nlines", b"needle\n");
    put(at, b"odd/\xff", b"needle \xfe\n");
    put(at, b"utf16", b"\xff\xfen\0e\0e\0d\0l\0e\0\n\0");
    put(at, b"utf8", b"\xef\xbb\xbfneedle\n");
    symlink("a.txt", at.join("link")).unwrap();
    symlink("nowhere", at.join("nowhere")).unwrap();
    tree
}

/// Runs a program without an input. (A pipe would be searched if no path is given.)
fn run_alone(command: &mut Command) -> Done {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let (status, stdout) = (wait(&mut child), stdout.join().unwrap());
    Done { status, stdout, stderr: String::from_utf8_lossy(&stderr.join().unwrap()).into() }
}

/// What `rg` is asked for the same.
fn rg(tree: &Path) -> Command {
    let mut command = Command::new("rg");
    command.args(["--no-config", "--sort", "path"]).current_dir(tree);
    command
}

/// Compares what is printed, and the exit status, with this; and those of `rg`, too, where there is one.
fn expect(tree: &Path, arguments: &[&str], status: i32, expected: &[u8]) {
    let expected = (expected.escape_ascii().to_string(), Some(status));
    let told = |done: &Done| (done.stdout.escape_ascii().to_string(), done.status.code());
    let ours = run_alone(search(tree).args(arguments));
    assert_eq!(told(&ours), expected, "{arguments:?} {}", ours.stderr);
    if has("rg") {
        let theirs = run_alone(rg(tree).args(arguments));
        assert_eq!(told(&theirs), expected, "rg {arguments:?} {}", theirs.stderr);
    }
}

#[test]
fn a_tree_in_the_order_of_its_paths() {
    let tree = tree();
    let all =
        b"a/last:no end of the needle\na.txt:two needle\ncrlf:needle\r\nlate:needle\nlate: WARNING: stopped \
        searching binary file after match (found \"\\0\" byte around offset 90007)\nodd/two\nlines:needle\n\
        odd/\xff:needle \xfe\nutf16:needle\nutf8:needle\n";
    expect(tree.path(), &["needle"], 0, all);
    for more in [&["-j1"][..], &["-j7"], &["--memory", "1"]] {
        let done = run_alone(search(tree.path()).arg("needle").args(more));
        assert_eq!(done.good().escape_ascii().to_string(), all.escape_ascii().to_string(), "{more:?}");
    }
}

/// A searcher keeps the buffer that it needed for a long line, and would see earlier that the next file is binary.
#[test]
fn what_is_printed_does_not_depend_on_the_files_before() {
    let tree = tree();
    put(tree.path(), b"l/long", &b"needle".repeat(50_000));
    let found = run_alone(search(tree.path()).args(["needle", "-j1", "-g", "l*", "./"])).good();
    let lines = String::from_utf8(found).unwrap();
    let late: Vec<_> = lines.lines().filter_map(|line| line.strip_prefix("./late:")).collect();
    assert!(lines.contains("./l/long:needleneedle") && late.len() == 2 && late[0] == "needle", "{late:?}");
}

#[test]
fn options_mean_what_they_mean_for_rg() {
    let (tree, paths) = (tree(), ["a", "a.txt", "crlf"]);
    let with = |options: &[&str], expected: &[u8]| {
        expect(tree.path(), &[options, &["--"], &["needle"], &paths].concat(), 0, expected);
    };
    with(&["-n"], b"a/last:1:no end of the needle\na.txt:2:two needle\ncrlf:1:needle\r\n");
    with(&["-n", "-N", "-j2"], b"a/last:no end of the needle\na.txt:two needle\ncrlf:needle\r\n");
    with(&["-i", "-c"], b"a/last:1\na.txt:2\ncrlf:1\n");
    with(&["-iw", "-c"], b"a/last:1\na.txt:1\ncrlf:1\n");
    with(&["-l", "-v"], b"a.txt\ncrlf\n");
    with(&["-v"], b"a.txt:one\na.txt:three\na.txt:four\na.txt:five\na.txt:Needles.\ncrlf:other\r\n");
    with(
        &["-C1", "-n"],
        b"a/last:1:no end of the needle\n--\na.txt-1-one\na.txt:2:two needle\na.txt-3-three\n--\n\
            crlf:1:needle\r\ncrlf-2-other\r\n",
    );
    with(
        &["-A", "2", "-g", "*.txt"],
        b"a.txt:two needle\na.txt-three\na.txt-four\n--\ncrlf:needle\r\ncrlf-other\r\n",
    );
    with(&["-B1", "-g", "!a/*"], b"a.txt-one\na.txt:two needle\n--\ncrlf:needle\r\n");
    with(
        &["--color=always"],
        b"\x1b[0m\x1b[35ma/last\x1b[0m:no end of the \x1b[0m\x1b[1m\x1b[31mneedle\x1b[0m\n\
            \x1b[0m\x1b[35ma.txt\x1b[0m:two \x1b[0m\x1b[1m\x1b[31mneedle\x1b[0m\n\
            \x1b[0m\x1b[35mcrlf\x1b[0m:\x1b[0m\x1b[1m\x1b[31mneedle\x1b[0m\r\n",
    );
}

#[test]
fn what_is_named_is_searched() {
    let tree = tree();
    let at = tree.path();
    expect(at, &["needle", "link"], 0, b"two needle\n");
    expect(
        at,
        &["needle", "noise.log", "./a"],
        0,
        b"noise.log:an ignored needle\n./a/last:no end of the needle\n",
    );
    let binary = b"binary file matches (found \"\\0\" byte around offset 14)\n";
    expect(at, &["needle", "binary"], 0, binary);
    expect(at, &["-c", "needle", "binary"], 0, b"2\n");
    expect(at, &["-F", "s.", "a.txt"], 0, b"Needles.\n");
    // Only a line that is printed has a separator before.
    let both = [b"a.txt-one\na.txt:two needle\nbinary: ", &binary[..]].concat();
    expect(at, &["-B1", "needle", "a.txt", "binary"], 0, &both);
    // The first line is no separator.
    put(at, b"dashes", b"--\n--\n");
    expect(at, &["--", "--", "dashes"], 0, b"--\n--\n");
}

#[test]
fn what_is_left_out_can_be_asked_for() {
    let tree = tree();
    let at = tree.path();
    let with = |options: &[&str], expected: &[u8]| {
        expect(at, &[options, &["-l", "(hidden|ignored) needle", "./"]].concat(), 0, expected);
    };
    with(&["--hidden"], b"./.hidden\n");
    with(&["--no-ignore"], b"./build/out\n./noise.log\n");
    with(&["--no-ignore", "-.", "-g", "!build"], b"./.hidden\n./noise.log\n");
    with(&["-g", "*.log"], b"./noise.log\n");
}

#[test]
fn the_exit_status_is_that_of_grep() {
    let tree = tree();
    let at = tree.path();
    expect(at, &["nothing has this"], 1, b"");
    expect(at, &["needle", "a", "not there", "crlf"], 2, b"a/last:no end of the needle\ncrlf:needle\r\n");
    expect(at, &["("], 2, b"");
    expect(at, &["a\nb"], 2, b"");
    expect(at, &["x", "-g", "["], 2, b"");
    expect(at, &["needle", "-g", "no such name"], 2, b"");
    let done = run_alone(search(at).args(["needle", "not there"]));
    assert!(
        done.stderr.starts_with("search: not there: ") && done.stderr.lines().count() == 1,
        "{}",
        done.stderr
    );
}

/// A line is printed as soon as it is known, while the file goes on.
#[test]
fn a_line_does_not_wait_for_the_next() {
    let tree = tree();
    let mut command = search(tree.path());
    command.args(["needle", "a", "-", "crlf"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = mpsc::channel();
    thread::spawn(move || output.lines().try_for_each(|line| send.send(line.unwrap())));
    let next = || lines.recv_timeout(LIMIT).unwrap();
    assert_eq!(next(), "a/last:no end of the needle");
    for line in ["a needle", "another needle"] {
        writeln!(input, "{line}").unwrap();
        assert_eq!(next(), format!("<stdin>:{line}"));
    }
    drop(input);
    assert_eq!(next(), "crlf:needle");
    assert_eq!(lines.recv_timeout(LIMIT), Err(RecvTimeoutError::Disconnected));
    assert!(wait(&mut child).success());
}

/// Two threads, each with a pipe: the second finds something first, and waits for more when its turn comes.
#[test]
fn what_was_found_before_its_turn_is_printed_when_it_comes() {
    let tree = tempfile::tempdir().unwrap();
    let pipes = ["first", "second"].map(|name| tree.path().join(name));
    assert!(Command::new("mkfifo").args(&pipes).status().unwrap().success());
    let mut command = search(tree.path());
    command.args(["-j2", "-C1", "needle", "first", "second"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = mpsc::channel();
    thread::spawn(move || output.lines().try_for_each(|line| send.send(line.unwrap())));
    let (end, ended) = mpsc::channel::<()>();
    thread::spawn(move || {
        let [mut first, mut second] =
            pipes.map(|pipe| fs::OpenOptions::new().write(true).open(pipe).unwrap());
        // More than a pipe has room for: so when it is written, the line has been read.
        let long = "no\n".repeat(100_000);
        second.write_all(format!("needle\n{long}").as_bytes()).unwrap();
        first.write_all(b"needle\n").unwrap();
        drop(first);
        let _ = ended.recv();
    });
    for line in ["first:needle", "--", "second:needle", "second-no"] {
        assert_eq!(lines.recv_timeout(LIMIT).unwrap(), line);
    }
    drop(end);
    assert!(wait(&mut child).success());
}

#[test]
fn standard_input_is_searched_if_it_is_a_pipe() {
    let tree = tree();
    let done = run_with_input(search(tree.path()).arg("needle"), b"x\na needle");
    assert_eq!(done.good(), b"a needle\n");
    let done = run_with_input(search(tree.path()).args(["needle", "crlf"]), b"a needle");
    assert_eq!(done.good(), b"needle\r\n");
}

/// Lines, of which all are found, of files whose paths are long: what is printed is far longer than what is searched.
fn long_texts(tree: &Path) -> Vec<u8> {
    let (folder, mut expected) = ("long/".repeat(40), Vec::new());
    for file in 0..12 {
        let lines = if file % 3 == 0 { 15_000 } else { 5 };
        let name = format!("{folder}{file:02}");
        put(tree, name.as_bytes(), &b"\n".repeat(lines));
        expected.extend(format!("{name}:\n").repeat(lines).into_bytes());
    }
    expected
}

/// Texts that are longer than all that may wait come whole and in order, and are not in memory meanwhile.
#[test]
#[cfg(target_os = "linux")]
fn long_texts_wait_for_their_turn() {
    let tree = tempfile::tempdir().unwrap();
    let expected = long_texts(tree.path());
    assert!(run_alone(search(tree.path()).args(["", "-j1", "--memory", "1"])).good() == expected);
    let mut command = search(tree.path());
    command.args(["", "-j4", "--memory", "1"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    // A pipe has room for 64 KiB, so the program has not ended when this much has been read, and has seen all files.
    let mut read = vec![0; expected.len() - (100 << 10)];
    output.read_exact(&mut read).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    output.read_to_end(&mut read).unwrap();
    assert!(read == expected && wait(&mut child).success());
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: usize = most.trim().trim_end_matches(" kB").parse().unwrap();
    // Three files of 3 MB each would wait for the first. The program alone has 12 MB where it is not optimised.
    assert!(kib < 16 << 10, "{kib} KiB, while {} KiB are printed", expected.len() >> 10);
}

#[test]
fn closed_streams_and_a_broken_pipe_are_errors() {
    let tree = tree();
    let cases = [(">&-", "standard output: it is closed"), ("<&-", "standard input: it is closed")];
    for (streams, message) in cases {
        let done = run(redirected(PROGRAM, streams).current_dir(tree.path()).args(["needle", "crlf", "-"]));
        assert_eq!((done.status.code(), done.stderr), (Some(2), format!("search: {message}\n")));
    }
    let long = tempfile::tempdir().unwrap();
    long_texts(long.path());
    let mut command = search(long.path());
    let mut child = command.args(["", "-j4"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = collect(child.stderr.take());
    child.stdout.take().unwrap().read_exact(&mut [0; 1000]).unwrap();
    assert_eq!(wait(&mut child).code(), Some(2));
    let told = String::from_utf8(stderr.join().unwrap()).unwrap();
    assert!(told.starts_with("search: standard output: Broken pipe"), "{told}");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, named) in
        [(&[][..], "<PATTERN>"), (&["x", "-A", "few"], "few"), (&["x", "--memory", "0"], "--memory")]
    {
        let done = run(program(PROGRAM).args(arguments));
        assert_eq!(done.status.code(), Some(2));
        assert!(done.stderr.contains(named), "{}", done.stderr);
    }
    assert!(run(program(PROGRAM).arg("--help")).good().starts_with(b"Searches"));
}
