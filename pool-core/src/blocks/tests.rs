//! Blocks beside a naive reader that goes byte by byte, for random bytes and random reads.

use super::{Block, Blocks, RecordTooLong};
use crate::unwind::catch;
use proptest::prelude::*;
use std::cell::Cell;
use std::io::{self, ErrorKind, Read};
use std::rc::Rc;

/// What a `read` does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Brings this many bytes at most.
    Bring(usize),
    Interrupt,
}

/// Gives bytes in pieces, over and over as the steps say, and then its error or its end.
struct Pieces {
    bytes: Vec<u8>,
    steps: Vec<Step>,
    fails: bool,
    reads: usize,
    brought: Rc<Cell<usize>>,
    /// The most that it may be asked for.
    most: usize,
}

impl Read for Pieces {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        assert!(!room.is_empty() && room.len() <= self.most, "asked for {} bytes", room.len());
        let step = self.steps[self.reads % self.steps.len()];
        self.reads += 1;
        let rest = &self.bytes[self.brought.get()..];
        match step {
            Step::Interrupt => Err(ErrorKind::Interrupted.into()),
            Step::Bring(_) if rest.is_empty() && self.fails => Err(io::Error::other("on purpose")),
            Step::Bring(most) => {
                let len = most.min(rest.len()).min(room.len());
                room[..len].copy_from_slice(&rest[..len]);
                self.brought.set(self.brought.get() + len);
                Ok(len)
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Lines,
    Zeros,
    /// Two lines.
    Pairs,
}

fn pair(bytes: &[u8]) -> Option<usize> {
    let mut ends = (1..).zip(bytes).filter(|(_, byte)| **byte == b'\n');
    ends.nth(1).map(|(len, _)| len)
}

/// How an input ends.
#[derive(Debug, PartialEq)]
enum End {
    Whole,
    Failed,
    TooLong { record: u64, offset: u64 },
}

/// The records, where each begins, and the end of the input, found byte by byte.
fn naive(bytes: &[u8], kind: Kind, limit: usize, fails: bool) -> (Vec<(u64, Vec<u8>)>, End) {
    let (mut records, mut record, mut begins, mut lines) = (Vec::new(), Vec::new(), 0, 0);
    for (offset, byte) in (1..).zip(bytes) {
        record.push(*byte);
        if record.len() > limit {
            return (records, End::TooLong { record: lines / per(kind), offset: begins });
        }
        let ends = *byte == if kind == Kind::Zeros { 0 } else { b'\n' };
        lines += u64::from(ends);
        if ends && lines % per(kind) == 0 {
            records.push((begins, without_end(kind, std::mem::take(&mut record))));
            begins = offset;
        }
    }
    if fails {
        return (records, End::Failed);
    }
    if !record.is_empty() {
        records.push((begins, record));
    }
    (records, End::Whole)
}

fn per(kind: Kind) -> u64 {
    if kind == Kind::Pairs { 2 } else { 1 }
}

fn without_end(kind: Kind, mut record: Vec<u8>) -> Vec<u8> {
    if kind != Kind::Pairs {
        record.pop();
    }
    if kind == Kind::Lines && record.last() == Some(&b'\r') {
        record.pop();
    }
    record
}

fn blocks<R: Read>(reader: R, kind: Kind) -> Blocks<R> {
    match kind {
        Kind::Lines => Blocks::lines(reader),
        Kind::Zeros => Blocks::by_byte(reader, 0),
        Kind::Pairs => Blocks::by(reader, pair),
    }
}

/// Where the last whole record of these bytes ends.
fn last_end(bytes: &[u8], kind: Kind) -> usize {
    let byte = if kind == Kind::Zeros { 0 } else { b'\n' };
    let ends = bytes.iter().enumerate().filter(|(_, found)| **found == byte).map(|(at, _)| at + 1);
    let ends: Vec<usize> = ends.collect();
    let whole = ends.len() - ends.len() % per(kind) as usize;
    if whole == 0 { 0 } else { ends[whole - 1] }
}

#[derive(Debug, Clone)]
struct Case {
    bytes: Vec<u8>,
    steps: Vec<Step>,
    fails: bool,
    kind: Kind,
    size: usize,
    limit: usize,
    start: (u64, u64),
}

fn cases() -> impl Strategy<Value = Case> {
    let byte =
        prop_oneof![4 => Just(b'a'), 2 => Just(b'\n'), 1 => Just(b'\r'), 1 => Just(0), 1 => any::<u8>()];
    let short = prop::collection::vec(byte.clone(), 0..60);
    let long = prop::collection::vec(prop_oneof![30 => Just(b'x'), 1 => byte], 0..600);
    let step = prop_oneof![6 => (1..40usize).prop_map(Step::Bring), 2 => Just(Step::Bring(9999)), 1 => Just(Step::Interrupt)];
    let steps = prop::collection::vec(step, 1..8).prop_map(|mut steps| {
        steps.push(Step::Bring(7));
        steps
    });
    let kind = prop_oneof![Just(Kind::Lines), Just(Kind::Zeros), Just(Kind::Pairs)];
    let limit = prop_oneof![1..50usize, Just(usize::MAX)];
    (prop_oneof![short, long], steps, any::<bool>(), kind, 1..100usize, limit, (0..9u64, 0..9u64)).prop_map(
        |(bytes, steps, fails, kind, size, limit, start)| Case {
            bytes,
            steps,
            fails,
            kind,
            size,
            limit,
            start,
        },
    )
}

fn agrees(case: Case) {
    let Case { bytes, steps, fails, kind, size, limit, start } = case;
    let brought = Rc::new(Cell::new(0));
    let most = size.max(limit.saturating_add(1));
    let reader = Pieces { bytes: bytes.clone(), steps, fails, reads: 0, brought: brought.clone(), most };
    let mut blocks = blocks(reader, kind).block_size(size).max_record(limit).starting_at(start.0, start.1);
    let (mut records, mut end) = (Vec::new(), End::Whole);
    let (mut number, mut at) = start;
    for block in blocks.by_ref() {
        assert_eq!(end, End::Whole, "nothing comes after an error");
        match block {
            Ok(block) => {
                assert_eq!((block.numbers().start, block.offsets().start), (number, at));
                (number, at) = (block.numbers().end, block.offsets().end);
                let within = (block.offsets().start - start.1) as usize..(at - start.1) as usize;
                assert_eq!(block.bytes(), &bytes[within.clone()]);
                assert_eq!(block.records().count() as u64, block.numbers().end - block.numbers().start);
                // It has all that is whole of what was read: it has not waited, and none is left to wait.
                let whole = last_end(&bytes[..brought.get()], kind);
                assert!(whole == within.end || brought.get() == bytes.len() || limit < usize::MAX);
                let begins =
                    block.records().map(|record| record.as_ptr() as u64 - block.bytes().as_ptr() as u64);
                let begins = begins.map(|begins| begins + within.start as u64);
                records.extend(begins.zip(block.records().map(<[u8]>::to_vec)));
            }
            Err(error) => end = end_of(&error, start),
        }
    }
    assert!(blocks.next().is_none());
    assert_eq!((records, end), naive(&bytes, kind, limit, fails));
}

fn end_of(error: &io::Error, start: (u64, u64)) -> End {
    match error.get_ref().and_then(|source| source.downcast_ref::<RecordTooLong>()) {
        None => End::Failed,
        Some(too_long) => {
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            End::TooLong { record: too_long.record() - start.0, offset: too_long.offset() - start.1 }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn p1_random_bytes_in_random_reads_agree_with_a_naive_reader(case in cases()) {
        agrees(case);
    }
}

/// What a reader gives that has always enough.
fn plenty(len: usize) -> impl Read {
    io::Cursor::new(b"a line of 20 bytes..\n".repeat(len / 21))
}

#[test]
fn p5_blocks_grow_while_reads_fill_them() {
    let lens: Vec<usize> = Blocks::lines(plenty(2 << 20)).map(|block| block.unwrap().bytes().len()).collect();
    let expected = [16, 32, 64, 128, 256, 256, 256].map(|kib| kib << 10);
    for (len, expected) in lens.iter().zip(expected) {
        assert!((expected - 50..=expected).contains(len), "{lens:?}");
    }
    let sized = Blocks::lines(plenty(1 << 20)).block_size(1000).map(|block| block.unwrap().bytes().len());
    assert!(sized.max() <= Some(1000));
}

/// The addresses of buffers that are alive, which no allocator can give to two.
#[test]
fn p15_buffers_are_used_again_once_their_blocks_are_dropped() {
    let mut blocks = Blocks::lines(plenty(1 << 20)).block_size(1000);
    let (used, spare) = (vec![7; 1000], blocks.spare().clone());
    let address = used.as_ptr();
    spare.put(used);
    let mut read = || blocks.next().unwrap().unwrap();
    // The first block has another, and the rest of what was read for it goes into the one that is there.
    assert_ne!(read().bytes().as_ptr(), address);
    let second = read();
    assert_eq!(second.bytes().as_ptr(), address);
    drop(second);
    let kept = spare.take();
    assert_eq!(kept.as_ptr(), address);
}

#[test]
fn p15_a_block_of_one_short_line_takes_little_memory() {
    let reader = Pieces {
        bytes: b"short\n".repeat(100),
        steps: vec![Step::Bring(6)],
        fails: false,
        reads: 0,
        brought: Rc::default(),
        most: usize::MAX,
    };
    let blocks: Vec<Block> = Blocks::lines(reader).collect::<io::Result<_>>().unwrap();
    assert_eq!(blocks.len(), 100);
    assert!(blocks.iter().all(|block| block.capacity() <= 4 * block.bytes().len()));
}

#[test]
fn p15_blocks_that_outlive_their_input_and_long_records_leave_nothing_behind() {
    let mut text = vec![b'x'; 1 << 20];
    text.extend(b"\nshort\n".repeat(100));
    let mut blocks = Blocks::lines(io::Cursor::new(text)).block_size(1 << 10);
    let long = blocks.next().unwrap().unwrap();
    assert!(long.bytes().len() > 1 << 20);
    // Its buffer is not kept for what comes then.
    drop(long);
    let next: Vec<_> = blocks.map(Result::unwrap).collect();
    assert!(next.iter().all(|block| block.capacity() <= 4 << 10));
    drop(next);
}

/// What a reader may do that lies or panics.
struct Bad(&'static str);

impl Read for Bad {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0 {
            "lies" => Ok(room.len() + 1),
            _ => panic!("{}", self.0),
        }
    }
}

#[test]
fn p7_a_reader_that_lies_or_panics_does_so_at_its_place() {
    let before = || "one\ntw".as_bytes();
    let mut blocks = Blocks::lines(before().chain(Bad("lies")));
    assert_eq!(blocks.next().unwrap().unwrap().bytes(), b"one\n");
    assert!(blocks.next().unwrap().is_err());
    assert!(blocks.next().is_none());

    let mut blocks = Blocks::lines(before().chain(Bad("panics")));
    assert_eq!(blocks.next().unwrap().unwrap().bytes(), b"one\n");
    assert!(catch(|| blocks.next()).is_err());
}

#[test]
fn p7_a_function_that_lies_is_told() {
    for says in [0, 7] {
        let mut blocks = Blocks::by("123456".as_bytes(), move |_| Some(says));
        let payload = catch(|| blocks.next()).unwrap_err();
        let message = payload.downcast_ref::<String>().unwrap();
        assert_eq!(message, &format!("the first record of 6 bytes cannot end at {says}"));
    }
}

#[test]
fn p11_settings_that_make_no_sense_are_refused() {
    assert!(catch(|| Blocks::lines(io::empty()).block_size(0)).is_err());
    assert!(catch(|| Blocks::lines(io::empty()).max_record(0)).is_err());
}
