//! What the guide says of this workspace is true: the tests and models that it names exist, and the backend that it
//! shows is the one that is tested.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_path_buf()
}

/// A chapter of the guide, as markdown.
fn chapter(name: &str) -> String {
    let source = fs::read_to_string(root().join(format!("pool-core/src/guide/{name}.rs"))).unwrap();
    let text = |line: &str| {
        let line = line.strip_prefix("//!")?;
        Some(line.strip_prefix(' ').unwrap_or(line).to_string())
    };
    source.lines().map_while(text).collect::<Vec<_>>().join("\n")
}

/// The text of every Rust file below these folders.
fn sources(folders: &[&str]) -> Vec<String> {
    let mut texts = Vec::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                texts.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    texts
}

/// The names of functions that are tests: with the attribute, or with the suite's subject or a backend for them.
fn tests(folders: &[&str]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in sources(folders) {
        let mut marked = false;
        let mut in_list = false;
        for line in text.lines().map(str::trim) {
            // The names that a macro makes tests of, for each backend.
            if in_list || line.starts_with("on_every_backend!") {
                let words = line
                    .trim_start_matches("on_every_backend!")
                    .split(|c: char| !c.is_alphanumeric() && c != '_');
                names.extend(words.filter(|word| !word.is_empty()).map(String::from));
                in_list = !line.contains('}');
                continue;
            }
            let function = line.trim_start_matches("pub ").strip_prefix("fn ");
            if let Some((name, rest)) = function.and_then(|line| line.split_once(['(', '<'])) {
                if marked || rest.starts_with("subject)") {
                    names.insert(name.to_string());
                }
                marked = false;
            }
            marked |= line == "#[test]";
        }
    }
    names
}

/// What stands between single backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_promise_names_tests_and_models_that_exist() {
    let tests_there =
        tests(&["benches/conformance/src/suite", "benches/conformance/tests", "pool-rayon/tests"]);
    let models_there = tests(&["pool-core/src", "pool-stealing/src"]);
    let page = chapter("promises");
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| P")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [number, _promise, tests, models] = cells[..] else { panic!("four cells: {row}") };
        rows += 1;
        assert_eq!(number, format!("P{rows}"), "promises in their order");
        assert!(quoted(tests).next().is_some(), "{number} names no test");
        for test in quoted(tests) {
            assert!(tests_there.contains(test), "{number}: there is no test `{test}`");
        }
        let prefix = format!("{}_", number.to_lowercase());
        assert!(
            quoted(tests).any(|test| test.starts_with(&prefix)),
            "{number}: no test begins with {prefix}"
        );
        for model in quoted(models) {
            assert!(models_there.contains(model), "{number}: there is no model `{model}`");
        }
    }
    assert_eq!(rows, 17);
    // In the text, too.
    let is_test = |name: &&str| {
        let number = name.strip_prefix('p').and_then(|rest| rest.split_once('_')).map(|(number, _)| number);
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let named = quoted(&page)
        .filter(is_test)
        .inspect(|name| assert!(tests_there.contains(*name), "no test `{name}`"));
    assert!(named.count() > 50);
}

/// The check above can fail.
#[test]
fn a_name_that_no_test_has_is_not_found() {
    let there = tests(&["benches/conformance/tests"]);
    assert!(
        there.contains("a_name_that_no_test_has_is_not_found")
            && there.contains("p13_an_idle_pool_uses_no_cpu")
    );
    assert!(!there.contains("quoted") && !there.contains("p17_everything_is_free"));
}

#[test]
fn the_backend_of_the_guide_is_the_one_that_is_tested() {
    let page = chapter("own_backend");
    let shown = page.split("```").nth(1).unwrap().trim_start_matches('\n');
    let shown: String =
        shown.lines().filter(|line| !line.starts_with("# ")).map(|line| format!("{line}\n")).collect();
    let tested = fs::read_to_string(root().join("examples/own_backend/src/pool.rs")).unwrap();
    assert_eq!(shown, tested);
    assert!(tested.lines().count() <= 60);
}

#[test]
fn every_chapter_is_in_the_table_of_contents() {
    let contents = chapter("mod");
    let mut chapters = 0;
    for entry in fs::read_dir(root().join("pool-core/src/guide")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        if name != "mod" {
            chapters += 1;
            assert!(contents.contains(&format!("[`{name}`]")), "{name}");
        }
    }
    assert!(chapters > 12);
}
