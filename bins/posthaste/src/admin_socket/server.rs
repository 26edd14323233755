//! The relay's side of the socket.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process,
    time::Duration,
};

use posthaste_admin::{Admin, AdminFailure, Command, FailureKind};
use tokio::{
    io::BufReader,
    net::{UnixListener, UnixStream},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::frame::{self, Answer, MOST_COMMAND_BYTES};

/// A bound socket. Dropping it removes the file, unless another relay has put its own there.
#[derive(Debug)]
pub struct AdminListener {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

/// Why the socket cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another relay answers on it.
    #[error("another relay runs on this data folder: it answers at {}", path.display())]
    Running {
        /// The socket.
        path: PathBuf,
    },
    /// The file system refuses.
    #[error("the admin socket {} cannot be made", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
}

impl AdminListener {
    /// Binds the socket with mode 0600. A file that nobody answers on is what a killed relay left, and is replaced.
    ///
    /// # Errors
    /// [`BindError::Running`] when a relay answers there.
    pub async fn bind(path: &Path) -> Result<Self, BindError> {
        if UnixStream::connect(path).await.is_ok() {
            return Err(BindError::Running { path: path.to_owned() });
        }
        Self::replace(path).map_err(|source| BindError::Io { path: path.to_owned(), source })
    }

    /// Binds beside and moves into place, so that the socket never stands there with a wider mode.
    fn replace(path: &Path) -> io::Result<Self> {
        let beside = path.with_extension(format!("{}", process::id()));
        let _ = fs::remove_file(&beside);
        let listener = UnixListener::bind(&beside)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
        let inode = fs::metadata(&beside)?.ino();
        fs::rename(&beside, path)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }
}

impl Drop for AdminListener {
    fn drop(&mut self) {
        if fs::metadata(&self.path).is_ok_and(|found| found.ino() == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Answers commands until `shutdown`; commands that are being carried out then are finished.
pub async fn serve(listener: AdminListener, admin: Admin, shutdown: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.listener.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, admin.clone(), shutdown.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin socket cannot accept a connection");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
}

async fn converse(mut stream: UnixStream, admin: Admin, shutdown: CancellationToken) {
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    loop {
        let line = tokio::select! {
            () = shutdown.cancelled() => return,
            line = timeout(IDLE, frame::read_line(&mut reader, MOST_COMMAND_BYTES)) => line,
        };
        let Ok(Ok(Some(line))) = line else { return };
        let answer = answer(&admin, &line).await;
        if frame::write_line(&mut writer, &answer).await.is_err() {
            return;
        }
    }
}

async fn answer(admin: &Admin, line: &[u8]) -> Answer {
    let command: Command = match frame::parse(line) {
        Ok(command) => command,
        Err(error) => return Answer::Error(not_understood(&error)),
    };
    match admin.execute(command).await {
        Ok(reply) => Answer::Ok(Box::new(reply)),
        Err(error) => Answer::Error(AdminFailure::from(&error)),
    }
}

/// The position only: the line may hold a secret, and serde's message may repeat a part of it.
fn not_understood(error: &serde_json::Error) -> AdminFailure {
    AdminFailure {
        kind: FailureKind::Invalid,
        field: None,
        message: format!(
            "the running relay (version {}) does not understand the command (at column {}); use the program of the \
             same version",
            env!("CARGO_PKG_VERSION"),
            error.column()
        ),
        causes: Vec::new(),
    }
}

const MOST_CONNECTIONS: usize = 32;
const IDLE: Duration = Duration::from_secs(300);
const GRACE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
