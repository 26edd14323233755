//! Lines on the socket.

use std::io;

use posthaste_admin::{AdminFailure, Reply};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What comes back for a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// It was done.
    Ok(Box<Reply>),
    /// It was refused or failed.
    Error(AdminFailure),
}

/// The next line without its end; `None` when the other side is done.
pub(crate) async fn read_line<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    most: u64,
) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = reader.take(most + 1).read_until(b'\n', &mut line).await?;
    if read == 0 {
        return Ok(None);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        return Ok(Some(line));
    }
    let (kind, what) = if read as u64 > most {
        (io::ErrorKind::InvalidData, "a line is too long")
    } else {
        (io::ErrorKind::UnexpectedEof, "a line was cut off")
    };
    Err(io::Error::new(kind, what))
}

/// Writes a value as one line.
pub(crate) async fn write_line<W: AsyncWrite + Unpin, T: Serialize>(
    writer: &mut W,
    value: &T,
) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    writer.write_all(&line).await?;
    writer.flush().await
}

/// Reads a line's value.
pub(crate) fn parse<T: DeserializeOwned>(line: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(line)
}

/// Commands are small: an account with long model lists stays far below.
pub(super) const MOST_COMMAND_BYTES: u64 = 1 << 20;
/// Lists of thousands of accounts and keys.
pub(super) const MOST_ANSWER_BYTES: u64 = 256 << 20;
