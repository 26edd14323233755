//! Asking a relay that runs about an upgrade, and for one.

use std::{io, path::Path, time::Duration};

use tokio::{
    io::BufReader,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use super::talk::{Hello, MOST_LINE_BYTES, Progress, Seen};
use crate::admin_socket::frame;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// Nobody is there.
    #[error("no relay runs on this data folder")]
    Nobody,
    /// It went away or is not understood.
    #[error("the relay that runs gave no answer")]
    NoAnswer(#[from] io::Error),
}

/// What the relay on a data folder says of itself.
///
/// # Errors
/// When none runs there, or it says nothing.
pub async fn look(data: &Path) -> Result<Seen, LookError> {
    let (mut reader, _writer) = say(data, &Hello::Look).await?;
    Ok(timeout(LOOK, next(&mut reader)).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??)
}

/// Has the relay on a data folder start its program anew and hand over; tells each step, the last of which is its end.
///
/// # Errors
/// When none runs there, or it says nothing any more.
pub async fn ask_for_upgrade(data: &Path, mut tell: impl FnMut(&Progress)) -> Result<Progress, LookError> {
    let (mut reader, _writer) = say(data, &Hello::Upgrade).await?;
    loop {
        let progress = next(&mut reader).await?;
        tell(&progress);
        if !matches!(progress, Progress::Started { .. }) {
            return Ok(progress);
        }
    }
}

async fn say(data: &Path, hello: &Hello) -> Result<(BufReader<OwnedReadHalf>, OwnedWriteHalf), LookError> {
    let stream = UnixStream::connect(super::path(data)).await.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => LookError::Nobody,
        _ => LookError::NoAnswer(error),
    })?;
    let (reader, mut writer) = stream.into_split();
    frame::write_line(&mut writer, hello).await?;
    Ok((BufReader::new(reader), writer))
}

async fn next<T: serde::de::DeserializeOwned>(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<T> {
    let line = frame::read_line(reader, MOST_LINE_BYTES).await?;
    Ok(frame::parse(&line.ok_or(io::ErrorKind::UnexpectedEof)?)?)
}

const LOOK: Duration = Duration::from_secs(10);
