//! Roll-ups: sums that grow in place.

use posthaste_core::{AccountId, ClientKeyId, NanoUsd, Timestamp};
use posthaste_storage::{RollupPeriod, RollupRow, Rollups, UsageQuery};
use rusqlite::{Connection, Row, params};

use super::row::{model, unsigned, usage};
use crate::error::{Failure, UnknownName};

/// Adds sums to what is there, each roll-up once.
pub(super) fn add(connection: &Connection, sums: &Rollups) -> Result<(), Failure> {
    let mut upsert = connection.prepare_cached(UPSERT)?;
    for sum in sums.rows() {
        upsert.execute(params![
            sum.period.as_str(),
            sum.start.as_micros(),
            sum.key_id.uuid(),
            sum.account_id.uuid(),
            sum.model.as_str(),
            signed(sum.attempts),
            signed(sum.completed),
            signed(sum.estimated),
            signed(sum.unpriced),
            signed(sum.usage.input),
            signed(sum.usage.output),
            signed(sum.usage.cache_read),
            signed(sum.usage.cache_write_5m),
            signed(sum.usage.cache_write_1h),
            signed(sum.usage.reasoning),
            signed(sum.usage.web_searches),
            sum.cost.as_nanos(),
            sum.billed.as_nanos(),
            signed(sum.usage.input_audio),
            signed(sum.usage.cache_read_audio),
            signed(sum.usage.output_audio),
            signed(sum.usage.input_image),
            signed(sum.usage.output_image),
        ])?;
    }
    Ok(())
}

/// Reads the wanted roll-ups, in the order of the table's key.
pub(super) fn select(connection: &Connection, query: &UsageQuery) -> Result<Vec<RollupRow>, Failure> {
    let mut select = connection.prepare_cached(SELECT)?;
    let wanted = params![
        query.period.as_str(),
        query.from.map_or(i64::MIN, Timestamp::as_micros),
        query.until.map(Timestamp::as_micros),
        query.key_id.map(ClientKeyId::uuid),
        query.account_id.map(AccountId::uuid),
    ];
    Ok(select.query_map(wanted, read)?.collect::<Result<_, _>>()?)
}

fn read(row: &Row<'_>) -> Result<RollupRow, rusqlite::Error> {
    let period: String = row.get("period")?;
    Ok(RollupRow {
        period: RollupPeriod::parse(&period).ok_or(UnknownName { column: "period", text: period })?,
        start: Timestamp::from_micros(row.get("start")?),
        key_id: ClientKeyId::from_uuid(row.get("key_id")?),
        account_id: AccountId::from_uuid(row.get("account_id")?),
        model: model(row, "model")?,
        attempts: unsigned(row, "attempts")?,
        completed: unsigned(row, "completed")?,
        estimated: unsigned(row, "estimated")?,
        unpriced: unsigned(row, "unpriced")?,
        usage: usage(row)?,
        cost: NanoUsd::from_nanos(row.get("cost_nanos")?),
        billed: NanoUsd::from_nanos(row.get("billed_nanos")?),
    })
}

/// Sums are added up by SQLite, whose numbers are signed.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// SQLite goes over to floating point where whole numbers overflow, so sums that would are held at the top. Costs may
/// be below zero; only a sum of two positive ones can pass the top.
const UPSERT: &str = "
    INSERT INTO rollup (
        period, start, key_id, account_id, model, attempts, completed, estimated, unpriced, input, output,
        cache_read, cache_write_5m, cache_write_1h, reasoning, web_searches, cost_nanos, billed_nanos,
        input_audio, cache_read_audio, output_audio, input_image, output_image
    ) VALUES (
        ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23
    )
    ON CONFLICT (period, start, key_id, account_id, model) DO UPDATE SET
        attempts = attempts + excluded.attempts,
        completed = completed + excluded.completed,
        estimated = estimated + excluded.estimated,
        unpriced = unpriced + excluded.unpriced,
        input = input + min(excluded.input, 9223372036854775807 - input),
        output = output + min(excluded.output, 9223372036854775807 - output),
        cache_read = cache_read + min(excluded.cache_read, 9223372036854775807 - cache_read),
        cache_write_5m = cache_write_5m + min(excluded.cache_write_5m, 9223372036854775807 - cache_write_5m),
        cache_write_1h = cache_write_1h + min(excluded.cache_write_1h, 9223372036854775807 - cache_write_1h),
        reasoning = reasoning + min(excluded.reasoning, 9223372036854775807 - reasoning),
        web_searches = web_searches + min(excluded.web_searches, 9223372036854775807 - web_searches),
        cost_nanos = cost_nanos + min(excluded.cost_nanos, 9223372036854775807 - max(cost_nanos, 0)),
        billed_nanos = billed_nanos + min(excluded.billed_nanos, 9223372036854775807 - max(billed_nanos, 0)),
        input_audio = input_audio + min(excluded.input_audio, 9223372036854775807 - input_audio),
        cache_read_audio = cache_read_audio + min(excluded.cache_read_audio, 9223372036854775807 - cache_read_audio),
        output_audio = output_audio + min(excluded.output_audio, 9223372036854775807 - output_audio),
        input_image = input_image + min(excluded.input_image, 9223372036854775807 - input_image),
        output_image = output_image + min(excluded.output_image, 9223372036854775807 - output_image)";

const SELECT: &str = "
    SELECT * FROM rollup
    WHERE period = ?1 AND start >= ?2
        AND (?3 IS NULL OR start < ?3) AND (?4 IS NULL OR key_id = ?4) AND (?5 IS NULL OR account_id = ?5)
    ORDER BY period, start, key_id, account_id, model";
