//! `search` beside `rg`, in turn, on a tree of 20,000 files that is made first: `cargo bench -p search`.
//!
//! Prints milliseconds, and the medians of the ratios of each round. The tree is always the same. `BESIDE_RG_TREE=<directory>`
//! searches that one, and `RG=<program>` is another `rg` than that of the `PATH`.

use fastrand::Rng;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

const FILES: usize = 20_000;
const ROUNDS: usize = 15;

/// The arguments: rare text, a frequent word, what needs the regex engine for each line, and the names of many files.
const SEARCHES: [&[&str]; 4] =
    [&["needle_in_a_tree"], &["-n", "-w", "window"], &["-i", r"\w+_order\s*\("], &["-l", "thread"]];

/// Words from which the lines are made, the first ones more often.
const WORDS: [&str; 24] = [
    "let",
    "=",
    "(",
    ")",
    "self",
    "fn",
    "{",
    "}",
    "index",
    "length",
    "match",
    "value_of",
    "result",
    "input",
    "pull_order(",
    "return",
    "worker",
    "chunk",
    "state",
    "thread",
    "window",
    "Some",
    "buffer",
    "sort_order(",
];

fn main() -> io::Result<()> {
    // `cargo test --benches` runs it, too.
    let has = |wanted: &str| env::args().any(|argument| argument == wanted);
    if has("--test") || !has("--bench") {
        return Ok(());
    }
    let rg = env::var_os("RG").unwrap_or("rg".into());
    let made = tempfile::tempdir()?;
    let tree = match env::var_os("BESIDE_RG_TREE") {
        Some(tree) => PathBuf::from(tree),
        None => make_tree(made.path()).map(|()| made.path().to_path_buf())?,
    };
    let threads = thread::available_parallelism()?.to_string();
    println!("{threads} threads, {}", tree.display());
    println!("arguments | search | rg --sort path | rg | search / rg --sort path | search / rg");
    for search in SEARCHES {
        let contenders: [(OsString, &[&str]); 3] = [
            (env!("CARGO_BIN_EXE_search").into(), &[]),
            (rg.clone(), &["--no-config", "--sort", "path"]),
            (rg.clone(), &["--no-config", "-j", &threads]),
        ];
        let rounds = measure(&contenders, search, &tree)?;
        let of = |part: &dyn Fn(&[Duration; 3]) -> f64| median(rounds.iter().map(part).collect());
        let [ours, sorted, unsorted] = [0, 1, 2].map(|at| of(&|round| 1e3 * round[at].as_secs_f64()));
        let [to_sorted, to_unsorted] =
            [1, 2].map(|at| of(&|round| round[0].as_secs_f64() / round[at].as_secs_f64()));
        println!(
            "{} | {ours:.0} | {sorted:.0} | {unsorted:.0} | {to_sorted:.2} | {to_unsorted:.2}",
            search.join(" ")
        );
    }
    Ok(())
}

/// The times of each round, after one that is not counted.
fn measure(
    contenders: &[(OsString, &[&str]); 3],
    search: &[&str],
    tree: &Path,
) -> io::Result<Vec<[Duration; 3]>> {
    let mut rounds = Vec::new();
    for round in 0..=ROUNDS {
        let mut times = [Duration::ZERO; 3];
        // Each is first, second and third equally often.
        for at in (0..3).map(|turn| (turn + round) % 3) {
            times[at] = time(&contenders[at], search, tree)?;
        }
        rounds.push(times);
    }
    Ok(rounds.split_off(1))
}

/// How long a program takes to search the tree and to write what it finds to a pipe.
fn time((program, options): &(OsString, &[&str]), search: &[&str], tree: &Path) -> io::Result<Duration> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(*options)
        .args(search)
        .arg(".")
        .current_dir(tree)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    io::copy(child.stdout.as_mut().expect("it is piped"), &mut io::sink())?;
    child.wait()?;
    Ok(began.elapsed())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Sources as a large project has them: many short files, some long ones, in folders of folders, a part of them ignored.
fn make_tree(root: &Path) -> io::Result<()> {
    let mut rng = Rng::with_seed(7);
    fs::write(root.join(".ignore"), "*.log\ntarget/\n")?;
    for file in 0..FILES {
        let folder =
            root.join(format!("part{:02}", file / 1000)).join(format!("module{:02}", file / 40 % 25));
        if file % 40 == 0 {
            fs::create_dir_all(&folder)?;
        }
        let extension = ["rs", "rs", "rs", "md", "toml", "c", "h", "log"][rng.usize(..8)];
        // From 200 bytes to 50 KB, and the half of them below 3 KB.
        let length = (200.0 * 250_f64.powf(rng.f64())) as usize;
        fs::write(folder.join(format!("file{file}.{extension}")), text(&mut rng, length))?;
    }
    Ok(())
}

fn text(rng: &mut Rng, length: usize) -> String {
    let mut text = String::with_capacity(length + 100);
    while text.len() < length {
        let indent = 4 * rng.usize(..5);
        text.extend(std::iter::repeat_n(' ', indent));
        for _ in 0..rng.usize(1..12) {
            // The first words are the most frequent.
            let at = (rng.f64().powi(3) * WORDS.len() as f64) as usize;
            text.push_str(WORDS[at]);
            text.push(' ');
        }
        if rng.u32(..50_000) == 0 {
            text.push_str("needle_in_a_tree");
        }
        text.push('\n');
    }
    text
}
