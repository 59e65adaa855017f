//! `catch_panics`: the same line, with panics as values.

use super::{Adapted, Imap, Settings, Source};
use crate::error::{Panic, TimedOut};
use std::time::Duration;

pub(super) struct Caught<'p, T> {
    inner: Imap<'p, T>,
}

impl<'p, T> Caught<'p, T> {
    pub(super) fn new(inner: Imap<'p, T>) -> Caught<'p, T> {
        Caught { inner }
    }
}

impl<T> Adapted<Result<T, Panic>> for Caught<'_, T> {
    fn next(&mut self) -> Option<Result<T, Panic>> {
        self.inner.next_caught(None).unwrap_or(None)
    }

    fn next_timeout(&mut self, limit: Duration) -> Result<Option<Result<T, Panic>>, TimedOut> {
        self.inner.next_caught(Some(limit))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }

    fn settings(&mut self) -> Option<&mut Settings> {
        match &mut self.inner.source {
            Source::Line(line) => line.settings(),
            Source::Adapted(adapted) => adapted.settings(),
        }
    }

    fn start(&mut self) {
        match &mut self.inner.source {
            Source::Line(line) => line.start(false),
            Source::Adapted(adapted) => adapted.start(),
        }
    }
}
