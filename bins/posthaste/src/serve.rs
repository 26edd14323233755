//! `posthaste serve`

use std::{
    io::{self, Write},
    net::SocketAddr,
};

use anyhow::Context;
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    Config,
    handover::{Inherited, Predecessor},
    reload::ConfigSource,
    running::Running,
    wiring,
};

/// How a relay comes to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Where none does.
    Anew,
    /// In the place of the one that runs on the data folder.
    TakeOver,
}

/// Runs the relay until it is told to stop by SIGINT or SIGTERM; a second one cuts off what is still under way. SIGHUP has it read
/// its configuration again.
///
/// # Errors
/// When it cannot start.
pub async fn run(config: Config, source: ConfigSource, how: Start) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let mut reloads = signal(SignalKind::hangup()).context("signals cannot be listened for")?;
    let (inherited, before) = match how {
        Start::Anew => (Inherited::from_systemd()?, None),
        Start::TakeOver => {
            let (before, inherited) = Predecessor::meet(&config.data.dir).await?;
            (inherited, Some(before))
        }
    };
    let transport = wiring::transport(&config)?;
    let running = Running::start_with(&config, Some(source), transport, inherited, before).await?;
    let reloader = running.reloader.clone();
    let reloading = tokio::spawn(async move {
        while reloads.recv().await.is_some() {
            // What came of it is in the log.
            let _ = reloader.reload().await;
        }
    });
    let scheme = if config.server.tls_certificate_file.is_some() { "https" } else { "http" };
    if let Some(token) = &running.setup_token {
        // To the person at the terminal and to no log file.
        let token = token.expose();
        let page = format!("{scheme}://{}{}/start", running.address, posthaste_console::BASE);
        let line =
            format!("nobody can log in yet: make the first owner at {page} with the set-up token {token}");
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
    say(&format!("listening on {scheme}://{}", running.address))?;
    tell_systemd();
    let ended = end_orderly(running, &mut signals).await;
    reloading.abort();
    ended
}

/// Serves until the first signal, then drains until the second. The books are written and the store is closed in any
/// case.
pub(crate) async fn end_orderly(running: Running, signals: &mut Signals) -> anyhow::Result<()> {
    let (stop, cut) = (CancellationToken::new(), CancellationToken::new());
    let serving = running.until(stop.cancelled(), &cut);
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = signals.next() => {}
    }
    tracing::info!("stopping: answers under way may end; a second signal cuts them off");
    stop.cancel();
    tokio::select! {
        ended = &mut serving => return ended,
        () = signals.next() => {}
    }
    cut.cancel();
    serving.await.context(STOPPED_AT_ONCE)?;
    anyhow::bail!(STOPPED_AT_ONCE)
}

/// Where systemd started this process, or one before it, it is told which process serves now (`sd_notify(3)`).
fn tell_systemd() {
    let serves = [NotifyState::Ready, NotifyState::MainPid(std::process::id())];
    if let Err(error) = sd_notify::notify(&serves) {
        tracing::warn!(%error, "systemd cannot be told that the relay serves");
    }
}

/// Prints a line on standard output at once, for people and for scripts that wait for it.
pub(crate) fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush())
}

/// The address at which a client on this machine reaches a listener.
pub(crate) fn reachable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// SIGINT and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened for");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

const STOPPED_AT_ONCE: &str = "stopped at once: answers under way were cut off";
