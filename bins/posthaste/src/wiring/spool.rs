//! What a relay on Redis keeps in its data folder, so that Redis is never the only copy of the books.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use metrics::{counter, gauge};
use posthaste_admin::{SpoolStatus, data::Findings};
use posthaste_core::{SystemClock, Timestamp};
use posthaste_spool::{SpoolOptions, SpoolState, SpoolView, SpooledLedger, check};

use super::{Opened, StoreKind};
use crate::Config;

/// Puts a spool before the ledger, where that is in Redis. For the process that serves requests.
///
/// # Errors
/// When another process has the folder, or it cannot be used.
pub async fn open(config: &Config, opened: &mut Opened) -> anyhow::Result<Option<Arc<SpooledLedger>>> {
    let folder = folder(config);
    if config.data.store != StoreKind::Redis {
        let left = check(&folder).map(|checked| checked.rows).unwrap_or_default();
        if left > 0 {
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
    let inner = Arc::clone(&opened.stores.ledger);
    let spooled = SpooledLedger::open(&folder, options, Arc::new(SystemClock), inner).await?;
    let SpoolView { rows, bytes, .. } = spooled.state().view();
    if rows > 0 {
        tracing::info!(rows, bytes, "rows that an earlier process left in the spool are booked now");
    }
    let spooled = Arc::new(spooled);
    opened.stores.ledger = Arc::<SpooledLedger>::clone(&spooled);
    Ok(Some(spooled))
}

/// Ends the spool, and gives what waits a little time to be taken.
pub async fn close(spooled: &SpooledLedger) {
    let rows = spooled.close(PATIENCE).await;
    if rows > 0 {
        tracing::warn!(
            rows,
            "rows are left in the spool: the next relay on this data folder books them, so keep it"
        );
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
    let folder = folder(config);
    let checked = check(&folder).with_context(|| format!("the spool {} cannot be read", folder.display()))?;
    for problem in checked.problems {
        findings.problem("spool", problem);
    }
    Ok(checked.rows)
}

fn folder(config: &Config) -> PathBuf {
    config.data.dir.join(FOLDER)
}

const FOLDER: &str = "spool";

/// What a sound Redis takes far less than.
const PATIENCE: Duration = Duration::from_secs(5);
