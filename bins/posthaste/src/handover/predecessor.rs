//! The next process's side.

use std::{fs::File, io, os::fd::OwnedFd, path::Path, sync::Arc, time::Duration};

use posthaste_core::{Clock, SystemClock};
use posthaste_storage::{AdmissionStore, FleetStore, HandedLease, News};
use tokio::{
    io::BufReader,
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

use super::{
    answering::answer,
    descriptors,
    inherited::{Inherited, Place},
    talk::{Handed, Hello, MOST_LINE_BYTES, Offer, PROTOCOL, Step},
};
use crate::{admin_socket::frame, wiring::Opened};

/// A relay that hands over to this process.
#[derive(Debug)]
pub struct Predecessor {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    lock: File,
    /// Its release.
    pub version: String,
    /// Its process.
    pub pid: u32,
}

/// Why a relay does not hand over.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// Nobody is there.
    #[error("no relay runs on this data folder that could hand over")]
    Nobody,
    /// It says so.
    #[error("the relay that runs does not hand over: {0}")]
    Refused(String),
    /// It went away or is not understood.
    #[error("the relay that runs broke off handing over")]
    BrokenOff(#[source] io::Error),
}

impl From<io::Error> for TakeOverError {
    fn from(error: io::Error) -> Self {
        Self::BrokenOff(error)
    }
}

impl Predecessor {
    /// Asks the relay that runs on a data folder to hand over, and gets its listening sockets.
    ///
    /// # Errors
    /// When there is none, or it does not want to.
    pub async fn meet(data: &Path) -> Result<(Self, Inherited), TakeOverError> {
        let stream = match UnixStream::connect(super::path(data)).await {
            Ok(stream) => stream,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                return Err(TakeOverError::Nobody);
            }
            Err(error) => return Err(error.into()),
        };
        timeout(PATIENCE, Self::greet(stream)).await.map_err(|_| timed_out())?
    }

    async fn greet(mut stream: UnixStream) -> Result<(Self, Inherited), TakeOverError> {
        let hello = Hello::TakeOver {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
        };
        frame::write_line(&mut stream, &hello).await?;
        // Before anything is read ahead, which would lose them.
        let mut given = descriptors::receive(&stream).await?.into_iter();
        let (reader, writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let (version, pid, names) = match next(&mut reader).await? {
            Offer::Refused { reason } => return Err(TakeOverError::Refused(reason)),
            Offer::Sockets { version, pid, names } => (version, pid, names),
        };
        let lock: OwnedFd =
            given.next().ok_or_else(|| io::Error::other("the data folder's lock is missing"))?;
        // One that this release does not know is closed.
        let known = names.iter().zip(given).filter_map(|(name, socket)| {
            Place::ALL.into_iter().find(|place| place.name() == name).map(|place| (place, socket))
        });
        let inherited = Inherited::from_before(known.collect());
        Ok((Self { reader, writer, lock: lock.into(), version, pid }, inherited))
    }

    /// Takes what the other process holds in memory; from then on this one admits. Gives the data folder's lock.
    ///
    /// # Errors
    /// When the other process has gone, or goes on by itself; this one must not serve then.
    pub async fn take_over(&mut self, opened: &Opened) -> anyhow::Result<File> {
        frame::write_line(&mut self.writer, &Step::Ready).await?;
        let handed = timeout(PATIENCE, next(&mut self.reader)).await.map_err(|_| timed_out())??;
        let (leases, health) = match handed {
            Handed::Holdings { leases, health } => (leases, health),
            Handed::Refused { reason } => return Err(TakeOverError::Refused(reason).into()),
            Handed::Yours => anyhow::bail!("the relay that runs hands over before it has said what"),
        };
        tracing::info!(leases = leases.len(), pid = self.pid, "taking over what the relay before holds");
        self.hold(opened, leases, &health).await?;
        frame::write_line(&mut self.writer, &Step::Taken).await?;
        match timeout(PATIENCE, next(&mut self.reader)).await.map_err(|_| timed_out())?? {
            Handed::Yours => Ok(self.lock.try_clone()?),
            Handed::Refused { reason } => Err(TakeOverError::Refused(reason).into()),
            Handed::Holdings { .. } => anyhow::bail!("the relay that runs hands over twice"),
        }
    }

    async fn hold(&self, opened: &Opened, leases: Vec<HandedLease>, health: &[News]) -> anyhow::Result<()> {
        if let Some(stores) = opened.sqlite() {
            stores.take_admission(leases).await?;
            learn(&*opened.stores.fleet, health).await?;
        }
        Ok(())
    }

    /// Says that this process serves, and answers the other one until its end.
    ///
    /// # Errors
    /// When the other process has gone, or goes on by itself; this one must not serve then.
    pub async fn succeed(self, admission: Arc<dyn AdmissionStore>) -> io::Result<()> {
        let Self { reader, mut writer, pid, .. } = self;
        frame::write_line(&mut writer, &Step::Serving).await?;
        tokio::spawn(async move {
            answer(reader, writer, admission).await;
            tracing::info!(pid, "the relay before has ended");
        });
        Ok(())
    }
}

/// Where health is not shared by way of the store.
async fn learn(fleet: &dyn FleetStore, health: &[News]) -> anyhow::Result<()> {
    let now = SystemClock.now();
    for news in health {
        fleet.tell(news, now).await?;
    }
    Ok(())
}

async fn next<T: serde::de::DeserializeOwned>(reader: &mut BufReader<OwnedReadHalf>) -> io::Result<T> {
    let line = frame::read_line(reader, MOST_LINE_BYTES).await?;
    Ok(frame::parse(&line.ok_or(io::ErrorKind::UnexpectedEof)?)?)
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

/// The other process has everything at hand; claims wait meanwhile.
const PATIENCE: Duration = Duration::from_secs(10);
