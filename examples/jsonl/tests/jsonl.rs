//! `jsonl` beside `jq`, and with bad input.

use example_common::testing::{Done, collect, has, program, redirected, run, run_with_input, wait};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread;

const PROGRAM: &str = env!("CARGO_BIN_EXE_jsonl");

fn jsonl(arguments: &[&str], input: &str) -> Done {
    run_with_input(program(PROGRAM).args(arguments), input.as_bytes())
}

fn text(done: Done) -> String {
    String::from_utf8(done.good()).unwrap()
}

/// Thousands of lines, as `jq -c` writes them.
fn people() -> String {
    let mut text = String::new();
    for number in 0..3000 {
        let city = ["Oslo", "Zürich", "São \\\"Paulo\\\""][number % 3];
        writeln!(
            text,
            r#"{{"id":{number},"user":{{"city":"{city}","admin":{}}},"tags":[{number},null]}}"#,
            number % 7 == 0
        )
        .unwrap();
    }
    text
}

#[test]
fn it_does_what_jq_does() {
    if !has("jq") {
        return;
    }
    let cases: [(&[&str], &str); 6] = [
        (&[], "."),
        (&["--where", "user.city=Oslo"], r#"select(.user.city == "Oslo")"#),
        (
            &["--where", "user.admin=true", "--where", "user.city=Zürich"],
            r#"select(.user.admin and .user.city == "Zürich")"#,
        ),
        (&["--select", "user.city,id,none"], r#"{"user.city": .user.city, id, none}"#),
        (&["--set", "seen=1", "--set", "user.mail.at=[2,3]"], ".seen = 1 | .user.mail.at = [2,3]"),
        (
            &["--where", "id=5", "--set", "id=six", "--select", "id"],
            r#"select(.id == 5) | .id = "six" | {id}"#,
        ),
    ];
    let input = people();
    for (arguments, filter) in cases {
        let expected = run_with_input(Command::new("jq").args(["-c", filter]), input.as_bytes()).good();
        assert!(jsonl(arguments, &input).good() == expected, "{arguments:?}");
        for more in [["--threads", "1"], ["--threads", "5"]] {
            assert!(jsonl(&[arguments, &more].concat(), &input).good() == expected, "{arguments:?} {more:?}");
        }
    }
}

#[test]
fn a_file_is_read_as_standard_input_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("people");
    std::fs::write(&path, people()).unwrap();
    assert_eq!(text(run(program(PROGRAM).arg(&path))), people());
}

#[test]
fn a_line_that_only_passes_stays_as_it_is() {
    let done = jsonl(&[], "{\"b\":  1.50, \"a\":123456789012345678901234567890}\n\n  \n[1, 2]");
    assert_eq!(text(done), "{\"b\":  1.50, \"a\":123456789012345678901234567890}\n[1, 2]\n");
}

/// Numbers that fit in no machine word, and half of a surrogate pair, are JSON.
#[test]
fn no_limit_of_a_machine_is_a_fault_of_a_line() {
    let input = "{\"a\":1e400}\n{\"a\":-0.10000000000000000000000000001}\n{\"\\ud800\":\"\\ud800\"}\n";
    assert_eq!(text(jsonl(&[], input)), input);
    assert_eq!(text(jsonl(&["--where", "a=10e399"], input)), "{\"a\":1e400}\n");
    assert_eq!(text(jsonl(&["--select", "a"], "{\"a\":1e400}")), "{\"a\":1e400}\n");
}

#[test]
fn only_what_is_asked_for_is_changed() {
    let input = "{\"id\":  1.50,\"big\":123456789012345678901234567890, \"deep\":{\"x\": 1E2}}\n";
    assert_eq!(
        text(jsonl(&["--set", "deep.y=0.10", "--set", "new=[1,\n2]"], input)),
        "{\"id\":  1.50,\"big\":123456789012345678901234567890, \"deep\":{\"x\": 1E2,\"y\":0.10},\"new\":[1, 2]}\n"
    );
    assert_eq!(
        text(jsonl(&["--select", "big,id,deep.x"], input)),
        "{\"big\":123456789012345678901234567890,\"id\":1.50,\"deep.x\":1E2}\n"
    );
}

#[test]
fn conditions_compare_values_and_not_how_they_are_written() {
    let input = "{\"a\":1}\n{\"a\":1.0}\n{\"\\u0061\":10e-1}\n{\"a\":2}\n{\"a\":\"1\"}\n";
    assert_eq!(
        text(jsonl(&["--where", "a=1"], input)),
        input.split_inclusive('\n').take(3).collect::<String>()
    );
    let input = "{\"a\":{\"x\":[1.0],\"y\":2}}\n";
    assert_eq!(text(jsonl(&["--where", "a={\"y\":2.0,\"x\":[1]}"], input)), input);
}

/// Deeper than any stack.
#[test]
fn depth_is_not_limited() {
    let deep = ["[".repeat(300_000), "]".repeat(300_000)].concat();
    let input = format!("{deep}\n{{\"a\":{deep},\"b\":1}}\n");
    assert!(text(jsonl(&[], &input)) == input);
    assert!(text(jsonl(&["--where", "b=1", "--select", "a"], &input)) == format!("{{\"a\":{deep}}}\n"));
    assert!(
        text(jsonl(&["--where", "b=1", "--set", "b=2"], &input)) == format!("{{\"a\":{deep},\"b\":2}}\n")
    );
    assert_eq!(text(jsonl(&["--where", "a=[[]]"], &input)), "");
    // That of a value to compare with is, and it is said.
    let done = jsonl(&["--where", &format!("a={}", &deep[300_000 - 200..300_000 + 200])], &input);
    assert_eq!(done.status.code(), Some(2));
    assert!(done.stderr.contains("more than 100 levels deep"), "{}", done.stderr);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let input = "\u{feff}{\"a\":1}\n{\"a\":2}\n";
    for arguments in [&[][..], &["--where", "a=1"], &["--keep-bad"]] {
        let lines = if arguments.contains(&"a=1") { "{\"a\":1}\n" } else { "{\"a\":1}\n{\"a\":2}\n" };
        assert_eq!(text(jsonl(arguments, input)), lines);
    }
    // Only there.
    assert_eq!(jsonl(&[], "1\n\u{feff}2\n").status.code(), Some(1));
}

#[test]
fn bad_lines_are_told_with_their_numbers() {
    let mut input = people();
    input.push_str("{\"open\": \n\nnot json\n\"\u{fffd}\"\n");
    let mut bytes = input.clone().into_bytes();
    bytes.extend(b"\"\xff\"\n{}\n");
    for threads in ["1", "4"] {
        let dropped = run_with_input(program(PROGRAM).args(["--threads", threads]), &bytes);
        assert_eq!(dropped.status.code(), Some(1));
        assert_eq!(String::from_utf8(dropped.stdout).unwrap(), people() + "\"\u{fffd}\"\n{}\n");
        let told: Vec<_> = dropped.stderr.lines().collect();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told[0].starts_with("jsonl: line 3001: EOF while parsing a value at column"), "{told:?}");
        assert!(told[1].starts_with("jsonl: line 3003: expected ident at column 2"), "{told:?}");
        assert!(told[2].starts_with("jsonl: line 3005: invalid unicode code point"), "{told:?}");

        let kept = run_with_input(program(PROGRAM).args(["--threads", threads, "--keep-bad"]), &bytes);
        assert_eq!(kept.status.code(), Some(1));
        let expected: Vec<u8> = String::from_utf8_lossy(&bytes).replace("\n\n", "\n").into_bytes();
        assert_eq!(String::from_utf8_lossy(&kept.stdout).as_bytes(), expected);
        assert_eq!(kept.stderr, dropped.stderr);
    }
}

#[test]
fn what_cannot_be_set_is_told() {
    let done = jsonl(&["--set", "a.b=1"], "{}\n{\"a\":3}\n[]\n");
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(done.stdout, b"{\"a\":{\"b\":1}}\n");
    let reason = "`a.b` cannot be set: it is not in an object";
    assert_eq!(done.stderr, format!("jsonl: line 2: {reason}\njsonl: line 3: {reason}\n"));
}

/// A line is printed before the next line comes, and before a buffer is full.
#[test]
fn lines_come_at_once() {
    let mut command = program(PROGRAM);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let talk = thread::spawn(move || {
        for number in 0..5 {
            writeln!(stdin, "{number}").unwrap();
            let mut answer = String::new();
            stdout.read_line(&mut answer).unwrap();
            assert_eq!(answer, format!("{number}\n"));
        }
    });
    assert!(wait(&mut child).success());
    talk.join().unwrap();
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_an_error() {
    let mut command = program(PROGRAM);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.stdout(OpenOptions::new().write(true).open("/dev/full").unwrap()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::spawn(move || stdin.write_all(people().as_bytes()));
    let stderr = collect(child.stderr.take());
    assert_eq!(wait(&mut child).code(), Some(1));
    let told = String::from_utf8(stderr.join().unwrap()).unwrap();
    assert!(told.starts_with("jsonl: standard output: No space left on device"), "{told}");
}

#[test]
#[cfg(unix)]
fn a_closed_stream_is_an_error() {
    for (streams, reason) in [
        ("<&-", "standard input: it is closed"),
        (">&-", "standard output: it is closed"),
        ("0>/dev/null", "line 1: Bad file descriptor"),
        ("1</dev/null", "standard output: Bad file descriptor"),
    ] {
        let done = run_with_input(&mut redirected(PROGRAM, streams), b"1\n2\n");
        assert_eq!(done.status.code(), Some(1), "{streams}");
        assert!(done.stderr.starts_with(&format!("jsonl: {reason}")), "{streams}: {}", done.stderr);
        assert_eq!(done.stdout, b"");
    }
    // A stream that is not used may be closed.
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("list"), "1\n").unwrap();
    let done = run(redirected(PROGRAM, "<&- 2>&-").arg(directory.path().join("list")));
    assert_eq!(done.good(), b"1\n");
}

#[test]
fn wrong_arguments_are_explained() {
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--where", "a"], 2, "write FIELD=VALUE"),
        (&["--select", "a..b"], 2, "empty name"),
        (&["--threads", "0"], 1, "jsonl: "),
        (&["missing"], 1, "jsonl: missing: No such file"),
    ];
    for (arguments, status, reason) in cases {
        let done = run(program(PROGRAM).args(arguments));
        assert_eq!(done.status.code(), Some(status), "{arguments:?}");
        assert!(done.stderr.contains(reason), "{}", done.stderr);
    }
}
