//! How everything ends, as seen in `/proc`.

use crate::Test;
use crate::tasks::{ACT, Act, DOUBLE, builder, pool};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

pub const TESTS: &[Test] = &[
    ("a_dropped_pool_leaves_no_child", a_dropped_pool_leaves_no_child),
    ("a_dropped_pool_waits_for_no_hang", a_dropped_pool_waits_for_no_hang),
    ("a_parent_that_is_killed_leaves_no_child", || a_parent_that_is_ended("-9")),
    ("a_parent_that_is_interrupted_leaves_no_child", || a_parent_that_is_ended("-2")),
    ("stopped_children_go_with_their_parent", stopped_children),
    ("a_parent_that_exits_leaves_no_child", a_parent_that_exits),
    ("a_child_that_is_killed_takes_what_it_started", what_it_started),
    ("p13_an_idle_parent_uses_no_time", an_idle_parent),
    ("p15_ten_million_items_in_constant_memory", constant_memory),
];

/// Whether it is there, or has left a zombie. Of children whose parent is gone the system takes those away when it likes.
fn exists(process: u64) -> bool {
    PathBuf::from(format!("/proc/{process}")).exists()
}

fn runs(process: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z") && !stat.contains(") X")
}

/// None of them runs any more, within a second.
fn gone(processes: &[u64]) {
    let began = Instant::now();
    while processes.iter().any(|&process| runs(process)) {
        assert!(began.elapsed() < Duration::from_secs(1), "{processes:?} are left");
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("no child is left after {:?}", began.elapsed());
}

fn children(pool: &pool_process::ProcessPool) -> Vec<u64> {
    let mut children: Vec<u64> =
        pool.imap(ACT, vec![Act::Process; 300]).batch(1).map(Result::unwrap).collect();
    children.sort();
    children.dedup();
    children
}

fn a_dropped_pool_leaves_no_child() {
    let pool = pool();
    let children = children(&pool);
    let other = pool.clone();
    drop(pool);
    assert_eq!(other.imap(DOUBLE, [1]).next(), Some(Ok(2)));
    drop(other);
    assert!(!children.iter().any(|&child| exists(child)), "{children:?}");
}

fn a_dropped_pool_waits_for_no_hang() {
    let pool = builder().grace(Duration::from_millis(100)).build().unwrap();
    let children = children(&pool);
    let imap = pool.imap(ACT, [Act::Hang, Act::Hang, Act::Hang]).start();
    while imap.stats().sent < 2 {
        std::thread::yield_now();
    }
    let began = Instant::now();
    drop(pool);
    drop(imap);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(!children.iter().any(|&child| exists(child)), "{children:?}");
}

/// A program that has a pool, whose children hang: it says who they are.
pub fn parent(kind: &str) -> ExitCode {
    let pool = pool();
    if kind == "removed" {
        std::fs::remove_file(std::env::current_exe().unwrap()).unwrap();
        // New children come from what is not there any more.
        let acts = (0..20).map(|x| if x % 5 == 0 { Act::Abort } else { Act::Give(x) });
        let there = pool.imap(ACT, acts).filter(Result::is_ok).count();
        println!("{}", if there == 16 { "all there" } else { "some are missing" });
        return ExitCode::SUCCESS;
    }
    if kind == "idle" || kind == "long" {
        println!("{}", if kind == "idle" { idle(&pool) } else { long(&pool) });
        return ExitCode::SUCCESS;
    }
    let children = children(&pool);
    println!("{}", children.iter().map(u64::to_string).collect::<Vec<_>>().join(" "));
    let mut imap = pool.imap(ACT, vec![Act::Hang; 10]).start();
    if kind == "exits" {
        std::process::exit(7);
    }
    let _ = imap.next();
    ExitCode::FAILURE
}

/// The time that this process uses in a second of idleness, in ticks of 10 ms.
fn idle(pool: &pool_process::ProcessPool) -> u64 {
    assert_eq!(pool.imap(DOUBLE, 0..10_000).count(), 10_000);
    // An imap that waits for its input is idle, too.
    let (_send, receive) = std::sync::mpsc::channel();
    let _waiting = pool.imap(DOUBLE, receive).start();
    let ticks = || {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
        fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
    };
    let before = ticks();
    std::thread::sleep(Duration::from_secs(1));
    ticks() - before
}

/// By how many KiB the memory of this process grows from the first million items to the tenth.
fn long(pool: &pool_process::ProcessPool) -> u64 {
    let peak = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let mut imap = pool.imap(DOUBLE, 0..10_000_000);
    let mut wrong = (0..1_000_000).filter(|x| imap.next() != Some(Ok(x * 2))).count();
    let before = peak();
    wrong += (1_000_000..10_000_000).filter(|x| imap.next() != Some(Ok(x * 2))).count();
    assert_eq!((wrong, imap.next()), (0, None));
    peak() - before
}

/// What such a program says.
fn number(kind: &str) -> u64 {
    let output =
        Command::new(std::env::current_exe().unwrap()).arg(format!("parent={kind}")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or_else(|_| panic!("{output:?}"))
}

fn an_idle_parent() {
    let ticks = number("idle");
    assert!(ticks <= 1, "{ticks} ticks in a second");
}

fn constant_memory() {
    let grown = number("long");
    assert!(grown < 8 * 1024, "it has grown by {grown} KiB");
}

fn start_parent(kind: &str) -> (std::process::Child, Vec<u64>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(format!("parent={kind}")).stdout(Stdio::piped());
    let mut parent = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(parent.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    parent.stdout = Some(stdout.into_inner());
    let children: Vec<u64> = line.split_whitespace().map(|child| child.parse().unwrap()).collect();
    assert!(!children.is_empty(), "{line}");
    (parent, children)
}

fn kill(signal: &str, process: u64) {
    assert!(Command::new("kill").args([signal, &process.to_string()]).status().unwrap().success());
}

/// Whether this process ignores Ctrl-C, and so what it starts does: as a job in the background of a shell's script does.
fn ignores_interrupts() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).is_some_and(|set| set & 2 != 0)
}

fn a_parent_that_is_ended(signal: &str) {
    if signal == "-2" && ignores_interrupts() {
        println!("not tested: Ctrl-C is ignored here");
        return;
    }
    let (mut parent, children) = start_parent("hangs");
    assert!(children.iter().all(|&child| exists(child)));
    kill(signal, parent.id().into());
    let _ = parent.wait();
    gone(&children);
}

fn stopped_children() {
    let (mut parent, children) = start_parent("hangs");
    children.iter().for_each(|&child| kill("-STOP", child));
    kill("-9", parent.id().into());
    let _ = parent.wait();
    gone(&children);
}

fn a_parent_that_exits() {
    let (mut parent, children) = start_parent("exits");
    let mut rest = String::new();
    let _ = parent.stdout.take().unwrap().read_to_string(&mut rest);
    assert_eq!(parent.wait().unwrap().code(), Some(7));
    gone(&children);
}

fn what_it_started() {
    let pool = builder().processes(1).build().unwrap();
    let sleep = pool.imap(ACT, [Act::Spawn("sleep".into())]).next().unwrap().unwrap();
    assert!(exists(sleep));
    let hang = pool.imap(ACT, [Act::Hang]).item_timeout(Duration::from_millis(50)).next();
    assert!(hang.unwrap().is_err());
    gone(&[sleep]);
}
