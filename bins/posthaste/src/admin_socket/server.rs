//! The relay's side of the socket.

use std::{
    fs::File,
    io,
    os::{fd::OwnedFd, unix::fs::OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use posthaste_admin::{Actor, Admin, AdminFailure, Command, FailureKind};
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::{
    io::BufReader,
    net::UnixStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    frame::{self, Answer, MOST_COMMAND_BYTES},
    private::PrivateSocket,
};
use crate::machine;

/// A bound socket. Dropping it removes the file, unless another relay has put its own there.
#[derive(Debug)]
pub struct AdminListener {
    socket: PrivateSocket,
    /// Held for as long as the relay runs; the kernel lets go of it even when the relay is killed.
    lock: File,
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
    /// [`BindError::Running`] when a relay answers there or is just about to.
    pub async fn bind(path: &Path) -> Result<Self, BindError> {
        let io_error = |source| BindError::Io { path: path.to_owned(), source };
        let running = || BindError::Running { path: path.to_owned() };
        // Asking at the socket alone would let two relays in that start at the same moment.
        let lock = lock(&path.with_extension("lock")).map_err(io_error)?.ok_or_else(running)?;
        if UnixStream::connect(path).await.is_ok() {
            return Err(running());
        }
        Self::succeed(path, lock)
    }

    /// Whether a relay answers at the socket; for refusing early, before anything is made. Only [`bind`](Self::bind) can
    /// tell for certain.
    ///
    /// # Errors
    /// [`BindError::Running`] when one does.
    pub async fn refuse_second(path: &Path) -> Result<(), BindError> {
        match UnixStream::connect(path).await {
            Ok(_) => Err(BindError::Running { path: path.to_owned() }),
            Err(_) => Ok(()),
        }
    }

    /// Binds the socket in the place of the relay's that has handed over, of which the lock comes.
    ///
    /// # Errors
    /// [`BindError::Io`] when the file system refuses.
    pub fn succeed(path: &Path, lock: File) -> Result<Self, BindError> {
        let socket =
            PrivateSocket::bind(path).map_err(|source| BindError::Io { path: path.to_owned(), source })?;
        Ok(Self { socket, lock })
    }

    /// The data folder's lock, to be held by another process as well.
    ///
    /// # Errors
    /// When the system gives no more descriptors.
    pub fn share_lock(&self) -> io::Result<OwnedFd> {
        self.lock.try_clone().map(OwnedFd::from)
    }
}

/// A data folder on which no relay can start for as long as this is held.
#[derive(Debug)]
pub struct Held {
    _lock: File,
}

/// Keeps relays off the socket's data folder, which must exist.
///
/// # Errors
/// [`BindError::Running`] when one runs there.
pub async fn hold(path: &Path) -> Result<Held, BindError> {
    let io_error = |source| BindError::Io { path: path.to_owned(), source };
    let running = || BindError::Running { path: path.to_owned() };
    let lock = lock(&path.with_extension("lock")).map_err(io_error)?.ok_or_else(running)?;
    AdminListener::refuse_second(path).await?;
    Ok(Held { _lock: lock })
}

/// Takes the lock; `None` when another process has it. The file stays: removing it would let two have it.
fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Answers commands until `shutdown`; commands that are being carried out then are finished.
pub async fn serve(listener: AdminListener, admin: Admin, shutdown: CancellationToken) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.socket.accept(), if connections.len() < MOST_CONNECTIONS => match accepted {
                Ok(stream) => {
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
    // The kernel tells who is at the other end.
    let user = stream.peer_cred().ok().map(|peer| machine::user_name(peer.uid()));
    let actor = user.map_or_else(Actor::machine, Actor::machine_user);
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    loop {
        let line = tokio::select! {
            () = shutdown.cancelled() => return,
            line = timeout(IDLE, frame::read_line(&mut reader, MOST_COMMAND_BYTES)) => line,
        };
        let Ok(Ok(Some(line))) = line else { return };
        let answer = answer(&admin, &actor, &line).await;
        if frame::write_line(&mut writer, &answer).await.is_err() {
            return;
        }
    }
}

async fn answer(admin: &Admin, actor: &Actor, line: &[u8]) -> Answer {
    let command: Command = match frame::parse(line) {
        Ok(command) => command,
        Err(error) => return Answer::Error(not_understood(&error)),
    };
    match admin.act(actor, command).await {
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
        state: None,
        advice: None,
        version: None,
        current: None,
    }
}

const MOST_CONNECTIONS: usize = 32;
const IDLE: Duration = Duration::from_secs(300);
const GRACE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
