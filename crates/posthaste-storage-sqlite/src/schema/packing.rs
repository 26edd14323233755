//! The step from schema 9 to 10: rows of the books had forty columns, and are bytes with a checksum.

use posthaste_core::{
    AccountId, AttemptOutcome, AttemptPhase, AttemptRow, ClientKeyId, CostBasis, Dialect, FaultKind,
    Geography, LossList, NanoUsd, Operation, RequestId, ServiceTier, Terms, Timestamp, Usage, UsageSource,
    UserId,
};
use posthaste_storage::RecordKind;
use rusqlite::{Row, Transaction, params};
use uuid::Uuid;

use crate::{
    columns::{model, named, provider, unsigned, usage},
    config,
    error::UnknownName,
    ledger::row,
};

/// Moves all rows. Those that cannot be read stay where they are, in `attempt_unread`, which nothing looks into: one that is
/// damaged must not keep a relay from starting.
pub(super) fn pack_rows(transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    transaction.execute_batch(include_str!("0010.sql"))?;
    sum_records(transaction)?;
    let mut insert = transaction.prepare_cached(row::INSERT)?;
    let mut select = transaction.prepare("SELECT * FROM attempt_unread ORDER BY request_id, attempt")?;
    let mut rows = select.query([])?;
    let (mut unread, mut first) = (0_u64, None);
    while let Some(found) = rows.next()? {
        match read(found) {
            Ok(row) => {
                row::insert(&mut insert, &row)?;
            }
            Err(error) => {
                // One stands for all: a whole file may be damaged.
                first.get_or_insert(error);
                unread += 1;
            }
        }
    }
    drop(rows);
    if let Some(error) = first {
        tracing::error!(unread, %error, "rows of the books cannot be read, and are left in the table attempt_unread");
    }
    transaction.execute_batch(if unread == 0 { ALL_MOVED } else { SOME_LEFT })
}

fn sum_records(transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    let mut select = transaction.prepare("SELECT kind, id, version, lookup, body FROM record")?;
    let mut update = transaction.prepare("UPDATE record SET sum = ?3 WHERE kind = ?1 AND id = ?2")?;
    let mut sums = Vec::new();
    let mut records = select.query([])?;
    while let Some(record) = records.next()? {
        // What cannot be read gets none, and is damaged.
        sums.extend(sum_of(record));
    }
    for (kind, id, sum) in sums {
        update.execute(params![kind, id, sum])?;
    }
    Ok(())
}

fn sum_of(record: &Row<'_>) -> Result<(&'static str, Uuid, u32), rusqlite::Error> {
    let (kind, id): (String, Uuid) = (record.get("kind")?, record.get("id")?);
    let kind = RecordKind::parse(&kind).ok_or(UnknownName { column: "kind", text: kind })?;
    let version: i64 = record.get("version")?;
    let (lookup, body): (Option<String>, String) = (record.get("lookup")?, record.get("body")?);
    let sum = config::sum_of(kind, id, version.cast_unsigned(), lookup.as_deref(), &body);
    Ok((kind.as_str(), id, sum))
}

const ALL_MOVED: &str = "DROP TABLE attempt_unread";

const SOME_LEFT: &str = "
    DELETE FROM attempt_unread WHERE EXISTS (
        SELECT 1 FROM attempt
        WHERE attempt.request_id = attempt_unread.request_id AND attempt.attempt = attempt_unread.attempt
    );
    UPDATE ledger SET booked = (SELECT count(*) FROM attempt)";

/// Reads a row whose fields had a column each.
fn read(row: &Row<'_>) -> Result<AttemptRow, rusqlite::Error> {
    Ok(AttemptRow {
        request_id: RequestId::from_uuid(row.get("request_id")?),
        attempt: row.get("attempt")?,
        started_at: Timestamp::from_micros(row.get("started_at")?),
        key_id: ClientKeyId::from_uuid(row.get("key_id")?),
        owner: row.get::<_, Option<_>>("owner")?.map(UserId::from_uuid),
        account_id: AccountId::from_uuid(row.get("account_id")?),
        provider: provider(row)?,
        operation: named(row, "operation", &Operation::ALL, Operation::as_str)?,
        client_dialect: named(row, "client_dialect", &Dialect::ALL, Dialect::as_str)?,
        upstream_dialect: named(row, "upstream_dialect", &Dialect::ALL, Dialect::as_str)?,
        streamed: row.get("streamed")?,
        model: model(row, "model")?,
        upstream_model: model(row, "upstream_model")?,
        outcome: outcome(row)?,
        phase: named(row, "phase", &AttemptPhase::ALL, AttemptPhase::as_str)?,
        status: row.get("status")?,
        first_content_us: row.get::<_, Option<i64>>("first_content_us")?.map(i64::cast_unsigned),
        duration_us: unsigned(row, "duration_us")?,
        usage: Usage { terms: terms(row)?, ..usage(row)? },
        usage_source: named(row, "usage_source", &UsageSource::ALL, UsageSource::as_str)?,
        cost: NanoUsd::from_nanos(row.get("cost_nanos")?),
        billed: NanoUsd::from_nanos(row.get("billed_nanos")?),
        cost_basis: named(row, "cost_basis", &CostBasis::ALL, CostBasis::as_str)?,
        request_losses: losses(row, "request_losses")?,
        answer_losses: losses(row, "answer_losses")?,
    })
}

fn terms(row: &Row<'_>) -> Result<Terms, rusqlite::Error> {
    Ok(Terms {
        tier: named(row, "tier", &ServiceTier::ALL, ServiceTier::as_str)?,
        fast: row.get("fast")?,
        geography: named(row, "geography", &Geography::ALL, Geography::as_str)?,
    })
}

fn losses(row: &Row<'_>, column: &'static str) -> Result<LossList, rusqlite::Error> {
    Ok(LossList::from_text(row.get_ref(column)?.as_str()?))
}

fn outcome(row: &Row<'_>) -> Result<AttemptOutcome, rusqlite::Error> {
    let name = row.get_ref("outcome")?.as_str()?;
    let fault = match row.get_ref("fault")?.as_str_or_null()? {
        Some(_) => Some(named(row, "fault", &FaultKind::ALL, FaultKind::as_str)?),
        None => None,
    };
    AttemptOutcome::from_parts(name, fault)
        .ok_or_else(|| UnknownName { column: "outcome", text: name.to_owned() }.into())
}
