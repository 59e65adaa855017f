//! What is in the messages.
//!
//! Headers are `postcard` of the types here. Behind the header of a [`Work`] come the items, each with its length in
//! front; behind that of a [`Reply`] the outcomes. Everything that is read here may come from a stranger, so every
//! function gives `None` for what it cannot read, allocates nothing by a length that it was told, and never panics.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Duration;

/// A frame above this size travels in pieces.
///
/// NATS takes messages of up to 1 MiB by default, but is made for smaller ones.
pub(crate) const INLINE: usize = 512 * 1024;

/// The header of some consecutive items of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub count: u32,
    /// In milliseconds, as the others.
    pub ack_wait: u32,
    pub item_timeout: Option<u64>,
    /// How many deliveries a worker may try, and how many there were before the server began to count.
    pub max_deliver: u32,
    pub attempts: u32,
    /// The largest result, in bytes.
    pub size_limit: u64,
    /// If the items are not here but with the master: their length.
    pub elsewhere: Option<u64>,
}

impl Work {
    pub fn ack_wait(&self) -> Duration {
        Duration::from_millis(u64::from(self.ack_wait.max(1)))
    }

    pub fn item_timeout(&self) -> Option<Duration> {
        self.item_timeout.map(Duration::from_millis)
    }

    /// The message.
    pub fn encode(&self, items: &[u8]) -> Bytes {
        join(self, items)
    }

    /// The header, and the items if they are here.
    pub fn decode(message: &Bytes) -> Option<(Work, Bytes)> {
        let (work, items): (Work, _) = split(message)?;
        let here = work.elsewhere.is_some() || is_work(&items, work.count);
        (work.count > 0 && here).then_some((work, items))
    }
}

/// What a worker tells of a frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reply<'a> {
    pub frame: u64,
    /// Where the master acknowledges. Not the reply subject of the message: the server lets no client set such a one.
    pub ack: &'a str,
    pub worker: &'a str,
    pub threads: u32,
    /// How many attempts there were, this one included.
    pub attempts: u32,
    /// How long the function ran for this frame so far, in nanoseconds.
    pub busy: u64,
    /// Which items the outcomes are of, counted from the first of the frame.
    pub start: u32,
    pub count: u32,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Outcomes so far; the worker goes on, but gives so many items at the end of the frame back.
    Part { back: u32 },
    /// The worker is done with the frame, also if outcomes are missing.
    Done,
    /// Done, and the outcomes are with the worker; their length.
    Elsewhere(u64),
    /// The frame was delivered too often, and was not run.
    Exhausted,
}

impl Reply<'_> {
    pub fn encode(&self, outcomes: &[u8]) -> Bytes {
        join(self, outcomes)
    }

    /// The header and the outcomes, of which there are as many as it says.
    pub fn decode(message: &Bytes) -> Option<(Reply<'_>, Bytes)> {
        let (reply, rest): (Reply<'_>, _) = split(message)?;
        let outcomes = match reply.what {
            What::Part { .. } | What::Done => are_outcomes(&rest, reply.count),
            What::Elsewhere(_) | What::Exhausted => rest.is_empty(),
        };
        (outcomes && reply.worker.len() <= 64).then_some((reply, rest))
    }
}

/// What became of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome<'a> {
    Ok(#[serde(with = "serde_bytes")] &'a [u8]),
    Panicked(&'a str),
    TimedOut,
    Encode(&'a str),
    Decode(&'a str),
    TooLarge { size: u64, limit: u64 },
    Lost { attempts: u32 },
}

impl Outcome<'_> {
    /// Appends it.
    pub fn push(&self, outcomes: &mut Vec<u8>) {
        extend(self, outcomes);
    }

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

/// Signs of life of a worker: the frames of a job that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alive<'a> {
    pub worker: &'a str,
    pub threads: u32,
    pub frames: Vec<u64>,
}

/// What a master tells all workers of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Call<'a> {
    /// Say hello; and this job is not over, if it seemed so.
    Who { job: &'a str },
    /// This job is over.
    Over { job: &'a str },
}

/// What a worker answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello<'a> {
    pub worker: &'a str,
    pub threads: u32,
}

/// A message that is nothing but a header.
pub(crate) fn encode(header: &impl Serialize) -> Bytes {
    join(header, &[])
}

/// A header with nothing behind it.
pub(crate) fn decode<'a, T: Deserialize<'a>>(message: &'a [u8]) -> Option<T> {
    let (header, rest) = postcard::take_from_bytes(message).ok()?;
    rest.is_empty().then_some(header)
}

fn join(header: &impl Serialize, rest: &[u8]) -> Bytes {
    let mut message = Vec::with_capacity(rest.len() + 64);
    extend(header, &mut message);
    message.extend_from_slice(rest);
    message.into()
}

fn split<'a, T: Deserialize<'a>>(message: &'a Bytes) -> Option<(T, Bytes)> {
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
pub(crate) fn push_item(item: &[u8], items: &mut Vec<u8>) {
    extend(&serde_bytes::Bytes::new(item), items);
}

/// The first item, and the rest.
pub(crate) fn take_item(items: &[u8]) -> Option<(&[u8], &[u8])> {
    postcard::take_from_bytes(items).ok()
}

/// Whether these are so many items and nothing else.
pub(crate) fn is_work(items: &[u8], count: u32) -> bool {
    item_range(items, 0, count) == Some(0..items.len())
}

/// Where `count` items from the one at `start` on are.
pub(crate) fn item_range(items: &[u8], start: u32, count: u32) -> Option<Range<usize>> {
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

/// Whether these are so many outcomes and nothing else.
pub(crate) fn are_outcomes(outcomes: &[u8], count: u32) -> bool {
    let mut rest = outcomes;
    for _ in 0..count {
        match Outcome::take(rest) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty()
}

/// Each of these outcomes by itself.
pub(crate) fn each_outcome(outcomes: &Bytes) -> impl Iterator<Item = Bytes> {
    let mut rest = outcomes.clone();
    std::iter::from_fn(move || {
        let length = rest.len() - Outcome::take(&rest)?.1.len();
        Some(rest.split_to(length))
    })
}
