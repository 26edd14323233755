//! Log lines: on standard error, and the latest of them kept for operators who are elsewhere.

mod keeping;

use std::{
    env,
    io::{self, IsTerminal},
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use posthaste_admin::LogBook;
use tracing_subscriber::{
    EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, reload, util::SubscriberInitExt,
};

use self::keeping::Keeping;
use crate::config::{Log, LogFormat};

/// What the process logs.
pub struct Logging {
    /// The latest lines.
    pub book: Arc<LogBook>,
    filter: reload::Handle<EnvFilter, Registry>,
    directives: Mutex<String>,
}

static LOGGING: OnceLock<Logging> = OnceLock::new();

/// Starts logging as the configuration says. Only the first call in a process counts.
pub fn start(log: &Log) {
    let (filter, handle) = reload::Layer::new(usable(&log.filter));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(coloured());
    let lines = match log.format {
        LogFormat::Pretty => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let book = Arc::new(LogBook::default());
    let keeping = Keeping::new(Arc::clone(&book));
    // A second subscriber is refused; the first one goes on.
    if tracing_subscriber::registry().with(filter).with(lines).with(keeping).try_init().is_ok() {
        let directives = Mutex::new(log.filter.clone());
        let _ = LOGGING.set(Logging { book, filter: handle, directives });
    }
}

/// What the process logs, if it does.
pub fn current() -> Option<&'static Logging> {
    LOGGING.get()
}

impl Logging {
    /// Which events are logged.
    pub fn filter(&self) -> String {
        self.directives.lock().clone()
    }

    /// Logs other events from now on.
    ///
    /// # Errors
    /// What is wrong with the filter.
    pub fn set_filter(&self, directives: &str) -> Result<(), String> {
        let filter = parse(directives)?;
        let mut kept = self.directives.lock();
        // It fails when the subscriber is gone, at the program's end.
        self.filter.reload(filter).map_err(|error| error.to_string())?;
        directives.clone_into(&mut kept);
        Ok(())
    }
}

/// Reads a level, or levels by module.
///
/// # Errors
/// What is wrong with it.
pub fn parse(directives: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(directives).map_err(|error| format!("`{directives}`: {error}"))
}

/// The configuration has checked it.
fn usable(directives: &str) -> EnvFilter {
    parse(directives).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// Colours are for eyes: files and pipes get none, nor does whoever sets `NO_COLOR` (<https://no-color.org>).
fn coloured() -> bool {
    io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
