//! What does not fit a message well: pieces over core subjects, asked for by the side that needs them.
//!
//! Large items are with the master until their results are, and large results stay with the worker until the master
//! has them. So a piece that is lost is asked for again, and the receiver decides how much is on its way: the
//! server cuts off a client that is sent more than it takes.

use crate::frame;
use async_nats::Client;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use pool_remote::ledger::Care;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A piece, unless the server allows less.
const PIECE: usize = 256 * 1024;

/// How many pieces of one frame are on their way.
const AT_ONCE: usize = 4;

/// No length is longer than this.
pub(crate) const LARGEST: u64 = 1 << 31;

/// How often a piece is asked for.
const TRIES: u32 = 3;

/// What is said to the side that has the bytes: a master or a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fetch<'a> {
    /// Give me these.
    Piece { job: &'a str, frame: u64, offset: u64, length: u32 },
    /// I have all.
    Release { job: &'a str, frame: u64 },
    /// To a worker: the master has heard what was said of a frame; whether it is to run, and what the worker says before
    /// it begins.
    ///
    /// It is not an answer to the subject that the worker names. Several signs of life name the same one, and a server
    /// that allows a client answers only (`allow_responses`) takes one answer to a subject.
    Verdict { job: &'a str, frame: u64, care: Option<Care> },
}

/// The answer to a question for a piece: what there is of it, or nothing.
pub(crate) fn piece(bytes: &Bytes, offset: u64, length: u32) -> Bytes {
    let end = offset.saturating_add(u64::from(length)).min(bytes.len() as u64);
    if offset >= end || length as usize > PIECE {
        return Bytes::new();
    }
    bytes.slice(offset as usize..end as usize)
}

/// Gets all pieces, from `subject`. An error is for a message.
pub(crate) async fn fetch(
    client: Client,
    subject: String,
    job: String,
    frame: u64,
    length: u64,
    patience: Duration,
) -> Result<Bytes, String> {
    if length > LARGEST {
        return Err(format!("{length} bytes are not to be believed"));
    }
    // Half of what the server takes leaves room for anything around it.
    let size = (client.max_payload() / 2).clamp(1024, PIECE) as u64;
    let piece = |offset: u64| {
        let (client, subject, job) = (client.clone(), subject.clone(), job.clone());
        async move {
            let wanted = (length - offset).min(size);
            let question = frame::encode(&Fetch::Piece { job: &job, frame, offset, length: wanted as u32 });
            let mut why = String::new();
            for _ in 0..TRIES {
                let request = async_nats::Request::new().payload(question.clone()).timeout(Some(patience));
                match client.send_request(subject.clone(), request).await {
                    Ok(answer) if answer.payload.len() as u64 == wanted => return Ok(answer.payload),
                    Ok(_) => return Err("it is not there any more".to_owned()),
                    Err(error) => why = error.to_string(),
                }
                tokio::time::sleep(patience / 10).await;
            }
            Err(why)
        }
    };
    let offsets = (0..length).step_by(size as usize);
    let mut pieces = futures::stream::iter(offsets.map(piece)).buffered(AT_ONCE);
    // Grows with what comes, not with what was promised.
    let mut bytes = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_what_there_is_of_it() {
        let bytes = Bytes::from_static(b"0123456789");
        assert_eq!(piece(&bytes, 0, 4), "0123");
        assert_eq!(piece(&bytes, 8, 4), "89");
        for (offset, length) in [(10, 4), (u64::MAX, u32::MAX), (0, 0), (0, PIECE as u32 + 1)] {
            assert!(piece(&bytes, offset, length).is_empty());
        }
    }
}
