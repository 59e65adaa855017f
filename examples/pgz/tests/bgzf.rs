//! `pgz --bgzf`: each block says how long it is, and can be read alone. Beside `bgzip` where that is installed.

use example_common::testing::{Done, has, program, run, run_with_input};
use flate2::read::GzDecoder;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgz");

/// How many bytes of data are in a block.
const DATA: usize = 0xff00;

const END_OF_FILE: &[u8] = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0\x1b\0\x03\0\0\0\0\0\0\0\0\0";

fn pgz(arguments: &[&str], input: &[u8]) -> Done {
    run_with_input(program(PROGRAM).args(arguments), input)
}

fn bgzip(arguments: &[&str], input: &[u8]) -> Vec<u8> {
    run_with_input(Command::new("bgzip").args(arguments), input).good()
}

/// Lines that compress, and in the middle some that do not.
fn mixed(length: usize) -> Vec<u8> {
    let lines = (0_u64..).flat_map(|number| format!("line {number} of {}\n", number * number).into_bytes());
    let mut data: Vec<u8> = lines.take(length).collect();
    let mut state = 7_u64;
    for byte in data.iter_mut().skip(length / 3).take(length / 4) {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    data
}

fn inputs() -> Vec<Vec<u8>> {
    [0, 1, DATA - 1, DATA, DATA + 1, 8 * DATA, 40 * DATA + 17].map(mixed).into()
}

/// The blocks of a file, as their headers say.
fn blocks(mut file: &[u8]) -> Vec<&[u8]> {
    let mut blocks = Vec::new();
    while !file.is_empty() {
        // gzip, deflate, with an extra field and nothing else; of its 6 bytes, 4 say that 2 are a length.
        assert_eq!((&file[..4], &file[10..16]), (&b"\x1f\x8b\x08\x04"[..], &b"\x06\0BC\x02\0"[..]));
        let length = usize::from(u16::from_le_bytes([file[16], file[17]])) + 1;
        let (block, rest) = file.split_at(length);
        blocks.push(block);
        file = rest;
    }
    blocks
}

/// The data of one member of a gzip file.
fn unpacked(block: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    GzDecoder::new(block).read_to_end(&mut data).unwrap();
    data
}

#[test]
fn each_block_can_be_read_alone() {
    for input in inputs() {
        for level in ["-0", "-1", "-6", "-9"] {
            let file = pgz(&["--bgzf", level], &input).good();
            let blocks = blocks(&file);
            let (end, blocks) = blocks.split_last().unwrap();
            assert_eq!(*end, END_OF_FILE);
            let data: Vec<_> = blocks.iter().map(|block| unpacked(block)).collect();
            assert!(data.iter().rev().skip(1).all(|data| data.len() == DATA));
            assert!(data.iter().all(|data| (1..=DATA).contains(&data.len())));
            assert!(data.concat() == input, "{} bytes, {level}", input.len());
            assert!(pgz(&["-d"], &file).good() == input, "{} bytes, {level}", input.len());
        }
    }
}

/// Each block depends on its data alone, and not on what its thread has compressed before.
#[test]
fn the_same_data_gives_the_same_blocks() {
    let input = mixed(100 * DATA);
    let one = pgz(&["--bgzf", "-p", "1"], &input).good();
    for threads in ["2", "7"] {
        assert!(pgz(&["--bgzf", "-p", threads], &input).good() == one, "{threads} threads");
    }
    let last = 99 * DATA;
    let alone = pgz(&["--bgzf"], &input[last..]).good();
    assert!(one.ends_with(&alone));
}

#[test]
fn the_index_says_where_the_blocks_begin() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index");
    for input in inputs() {
        let file = pgz(&["--bgzf", "--index", path.to_str().unwrap()], &input).good();
        let index = fs::read(&path).unwrap();
        let numbers: Vec<u64> =
            index.chunks(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap())).collect();
        assert_eq!(numbers[0] as usize, input.len().div_ceil(DATA).saturating_sub(1));
        assert_eq!(numbers.len() as u64, 1 + 2 * numbers[0]);
        for place in numbers[1..].chunks(2) {
            let [block, data] = [place[0] as usize, place[1] as usize];
            assert!(input[data..].starts_with(&unpacked(blocks(&file[block..])[0])), "{place:?}");
            assert_eq!(data % DATA, 0);
        }
    }
}

#[test]
fn bgzip_reads_it_and_makes_the_same_index() {
    if !has("bgzip") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    // Of an empty file, bgzip's index says that it has 2^64 - 1 entries.
    for input in inputs().into_iter().skip(1) {
        let file = pgz(&["--bgzf", "-i", &at("index")], &input).good();
        assert!(bgzip(&["-d"], &file) == input);
        fs::write(at("file.gz"), &file).unwrap();
        bgzip(&["--reindex", &at("file.gz")], b"");
        assert!(fs::read(at("file.gz.gzi")).unwrap() == fs::read(at("index")).unwrap(), "{}", input.len());
        if input.len() > 3 * DATA {
            fs::copy(at("index"), at("file.gz.gzi")).unwrap();
            let begin = 2 * DATA + 5;
            let piece = bgzip(&["-b", &begin.to_string(), "-s", "70000", &at("file.gz")], b"");
            assert!(piece == input[begin..begin + 70_000]);
        }
        // And the other way round.
        assert!(pgz(&["-d"], &bgzip(&["-c"], &input)).good() == input);
    }
}

#[test]
fn wrong_arguments_are_explained() {
    let cases: [(&[&str], i32, &str); 4] = [
        (&["--bgzf", "-d"], 2, "--bgzf"),
        (&["--bgzf", "-b", "64"], 2, "--blocksize"),
        (&["--index", "x"], 2, "--bgzf"),
        (&["--bgzf", "--index", "no/such/folder"], 1, "no/such/folder: No such file"),
    ];
    for (arguments, status, named) in cases {
        let done = run(program(PROGRAM).args(arguments));
        assert_eq!((done.status.code(), done.stdout.len()), (Some(status), 0), "{}", done.stderr);
        assert!(done.stderr.contains(named), "{}", done.stderr);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    use std::fs::OpenOptions;
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (index, input) = (folder.path().join("index"), folder.path().join("input"));
    fs::write(&input, mixed(3 * DATA)).unwrap();
    let cases = [(Path::new("/dev/full"), false, "/dev/full: "), (&index, true, "standard output: ")];
    for (index, no_room_for_output, named) in cases {
        let mut command = program(PROGRAM);
        command.args(["--bgzf", "--index"]).arg(index).stdin(fs::File::open(&input).unwrap());
        if no_room_for_output {
            command.stdout(full());
        }
        let done = command.output().unwrap();
        let told = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{told}");
        assert!(told.starts_with(&format!("pgz: {named}No space left")), "{told}");
    }
}
