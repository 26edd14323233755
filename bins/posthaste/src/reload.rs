//! Reading the configuration again while the relay runs: what can change then changes, all of it or nothing.

use std::{path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_admin::{ReloadView, SettingView};
use posthaste_core::{Clock, NoticeSink};
use posthaste_gateway::Relay;
use posthaste_http::{AdminOptions, FrontOptions, LiveOptions, ServerTls};
use posthaste_metering::PriceBook;
use posthaste_notify::sources::data_refused;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    Config,
    config::{FileText, Flag, ProcessEnv, Sources},
    logging,
    running::{admin_options, front_options, relay_options},
    wiring,
};

/// Where a configuration came from, so that it can be read again. The environment of a process does not change.
#[derive(Clone, Debug)]
pub struct ConfigSource {
    /// The file that the command line names; without one it is looked for as at the start.
    pub file: Option<PathBuf>,
    /// What the command line says.
    pub flags: Vec<Flag>,
}

impl ConfigSource {
    /// Reads and checks everything.
    ///
    /// # Errors
    /// A line for each thing that is wrong.
    pub fn read(&self) -> Result<Config, Vec<String>> {
        let file = self.text()?;
        let sources = Sources { file: file.as_ref(), env: &ProcessEnv, flags: &self.flags };
        Config::read(&sources).map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    fn text(&self) -> Result<Option<FileText>, Vec<String>> {
        FileText::find(self.file.as_deref(), &ProcessEnv)
            .map_err(|(path, error)| vec![format!("{} cannot be read: {error}", path.display())])
    }
}

/// Reads the configuration again. Clones share everything.
#[derive(Clone)]
pub struct Reloader {
    inner: Arc<Inner>,
}

struct Inner {
    source: Option<ConfigSource>,
    /// What the process was started with: settings that are not live stay as they are here.
    started: Config,
    /// What was taken last.
    taken: Mutex<Taken>,
    /// One at a time, so that the newest configuration is the last one taken.
    turn: tokio::sync::Mutex<()>,
    live: LiveParts,
}

struct Taken {
    config: Config,
    prices: Arc<PriceBook>,
}

/// What a reload changes.
pub(crate) struct LiveParts {
    pub(crate) relay: Relay,
    pub(crate) front: LiveOptions<FrontOptions>,
    pub(crate) admin: Option<LiveOptions<AdminOptions>>,
    pub(crate) tls: Option<ServerTls>,
    /// Who hears of a configuration that was not taken.
    pub(crate) notices: Arc<dyn NoticeSink>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Reloader {
    pub(crate) fn new(
        source: Option<ConfigSource>,
        config: Config,
        prices: Arc<PriceBook>,
        live: LiveParts,
    ) -> Self {
        let taken = Mutex::new(Taken { config: config.clone(), prices });
        Self { inner: Arc::new(Inner { source, started: config, taken, turn: Default::default(), live }) }
    }

    /// Reads everything again. What is not in order changes nothing.
    ///
    /// # Errors
    /// A line for each thing that is wrong.
    pub async fn reload(&self) -> Result<ReloadView, Vec<String>> {
        let done = self.take().await;
        match &done {
            Ok(ReloadView { changed, waiting }) => {
                tracing::info!(changed = changed.join(" "), "the configuration was read again");
                if !waiting.is_empty() {
                    tracing::warn!(settings = waiting.join(" "), "these settings change with the next start");
                }
            }
            Err(errors) => {
                for error in errors {
                    tracing::error!("the configuration was not taken, nothing changed: {error}");
                }
                let LiveParts { notices, clock, .. } = &self.inner.live;
                notices.tell(data_refused("configuration", &errors.join("; "), clock.now()));
            }
        }
        done
    }

    async fn take(&self) -> Result<ReloadView, Vec<String>> {
        let Inner { source, started, taken, turn, live } = &*self.inner;
        let _turn = turn.lock().await;
        let source = source.as_ref().ok_or_else(|| vec!["this relay was not started with one".to_owned()])?;
        let config = source.read()?;
        // What can fail comes before what changes anything.
        let prices = wiring::prices(&config).map_err(|error| vec![format!("{error:#}")])?;
        let tls = wiring::server_tls(&config).map_err(|error| vec![format!("{error:#}")])?;
        if live.tls.is_some() != tls.is_some() {
            let why = "server.tls_certificate_file: whether TLS is spoken changes with the next start only";
            return Err(vec![why.to_owned()]);
        }
        let stored = live.relay.set_prices(Arc::clone(&prices)).await;
        stored.map_err(|error| vec![format!("your own prices cannot be read: {error}")])?;
        live.relay.set_options(relay_options(&config));
        let metrics = live.front.now().metrics.clone();
        live.front.set(front_options(&config, metrics));
        if let (Some(live), Some(tls)) = (&live.tls, &tls) {
            live.take(tls);
        }
        if let Some(admin) = &live.admin {
            admin.set(admin_options(&config));
        }
        let before = std::mem::replace(&mut *taken.lock(), Taken { config: config.clone(), prices }).config;
        if before.log.filter != config.log.filter {
            let log = logging::current().map_or(Ok(()), |logging| logging.set_filter(&config.log.filter));
            if let Err(error) = log {
                tracing::warn!(error, "the log goes on as before");
            }
        }
        let changed = config.changed_since(&before).into_iter().filter(|path| Config::is_live(path));
        let waiting = config.changed_since(started).into_iter().filter(|path| !Config::is_live(path));
        Ok(ReloadView { changed: changed.collect(), waiting: waiting.collect() })
    }

    /// The price book of the configuration.
    pub fn prices(&self) -> Arc<PriceBook> {
        Arc::clone(&self.inner.taken.lock().prices)
    }

    /// Every setting as it holds now, and what the next start will take.
    pub fn settings(&self) -> Vec<SettingView> {
        Config::views(&self.inner.started, &self.inner.taken.lock().config)
    }

    /// What the files of the certificate in force hold.
    fn certificate(&self) -> [Option<Vec<u8>>; 2] {
        let taken = self.inner.taken.lock();
        let server = &taken.config.server;
        [&server.tls_certificate_file, &server.tls_key_file].map(|path| std::fs::read(path.as_ref()?).ok())
    }

    /// Takes the configuration anew whenever its file, or one of the certificate's, has changed and is as it was at the last look. Never ends.
    pub async fn watch(self) {
        let Some(source) = self.inner.source.clone() else { return };
        // A file that is replaced in two steps is not there for a moment; whether that is in order the reload tells.
        let look = || (source.text().ok().flatten().map(|file| file.text), self.certificate());
        let (mut taken, mut seen) = (look(), None);
        let mut rounds = interval(LOOK_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            let now = look();
            if now == taken {
                seen = None;
            } else if seen.as_ref() == Some(&now) {
                taken = now;
                seen = None;
                // What was wrong with it is in the log, once for each version of the file.
                let _ = self.reload().await;
            } else {
                seen = Some(now);
            }
        }
    }
}

/// A future that somebody else's port asks for.
pub(crate) type Reloading<'a> = Pin<Box<dyn Future<Output = Result<ReloadView, Vec<String>>> + Send + 'a>>;

/// How often the file is looked at. It is small; a look costs next to nothing.
const LOOK_EVERY: Duration = Duration::from_secs(1);
