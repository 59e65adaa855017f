//! What a thread remembers of its last lines: that their items were short.
//!
//! Whoever maps ten items, and then ten more, runs the same function again and again. After [`ENOUGH`] such lines
//! the consumer does not sleep until the next one has been measured, too, which takes longer than its items do: it
//! runs the head itself. Only the head, for which it would have to wait anyway; and nothing but this is taken over
//! from one line to the next.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// So many lines in a row.
const ENOUGH: u32 = 8;
/// After so long without one, what the function works on may be something else.
const FRESH: Duration = Duration::from_millis(100);

#[derive(Clone, Copy)]
struct Last {
    key: usize,
    lines: u32,
    ended: Instant,
}

thread_local! {
    static LAST: Cell<Option<Last>> = const { Cell::new(None) };
}

/// Notes that a line has ended, and whether its items were short. `key` is the same for lines of the same types,
/// and so of the same function.
pub(crate) fn keep(key: usize, short: bool) {
    let lines = match last(key) {
        _ if !short => 0,
        Some(last) => last.lines.saturating_add(1),
        None => 1,
    };
    // A thread that is ending remembers nothing.
    let _ = LAST.try_with(|last| last.set(Some(Last { key, lines, ended: Instant::now() })));
}

/// Whether the last lines of this thread were such lines, with short items.
pub(crate) fn were_short(key: usize) -> bool {
    last(key).is_some_and(|last| last.lines >= ENOUGH)
}

fn last(key: usize) -> Option<Last> {
    // Loom must see the same run twice, and runs one line after another.
    if cfg!(loom) {
        return None;
    }
    let last = LAST.try_with(Cell::get).ok()??;
    (last.key == key && last.ended.elapsed() < FRESH).then_some(last)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{ENOUGH, keep, were_short};

    fn lines(count: u32, key: usize, short: bool) {
        (0..count).for_each(|_| keep(key, short));
    }

    #[test]
    fn believes_only_many_short_lines_in_a_row() {
        lines(ENOUGH - 1, 1, true);
        assert!(!were_short(1));
        lines(1, 1, true);
        assert!(were_short(1));
        assert!(!were_short(2), "another function");
        lines(1, 1, false);
        assert!(!were_short(1), "a long line");
        lines(ENOUGH, 1, true);
        lines(1, 2, true);
        assert!(!were_short(1), "another line in between");
    }
}
