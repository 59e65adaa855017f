//! Items and outcomes, as they are in the messages of every transport.
//!
//! Each item has its length in front; outcomes are `postcard` one after the other. A header of a transport's own is
//! `postcard`, too, with items or outcomes behind it. Everything that is read here may come from a stranger, so every
//! function gives `None` for what it cannot read, allocates nothing by a length that it was told, and never panics.

use crate::error::Death;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome<'a> {
    /// The encoded result.
    Ok(#[serde(with = "serde_bytes")] &'a [u8]),
    /// With this message.
    Panicked(&'a str),
    /// It took longer than it may.
    TimedOut,
    /// The item or the result cannot be encoded.
    Encode(&'a str),
    /// It cannot be decoded.
    Decode(&'a str),
    /// The item or the result is above the limit.
    TooLarge {
        /// Bytes when encoded.
        size: u64,
        /// How many are allowed.
        limit: u64,
    },
    /// It kills its workers.
    Lost {
        /// How often it was tried.
        attempts: u32,
        /// What the last worker died of.
        death: Death,
    },
}

impl Outcome<'_> {
    /// Appends it.
    pub fn push(&self, outcomes: &mut Vec<u8>) {
        extend(self, outcomes);
    }

    /// Just it.
    pub fn to_bytes(self) -> Bytes {
        let mut bytes = Vec::new();
        self.push(&mut bytes);
        bytes.into()
    }

    /// The first of these outcomes, and the rest.
    pub fn take(bytes: &[u8]) -> Option<(Outcome<'_>, &[u8])> {
        postcard::take_from_bytes(bytes).ok()
    }
}

/// A message that is nothing but a header.
pub fn encode(header: &impl Serialize) -> Bytes {
    join(header, &[])
}

/// Reads a header with nothing behind it. `None` if this is none.
pub fn decode<'a, T: Deserialize<'a>>(message: &'a [u8]) -> Option<T> {
    let (header, rest) = postcard::take_from_bytes(message).ok()?;
    rest.is_empty().then_some(header)
}

/// A header and what is behind it.
pub fn join(header: &impl Serialize, rest: &[u8]) -> Bytes {
    let mut message = Vec::with_capacity(rest.len() + 64);
    extend(header, &mut message);
    message.extend_from_slice(rest);
    message.into()
}

/// What [`join`] made.
pub fn split<'a, T: Deserialize<'a>>(message: &'a Bytes) -> Option<(T, Bytes)> {
    let (header, rest) = postcard::take_from_bytes(message).ok()?;
    let rest = message.slice(message.len() - rest.len()..);
    Some((header, rest))
}

/// Appends what cannot fail to be encoded: there is memory, and no length is unknown.
fn extend(value: &impl Serialize, bytes: &mut Vec<u8>) {
    let taken = std::mem::take(bytes);
    *bytes = postcard::to_extend(value, taken).expect("headers and outcomes can always be encoded");
}

/// Appends an item with its length.
pub fn push_item(item: &[u8], items: &mut Vec<u8>) {
    extend(&serde_bytes::Bytes::new(item), items);
}

/// The first item, and the rest.
pub fn take_item(items: &[u8]) -> Option<(&[u8], &[u8])> {
    postcard::take_from_bytes(items).ok()
}

/// Whether these are this many items and nothing else.
pub fn is_work(items: &[u8], count: u32) -> bool {
    item_range(items, 0, count) == Some(0..items.len())
}

/// Where `count` items from the one at `start` on are.
pub fn item_range(items: &[u8], start: u32, count: u32) -> Option<Range<usize>> {
    let skip = |mut rest: &[u8], count| {
        for _ in 0..count {
            rest = take_item(rest)?.1;
        }
        Some(items.len() - rest.len())
    };
    let begin = skip(items, start)?;
    let end = skip(&items[begin..], count)?;
    Some(begin..end)
}

/// Whether these are this many outcomes and nothing else.
pub fn are_outcomes(outcomes: &[u8], count: u32) -> bool {
    let mut rest = outcomes;
    for _ in 0..count {
        match Outcome::take(rest) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty()
}

/// Each of these items by itself, up to what cannot be read: then once `None`.
pub fn each_item(items: &Bytes) -> impl Iterator<Item = Option<Bytes>> {
    let mut rest = items.clone();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some((item, behind)) = take_item(&rest) else {
            rest.clear();
            return Some(None);
        };
        let (end, length) = (rest.len() - behind.len(), item.len());
        Some(Some(rest.split_to(end).split_off(end - length)))
    })
}

/// Each of these outcomes by itself.
pub fn each_outcome(outcomes: &Bytes) -> impl Iterator<Item = Bytes> {
    let mut rest = outcomes.clone();
    std::iter::from_fn(move || {
        let length = rest.len() - Outcome::take(&rest)?.1.len();
        Some(rest.split_to(length))
    })
}
