//! Roll-ups: sums that grow in place.

use posthaste_core::{AccountId, ClientKeyId, NanoUsd, Timestamp, UserId};
use posthaste_storage::{RollupKey, RollupPeriod, RollupRow, Rollups, Sums, UsageQuery};
use rusqlite::{Connection, Row, ToSql, params};

use crate::columns::{model, provider, unsigned, usage};
use crate::error::{Failure, UnknownName};

/// Adds sums to what is there, each roll-up once.
pub(super) fn add(connection: &Connection, sums: &Rollups) -> Result<(), Failure> {
    for (key, sum) in sums.iter() {
        upsert(connection, key, sum)?;
    }
    Ok(())
}

/// Puts sums in the place of what is there; sums of nothing remove it.
pub(super) fn put(connection: &Connection, rollups: &[RollupRow]) -> Result<(), Failure> {
    for RollupRow { key, sums } in rollups {
        connection.prepare_cached(REMOVE)?.execute(params![
            key.period.as_str(),
            key.start.as_micros(),
            key.key_id.uuid(),
            key.account_id.uuid(),
            key.model.as_str(),
            owner(&key.owner),
            key.provider.as_str(),
        ])?;
        if *sums != Sums::default() {
            upsert(connection, key, sums)?;
        }
    }
    Ok(())
}

fn upsert(connection: &Connection, key: &RollupKey, sum: &Sums) -> Result<(), Failure> {
    connection.prepare_cached(UPSERT)?.execute(params![
        key.period.as_str(),
        key.start.as_micros(),
        key.key_id.uuid(),
        key.account_id.uuid(),
        key.model.as_str(),
        owner(&key.owner),
        key.provider.as_str(),
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
    Ok(())
}

/// Reads the wanted roll-ups, in the order of the table's key.
pub(super) fn select(connection: &Connection, query: &UsageQuery) -> Result<Vec<RollupRow>, Failure> {
    let (wanted, values) = wanted(query);
    let order = "period, start, key_id, account_id, model, owner, provider";
    let mut select = connection.prepare_cached(&format!("SELECT * FROM {wanted} ORDER BY {order}"))?;
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let mut rows: Vec<RollupRow> = select.query_map(&*values, read)?.collect::<Result<_, _>>()?;
    // Providers have an order of their own; whatever else is equal was read one after another.
    rows.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(rows)
}

/// Forgets old spans of one period, the oldest first; answers how many roll-ups those were.
pub(super) fn forget(
    connection: &Connection,
    period: RollupPeriod,
    before: Timestamp,
    most: usize,
) -> Result<usize, Failure> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let mut delete = connection.prepare_cached(FORGET)?;
    Ok(delete.execute(params![period.as_str(), before.as_micros(), most])?)
}

/// The table with the condition that a query stands for, and its values. Only what is asked for is in it, so that SQLite can go
/// by the table's key. For a client key, which stands behind the span there, the spans that occur are told one by one, each
/// found from the one before; the index over accounts needs no such help.
pub(super) fn wanted(query: &UsageQuery) -> (String, Vec<Box<dyn ToSql>>) {
    let mut texts = vec!["period = ?".to_owned()];
    let mut values: Vec<Box<dyn ToSql>> = vec![Box::new(query.period.as_str())];
    let mut add = |text: &str, value: Option<Box<dyn ToSql>>| {
        if let Some(value) = value {
            texts.push(text.to_owned());
            values.push(value);
        }
    };
    let uuid = |id: Option<uuid::Uuid>| id.map(|id| Box::new(id) as Box<dyn ToSql>);
    let number = |at: Option<Timestamp>| at.map(|at| Box::new(at.as_micros()) as Box<dyn ToSql>);
    add("start >= ?", number(query.from));
    add("start < ?", number(query.until));
    add("account_id = ?", uuid(query.account_id.map(AccountId::uuid)));
    add("model = ?", query.model.as_ref().map(|model| Box::new(model.as_str().to_owned()) as Box<dyn ToSql>));
    add("owner = ?", uuid(query.owner.map(UserId::uuid)));
    add("provider = ?", query.provider.map(|kind| Box::new(kind.as_str()) as Box<dyn ToSql>));
    let Some(key) = query.key_id else {
        // SQLite would take the table's key, since it thinks that a period has ten roll-ups.
        let by = if query.account_id.is_some() { "rollup INDEXED BY rollup_of_account" } else { "rollup" };
        return (format!("{by} WHERE {}", texts.join(" AND ")), values);
    };
    texts.push("key_id = ?".to_owned());
    values.push(Box::new(key.uuid()));
    let spans: Vec<Box<dyn ToSql>> = vec![
        Box::new(query.period.as_str()),
        Box::new(query.from.map_or(i64::MIN, Timestamp::as_micros)),
        Box::new(query.period.as_str()),
    ];
    let text = format!("{SPANS} CROSS JOIN rollup ON start = span WHERE {}", texts.join(" AND "));
    (text, spans.into_iter().chain(values).collect())
}

/// The starts of spans that occur, from one on.
const SPANS: &str = "(
        WITH RECURSIVE spans (span) AS (
            SELECT min(start) FROM rollup WHERE period = ? AND start >= ?
            UNION ALL
            SELECT (SELECT min(start) FROM rollup WHERE period = ? AND start > span) FROM spans
            WHERE span IS NOT NULL
        )
        SELECT span FROM spans WHERE span IS NOT NULL
    )";

fn read(row: &Row<'_>) -> Result<RollupRow, rusqlite::Error> {
    let period: String = row.get("period")?;
    let key = RollupKey {
        period: RollupPeriod::parse(&period).ok_or(UnknownName { column: "period", text: period })?,
        start: Timestamp::from_micros(row.get("start")?),
        key_id: ClientKeyId::from_uuid(row.get("key_id")?),
        account_id: AccountId::from_uuid(row.get("account_id")?),
        model: model(row, "model")?,
        owner: read_owner(row)?,
        provider: provider(row)?,
    };
    let sums = Sums {
        attempts: unsigned(row, "attempts")?,
        completed: unsigned(row, "completed")?,
        estimated: unsigned(row, "estimated")?,
        unpriced: unsigned(row, "unpriced")?,
        usage: usage(row)?,
        cost: NanoUsd::from_nanos(row.get("cost_nanos")?),
        billed: NanoUsd::from_nanos(row.get("billed_nanos")?),
    };
    Ok(RollupRow { key, sums })
}

/// Reads whose a roll-up is; a key's part cannot be NULL, so that nobody is an empty identity.
pub(super) fn read_owner(row: &Row<'_>) -> Result<Option<UserId>, rusqlite::Error> {
    if row.get_ref("owner")?.as_blob()?.is_empty() {
        return Ok(None);
    }
    row.get("owner").map(|id| Some(UserId::from_uuid(id)))
}

pub(super) fn owner(owner: &Option<UserId>) -> Vec<u8> {
    owner.map(|id| id.uuid().as_bytes().to_vec()).unwrap_or_default()
}

/// Sums are added up by SQLite, whose numbers are signed.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// SQLite goes over to floating point where whole numbers overflow, so sums that would are held at the top. Costs may
/// be below zero; only a sum of two positive ones can pass the top.
const UPSERT: &str = "
    INSERT INTO rollup (
        period, start, key_id, account_id, model, owner, provider, attempts, completed, estimated, unpriced, input, output,
        cache_read, cache_write_5m, cache_write_1h, reasoning, web_searches, cost_nanos, billed_nanos,
        input_audio, cache_read_audio, output_audio, input_image, output_image
    ) VALUES (
        ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
        ?24, ?25
    )
    ON CONFLICT (period, start, key_id, account_id, model, owner, provider) DO UPDATE SET
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

const REMOVE: &str = "
    DELETE FROM rollup
    WHERE period = ?1 AND start = ?2 AND key_id = ?3 AND account_id = ?4 AND model = ?5 AND owner = ?6 AND provider = ?7";

const FORGET: &str = "
    DELETE FROM rollup WHERE (period, start, key_id, account_id, model, owner, provider) IN (
        SELECT period, start, key_id, account_id, model, owner, provider FROM rollup
        WHERE period = ?1 AND start < ?2 ORDER BY start LIMIT ?3
    )";
