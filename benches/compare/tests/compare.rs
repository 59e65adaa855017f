//! The program `compare` as people run it. Nothing here depends on how fast anything is.

use pool_compare::report::{Measured, Report, Results};
use pool_core::watchdog::{LIMIT, within};
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// Runs the program with these options, which have no spaces in them, and this folder for its files.
fn compare(options: &str, out: &Path) -> Output {
    run(Path::new(env!("CARGO_BIN_EXE_compare")), options, out)
}

fn run(program: &Path, options: &str, out: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(options.split_whitespace()).arg("--out").arg(out);
    within(LIMIT, move || command.output().expect("the program starts"))
}

/// Two contenders beside sequential code, one short workload, and as short as can be.
const SHORT: &str = "--seconds 1 --threads 1,2 --backend channel --peer rayon-collect --workload 1us";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs it, expects this exit status, and gives what it printed.
fn printed(options: &str, out: &Path, status: i32) -> String {
    let output = compare(options, out);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(status), "{options}\n{stdout}\n{stderr}");
    stdout
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is a folder for temporary files")
}

/// The report that a run has left there.
fn report(folder: &Path) -> Report {
    let json = std::fs::read(folder.join("compare.json")).expect("it was written");
    serde_json::from_slice(&json).expect("it is a report")
}

fn save(report: &Report, path: &Path) {
    std::fs::write(path, serde_json::to_vec(report).expect("plain data")).expect("the folder is writable");
}

/// The contenders of the first workload.
fn names(report: &Report) -> Vec<&str> {
    report.workloads[0].entries.iter().map(|measured| measured.contender.as_str()).collect()
}

/// Runs it, and expects a message with all these words, the exit status 2, and no report.
fn refused(options: &str, words: &[&str]) {
    let folder = folder();
    let output = compare(options, folder.path());
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{options}: {message}");
    for word in words {
        assert!(message.contains(word), "{options}: no {word:?} in {message}");
    }
    assert!(!folder.path().join("compare.json").exists(), "{options}");
}

#[test]
fn a_run_writes_its_files_and_prints_a_table() {
    let folder = folder();
    // Twice the same is once; and folders are made.
    let out = folder.path().join("a/b");
    let printed = printed(&format!("{SHORT},1us,ping-pong"), &out, 0);
    let report = report(&out);
    let workloads: Vec<_> = report.workloads.iter().map(|results| results.workload.as_str()).collect();
    assert_eq!(workloads, ["1us", "ping-pong"]);
    assert_eq!(names(&report), ["sequential", "channel", "channel-by-1", "rayon-collect"]);
    // Those that wait for the next item would hang there.
    assert!(report.workloads[1].entries.iter().all(|measured| measured.contender != "rayon-collect"));
    assert!(report.setup.threads <= 2);
    assert!(report.scaling.iter().all(|curve| curve.points.len() == 2));
    for measured in report.workloads.iter().flat_map(|results| &results.entries) {
        assert_eq!(measured.nanoseconds.len(), report.setup.rounds, "{}", measured.contender);
        assert!(measured.items > 0 && measured.nanoseconds.iter().all(|time| *time > 0.0), "{measured:?}");
        if cfg!(target_os = "linux") {
            assert!(measured.memory.is_some(), "the memory of {} is not known", measured.contender);
        }
    }
    for name in ["compare.md", "report.html"] {
        let contents = std::fs::read_to_string(out.join(name)).expect("it was written");
        assert!(contents.contains("rayon-collect"), "{name}: {contents}");
    }
    for words in ["ping-pong", "channel-by-1", "report.html", "compare.json", "compare.md"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
}

/// Cargo has built the second program for this test, beside the first.
#[test]
fn what_allocates_is_measured_with_both_allocators() {
    assert!(Path::new(env!("CARGO_BIN_EXE_compare_mimalloc")).exists());
    let folder = folder();
    printed(&format!("{SHORT},strings"), folder.path(), 0);
    let report = report(folder.path());
    let [again] = report.with_other_allocator.as_slice() else { panic!("{:?}", report.with_other_allocator) };
    let first = &report.workloads[1];
    assert_eq!([first.allocator.as_str(), &again.allocator], ["system", "mimalloc"]);
    assert_eq!([first.workload.as_str(), &again.workload], ["strings", "strings"]);
    assert!(!again.ideal.is_empty());
    let names = |results: &Results| -> Vec<_> {
        results.entries.iter().map(|measured| measured.contender.clone()).collect()
    };
    assert_eq!(names(again), names(first));
    for measured in &again.entries {
        assert_eq!(measured.nanoseconds.len(), report.setup.rounds, "{}", measured.contender);
        assert!(measured.nanoseconds.iter().all(|time| *time > 0.0), "{measured:?}");
    }
    assert!(report.setup.command.contains(" --bins && "), "{}", report.setup.command);
    for name in ["compare.md", "report.html"] {
        let contents = std::fs::read_to_string(folder.path().join(name)).expect("it was written");
        assert!(contents.contains("ratio with mimalloc"), "{name}: {contents}");
    }
}

#[test]
fn without_the_second_program_it_says_how_to_build_it() {
    let folder = folder();
    let alone = folder.path().join("compare");
    std::fs::copy(env!("CARGO_BIN_EXE_compare"), &alone).expect("the folder is writable");
    for (workload, is_said) in [("strings", true), ("1us", false)] {
        let options = format!("--seconds 1 --threads 1 --backend none --peer none --workload {workload}");
        let output = run(&alone, &options, folder.path());
        let stderr = text(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        assert_eq!(stderr.contains("cargo build --release"), is_said, "{workload}: {stderr}");
        assert!(report(folder.path()).with_other_allocator.is_empty());
    }
}

#[test]
fn none_of_a_kind_takes_part_if_the_option_says_so() {
    let folder = folder();
    printed("--seconds 1 --threads 1 --backend none --peer pariter --workload 1us", folder.path(), 0);
    assert_eq!(names(&report(folder.path())), ["sequential", "pariter", "pariter-tuned"]);
    printed("--seconds 1 --threads 1 --backend channel-by-1 --peer none --workload 1us", folder.path(), 0);
    assert_eq!(names(&report(folder.path())), ["sequential", "channel-by-1"]);
}

#[test]
fn all_there_is_can_be_listed() {
    let list = printed("--list", folder().path(), 0);
    let words: Vec<_> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    for entry in pool_compare::ours::backends().iter().chain(&pool_compare::peers::all()) {
        assert!(words.contains(&entry.traits.name.as_str()), "{}: {list}", entry.traits.name);
    }
    for workload in pool_compare::workloads::ALL {
        assert!(words.contains(&workload.name), "{}: {list}", workload.name);
    }
}

#[test]
fn a_baseline_shows_what_has_become_slower() {
    let folder = folder();
    let out = folder.path();
    printed(SHORT, out, 0);
    let first = report(out);
    let path = out.join("earlier.json");
    let again = format!("{SHORT} --baseline {}", path.display());

    // Itself; how noisy the machine is does not matter, with such a limit.
    save(&first, &path);
    let text = printed(&format!("{again} --max-loss 1e9"), out, 0);
    assert!(text.contains("baseline") && !text.contains("LOSS"), "{text}");

    // Once the backends were a thousand times faster.
    save(&changed(&first, |name| if name.starts_with("channel") { 1e-3 } else { 1.0 }), &path);
    let text = printed(&again, out, 1);
    let lost = text.lines().filter(|line| line.contains("LOSS"));
    assert!(lost.clone().count() == 2 && lost.clone().all(|line| line.contains("channel")), "{text}");

    // They were slower, and what others made was faster: that is no loss of ours.
    let other = |name: &str| match name {
        "sequential" => 1.0,
        "rayon-collect" => 1e-3,
        _ => 1e3,
    };
    save(&changed(&first, other), &path);
    let text = printed(&again, out, 0);
    let against = text.split("Against the baseline").nth(1).expect("it compares");
    assert!(against.contains("rayon-collect") && !text.contains("LOSS"), "{text}");
}

/// The same report, had contenders taken `times` as long.
fn changed(report: &Report, times: impl Fn(&str) -> f64) -> Report {
    let mut report = report.clone();
    let measured = report.workloads.iter_mut().flat_map(|results| &mut results.entries);
    for Measured { contender, nanoseconds, .. } in measured {
        nanoseconds.iter_mut().for_each(|time| *time *= times(contender));
    }
    report
}

#[test]
fn a_baseline_that_does_not_fit_is_refused_at_once() {
    let folder = folder();
    printed(SHORT, folder.path(), 0);
    let first = report(folder.path());
    let path = folder.path().join("compare.json");
    let against = format!("--baseline {}", path.display());
    refused(&format!("{against} --backend stealing --peer none"), &["no contender and workload in common"]);
    refused(&format!("{against} --workload json"), &["no contender and workload in common"]);
    let mut other = first;
    other.setup.threads = 77;
    save(&other, &path);
    refused(&format!("{SHORT} {against}"), &["77 threads", "--threads"]);
    std::fs::write(&path, "no JSON").expect("the folder is writable");
    refused(&against, &["compare.json", "is not a compare.json"]);
    refused("--baseline /nowhere/compare.json", &["cannot read /nowhere/compare.json"]);
}

#[test]
fn a_wrong_option_is_named_with_what_there_is() {
    refused("--backend chanel", &["--backend chanel", "channel", "stealing-by-1", "rayon-cold"]);
    refused("--backend none,chanel", &["--backend chanel"]);
    refused("--peer plmapp", &["--peer plmapp", "rayon-collect", "plmap"]);
    refused("--workload 1us,1s", &["--workload 1s", "1us", "ping-pong"]);
    refused("--threads 0", &["--threads", "'0'"]);
    refused("--threads 2,x", &["--threads", "'x'"]);
    refused("--seconds 0", &["--seconds", "'0'"]);
    refused("--quick --seconds 9", &["--quick", "--seconds"]);
    refused("--max-loss 5", &["--baseline"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error_at_once() {
    let folder = folder();
    let file = folder.path().join("file");
    std::fs::write(&file, "in the way").expect("the folder is writable");
    // Ten minutes would be past the limit.
    for out in [file.clone(), file.join("below")] {
        let output = compare("", &out);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("cannot write"), "{}", text(&output.stderr));
    }
}
