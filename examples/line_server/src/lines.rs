//! The lines of a body, while it arrives or after all of it has arrived.
//!
//! A line is bytes, so no encoding can be wrong. It ends with `\n` or `\r\n`; the last line may lack its end.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt, TryStreamExt};
use std::io;
use tokio_util::codec::{AnyDelimiterCodec, AnyDelimiterCodecError, Decoder, FramedRead};
use tokio_util::io::StreamReader;

/// The longest line, in bytes. A longer one is an error, since a line is held in memory as a whole.
pub const LONGEST: usize = 1024 * 1024;

/// Why a line could not be read: it is too long, or the connection broke.
pub type Error = AnyDelimiterCodecError;

/// A line, or why there is none. Nothing comes after an error.
pub type Line = Result<Bytes, Error>;

/// The lines of a body that is still arriving. It is read no further than the lines that are asked for.
pub fn of_stream(body: Body) -> impl Stream<Item = Line> + Send {
    let reader = StreamReader::new(body.into_data_stream().map_err(io::Error::other));
    FramedRead::new(reader, codec()).map(|line| line.map(without_return))
}

/// The lines of a body that has arrived.
pub fn of_bytes(body: Bytes) -> impl Iterator<Item = Line> + Send {
    let (mut codec, mut rest) = (codec(), BytesMut::from(body));
    let mut ended = false;
    std::iter::from_fn(move || {
        let line = if ended { None } else { codec.decode_eof(&mut rest).transpose() };
        ended = !matches!(line, Some(Ok(_)));
        line.map(|line| line.map(without_return))
    })
}

fn codec() -> AnyDelimiterCodec {
    AnyDelimiterCodec::new_with_max_length(b"\n".to_vec(), Vec::new(), LONGEST)
}

fn without_return(mut line: Bytes) -> Bytes {
    if line.ends_with(b"\r") {
        line.truncate(line.len() - 1);
    }
    line
}
