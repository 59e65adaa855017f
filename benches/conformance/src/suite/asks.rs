//! The ways to ask for results, for promises that hold for each of them.

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

pub(super) fn by_next(mut imap: Imap<'_, u64>) -> Results<'_> {
    Box::new(move || imap.next())
}

pub(super) fn by_next_of_a_started_one(imap: Imap<'_, u64>) -> Results<'_> {
    by_next(imap.start())
}

pub(super) fn by_next_with_panics_caught(imap: Imap<'_, u64>) -> Results<'_> {
    let mut imap = imap.catch_panics();
    Box::new(move || imap.next().map(Result::unwrap))
}

pub(super) fn by_next_in_chunks_of_8(imap: Imap<'_, u64>) -> Results<'_> {
    by_next(imap.chunk(8))
}

pub(super) fn by_next_in_windows_of_2(imap: Imap<'_, u64>) -> Results<'_> {
    by_next(imap.window(2))
}

pub(super) fn by_next_timeout(mut imap: Imap<'_, u64>) -> Results<'_> {
    Box::new(move || imap.next_timeout(LONG).unwrap())
}

/// With a limit that is too short for most, and so asks often.
pub(super) fn by_short_limits(imap: Imap<'_, u64>) -> Results<'_> {
    let mut imap = imap.timeout(Duration::from_micros(300));
    Box::new(move || super::parts::at_last(&mut imap))
}

pub(super) fn by_stream(imap: Imap<'_, u64>) -> Results<'_> {
    let mut stream = imap.into_stream();
    Box::new(move || block_on(stream.next()))
}

pub(super) fn by_stream_under_tokio(imap: Imap<'_, u64>) -> Results<'_> {
    let (mut stream, runtime) = (imap.into_stream(), current_thread());
    Box::new(move || runtime.block_on(stream.next()))
}

/// In order where one item is in flight at a time.
pub(super) fn by_next_unordered(imap: Imap<'_, u64>) -> Results<'_> {
    by_next(imap.unordered())
}
