//! What a relay on Redis keeps in its data folder, so that Redis is never the only copy of the books.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use metrics::{counter, gauge};
use posthaste_admin::{SpoolStatus, data::Findings};
use posthaste_core::{Clock, Timestamp};
use posthaste_spool::{SpoolError, SpoolOptions, SpoolState, SpoolView, SpooledLedger, check};
use posthaste_storage::LedgerStore;
use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{Opened, StoreKind};
use crate::Config;

/// The spools of a data folder. One takes rows; others are those of processes before: each process has its own, so that
/// one that has handed over books on while the next one serves.
pub struct Spools {
    mine: Arc<SpooledLedger>,
    end: CancellationToken,
    others: JoinSet<()>,
}

/// Puts a spool before the ledger, where that is in Redis. For the process that serves requests.
///
/// # Errors
/// When other processes have all folders, or one cannot be used.
pub async fn open(config: &Config, opened: &mut Opened) -> anyhow::Result<Option<Spools>> {
    if config.data.store != StoreKind::Redis {
        let left = rows_left(config).unwrap_or_default();
        if left > 0 {
            let folder = config.data.dir.join(FOLDER);
            let folder = folder.display();
            tracing::warn!(rows = left, %folder, "ledger rows wait here for a Redis that is no longer configured");
        }
        return Ok(None);
    }
    let options = SpoolOptions {
        limit: config.accounting.spool_limit.bytes() as u64,
        keep: config.accounting.spool_keep,
        keep_rows: config.accounting.retention().rows,
        books: config.data.redis_prefix.clone(),
        ..SpoolOptions::default()
    };
    let (ledger, clock) = (Arc::clone(&opened.stores.ledger), Arc::clone(&opened.clock));
    let (mut mine, mut others, end) = (None, JoinSet::new(), CancellationToken::new());
    for folder in folders(config) {
        let adopt = || Adopted {
            folder: folder.clone(),
            options: options.clone(),
            clock: Arc::clone(&clock),
            ledger: Arc::clone(&ledger),
        };
        if mine.is_none() {
            match open_one(&folder, &options, &clock, &ledger).await {
                Ok(spooled) => mine = Some(spooled),
                Err(SpoolError::Held { .. }) => {
                    others.spawn(adopt().book(end.clone()));
                }
                Err(error) => return Err(error.into()),
            }
        } else if folder.is_dir() {
            others.spawn(adopt().book(end.clone()));
        }
    }
    let mine = Arc::new(mine.context("every spool of the data folder is in use by another process")?);
    opened.stores.ledger = Arc::<SpooledLedger>::clone(&mine);
    Ok(Some(Spools { mine, end, others }))
}

async fn open_one(
    folder: &Path,
    options: &SpoolOptions,
    clock: &Arc<dyn Clock>,
    ledger: &Arc<dyn LedgerStore>,
) -> Result<SpooledLedger, SpoolError> {
    let spooled = SpooledLedger::open(folder, options.clone(), Arc::clone(clock), Arc::clone(ledger)).await?;
    let SpoolView { rows, bytes, .. } = spooled.state().view();
    if rows > 0 {
        tracing::info!(rows, bytes, "rows that an earlier process left in the spool are booked now");
    }
    Ok(spooled)
}

/// A spool of a process before.
struct Adopted {
    folder: PathBuf,
    options: SpoolOptions,
    clock: Arc<dyn Clock>,
    ledger: Arc<dyn LedgerStore>,
}

impl Adopted {
    /// Books what is in it, once that process has ended.
    async fn book(self, end: CancellationToken) {
        let spooled = loop {
            match open_one(&self.folder, &self.options, &self.clock, &self.ledger).await {
                Ok(spooled) => break spooled,
                Err(SpoolError::Held { .. }) => {}
                Err(error) => {
                    tracing::error!(%error, "rows of an earlier process cannot be booked; trying again")
                }
            }
            tokio::select! {
                () = end.cancelled() => return,
                () = sleep(TRY_EVERY) => {}
            }
        };
        end.cancelled().await;
        spooled.close(PATIENCE).await;
    }
}

impl Spools {
    /// How the one is that takes rows.
    pub fn state(&self) -> SpoolState {
        self.mine.state()
    }

    /// Ends them, and gives what waits a little time to be taken.
    pub async fn close(mut self) {
        self.end.cancel();
        while self.others.join_next().await.is_some() {}
        let rows = self.mine.close(PATIENCE).await;
        if rows > 0 {
            tracing::warn!(
                rows,
                "rows are left in the spool: the next relay on this data folder books them, so keep it"
            );
        }
    }
}

/// What waits, for operators.
pub fn status(state: &SpoolState, now: Timestamp) -> SpoolStatus {
    let SpoolView { rows, bytes, oldest, lost, failing, damaged, .. } = state.view();
    let oldest_seconds = oldest.map(|oldest| now.since(oldest).as_secs());
    SpoolStatus { rows, bytes, oldest_seconds, lost, failing, damaged }
}

/// Tells the metrics what waits.
pub fn measure(state: &SpoolState, now: Timestamp) {
    let SpoolStatus { rows, bytes, oldest_seconds, .. } = status(state, now);
    #[expect(clippy::cast_precision_loss, reason = "gauges are floats, and nobody counts that far")]
    let set = |gauge: metrics::Gauge, value: u64| gauge.set(value as f64);
    set(gauge!("posthaste_spool_rows"), rows);
    set(gauge!("posthaste_spool_bytes"), bytes);
    set(gauge!("posthaste_spool_oldest_seconds"), oldest_seconds.unwrap_or_default());
    let SpoolView { kept_bytes, brought_back, .. } = state.view();
    set(gauge!("posthaste_spool_kept_bytes"), kept_bytes);
    counter!("posthaste_spool_brought_back_rows_total").absolute(brought_back);
}

/// Adds what is wrong with the spool, and tells how many rows wait in it.
///
/// # Errors
/// When the folder cannot be read.
pub fn verify(config: &Config, findings: &mut Findings) -> anyhow::Result<u64> {
    let mut rows = 0;
    for folder in folders(config) {
        let checked =
            check(&folder).with_context(|| format!("the spool {} cannot be read", folder.display()))?;
        for problem in checked.problems {
            findings.problem("spool", problem);
        }
        rows += checked.rows;
    }
    Ok(rows)
}

fn rows_left(config: &Config) -> io::Result<u64> {
    folders(config).map(|folder| check(&folder).map(|checked| checked.rows)).sum()
}

/// One for each process that serves or has handed over and ends.
fn folders(config: &Config) -> impl Iterator<Item = PathBuf> + '_ {
    (1..=MOST).map(|number| {
        let name = if number == 1 { FOLDER.to_owned() } else { format!("{FOLDER}.{number}") };
        config.data.dir.join(name)
    })
}

const FOLDER: &str = "spool";

/// More upgrades within the time that streams take to end are refused.
const MOST: usize = 8;

const TRY_EVERY: Duration = Duration::from_secs(2);

/// What a sound Redis takes far less than.
const PATIENCE: Duration = Duration::from_secs(5);
