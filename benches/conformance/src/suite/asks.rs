//! The ways to ask for results, for promises that hold whichever is used.

use super::parts::LONG;
use super::tasks::current_thread;
use futures::StreamExt;
use futures::executor::block_on;
use pool_core::Imap;
use std::time::Duration;

/// Gives the results, one a call.
pub(super) type Results<'p> = Box<dyn FnMut() -> Option<u64> + 'p>;

/// A way to ask for results.
pub(super) type Ask = fn(Imap<'_, u64>) -> Results<'_>;

pub(super) fn by_next(mut line: Imap<'_, u64>) -> Results<'_> {
    Box::new(move || line.next())
}

pub(super) fn by_next_of_a_started_one(line: Imap<'_, u64>) -> Results<'_> {
    by_next(line.start())
}

pub(super) fn by_next_with_panics_caught(line: Imap<'_, u64>) -> Results<'_> {
    let mut line = line.catch_panics();
    Box::new(move || line.next().map(Result::unwrap))
}

pub(super) fn by_next_in_chunks_of_8(line: Imap<'_, u64>) -> Results<'_> {
    by_next(line.chunk(8))
}

pub(super) fn by_next_in_windows_of_2(line: Imap<'_, u64>) -> Results<'_> {
    by_next(line.window(2))
}

pub(super) fn by_next_timeout(mut line: Imap<'_, u64>) -> Results<'_> {
    Box::new(move || line.next_timeout(LONG).unwrap())
}

/// With a limit that is too short for most, and so asks often.
pub(super) fn by_short_limits(line: Imap<'_, u64>) -> Results<'_> {
    let mut line = line.timeout(Duration::from_micros(300));
    Box::new(move || super::parts::at_last(&mut line))
}

pub(super) fn by_stream(line: Imap<'_, u64>) -> Results<'_> {
    let mut stream = line.into_stream();
    Box::new(move || block_on(stream.next()))
}

pub(super) fn by_stream_under_tokio(line: Imap<'_, u64>) -> Results<'_> {
    let (mut stream, runtime) = (line.into_stream(), current_thread());
    Box::new(move || runtime.block_on(stream.next()))
}

/// In order all the same where one item is under way at a time.
pub(super) fn by_next_unordered(line: Imap<'_, u64>) -> Results<'_> {
    by_next(line.unordered())
}
