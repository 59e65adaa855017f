//! What is in the messages.
//!
//! Headers are `postcard` of the types here. Behind the header of a [`Work`] come the items, each with its length in
//! front; behind that of a [`Reply`] the outcomes. Replies travel several in a message, each with its length in front. Everything that is read here may come from a stranger, so every
//! function gives `None` for what it cannot read, allocates nothing by a length that it was told, and never panics.

use bytes::Bytes;
pub(crate) use pool_remote::frame::*;
use pool_remote::ledger::Care;
use serde::{Deserialize, Serialize};
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
    /// What the worker says before it begins.
    pub care: Care,
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
    /// How often the server has handed it out, this time included.
    pub deliveries: u32,
    /// How long the function ran for this frame so far, in nanoseconds.
    pub busy: u64,
    /// Which items the outcomes are of, counted from the first of the frame.
    pub start: u32,
    pub count: u32,
    pub what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    /// Outcomes so far; the worker goes on, but gives this many items at the end of the frame back.
    Part { back: u32 },
    /// The worker is done with the frame, also if outcomes are missing.
    Done,
    /// Done, and the outcomes are with the worker; their length.
    Elsewhere(u64),
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
            What::Elsewhere(_) => rest.is_empty(),
        };
        (outcomes && reply.worker.len() <= 64).then_some((reply, rest))
    }
}

/// Signs of life of a worker: frames of a job that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alive<'a> {
    pub worker: &'a str,
    pub threads: u32,
    pub kind: Kind,
    pub frames: Vec<Sign>,
}

/// Why a worker tells of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// It is time, and it told the server, too.
    Holds,
    /// It is about to begin, and waits for a [`Verdict`](crate::pieces::Fetch::Verdict) about each.
    Begins,
    /// They were handed out before: are they to run? A verdict about each is the answer.
    Asks,
}

/// A frame that a worker holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sign {
    pub frame: u64,
    /// The item at which a thread is, if one has begun.
    pub at: Option<u32>,
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
    /// It has had nothing to do for some time, and asks for more.
    pub idle: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::de::DeserializeOwned;

    fn work(count: u32, elsewhere: Option<u64>) -> Work {
        Work {
            count,
            ack_wait: 600,
            item_timeout: Some(7),
            care: Care::Frame,
            size_limit: 1 << 20,
            elsewhere,
        }
    }

    fn reply(what: What, count: u32) -> Reply<'static> {
        let (ack, worker) = ("$JS.ACK.a.b.1.2.3.4.5", "me");
        Reply { frame: 300, ack, worker, threads: 2, deliveries: 1, busy: 99, start: 1, count, what }
    }

    /// Reads it in every way there is. Nothing may panic.
    fn read_everything(message: &Bytes) {
        if let Some((work, items)) = Work::decode(message) {
            assert!(work.elsewhere.is_some() || is_work(&items, work.count));
        }
        if let Some((reply, outcomes)) = Reply::decode(message) {
            let listed = matches!(reply.what, What::Part { .. } | What::Done);
            assert!(!listed || each_outcome(&outcomes).count() == reply.count as usize);
        }
        let _ = decode::<Alive<'_>>(message);
        let _ = decode::<Hello<'_>>(message);
        let _ = decode::<Call<'_>>(message);
        let _ = decode::<crate::pieces::Fetch<'_>>(message);
        let _ = item_range(message, 3, u32::MAX);
        let _ = each_outcome(message).count();
        for reply in each_item(message).flatten() {
            let _ = Reply::decode(&reply);
        }
    }

    fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T) {
        assert_eq!(decode::<T>(&encode(&value)), Some(value));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 1000 } else { 100_000 }))]

        #[test]
        fn noise_is_refused_or_read_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            read_everything(&noise.into());
        }

        /// What begins well: good messages, cut or with some bytes changed.
        #[test]
        fn damaged_messages_are_refused_or_read_and_never_panic(
            items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..10),
            cut in 0usize..300,
            changes in prop::collection::vec((0usize..300, any::<u8>()), 0..4),
        ) {
            let (mut encoded, mut outcomes) = (Vec::new(), Vec::new());
            for item in &items {
                push_item(item, &mut encoded);
                Outcome::Ok(item).push(&mut outcomes);
            }
            let count = items.len() as u32;
            let mut messages = vec![
                work(count, None).encode(&encoded),
                work(count, Some(u64::MAX)).encode(&[]),
                encode(&Alive { worker: "me", threads: 1, kind: Kind::Asks, frames: vec![Sign { frame: 1, at: Some(2) }] }),
                encode(&crate::pieces::Fetch::Verdict { job: "abc", frame: 1, care: Some(Care::Items) }),
                encode(&Call::Over { job: "abc" }),
                encode(&crate::pieces::Fetch::Piece { job: "abc", frame: 1, offset: u64::MAX, length: u32::MAX }),
            ];
            for what in [What::Part { back: 4 }, What::Done, What::Elsewhere(u64::MAX)] {
                messages.push(reply(what, count).encode(&outcomes));
            }
            for message in messages {
                let mut damaged = message.to_vec();
                damaged.truncate(cut);
                for &(at, byte) in &changes {
                    if let Some(place) = damaged.get_mut(at) {
                        *place = byte;
                    }
                }
                read_everything(&damaged.into());
            }
        }

        #[test]
        fn what_was_written_is_read(items in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20)) {
            let (mut encoded, mut outcomes) = (Vec::new(), Vec::new());
            for item in &items {
                push_item(item, &mut encoded);
                Outcome::Ok(item).push(&mut outcomes);
            }
            let count = items.len() as u32;
            let (header, rest) = Work::decode(&work(count, None).encode(&encoded)).unwrap();
            assert_eq!((header, &rest[..]), (work(count, None), &encoded[..]));
            let message = reply(What::Done, count).encode(&outcomes);
            let (header, rest) = Reply::decode(&message).unwrap();
            assert_eq!(header, reply(What::Done, count));
            let read: Vec<Bytes> = each_outcome(&rest).collect();
            assert_eq!(read.len(), items.len());
            for (item, outcome) in items.iter().zip(&read) {
                assert_eq!(Outcome::take(outcome), Some((Outcome::Ok(item), &[][..])));
            }
            let split: Vec<_> = each_item(&encoded.clone().into()).collect();
            assert_eq!(split, items.iter().map(|item| Some(Bytes::copy_from_slice(item))).collect::<Vec<_>>());
            // Another count is refused.
            assert!(Work::decode(&work(count + 1, None).encode(&encoded)).is_none());
            assert!(Reply::decode(&reply(What::Done, count + 1).encode(&outcomes)).is_none());
        }
    }

    #[test]
    fn all_outcomes_and_headers_come_back() {
        for outcome in [
            Outcome::Ok(&[]),
            Outcome::Panicked("why"),
            Outcome::TimedOut,
            Outcome::Encode("e"),
            Outcome::Decode("d"),
            Outcome::TooLarge { size: 9, limit: 8 },
            Outcome::Lost { attempts: 4, death: pool_remote::Death::Unseen },
        ] {
            assert_eq!(Outcome::take(&outcome.to_bytes()), Some((outcome, &[][..])));
        }
        same(work(0, Some(3)));
        assert_eq!(decode(&encode(&Call::Who { job: "j" })), Some(Call::Who { job: "j" }));
        let hello = Hello { worker: "w", threads: 3, idle: true };
        assert_eq!(decode(&encode(&hello)), Some(hello));
        // A frame of no items is none.
        assert!(Work::decode(&work(0, None).encode(&[])).is_none());
    }
}
