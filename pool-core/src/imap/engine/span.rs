//! The span of an imap, for the feature `tracing`; without it, nothing.
//!
//! It is a child of the span in which the imap was made, and the thread that runs items is inside of it: so the events and
//! spans of the function are below it, as they would be in sequential code.

#[cfg(not(feature = "tracing"))]
pub(in crate::imap) struct Span;

/// Without the feature there is nothing to leave.
#[cfg(not(feature = "tracing"))]
pub(super) struct Entered;

#[cfg(not(feature = "tracing"))]
impl Span {
    pub(super) fn new() -> Span {
        Span
    }

    #[inline(always)]
    pub(super) fn enter(&self) -> Entered {
        Entered
    }

    pub(in crate::imap) fn note_late_item(&self, _index: u64) {}

    pub(in crate::imap) fn note_late_call(&self, _index: u64) {}
}

#[cfg(feature = "tracing")]
pub(in crate::imap) struct Span(tracing::Span);

#[cfg(feature = "tracing")]
impl Span {
    pub(super) fn new() -> Span {
        Span(tracing::info_span!("imap"))
    }

    /// To be held while items run.
    pub(super) fn enter(&self) -> tracing::span::Entered<'_> {
        self.0.enter()
    }

    /// The limit of this item has passed.
    pub(in crate::imap) fn note_late_item(&self, index: u64) {
        tracing::warn!(parent: &self.0, index, "the limit of an item has passed");
    }

    /// A call has waited for this item in vain.
    pub(in crate::imap) fn note_late_call(&self, index: u64) {
        tracing::info!(parent: &self.0, index, "a result is late");
    }
}
