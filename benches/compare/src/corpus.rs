//! Real text to work on, the same on every machine: made from a fixed seed, not stored.

use pool_core::Block;
use serde_json::{Value, json};
use std::io::{self, Read};
use std::sync::OnceLock;

const BLOCK: usize = 1 << 20;
const LINES: usize = 4096;
const WORDS: [&str; 16] = [
    "order", "line", "pool", "window", "head", "worker", "job", "steal", "park", "result", "input", "thread",
    "queue", "ticket", "panic", "drop",
];

/// Numbers from a seed (xorshift64, Marsaglia 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = pool_core::work::xorshift(self.0, 1);
        (self.0 >> 20) % end
    }

    fn words(&mut self, count: u64) -> String {
        let words: Vec<_> = (0..count).map(|_| WORDS[self.below(16) as usize]).collect();
        words.join(" ")
    }
}

/// Lines of JSON as a log has them, some 300 bytes each; they repeat after some thousand.
pub fn lines(items: u64) -> impl Iterator<Item = String> + Send {
    static LOG: OnceLock<Vec<String>> = OnceLock::new();
    let log = LOG.get_or_init(|| {
        let mut numbers = Numbers(20_260_101);
        (0..LINES).map(|number| line(&mut numbers, number).to_string()).collect()
    });
    log.iter().cycle().take(items as usize).cloned()
}

fn line(numbers: &mut Numbers, number: usize) -> Value {
    let words = 4 + numbers.below(20);
    json!({
        "id": number,
        "time": 1_700_000_000_000u64 + numbers.below(1 << 36),
        "level": (["info", "warn", "error"][numbers.below(3) as usize]),
        "message": numbers.words(words),
        "tags": [numbers.words(1), numbers.words(1), numbers.words(2)],
        "request": { "path": format!("/{}/{}", numbers.words(1), numbers.below(10_000)), "ms": numbers.below(100_000) as f64 / 8.0 },
    })
}

/// Parses a line, counts its words, and writes it again.
pub fn change(line: String) -> String {
    changed(line.as_bytes()).to_string()
}

/// The same for each line of a block.
pub fn change_lines(block: io::Result<Block>) -> Vec<u8> {
    let block = block.expect("memory is readable");
    let mut output = Vec::with_capacity(block.bytes().len() * 9 / 8);
    for line in &block {
        serde_json::to_writer(&mut output, &changed(line)).expect("memory is writable");
        output.push(b'\n');
    }
    output
}

fn changed(line: &[u8]) -> Value {
    let mut value: Value = serde_json::from_slice(line).expect("the corpus is JSON");
    let words = value["message"].as_str().map_or(0, |message| message.split(' ').count());
    value["words"] = words.into();
    value
}

/// The same lines as a text.
pub fn text(items: u64) -> impl Read + Send {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    let lines_in_all = LINES as u64;
    let text = TEXT.get_or_init(|| lines(lines_in_all).flat_map(|line| (line + "\n").into_bytes()).collect());
    let rest: u64 = lines(items % lines_in_all).map(|line| line.len() as u64 + 1).sum();
    Repeated { text, at: 0, left: items / lines_in_all * text.len() as u64 + rest }
}

/// A text that is read again from its beginning.
struct Repeated {
    text: &'static [u8],
    at: usize,
    left: u64,
}

impl Read for Repeated {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let rest = &self.text[self.at..];
        let read = room.len().min(rest.len()).min(self.left as usize);
        room[..read].copy_from_slice(&rest[..read]);
        self.at = (self.at + read) % self.text.len();
        self.left -= read as u64;
        Ok(read)
    }
}

/// Blocks of 1 MiB of text, each different from the others.
pub fn blocks(items: u64) -> impl Iterator<Item = Vec<u8>> + Send {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let mut text = Vec::with_capacity(BLOCK + 400);
        lines(u64::MAX)
            .take_while(|line| {
                text.extend_from_slice(line.as_bytes());
                text.len() < BLOCK
            })
            .for_each(drop);
        text.truncate(BLOCK);
        text
    });
    (0..items).map(|item| {
        let mut block = text.clone();
        block[..8].copy_from_slice(&item.to_le_bytes());
        block
    })
}
