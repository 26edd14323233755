//! The command line's side of the socket.

use std::{io, path::Path, time::Duration};

use posthaste_admin::{AdminFailure, Command, Reply};
use tokio::{
    io::BufReader,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use super::frame::{self, Answer, MOST_ANSWER_BYTES};

/// A connection to a running relay.
#[derive(Debug)]
pub struct AdminClient {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

/// Why a command has no reply.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The relay refused it or failed.
    #[error("{}", .0.message)]
    Failed(AdminFailure),
    /// The relay went away or answers nonsense; whether the command was carried out is not known.
    #[error("the running relay gave no answer; whether the command was carried out is not known")]
    NoAnswer(#[source] io::Error),
}

impl AdminClient {
    /// Connects to the relay that runs on the socket's data folder; `None` when none does.
    ///
    /// # Errors
    /// When there is a socket that may not be used.
    pub async fn connect(path: &Path) -> io::Result<Option<Self>> {
        match UnixStream::connect(path).await {
            Ok(stream) => {
                let (reader, writer) = stream.into_split();
                Ok(Some(Self { reader: BufReader::new(reader), writer }))
            }
            Err(error) if means_nobody(error.kind()) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has a command carried out.
    ///
    /// # Errors
    /// When the relay refuses it, fails, or gives no answer.
    pub async fn call(&mut self, command: &Command) -> Result<Reply, CallError> {
        let exchange = timeout(PATIENCE, self.exchange(command));
        let answer = exchange.await.map_err(|_| CallError::NoAnswer(io::ErrorKind::TimedOut.into()))?;
        match answer.map_err(CallError::NoAnswer)? {
            Answer::Ok(reply) => Ok(*reply),
            Answer::Error(failure) => Err(CallError::Failed(failure)),
        }
    }

    async fn exchange(&mut self, command: &Command) -> io::Result<Answer> {
        frame::write_line(&mut self.writer, command).await?;
        let line = frame::read_line(&mut self.reader, MOST_ANSWER_BYTES).await?;
        Ok(frame::parse(&line.ok_or(io::ErrorKind::UnexpectedEof)?)?)
    }
}

/// No file, or one that a killed relay left.
fn means_nobody(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

/// An account's test waits for its upstream.
const PATIENCE: Duration = Duration::from_secs(120);
