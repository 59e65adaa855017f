//! Lines of text, whatever editor has written them.

use std::io::{self, BufRead};

/// What some editors write before a text in UTF-8, and what is no part of its first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The first line of a text, without a byte order mark.
pub fn without_byte_order_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line)
}

/// The lines of `input` as bytes, without their ends and without a byte order mark. After an error of reading comes
/// nothing: many files would give the same error for ever.
pub fn lines(input: impl BufRead) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    let (mut first, mut failed) = (true, false);
    let lines = input.split(b'\n').take_while(move |line| !std::mem::replace(&mut failed, line.is_err()));
    lines.map(move |line| {
        let mut line = line?;
        if std::mem::take(&mut first) {
            line.drain(..line.len() - without_byte_order_mark(&line).len());
        }
        Ok(line)
    })
}
