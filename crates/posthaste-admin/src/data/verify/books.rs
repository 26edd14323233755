//! Rows against roll-ups, as far as rows are kept.

use std::collections::BTreeMap;

use posthaste_core::{RequestId, Timestamp};
use posthaste_storage::{
    LedgerStore, RollupKey, RollupPeriod, RollupRow, Rollups, StorageError, Sums, UsageQuery,
};

use super::{Findings, Progress};

/// Compares every roll-up with the sum of its rows. Rows and short spans may have been forgotten by then: a span from before
/// the oldest row may hold more than the rows do, and spans from before the oldest roll-up need not be there.
pub(super) async fn compare(ledger: &dyn LedgerStore, findings: &mut Findings, progress: Progress<'_>) {
    if let Err(error) = try_compare(ledger, findings, progress).await {
        findings.unreadable("the books", &error);
    }
}

async fn try_compare(
    ledger: &dyn LedgerStore,
    findings: &mut Findings,
    progress: Progress<'_>,
) -> Result<(), StorageError> {
    let counted = ledger.count().await?;
    let added = add_up(ledger, counted, progress).await?;
    findings.rows = added.rows;
    if added.rows != counted {
        findings.problem("ledger", format!("{counted} rows are counted, {} are there", added.rows));
    }
    let months = ledger.usage(&UsageQuery::all(RollupPeriod::Month)).await?;
    let ever: u64 = months.iter().map(|month| month.sums.attempts).sum();
    let whole_since = match added.oldest {
        _ if ever == added.rows => Timestamp::from_micros(i64::MIN),
        Some(oldest) => oldest.plus(LONGEST_REQUEST),
        None => Timestamp::from_micros(i64::MAX),
    };
    for period in RollupPeriod::ALL {
        let kept = ledger.usage(&UsageQuery::all(period)).await?;
        findings.rollups += kept.len() as u64;
        let mut wanted: BTreeMap<&RollupKey, &Sums> =
            added.sums.iter().filter(|(key, _)| key.period == period).collect();
        let since = kept.iter().map(|rollup| rollup.key.start).min();
        for rollup in &kept {
            let sum = wanted.remove(&rollup.key);
            if let Some(what) = differs(rollup, sum, whole_since) {
                findings.problem(place(&rollup.key), what);
            }
        }
        let missing = |key: &RollupKey| match since {
            Some(since) => key.start >= since,
            None => period == RollupPeriod::Month,
        };
        for key in wanted.into_keys().filter(|key| missing(key)) {
            findings.problem(place(key), "there are rows, but no roll-up");
        }
    }
    Ok(())
}

struct Added {
    rows: u64,
    oldest: Option<Timestamp>,
    sums: Rollups,
}

async fn add_up(ledger: &dyn LedgerStore, count: u64, progress: Progress<'_>) -> Result<Added, StorageError> {
    let mut added = Added { rows: 0, oldest: None, sums: Rollups::default() };
    let mut after: Option<(RequestId, u16)> = None;
    loop {
        progress("rows", added.rows, count);
        let part = ledger.rows_after(after, PART).await?;
        let Some(last) = part.last() else { return Ok(added) };
        after = Some((last.request_id, last.attempt));
        for row in &part {
            added.rows += 1;
            added.oldest = Some(added.oldest.map_or(row.started_at, |oldest| oldest.min(row.started_at)));
            added.sums.add(row);
        }
    }
}

/// What is wrong with a roll-up whose rows add up to `sum`; all rows from `since` on are known to be there.
fn differs(rollup: &RollupRow, sum: Option<&Sums>, since: Timestamp) -> Option<String> {
    let none = Sums::default();
    let sum = sum.unwrap_or(&none);
    let told = |what: &str, kept: String, rows: String| {
        Some(format!("the roll-up has {kept} {what}, its rows add up to {rows}"))
    };
    let whole = rollup.key.start >= since;
    if *sum == rollup.sums || (!whole && sum.attempts <= rollup.sums.attempts) {
        return None;
    }
    if sum.attempts != rollup.sums.attempts {
        return told("attempts", rollup.sums.attempts.to_string(), sum.attempts.to_string());
    }
    if sum.cost != rollup.sums.cost {
        return told("cost", rollup.sums.cost.to_string(), sum.cost.to_string());
    }
    Some("the roll-up's sums are not those of its rows".to_owned())
}

fn place(key: &RollupKey) -> String {
    let (period, start) = (key.period.as_str(), key.start);
    format!(
        "roll-up of the {period} {start}, key {}, account {}, model {}",
        key.key_id, key.account_id, key.model
    )
}

const PART: usize = 2_000;

/// Rows are forgotten by when their request came; attempts of it may have begun later, but not by more than this.
const LONGEST_REQUEST: std::time::Duration = std::time::Duration::from_secs(86_400);
