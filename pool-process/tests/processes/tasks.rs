//! What children run.

use pool_process::{Builder, ProcessPool, Program, Task, Tasks};
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

pub const DOUBLE: Task<u64, u64> = Task::named("double");
pub const ACT: Task<Act, u64> = Task::named("act");
/// From bytes to as many bytes as are asked for.
pub const BYTES: Task<(Vec<u8>, usize), Vec<u8>> = Task::named("bytes");
pub const UNKNOWN: Task<u8, u8> = Task::named("unknown");
/// A type that means something else on the other side.
pub const NARROW: Task<u64, bool> = Task::named("narrow");
pub const SHUT: Task<Shut, Shut> = Task::named("shut");

/// What a function does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Give(u64),
    Sleep(u64),
    Process,
    Parent,
    Panic(String),
    Abort,
    Exit(i32),
    Overflow,
    Shoot(i32),
    Hang,
    Print(String),
    ReadInput,
    CloseEverything,
    Nested,
    Initialized,
    Variable(String),
    Leak(usize),
    Append(String, u64),
    Spawn(String),
}

/// Cannot be encoded if it says so, or decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shut(pub bool);

impl Serialize for Shut {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 { Err(serde::ser::Error::custom("it is shut")) } else { serializer.serialize_bool(false) }
    }
}

impl<'de> Deserialize<'de> for Shut {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Shut, D::Error> {
        bool::deserialize(deserializer).map(Shut)
    }
}

static INITIALIZED: OnceLock<u64> = OnceLock::new();
static PROGRAM: OnceLock<Program> = OnceLock::new();

fn tasks() -> Tasks {
    Tasks::new()
        .task(DOUBLE, |x| x * 2)
        .task(ACT, act)
        .task(BYTES, |(bytes, size)| {
            let sum = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
            vec![sum; size]
        })
        .task(NARROW, |x| x > 5)
        .task(SHUT, |_| Shut(true))
        .initializer(|| {
            let _ = INITIALIZED.set(42);
        })
}

/// The first line of `main`.
pub fn program() -> Program {
    PROGRAM.get_or_init(|| tasks().serve()).clone()
}

pub fn builder() -> Builder {
    ProcessPool::builder(program()).processes(2)
}

pub fn pool() -> ProcessPool {
    builder().build().unwrap()
}

fn act(act: Act) -> u64 {
    match act {
        Act::Give(x) => x,
        Act::Sleep(milliseconds) => {
            std::thread::sleep(Duration::from_millis(milliseconds));
            milliseconds
        }
        Act::Process => std::process::id().into(),
        Act::Parent => std::os::unix::process::parent_id().into(),
        Act::Panic(message) => panic!("{message}"),
        Act::Abort => std::process::abort(),
        Act::Exit(status) => std::process::exit(status),
        Act::Overflow => overflow(1),
        Act::Shoot(signal) => {
            let me = std::process::id().to_string();
            let signal = format!("-{signal}");
            let _ = std::process::Command::new("kill").args([&signal, &me]).status();
            std::thread::sleep(Duration::from_secs(60));
            0
        }
        Act::Hang => loop {
            std::thread::sleep(Duration::from_secs(60));
        },
        Act::Print(text) => {
            print!("{text}");
            eprint!("{text}");
            text.len() as u64
        }
        Act::ReadInput => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map_or(1000, |read| read as u64)
        }
        Act::CloseEverything => close_everything(),
        Act::Nested => match ProcessPool::builder(tasks().serve()).build() {
            Ok(_) => 0,
            Err(pool_process::ProcessError::InChild) => 1,
            Err(_) => 2,
        },
        Act::Initialized => INITIALIZED.get().copied().unwrap_or(0),
        Act::Variable(name) => std::env::var(name).map_or(0, |value| value.len() as u64),
        Act::Leak(bytes) => {
            // Touched, so that it counts.
            std::mem::forget(vec![1u8; bytes]);
            std::process::id().into()
        }
        Act::Append(path, what) => {
            use std::io::Write;
            let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
            file.write_all(format!("{what}\n").as_bytes()).unwrap();
            what
        }
        Act::Spawn(program) => std::process::Command::new(program).arg("60").spawn().unwrap().id().into(),
    }
}

/// Takes another program's place, which has none of its files.
fn close_everything() -> u64 {
    use std::os::unix::process::CommandExt;
    let error = std::process::Command::new("sleep").arg("60").exec();
    panic!("{error}")
}

#[allow(unconditional_recursion)]
fn overflow(x: u64) -> u64 {
    let large = [x; 4096];
    overflow(x + 1) + std::hint::black_box(large)[x as usize % 4096]
}

/// Programs that do not come to `serve`.
pub fn bad_program(kind: &str) -> ExitCode {
    match kind {
        "ends" => {}
        "reads" => drop(std::io::stdin().read_to_end(&mut Vec::new())),
        "sleeps" => std::thread::sleep(Duration::from_secs(60)),
        "aborts" => std::process::abort(),
        "initializer" => drop(Tasks::new().initializer(|| panic!("not today")).serve()),
        other => panic!("{other}"),
    }
    ExitCode::SUCCESS
}
