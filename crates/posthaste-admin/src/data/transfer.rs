//! From one store to another.

use posthaste_core::RequestId;
use posthaste_storage::{
    ConfigStore, Expect, LedgerStore, Record, RecordKind, RollupPeriod, RollupRow, StorageError, Stores,
    UsageQuery,
};
use serde::Serialize;
use uuid::Uuid;

use super::{Findings, Progress, journals};
use crate::AdminError;

/// What was moved, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Configuration records of the source.
    pub records: u64,
    /// Those that the target did not have yet.
    pub written: u64,
    /// Ledger rows of the source.
    pub rows: u64,
    /// Roll-ups of the source.
    pub rollups: u64,
    /// Sessions of people.
    pub sessions: u64,
    /// Entries of journals: the audit log, and what became of messages.
    pub entries: u64,
    /// Where the target is not like the source.
    pub problems: Vec<super::Problem>,
}

/// Copies configuration records, ledger rows, roll-ups, sessions and journals into an empty store, or into one that an earlier copy of the same
/// store was begun in, and compares both. The source stays as it is; nobody may write to either meanwhile.
///
/// Limits' counters, conversations' homes and records of requests stay behind: no port tells them all.
///
/// # Errors
/// [`AdminError::Conflict`] when the target holds something else, with nothing written; otherwise when a store fails. What
/// was copied until then stays, and doing it again goes on from there.
pub async fn transfer(from: &Stores, to: &Stores, progress: Progress<'_>) -> Result<Moved, AdminError> {
    refuse_other(from, to).await?;
    let mut moved = Moved::default();
    for (done, kind) in RecordKind::ALL.into_iter().enumerate() {
        progress("records", done as u64, RecordKind::ALL.len() as u64);
        for record in all(&*from.config, kind).await? {
            moved.records += 1;
            moved.written += u64::from(put(&*to.config, record).await?);
        }
    }
    let count = from.ledger.count().await?;
    let mut after: Option<(RequestId, u16)> = None;
    loop {
        progress("rows", moved.rows, count);
        let rows = from.ledger.rows_after(after, PART).await?;
        let Some(last) = rows.last() else { break };
        after = Some((last.request_id, last.attempt));
        moved.rows += rows.len() as u64;
        for part in rows.chunks(PART) {
            to.ledger.append(part).await?;
        }
    }
    let mut findings = Findings::default();
    for (done, period) in RollupPeriod::ALL.into_iter().enumerate() {
        progress("roll-ups", done as u64, RollupPeriod::ALL.len() as u64);
        moved.rollups += rollups(&*from.ledger, &*to.ledger, period).await?;
    }
    let (sessions, entries) = journals::carry_over(from, to, progress).await?;
    (moved.sessions, moved.entries) = (sessions, entries);
    compare(from, to, &mut findings).await?;
    journals::compare(from, to, &mut findings).await?;
    moved.problems = findings.problems;
    Ok(moved)
}

/// The keyring is the first that is written, so that it tells a begun copy from a store of its own.
async fn refuse_other(from: &Stores, to: &Stores) -> Result<(), AdminError> {
    let keyring = |store: &Stores| {
        let config = store.config.clone();
        async move { config.get(RecordKind::Keyring, Uuid::nil()).await }
    };
    let ours = keyring(from)
        .await?
        .ok_or_else(|| AdminError::NotFound { what: "keyring in the source".to_owned() })?;
    let conflict = |what: &str| Err(AdminError::Conflict { what: what.to_owned() });
    match keyring(to).await? {
        Some(theirs) if theirs.body == ours.body => Ok(()),
        Some(_) => conflict("the target is another relay's store; name an empty one"),
        None if to.config.revision().await?.0 > 0 || to.ledger.count().await? > 0 => {
            conflict("the target is not empty; name an empty one")
        }
        None => Ok(()),
    }
}

async fn all(config: &dyn ConfigStore, kind: RecordKind) -> Result<Vec<Record>, StorageError> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = config.list(kind, after, PAGE).await?;
        for record in page.records {
            all.push(record.checked()?);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(all),
        }
    }
}

/// Writes a record unless it is there; whether it was written.
async fn put(config: &dyn ConfigStore, record: Record) -> Result<bool, StorageError> {
    let expect = match config.get(record.kind, record.id).await? {
        Some(there) if there.body == record.body && there.lookup == record.lookup => return Ok(false),
        Some(there) => Expect::Version(there.version),
        None => Expect::Absent,
    };
    config.put(record.kind, record.id, record.lookup, record.body, expect).await?;
    Ok(true)
}

/// Brings over the sums of rows that are no longer kept; tells how many roll-ups the source has.
async fn rollups(
    from: &dyn LedgerStore,
    to: &dyn LedgerStore,
    period: RollupPeriod,
) -> Result<u64, StorageError> {
    let query = UsageQuery::all(period);
    let (wanted, there) = (from.usage(&query).await?, to.usage(&query).await?);
    let differs = |rollup: &&RollupRow| {
        there
            .binary_search_by(|other| other.key.cmp(&rollup.key))
            .map_or(true, |at| there[at].sums != rollup.sums)
    };
    let missing: Vec<RollupRow> = wanted.iter().filter(differs).cloned().collect();
    for part in missing.chunks(PART) {
        to.carry_over(part).await?;
    }
    Ok(wanted.len() as u64)
}

async fn compare(from: &Stores, to: &Stores, findings: &mut Findings) -> Result<(), StorageError> {
    for kind in RecordKind::ALL {
        let strip = |records: Vec<Record>| -> Vec<_> {
            records.into_iter().map(|record| (record.id, record.lookup, record.body)).collect()
        };
        if strip(all(&*from.config, kind).await?) != strip(all(&*to.config, kind).await?) {
            findings.problem(format!("records of kind {kind}"), "the target has others than the source");
        }
    }
    let (rows, there) = (from.ledger.count().await?, to.ledger.count().await?);
    if rows != there {
        findings.problem("ledger", format!("the source has {rows} rows, the target {there}"));
    }
    for period in RollupPeriod::ALL {
        let query = UsageQuery::all(period);
        let (ours, theirs) = (from.ledger.sums(&query, &[]).await?, to.ledger.sums(&query, &[]).await?);
        if ours != theirs {
            findings.problem(format!("sums by {}", period.as_str()), "they are not the source's");
        }
    }
    Ok(())
}

const PAGE: usize = 500;
const PART: usize = 1_000;
