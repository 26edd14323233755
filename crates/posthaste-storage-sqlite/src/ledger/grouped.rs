//! Sums of roll-ups by group, added up by SQLite.
//!
//! SQLite refuses sums that leave 64 bits, and floating point would not be exact. So each column is added up in two
//! halves, which cannot overflow, and put together here.

use posthaste_core::{AccountId, ClientKeyId, NanoUsd, Terms, Timestamp, Usage};
use posthaste_storage::{Dimension, Group, GroupSums, Sums, UsageQuery};
use rusqlite::{Connection, Row, ToSql};

use super::{
    rollup::{read_owner, wanted},
    row::{model, provider},
};
use crate::error::Failure;

/// Adds up the wanted roll-ups for each group.
pub(super) fn select(
    connection: &Connection,
    query: &UsageQuery,
    by: &[Dimension],
) -> Result<Vec<GroupSums>, Failure> {
    let (wanted, values) = wanted(query);
    let mut columns: Vec<&str> = by.iter().copied().map(column).collect();
    // All of them are of one period: without it, no roll-ups would still make a group.
    columns.push("period");
    let columns = columns.join(", ");
    let halves = COLUMNS.map(|name| format!("sum({name} >> 32), sum({name} & 4294967295)")).join(", ");
    let text = format!("SELECT {halves}, {columns} FROM rollup WHERE {wanted} GROUP BY {columns}");
    let mut select = connection.prepare_cached(&text)?;
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let read = |row: &Row<'_>| Ok(GroupSums { group: group(row, by)?, sums: sums(row)? });
    let mut groups: Vec<GroupSums> = select.query_map(&*values, read)?.collect::<Result<_, _>>()?;
    groups.sort_by(|left, right| left.group.cmp(&right.group));
    Ok(groups)
}

const fn column(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Span => "start",
        Dimension::Key => "key_id",
        Dimension::Owner => "owner",
        Dimension::Account => "account_id",
        Dimension::Model => "model",
        Dimension::Provider => "provider",
    }
}

fn group(row: &Row<'_>, by: &[Dimension]) -> Result<Group, rusqlite::Error> {
    let mut group = Group::default();
    for dimension in by {
        match dimension {
            Dimension::Span => group.start = Some(Timestamp::from_micros(row.get("start")?)),
            Dimension::Key => group.key_id = Some(ClientKeyId::from_uuid(row.get("key_id")?)),
            Dimension::Owner => group.owner = read_owner(row)?,
            Dimension::Account => group.account_id = Some(AccountId::from_uuid(row.get("account_id")?)),
            Dimension::Model => group.model = Some(model(row, "model")?),
            Dimension::Provider => group.provider = Some(provider(row)?),
        }
    }
    Ok(group)
}

fn sums(row: &Row<'_>) -> Result<Sums, rusqlite::Error> {
    let mut sums = [0; COLUMNS.len()];
    for (number, sum) in sums.iter_mut().enumerate() {
        *sum = whole(row.get(2 * number)?, row.get(2 * number + 1)?);
    }
    let count = |at: usize| u64::try_from(sums[at]).unwrap_or(0);
    Ok(Sums {
        attempts: count(0),
        completed: count(1),
        estimated: count(2),
        unpriced: count(3),
        usage: Usage {
            input: count(4),
            output: count(5),
            cache_read: count(6),
            cache_write_5m: count(7),
            cache_write_1h: count(8),
            reasoning: count(9),
            web_searches: count(10),
            input_audio: count(11),
            cache_read_audio: count(12),
            output_audio: count(13),
            input_image: count(14),
            output_image: count(15),
            terms: Terms::default(),
        },
        cost: NanoUsd::from_nanos(sums[16]),
        billed: NanoUsd::from_nanos(sums[17]),
    })
}

/// Puts the sums of upper and lower halves together; at the top or the bottom where 64 bits cannot hold it.
fn whole(upper: i64, lower: i64) -> i64 {
    let sum = (i128::from(upper) << 32) + i128::from(lower);
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

/// What is added up, in the order in which it is read.
const COLUMNS: [&str; 18] = [
    "attempts",
    "completed",
    "estimated",
    "unpriced",
    "input",
    "output",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "reasoning",
    "web_searches",
    "input_audio",
    "cache_read_audio",
    "output_audio",
    "input_image",
    "output_image",
    "cost_nanos",
    "billed_nanos",
];
