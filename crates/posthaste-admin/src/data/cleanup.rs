//! Applying the retention now.

use std::time::Duration;

use posthaste_core::{RequestId, Timestamp};
use posthaste_storage::{
    LedgerStore, Retention, RollupPeriod, StorageError, Stores, UsageQuery, first_request,
};
use serde::Serialize;

use crate::AdminError;

/// How long what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Cleanup {
    /// The books.
    pub books: Retention,
    /// Records of requests: for how long, and how many at most. `None` leaves them alone.
    pub requests: Option<(Duration, u64)>,
}

/// What was too old, or too much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// Ledger rows.
    pub rows: u64,
    /// Roll-ups.
    pub rollups: u64,
    /// Records of requests.
    pub requests: u64,
}

/// Forgets what is older than it is kept for, or only counts it. A running relay does the same each hour; both may at once.
///
/// # Errors
/// When the store fails; what was forgotten until then stays so.
pub async fn clean_up(
    stores: &Stores,
    rules: &Cleanup,
    now: Timestamp,
    only_count: bool,
) -> Result<Cleaned, AdminError> {
    if only_count {
        return Ok(count(stores, rules, now).await?);
    }
    let swept = rules.books.sweep(&*stores.ledger, now).await?;
    let mut cleaned = Cleaned { rows: swept.rows as u64, rollups: swept.rollups as u64, requests: 0 };
    if let Some((keep, most)) = rules.requests {
        loop {
            let forgotten = stores.requests.trim(now.minus(keep), most).await?;
            cleaned.requests += forgotten;
            if forgotten == 0 {
                break;
            }
        }
    }
    Ok(cleaned)
}

async fn count(stores: &Stores, rules: &Cleanup, now: Timestamp) -> Result<Cleaned, StorageError> {
    let mut counted = Cleaned::default();
    if let Some(keep) = rules.books.rows {
        counted.rows = rows_before(&*stores.ledger, first_request(now.minus(keep))).await?;
    }
    let kept = [rules.books.hours, rules.books.days, rules.books.months];
    for (period, keep) in RollupPeriod::ALL.into_iter().zip(kept) {
        let Some(keep) = keep else { continue };
        let old = UsageQuery { until: Some(now.minus(keep)), ..UsageQuery::all(period) };
        counted.rollups += stores.ledger.usage(&old).await?.len() as u64;
    }
    if let Some((keep, most)) = rules.requests {
        let (bound, most) =
            (RequestId::least_at(now.minus(keep)), usize::try_from(most).unwrap_or(usize::MAX));
        let latest = stores.requests.latest(None, usize::MAX).await?;
        let goes = |(number, id): &(usize, RequestId)| *number >= most || *id < bound;
        counted.requests = latest.iter().map(|record| record.id).enumerate().filter(goes).count() as u64;
    }
    Ok(counted)
}

async fn rows_before(ledger: &dyn LedgerStore, bound: RequestId) -> Result<u64, StorageError> {
    let (mut count, mut after) = (0, None);
    loop {
        let part = ledger.rows_after(after, PART).await?;
        let old = part.iter().take_while(|row| row.request_id < bound).count();
        count += old as u64;
        match part.last() {
            Some(last) if old == part.len() => after = Some((last.request_id, last.attempt)),
            _ => return Ok(count),
        }
    }
}

const PART: usize = 2_000;
