//! Replies on their way to masters.
//!
//! What is finished at the same time goes to a master in one message: where items take no time, that is most of what a
//! message costs. Nothing is held back for it; the service empties this whenever it has handled what has come.

use super::held::Held;
use crate::frame::{INLINE, Reply, What, push_item};
use std::time::Duration;

pub(crate) struct Outbox {
    /// The worker's name, and its threads.
    pub me: String,
    pub threads: u32,
    /// Jobs, and replies for each.
    messages: Vec<(String, Vec<u8>)>,
}

/// Outcomes of some items of a frame.
pub(crate) struct Part<'a> {
    pub start: u32,
    pub count: u32,
    pub busy: Duration,
    pub outcomes: &'a [u8],
}

impl Part<'_> {
    /// No outcomes.
    pub const NONE: Part<'static> = Part { start: 0, count: 0, busy: Duration::ZERO, outcomes: &[] };
}

impl Outbox {
    pub fn new(me: String, threads: u32) -> Outbox {
        Outbox { me, threads, messages: Vec::new() }
    }

    /// Tells the master of a frame.
    pub fn reply(&mut self, held: &Held, what: What, part: &Part<'_>) {
        let reply = Reply {
            frame: held.number,
            ack: &held.ack,
            worker: &self.me,
            threads: self.threads,
            deliveries: held.deliveries,
            busy: part.busy.as_nanos().try_into().unwrap_or(u64::MAX),
            start: part.start,
            count: part.count,
            what,
        };
        let reply = reply.encode(part.outcomes);
        let fits = |(job, message): &&mut (String, Vec<u8>)| {
            *job == held.job && message.len() + reply.len() <= INLINE
        };
        match self.messages.iter_mut().rev().find(fits) {
            Some((_, message)) => push_item(&reply, message),
            None => {
                let mut message = Vec::with_capacity(reply.len() + 8);
                push_item(&reply, &mut message);
                self.messages.push((held.job.clone(), message));
            }
        }
    }

    pub fn take(&mut self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.messages)
    }
}
