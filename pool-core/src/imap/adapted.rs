//! An imap whose items are something else than the engine's results: a panic caught, an item late, a block taken apart.

use super::cancel::CancelToken;
use super::engine::{ImapStats, Settings, Wait};
use super::results::Next;

/// The methods that every imap has, whatever its items are.
pub trait Controls {
    fn settings(&mut self) -> Option<&mut Settings>;
    fn start(&mut self);
    fn cancel_with(&mut self, token: &CancelToken);
    fn cancel_token(&self) -> CancelToken;
    fn is_cancelled(&self) -> bool;
    fn stats(&self) -> ImapStats;
}

/// An imap under another item type.
pub trait Adapted<T> {
    fn next(&mut self, wait: Wait<'_>) -> Next<T>;
    fn give_up(&mut self) -> bool;
    fn size_hint(&self) -> (usize, Option<usize>);
    /// Whether a panic of the input is still to be handed out.
    fn input_has_panicked(&self) -> bool;
    /// How many items have been handed out or given up: the index of the head.
    fn position(&self) -> u64;
    /// The imap below.
    fn below(&self) -> &dyn Controls;
    fn below_mut(&mut self) -> &mut dyn Controls;

    fn settings(&mut self) -> Option<&mut Settings> {
        self.below_mut().settings()
    }

    fn start(&mut self) {
        self.below_mut().start();
    }
}
