//! The side of the process that runs.

use std::{
    fmt, io,
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::{Clock, SystemClock};
use posthaste_gateway::Relay;
use posthaste_storage::{FleetStore, News};
use posthaste_storage_sqlite::SqliteStores;
use tokio::{
    io::BufReader,
    net::{UnixStream, unix::OwnedReadHalf},
    process::Child,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    descriptors,
    elsewhere::Elsewhere,
    inherited::Place,
    program::Program,
    talk::{Handed, Hello, MOST_LINE_BYTES, Offer, PROTOCOL, Progress, Seen, Step},
};
use crate::admin_socket::{PrivateSocket, frame};

/// Where the next process, and whoever wants one, is heard.
#[derive(Debug)]
pub struct SuccessorListener(PrivateSocket);

impl SuccessorListener {
    /// Binds the socket, in the place of a process before's. The data folder's lock must be held.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn bind(data: &Path) -> io::Result<Self> {
        PrivateSocket::bind(&super::path(data)).map(Self)
    }
}

/// What a relay hands over.
pub struct HandOver {
    /// Its listening sockets.
    pub sockets: Vec<(Place, SocketAddr, OwnedFd)>,
    /// The data folder's lock.
    pub lock: OwnedFd,
    /// What counts limits in this process's memory; `None` where a shared store does.
    pub sqlite: Option<Arc<SqliteStores>>,
    /// What is known of the accounts' health.
    pub fleet: Arc<dyn FleetStore>,
    /// For the number of its requests.
    pub relay: Relay,
    /// What is started for an upgrade.
    pub program: Program,
    /// Why nothing can be handed over, if it cannot.
    pub refuses: Option<String>,
    /// Told when it has been done.
    pub retired: Retired,
}

/// Whether another process has taken over. Clones share it.
#[derive(Clone)]
pub struct Retired {
    by: watch::Sender<Option<Successor>>,
    /// The connection by which the other process sees that this one is there.
    kept: Arc<Mutex<Option<Arc<Elsewhere>>>>,
}

#[derive(Clone, Debug)]
struct Successor {
    pid: u32,
    version: String,
}

impl Default for Retired {
    fn default() -> Self {
        Self { by: watch::Sender::new(None), kept: Arc::default() }
    }
}

impl fmt::Debug for Retired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retired").field("by", &*self.by.borrow()).finish_non_exhaustive()
    }
}

impl Retired {
    /// Waits until another process has taken over.
    pub async fn wait(&self) {
        self.successor().await;
    }

    /// Whether one has.
    pub fn is_so(&self) -> bool {
        self.by.borrow().is_some()
    }

    async fn successor(&self) -> Successor {
        let mut told = self.by.subscribe();
        loop {
            if let Some(successor) = told.borrow_and_update().clone() {
                return successor;
            }
            // The sender is here.
            let _ = told.changed().await;
        }
    }
}

/// Why handing over was broken off: this process goes on.
#[derive(Debug, thiserror::Error)]
enum BrokenOff {
    #[error("the other process went away, or said something else")]
    Gone(#[from] io::Error),
    #[error("it took too long")]
    TooLong(#[from] tokio::time::error::Elapsed),
    #[error("the other process said {0:?}")]
    OutOfTurn(Step),
    #[error("{0}")]
    Refused(String),
}

/// Hands over to whoever asks, until `shutdown`; conversations that are under way then are finished.
pub async fn serve(listener: SuccessorListener, hand_over: HandOver, shutdown: CancellationToken) {
    let (hand_over, mut talks) = (Arc::new(hand_over), JoinSet::new());
    let turn = Arc::new(tokio::sync::Mutex::new(()));
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = talks.join_next() => {}
            accepted = listener.0.accept(), if talks.len() < MOST_TALKS => match accepted {
                Ok(stream) => {
                    let (hand_over, turn) = (Arc::clone(&hand_over), Arc::clone(&turn));
                    talks.spawn(async move { hand_over.talk(stream, &turn).await });
                }
                Err(error) => {
                    tracing::warn!(%error, "the successor's socket cannot accept a connection");
                    sleep(PAUSE).await;
                }
            },
        }
    }
    drop((listener, hand_over));
    let _ = timeout(LAST_WORDS, async { while talks.join_next().await.is_some() {} }).await;
}

impl HandOver {
    async fn talk(&self, mut stream: UnixStream, turn: &tokio::sync::Mutex<()>) {
        let hello = timeout(SOON, frame::read_line(&mut BufReader::new(&mut stream), MOST_LINE_BYTES)).await;
        let Ok(Ok(Some(line))) = hello else { return };
        // Whoever is gone needs no answer.
        let _ = match frame::parse(&line) {
            Ok(Hello::Look) => frame::write_line(&mut stream, &self.seen()).await,
            Ok(Hello::Upgrade) => self.upgrade(&mut stream).await,
            Ok(Hello::TakeOver { protocol, version, pid }) => {
                let successor = Successor { pid, version };
                match turn.try_lock() {
                    Err(_) => refuse(&mut stream, "another process is taking over already".to_owned()).await,
                    Ok(_) if protocol != PROTOCOL => {
                        let own = env!("CARGO_PKG_VERSION");
                        refuse(&mut stream, format!("release {own} hands over in another way; restart it"))
                            .await
                    }
                    Ok(_mine) => {
                        self.try_hand_over(stream, successor).await;
                        Ok(())
                    }
                }
            }
            Err(_) => refuse(&mut stream, "it does not understand; use the same release".to_owned()).await,
        };
    }

    fn seen(&self) -> Seen {
        let socket =
            |(place, address, _): &(Place, SocketAddr, OwnedFd)| format!("{} {address}", place.name());
        Seen {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            program: self.program.file().display().to_string(),
            in_flight: self.relay.in_flight(),
            sockets: self.sockets.iter().map(socket).collect(),
            refuses: self.refuses(),
        }
    }

    fn refuses(&self) -> Option<String> {
        let retired = || self.retired.is_so().then(|| "another process has taken over already".to_owned());
        self.refuses.clone().or_else(retired)
    }

    async fn try_hand_over(&self, mut stream: UnixStream, successor: Successor) {
        if let Some(reason) = self.refuses() {
            let _ = refuse(&mut stream, reason).await;
            return;
        }
        let Successor { pid, version } = successor.clone();
        tracing::info!(pid, version, "another process is taking over");
        match self.hand_over(stream, successor).await {
            Ok(()) => tracing::info!(pid, version, "it has taken over; what is under way here ends here"),
            Err(error) => {
                let error = anyhow::Error::from(error);
                tracing::error!(pid, version, "it has not taken over, and this process goes on: {error:#}");
            }
        }
    }

    /// As [told](super).
    async fn hand_over(&self, mut stream: UnixStream, successor: Successor) -> Result<(), BrokenOff> {
        let lock = [self.lock.as_fd()];
        let sockets = self.sockets.iter().map(|(_, _, socket)| socket.as_fd());
        descriptors::send(&stream, &lock.into_iter().chain(sockets).collect::<Vec<_>>()).await?;
        let names = self.sockets.iter().map(|(place, ..)| place.name().to_owned()).collect();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        frame::write_line(&mut stream, &Offer::Sockets { version, pid: std::process::id(), names }).await?;
        let (reader, mut writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        expect(&mut reader, Step::Ready, SET_UP).await?;

        let paused = match &self.sqlite {
            None => None,
            Some(sqlite) => match sqlite.pause_admission().await {
                Ok(paused) => Some(paused),
                Err(error) => {
                    let reason = error.to_string();
                    frame::write_line(&mut writer, &Handed::Refused { reason: reason.clone() }).await?;
                    return Err(BrokenOff::Refused(reason));
                }
            },
        };
        let leases = paused.as_ref().map(|paused| paused.leases()).unwrap_or_default();
        let health = self.health().await;
        frame::write_line(&mut writer, &Handed::Holdings { leases, health }).await?;
        expect(&mut reader, Step::Taken, SOON).await?;
        frame::write_line(&mut writer, &Handed::Yours).await?;
        expect(&mut reader, Step::Serving, SOON).await?;

        let elsewhere = Arc::new(Elsewhere::new(reader, writer));
        if let Some(paused) = paused {
            paused.hand_to(Arc::<Elsewhere>::clone(&elsewhere));
        }
        *self.retired.kept.lock() = Some(elsewhere);
        self.retired.by.send_replace(Some(successor));
        Ok(())
    }

    /// Where it is not shared by way of the store. It is worth having, and not worth failing for.
    async fn health(&self) -> Vec<News> {
        if self.sqlite.is_none() {
            return Vec::new();
        }
        match self.fleet.health(SystemClock.now()).await {
            Ok(health) => health.news,
            Err(error) => {
                tracing::warn!(%error, "what is known of the accounts' health is not handed over");
                Vec::new()
            }
        }
    }

    async fn upgrade(&self, asker: &mut UnixStream) -> io::Result<()> {
        let failed = |reason| Progress::Failed { reason };
        if let Some(reason) = self.refuses() {
            return frame::write_line(asker, &failed(reason)).await;
        }
        let mut child = match self.program.start() {
            Ok(child) => child,
            Err(error) => {
                let reason = format!("{} cannot be started: {error}", self.program.file().display());
                return frame::write_line(asker, &failed(reason)).await;
            }
        };
        frame::write_line(asker, &Progress::Started { pid: child.id().unwrap_or_default() }).await?;
        let ended = tokio::select! {
            Successor { pid, version } = self.retired.successor() => Progress::Serving { pid, version },
            status = child.wait() => match status {
                Ok(status) => failed(format!("the new process ended before it served ({status}); the log tells why")),
                Err(error) => failed(format!("the new process is lost: {error}")),
            },
            () = sleep(SET_UP) => {
                let _ = child.start_kill();
                failed(format!("the new process did not serve within {} s, and was ended", SET_UP.as_secs()))
            }
        };
        // So that its end, should it come before this process's, leaves nothing behind.
        tokio::spawn(reap(child));
        frame::write_line(asker, &ended).await
    }
}

async fn reap(mut child: Child) {
    let _ = child.wait().await;
}

/// The byte that descriptors come with, without any, and why.
async fn refuse(stream: &mut UnixStream, reason: String) -> io::Result<()> {
    descriptors::send(stream, &[]).await?;
    frame::write_line(stream, &Offer::Refused { reason }).await
}

async fn expect(
    reader: &mut BufReader<OwnedReadHalf>,
    expected: Step,
    within: Duration,
) -> Result<(), BrokenOff> {
    let line = timeout(within, frame::read_line(reader, MOST_LINE_BYTES)).await??;
    let line = line.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let step = frame::parse(&line).map_err(io::Error::from)?;
    if step == expected { Ok(()) } else { Err(BrokenOff::OutOfTurn(step)) }
}

const MOST_TALKS: usize = 8;
/// The other process has everything at hand; claims wait meanwhile.
const SOON: Duration = Duration::from_secs(10);
/// Opening a store, a migration among it.
const SET_UP: Duration = Duration::from_secs(300);
const LAST_WORDS: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);
