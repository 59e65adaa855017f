//! `checksums` beside `sha256sum`, and with bad input.

use example_common::testing::{Done, collect, has, program, redirected, run, run_with_input, wait};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_checksums");
const BACKENDS: [&str; 3] = ["channel", "stealing", "rayon"];

/// `checksums` in a directory, which names are relative to.
fn checksums(directory: &Path) -> Command {
    let mut command = program(PROGRAM);
    command.current_dir(directory);
    command
}

fn sha256(data: &[u8]) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn put(directory: &Path, name: impl AsRef<OsStr>, data: &[u8]) {
    let path = directory.join(name.as_ref());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, data).unwrap();
}

/// The line for a file with an ordinary name.
fn line(directory: &Path, name: &str) -> String {
    format!("{}  {name}\n", sha256(&fs::read(directory.join(name)).unwrap()))
}

/// Some directories of files, and their names in the order of the walk.
fn tree() -> (TempDir, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    // Below `t`, `a/z` comes before `a.b` in the walk, and after it in a sorted list of names.
    let mut names = vec!["t/a/z".to_string(), "t/a.b".to_string(), "t/b".to_string()];
    for folder in 0..6 {
        names.extend((0..80).map(|file| format!("t/c{folder}/deep/f{file:02}")));
    }
    names.push("t/d/empty".to_string());
    for (index, name) in names.iter().enumerate() {
        let length = if name.ends_with("empty") { 0 } else { 1 + index * 37 % 9000 };
        put(directory.path(), name, &vec![index as u8; length]);
    }
    fs::create_dir(directory.path().join("t/nothing")).unwrap();
    (directory, names)
}

fn lines(directory: &Path, names: &[String]) -> String {
    names.iter().map(|name| line(directory, name)).collect()
}

fn text(done: &Done) -> &str {
    assert_eq!(done.stderr, "");
    assert!(done.status.success(), "{}", done.status);
    std::str::from_utf8(&done.stdout).unwrap()
}

#[test]
fn every_backend_prints_the_walk_in_order() {
    let (directory, names) = tree();
    let directory = directory.path();
    let expected = lines(directory, &names);
    for backend in BACKENDS {
        let most = usize::MAX.to_string();
        let options: [&[&str]; 6] = [
            &[],
            &["--threads", "1"],
            &["--threads", "7"],
            &["--window", "1"],
            &["--window", "3"],
            &["--window", &most],
        ];
        for more in options {
            let done = run(checksums(directory).args(["--backend", backend]).args(more).arg("t"));
            assert_eq!(text(&done), expected, "{backend} {more:?}");
        }
    }
    let done = run(checksums(directory).arg("t"));
    assert_eq!(text(&done), expected);
}

#[test]
fn paths_are_taken_in_the_order_given() {
    let (directory, _) = tree();
    let directory = directory.path();
    let done = run(checksums(directory).args(["t/b", "./t/a", "t/a.b"]));
    let expected = line(directory, "t/b") + &line(directory, "./t/a/z") + &line(directory, "t/a.b");
    assert_eq!(text(&done), expected);
}

#[test]
fn sha256sum_accepts_the_output() {
    let (directory, _) = tree();
    put(directory.path(), "t/with space", b"1");
    #[cfg(unix)]
    for name in strange_names() {
        put(&directory.path().join("t"), name, b"strange");
    }
    if Command::new("sha256sum").arg("--version").output().is_err() {
        eprintln!("skipped: there is no sha256sum");
        return;
    }
    let done = run(checksums(directory.path()).arg("t"));
    assert!(done.status.success());
    let check = run_with_input(
        Command::new("sha256sum").args(["--check", "--strict", "--quiet"]).current_dir(directory.path()),
        &done.stdout,
    );
    assert!(check.status.success(), "{}", check.stderr);
    assert_eq!(check.stdout, b"");
}

#[test]
fn names_come_from_standard_input() {
    let (directory, _) = tree();
    let directory = directory.path();
    let expected = line(directory, "t/b") + &line(directory, "t/a/z") + &line(directory, "t/a.b");
    // The last line may lack its end. An empty line is not a name.
    let input = b"t/b\nt/a/z\n\nt/a.b";
    assert_eq!(text(&run_with_input(&mut checksums(directory), input)), expected);
    let done = run_with_input(checksums(directory).args(["t/a.b", "-", "t/b"]), b"t/a/z\n");
    let expected = line(directory, "t/a.b") + &line(directory, "t/a/z") + &line(directory, "t/b");
    assert_eq!(text(&done), expected);
    assert_eq!(text(&run(&mut checksums(directory))), "");
}

#[test]
fn names_may_end_with_a_zero_byte() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    put(directory, "two\nlines", b"1");
    put(directory, "b", b"2");
    let expected = format!("\\{}  two\\nlines\n", sha256(b"1")) + &line(directory, "b");
    for option in ["-0", "--null"] {
        let done = run_with_input(checksums(directory).arg(option), b"two\nlines\0\0b");
        assert_eq!(text(&done), expected);
    }
}

/// `script` makes the terminal. One file is a pipe that ends only after the bar has been seen.
#[test]
#[cfg(target_os = "linux")]
fn the_bar_has_a_total_where_the_walk_is_done() {
    if !has("script") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    put(directory, "a", b"1");
    put(directory, "b", b"2");
    assert!(Command::new("mkfifo").arg("pipe").current_dir(directory).status().unwrap().success());
    let program = checksums(directory);
    let command = format!("'{}' a pipe b", program.get_program().display());
    let mut script = Command::new("script");
    script
        .args(["-qec", &command, "/dev/null"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .env("TERM", "xterm");
    let mut child = script.stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = fs::OpenOptions::new().read(true).write(true).open(directory.join("pipe")).unwrap();
    pipe.write_all(b"3").unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let shown = thread::spawn(move || {
        let (mut shown, mut piece) = (String::new(), [0; 1024]);
        while !shown.contains("1/3 files") {
            let length = stdout.read(&mut piece).unwrap();
            assert!(length > 0, "{shown}");
            shown += &String::from_utf8_lossy(&piece[..length]);
        }
        // Now the pipe may end.
        drop(pipe);
        std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    });
    assert!(wait(&mut child).success());
    shown.join().unwrap();
}

/// A user who writes a name on a terminal gets its line before writing the next name.
#[test]
fn a_line_does_not_wait_for_the_next_name() {
    let (directory, names) = tree();
    let directory = directory.path();
    for backend in BACKENDS {
        let mut command = checksums(directory);
        command.args(["--backend", backend]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let asked = names[..4].to_vec();
        let talk = thread::spawn(move || {
            asked
                .iter()
                .map(|name| {
                    writeln!(stdin, "{name}").unwrap();
                    let mut answer = String::new();
                    stdout.read_line(&mut answer).unwrap();
                    answer
                })
                .collect::<String>()
        });
        // Dropping it closes the program's standard input.
        assert!(wait(&mut child).success());
        assert_eq!(talk.join().unwrap(), lines(directory, &names[..4]), "{backend}");
    }
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_is_printed() {
    let (directory, _) = tree();
    let directory = directory.path();
    let expected = line(directory, "t/a/z") + &line(directory, "t/b");
    for backend in BACKENDS {
        let done = run(checksums(directory).args(["--backend", backend, "t/a", "missing", "t/b"]));
        assert_eq!(done.status.code(), Some(1));
        assert_eq!(String::from_utf8(done.stdout).unwrap(), expected);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.starts_with("checksums: missing: "), "{}", done.stderr);
    }
    // The same with names from standard input; a directory is not a file.
    let done = run_with_input(&mut checksums(directory), b"t/a/z\nmissing\nt\nt/b\n");
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(String::from_utf8(done.stdout).unwrap(), expected);
    let messages: Vec<_> = done.stderr.lines().collect();
    assert_eq!(messages.len(), 2, "{}", done.stderr);
    assert!(messages[0].starts_with("checksums: missing: "), "{}", done.stderr);
    assert!(messages[1].starts_with("checksums: t: "), "{}", done.stderr);
}

#[test]
#[cfg(unix)]
fn an_unreadable_directory_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, _) = tree();
    let directory = directory.path();
    put(directory, "u/a", b"1");
    put(directory, "u/locked/b", b"2");
    put(directory, "u/z", b"3");
    let locked = directory.join("u/locked");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&locked).is_ok() {
        eprintln!("skipped: nothing is locked for this user");
        return;
    }
    let done = run(checksums(directory).arg("u"));
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(String::from_utf8(done.stdout).unwrap(), line(directory, "u/a") + &line(directory, "u/z"));
    assert!(done.stderr.starts_with("checksums: u/locked: "), "{}", done.stderr);
}

#[test]
#[cfg(unix)]
fn links_are_followed_only_if_named() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    put(directory, "a/file", b"1");
    put(directory, "outside", b"2");
    std::os::unix::fs::symlink("../outside", directory.join("a/link")).unwrap();
    std::os::unix::fs::symlink("a", directory.join("linked")).unwrap();
    let done = run(checksums(directory).args(["a", "a/link", "linked"]));
    let expected = line(directory, "a/file") + &line(directory, "a/link") + &line(directory, "linked/file");
    assert_eq!(text(&done), expected);
}

/// The figures go to standard error, so that standard output has only the lines.
#[test]
fn stats_are_told_at_the_end() {
    let (directory, names) = tree();
    let directory = directory.path();
    let expected = lines(directory, &names);
    for backend in BACKENDS {
        let done = run(checksums(directory).args(["--backend", backend, "--threads", "3", "--stats", "t"]));
        assert!(done.status.success());
        assert_eq!(String::from_utf8(done.stdout).unwrap(), expected, "{backend}");
        let told: Vec<&str> = done.stderr.lines().collect();
        let files = names.len();
        let middle: Vec<&str> =
            told[0].strip_prefix("in the middle: ").unwrap().split([' ', ',', ':', ';']).collect();
        let number = |unit| -> usize {
            middle[middle.iter().position(|word| *word == unit).unwrap() - 1].parse().unwrap()
        };
        let under_way = ["waiting", "running", "blocked"].map(number).iter().sum::<usize>();
        assert_eq!(number("pulled"), under_way + number("delivered"), "{}", done.stderr);
        assert!((files / 4..=files / 2).contains(&number("delivered")), "{}", done.stderr);
        let line = format!("at the end: {files} pulled: 0 waiting, 0 running, 0 blocked, {files} delivered");
        assert!(told[1].starts_with(&line), "{}", done.stderr);
        let table: Vec<Vec<&str>> = told[2..].iter().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(table[0], ["worker", "jobs", "busy", "sleeps", "steals"], "{}", done.stderr);
        let rows: Vec<&str> = table[1..].iter().map(|row| row[0]).collect();
        assert_eq!(rows, ["0", "1", "2", "total"], "{}", done.stderr);
        let jobs: Vec<u64> = table[1..].iter().map(|row| row[1].parse().unwrap()).collect();
        assert!(jobs[3] > 0, "{}", done.stderr);
        assert_eq!(jobs[..3].iter().sum::<u64>(), jobs[3], "{}", done.stderr);
        assert_ne!(table[4][2], "0.0ns", "{}", done.stderr);
    }
}

/// Also for a reader that takes only the first lines.
#[test]
fn stats_are_told_after_a_closed_pipe() {
    let (directory, names) = tree();
    let directory = directory.path();
    fs::write(directory.join("names"), (names.join("\n") + "\n").repeat(20)).unwrap();
    for backend in BACKENDS {
        let mut command = checksums(directory);
        command.args(["--backend", backend, "--stats"]);
        command.stdin(fs::File::open(directory.join("names")).unwrap());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let stderr = collect(child.stderr.take());
        assert_eq!(wait(&mut child).code(), Some(1));
        let told = String::from_utf8(stderr.join().unwrap()).unwrap();
        assert!(told.contains(" delivered") && told.contains("\n total "), "{told}");
    }
}

/// Like `checksums … | head -1`.
#[test]
fn a_closed_pipe_is_an_error() {
    let (directory, names) = tree();
    let directory = directory.path();
    // More lines than fit into a pipe, and more than are written together.
    let input = (names.join("\n") + "\n").repeat(20);
    fs::write(directory.join("names"), input).unwrap();
    for backend in BACKENDS {
        let mut command = checksums(directory);
        command.args(["--backend", backend]).stdin(fs::File::open(directory.join("names")).unwrap());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = collect(child.stderr.take());
        let stdout = child.stdout.take().unwrap();
        let first = thread::spawn(move || {
            let mut first = String::new();
            BufReader::new(stdout).read_line(&mut first).unwrap();
            first
        });
        let status = wait(&mut child);
        assert_eq!(first.join().unwrap(), line(directory, &names[0]));
        let told = String::from_utf8(stderr.join().unwrap()).unwrap();
        assert_eq!(told, "checksums: standard output: Broken pipe\n");
        assert_eq!(status.code(), Some(1));
    }
}

/// Also while the only thread reads a pipe that never ends.
#[test]
#[cfg(unix)]
fn a_closed_pipe_does_not_wait_for_what_is_being_read() {
    let (directory, _) = tree();
    let directory = directory.path();
    let mut command = checksums(directory);
    command.args(["--threads", "1", "t/a", "t/b", "t", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take();
    drop(child.stdout.take());
    assert_eq!(wait(&mut child).code(), Some(1));
    drop(stdin);
}

/// With an end of line, a backslash, and bytes that are not UTF-8.
#[cfg(unix)]
fn strange_names() -> [&'static OsStr; 4] {
    use std::os::unix::ffi::OsStrExt;
    [&b"back\\slash"[..], b"new\nline", b"return\r", b"\xff\xfe\\"].map(OsStr::from_bytes)
}

#[test]
#[cfg(unix)]
fn strange_names_are_escaped() {
    let directory = tempfile::tempdir().unwrap();
    for name in strange_names() {
        put(directory.path(), name, b"strange");
    }
    let sum = sha256(b"strange");
    let escaped = [&b"./back\\\\slash"[..], b"./new\\nline", b"./return\\r", b"./\xff\xfe\\\\"];
    let expected: Vec<u8> =
        escaped.iter().flat_map(|name| [b"\\", sum.as_bytes(), b"  ", name, b"\n"].concat()).collect();
    let done = run(checksums(directory.path()).arg("."));
    assert_eq!(done.stdout.escape_ascii().to_string(), expected.escape_ascii().to_string());
    assert_eq!(done.stderr, "");
    // A name that cannot be read is escaped too, so that its message stays one line.
    let done = run(checksums(directory.path()).arg("miss\ning"));
    assert!(done.stderr.starts_with("checksums: miss\\ning: "), "{}", done.stderr);
}

#[test]
fn an_empty_directory_prints_nothing() {
    let directory = tempfile::tempdir().unwrap();
    for backend in BACKENDS {
        assert_eq!(text(&run(checksums(directory.path()).args(["--backend", backend, "."]))), "");
    }
}

#[test]
fn a_big_file() {
    let directory = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..(3 << 20) + 1).map(|index: u32| (index % 251) as u8).collect();
    put(directory.path(), "big", &data);
    for backend in BACKENDS {
        let done = run(checksums(directory.path()).args(["--backend", backend, "big"]));
        assert_eq!(text(&done), format!("{}  big\n", sha256(&data)));
    }
}

#[test]
fn zero_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    for option in ["--threads", "--window"] {
        let done = run(checksums(directory.path()).args([option, "0"]));
        assert_eq!(done.status.code(), Some(2));
        assert!(done.stderr.contains("at least 1"), "{}", done.stderr);
        assert!(done.stderr.contains(option), "{}", done.stderr);
    }
}

#[test]
#[cfg(unix)]
fn a_closed_stream_is_an_error() {
    let (directory, _) = tree();
    let directory = directory.path();
    let at = |streams| {
        let mut command = redirected(PROGRAM, streams);
        command.current_dir(directory);
        command
    };
    for (streams, reason) in [
        ("<&-", "standard input: it is closed"),
        (">&-", "standard output: it is closed"),
        ("0>/dev/null", "standard input: Bad file descriptor"),
        ("1</dev/null", "standard output: Bad file descriptor"),
    ] {
        let done = run_with_input(&mut at(streams), b"t/b\n");
        assert_eq!(done.status.code(), Some(1), "{streams}");
        assert_eq!(done.stderr, format!("checksums: {reason}\n"), "{streams}");
        assert_eq!(done.stdout, b"");
    }
    // What can be read is printed in its place, and a stream that is not used may be closed.
    let done = run(at("<&-").args(["t/b", "-", "t/a.b"]));
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(String::from_utf8(done.stdout).unwrap(), line(directory, "t/b") + &line(directory, "t/a.b"));
    assert_eq!(done.stderr, "checksums: standard input: it is closed\n");
    let done = run(at("<&- 2>&-").arg("t/b"));
    assert_eq!(text(&done), line(directory, "t/b"));
}
