//! `fetch` beside `curl`, against a server of this test that also hangs, breaks off and answers nonsense.

use example_common::testing::{has, program, redirected, run, run_with_input};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_fetch");

/// Answers until the test ends.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || answer(stream.unwrap()));
        }
    });
    address
}

/// `/bytes/N` has N bytes, and the larger N is, the sooner it answers. `/missing` is not there. `/hang` does not
/// answer, `/stall` does not finish, `/break` sends less than it has announced, and `/nonsense` is not HTTP.
fn answer(mut stream: TcpStream) {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    let _ = request.read_line(&mut first);
    while request.read_line(&mut String::new()).is_ok_and(|length| length > 2) {}
    let path = first.split(' ').nth(1).unwrap_or_default();
    let head = |status, length| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
    };
    let text = match path.split_at(path.rfind('/').map_or(0, |at| at + 1)) {
        ("/bytes/", number) => {
            let number: u64 = number.parse().unwrap();
            thread::sleep(Duration::from_millis(20u64.saturating_sub(number)));
            head("200 OK", number) + &"x".repeat(number as usize)
        }
        (_, "missing") => head("404 Not Found", 3) + "no\n",
        (_, "stall") => head("200 OK", 10) + "x",
        (_, "break") => head("200 OK", 10) + "xxx",
        (_, "nonsense") => "good morning\r\n\r\n".into(),
        _ => String::new(),
    };
    let _ = stream.write_all(text.as_bytes());
    if path == "/hang" || path == "/stall" {
        // Until the client hangs up.
        let _ = request.read_line(&mut String::new());
    }
}

#[test]
fn answers_come_in_the_order_of_the_list() {
    let at = server();
    let list: String = (0..60).map(|number| format!("http://{at}/bytes/{number}\n")).collect();
    let expected: String =
        (0..60).map(|number| format!("200 {number} http://{at}/bytes/{number}\n")).collect();
    for threads in ["1", "16"] {
        let done = run_with_input(program(PROGRAM).args(["--threads", threads]), list.as_bytes());
        assert_eq!(String::from_utf8(done.good()).unwrap(), expected);
    }
}

#[test]
fn it_reports_what_curl_reports() {
    if !has("curl") {
        return;
    }
    let at = server();
    let urls = ["bytes/7", "missing", "bytes/0", "bytes/100000"].map(|path| format!("http://{at}/{path}"));
    let done = run_with_input(&mut program(PROGRAM), urls.join("\n").as_bytes());
    let mut curl = String::new();
    for url in urls {
        let format = "%{http_code} %{size_download} %{url_effective}\n";
        let done = run(Command::new("curl").args(["-s", "-o", "/dev/null", "-w", format]).arg(url));
        curl += std::str::from_utf8(&done.good()).unwrap();
    }
    assert_eq!(String::from_utf8(done.good()).unwrap(), curl);
}

#[test]
fn late_and_failed_ones_are_named_in_their_places() {
    let at = server();
    let unused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let list = format!(
        "# some that do not work\nhttp://{at}/bytes/1\nhttp://{at}/hang\n\nhttp://{at}/break\nhttp://{at}/stall\n\
         http://{unused}/\nno url\nhttp://{at}/nonsense\nhttp://{at}/bytes/2\n"
    );
    let began = Instant::now();
    let done = run_with_input(program(PROGRAM).args(["--limit", "1.5"]), list.as_bytes());
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(done.stdout).unwrap(),
        format!("200 1 http://{at}/bytes/1\n200 2 http://{at}/bytes/2\n")
    );
    let told: Vec<_> = done.stderr.lines().collect();
    let named = [format!("http://{at}/hang"), format!("http://{at}/break"), format!("http://{at}/stall")];
    let named = named.into_iter().chain([
        format!("http://{unused}/"),
        "no url".into(),
        format!("http://{at}/nonsense"),
    ]);
    assert_eq!(told.len(), 6, "{told:?}");
    for (line, name) in told.iter().zip(named) {
        assert!(line.starts_with(&format!("fetch: {name}: ")), "{line}");
    }
    assert!(told[0].ends_with("no whole answer within 1.5s"), "{told:?}");
    assert!(told[2].ends_with("no whole answer within 1.5s"), "{told:?}");
    // The two requests that hang were waited for at the same time.
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn an_answer_that_is_too_long_is_an_error() {
    let at = server();
    let url = format!("http://{at}/bytes/1048577");
    let done = run_with_input(program(PROGRAM).args(["--largest", "1"]), url.as_bytes());
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.starts_with(&format!("fetch: {url}: ")), "{}", done.stderr);
}

#[test]
fn wrong_arguments_and_lists_are_explained() {
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--limit", "soon"], 2, "a number of seconds"),
        (&["--limit", "0"], 2, "more than 0"),
        (&["--threads", "0"], 1, "fetch: "),
        (&["missing"], 1, "fetch: missing: No such file"),
    ];
    for (arguments, status, reason) in cases {
        let done = run(program(PROGRAM).args(arguments));
        assert_eq!(done.status.code(), Some(status), "{arguments:?}");
        assert!(done.stderr.contains(reason), "{}", done.stderr);
    }
}

#[test]
fn a_line_that_is_no_text_is_told_in_its_place_and_the_list_goes_on() {
    let at = server();
    let url = |number| format!("http://{at}/bytes/{number}");
    let list = [url(1).as_bytes(), b"\n\xff\xfe \n", url(2).as_bytes(), b"\n#\xff\nb\xffd", b""].concat();
    let done = run_with_input(&mut program(PROGRAM), &list);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(String::from_utf8(done.stdout).unwrap(), format!("200 1 {}\n200 2 {}\n", url(1), url(2)));
    let told = "fetch: \u{fffd}\u{fffd}: it is not UTF-8\nfetch: b\u{fffd}d: it is not UTF-8\n";
    assert_eq!(done.stderr, told);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_url() {
    let url = format!("http://{}/bytes/1", server());
    for list in [format!("\u{feff}{url}\n"), format!("\u{feff}# URLs\r\n{url}\r\n")] {
        let done = run_with_input(&mut program(PROGRAM), list.as_bytes());
        assert_eq!(String::from_utf8(done.good()).unwrap(), format!("200 1 {url}\n"));
    }
}

/// It ends the list: a directory gives the same error for ever.
#[test]
#[cfg(unix)]
fn a_list_that_cannot_be_read_is_an_error() {
    let done = run(program(PROGRAM).arg("."));
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.starts_with("fetch: the list: Is a directory"), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
}

#[test]
#[cfg(unix)]
fn a_closed_stream_is_an_error() {
    let url = format!("http://{}/bytes/1\n", server());
    for (streams, reason) in [
        ("<&-", "standard input: it is closed"),
        (">&-", "standard output: it is closed"),
        ("0>/dev/null", "the list: Bad file descriptor"),
        ("1</dev/null", "standard output: Bad file descriptor"),
    ] {
        let done = run_with_input(&mut redirected(PROGRAM, streams), url.as_bytes());
        assert_eq!(done.status.code(), Some(1), "{streams}");
        assert!(done.stderr.starts_with(&format!("fetch: {reason}")), "{streams}: {}", done.stderr);
    }
    // Messages are not the work, and do not end it.
    let list = format!("no url\n{url}");
    let done = run_with_input(&mut redirected(PROGRAM, "2>&-"), list.as_bytes());
    assert_eq!((done.status.code(), done.stdout), (Some(1), format!("200 1 {url}").into_bytes()));
}
