//! What parent and child say to each other, and how messages are cut out of a stream of bytes.
//!
//! A message is its length in four bytes and as many bytes: a header in `postcard`, and behind it items or outcomes. A
//! process may be killed in the middle of a message, which then was not sent.

use bytes::Bytes;
use pool_remote::frame::join;
use pool_remote::job::What;
use rustix::io::{Errno, Result};
use rustix::net::{SendAncillaryBuffer, SendFlags, sendmsg};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::AsFd;

/// Builds whose messages differ do not work together.
pub(crate) const VERSION: u32 = 1;

/// How much is read at a time.
const READ: usize = 64 * 1024;

/// How many messages are written at a time.
const AT_ONCE: usize = 16;

/// From the parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// The first one.
    Welcome { version: u32, threads: u32 },
    /// Items to run, which are behind it.
    Work { job: u64, frame: u64, task: u32, count: u32, careful: bool, size_limit: u64 },
    /// Nothing of this job shall begin any more.
    Over { job: u64 },
    /// End, as soon as what runs is done.
    Leave,
}

/// From a child.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The first one: it is ready to run these tasks.
    Hello { version: u32, offers: Vec<String> },
    /// About a frame, with outcomes behind it.
    Reply { job: u64, frame: u64, start: u32, count: u32, busy: u64, what: What },
}

/// A message with this header, ready to be sent.
pub(crate) fn message(header: &impl Serialize, rest: &[u8]) -> Bytes {
    let body = join(header, rest);
    let mut message = Vec::with_capacity(body.len() + 4);
    message.extend_from_slice(&length(body.len()));
    message.extend_from_slice(&body);
    message.into()
}

/// The bytes in front of a message.
pub(crate) fn length(bytes: usize) -> [u8; 4] {
    // Items and results are at most 1 GiB, and a batch ends with the one that is too large for it.
    u32::try_from(bytes).expect("no message has 4 GiB").to_le_bytes()
}

/// Bytes that have come, until they are messages.
#[derive(Debug, Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// What has been taken, and what has come.
    start: usize,
    end: usize,
}

impl Incoming {
    /// Reads once. Whether the other side is still there; [`Errno::AGAIN`] if there is nothing now.
    pub fn read(&mut self, socket: impl AsFd) -> Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            // A large message was here.
            if self.bytes.len() > 16 * READ {
                self.bytes = Vec::new();
            }
        }
        let wanted = self.missing().clamp(READ, 16 * READ);
        if self.bytes.len() - self.end < wanted {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            let room = self.end + wanted;
            if self.bytes.len() < room {
                self.bytes.resize(room.max(self.bytes.len() * 3 / 2), 0);
            }
        }
        let count = loop {
            match rustix::io::read(&socket, &mut self.bytes[self.end..]) {
                Err(Errno::INTR) => {}
                read => break read?,
            }
        };
        self.end += count;
        Ok(count > 0)
    }

    /// How many bytes the next message still lacks, as far as that is known.
    fn missing(&self) -> usize {
        let here = &self.bytes[self.start..self.end];
        let length = here.first_chunk().map_or(0, |length| u32::from_le_bytes(*length) as usize + 4);
        length.saturating_sub(here.len())
    }

    /// The next message that is complete.
    pub fn next(&mut self) -> Option<Bytes> {
        let here = &self.bytes[self.start..self.end];
        let length = u32::from_le_bytes(*here.first_chunk()?) as usize;
        let message = here.get(4..4 + length)?;
        let message = Bytes::copy_from_slice(message);
        self.start += 4 + length;
        Some(message)
    }
}

/// Bytes that wait for room in the socket.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    parts: VecDeque<Bytes>,
    /// How much of the first part has been sent.
    sent: usize,
}

impl Outgoing {
    /// Adds some bytes.
    pub fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.parts.push_back(part);
        }
    }

    /// Whether all has been sent.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Sends as much as there is room for. Waits, if the socket does.
    pub fn send(&mut self, socket: impl AsFd) -> Result<()> {
        while !self.parts.is_empty() {
            let skip = self.sent;
            let mut parts = [IoSlice::new(&[]); AT_ONCE];
            let mut count = 0;
            for (slice, part) in parts.iter_mut().zip(&self.parts) {
                *slice = IoSlice::new(if count == 0 { &part[skip..] } else { part });
                count += 1;
            }
            match write(&socket, &parts[..count]) {
                Ok(written) => self.advance(written),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn advance(&mut self, written: usize) {
        self.sent += written;
        while let Some(first) = self.parts.front()
            && self.sent >= first.len()
        {
            self.sent -= first.len();
            self.parts.pop_front();
        }
    }
}

/// Writes, and gets an error rather than a signal if the other side is gone.
fn write(socket: impl AsFd, parts: &[IoSlice<'_>]) -> Result<usize> {
    #[cfg(not(target_os = "macos"))]
    let flags = SendFlags::NOSIGNAL;
    #[cfg(target_os = "macos")]
    let flags = SendFlags::empty();
    sendmsg(socket, parts, &mut SendAncillaryBuffer::default(), flags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixStream;

    #[test]
    fn messages_of_any_size_come_out_as_they_went_in() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let bodies: Vec<Vec<u8>> =
            [0, 1, 3, 70_000, 5, 3_000_000, 2].into_iter().map(|size| vec![size as u8; size]).collect();
        let mut outgoing = Outgoing::default();
        for body in &bodies {
            outgoing.push(Bytes::from(length(body.len()).to_vec()));
            outgoing.push(Bytes::from(body.clone()));
        }
        let (mut incoming, mut read) = (Incoming::default(), Vec::new());
        while read.len() < bodies.len() {
            outgoing.send(&ours).unwrap();
            assert!(incoming.read(&theirs).unwrap());
            while let Some(body) = incoming.next() {
                read.push(body.to_vec());
            }
        }
        assert_eq!(read, bodies);
        // A message that was cut off is none.
        outgoing.push(Bytes::from_static(&[9, 0, 0, 0, 1]));
        outgoing.send(&ours).unwrap();
        drop(ours);
        assert!(incoming.read(&theirs).unwrap() && incoming.next().is_none());
        assert!(!incoming.read(&theirs).unwrap());
    }
}
