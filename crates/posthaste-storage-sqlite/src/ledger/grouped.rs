//! Sums of roll-ups by group.
//!
//! SQLite reads the rows and they are added up here: it refuses sums that leave 64 bits, floating point would not be exact, and
//! for groups that do not come in the table's order it would sort all rows first.

use std::collections::HashMap;

use posthaste_core::{AccountId, ClientKeyId, NanoUsd, Terms, Timestamp, Usage};
use posthaste_storage::{Dimension, Group, GroupSums, Sums, UsageQuery};
use rusqlite::{Connection, Row, ToSql, types::ValueRef};
use uuid::Uuid;

use super::rollup::{read_owner, wanted};
use crate::{
    columns::{model, provider},
    error::Failure,
};

/// Adds up the wanted roll-ups for each group.
pub(super) fn select(
    connection: &Connection,
    query: &UsageQuery,
    by: &[Dimension],
) -> Result<Vec<GroupSums>, Failure> {
    let (wanted, values) = wanted(query);
    let columns = COLUMNS.iter().copied().chain(by.iter().copied().map(column));
    let columns = columns.collect::<Vec<_>>().join(", ");
    let mut select = connection.prepare_cached(&format!("SELECT {columns} FROM {wanted}"))?;
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let mut found = select.query(&*values)?;
    let mut groups: HashMap<Vec<u8>, (Group, [i128; COLUMNS.len()])> = HashMap::new();
    let mut name = Vec::new();
    while let Some(row) = found.next()? {
        name.clear();
        for place in COLUMNS.len()..COLUMNS.len() + by.len() {
            name_of(row.get_ref(place)?, &mut name);
        }
        let sums = match groups.get_mut(name.as_slice()) {
            Some((_, sums)) => sums,
            None => &mut groups.entry(name.clone()).or_insert((group(row, by)?, [0; COLUMNS.len()])).1,
        };
        for (place, sum) in sums.iter_mut().enumerate() {
            *sum += i128::from(row.get::<_, i64>(place)?);
        }
    }
    let mut groups: Vec<GroupSums> =
        groups.into_values().map(|(group, added)| GroupSums { group, sums: sums(&added) }).collect();
    groups.sort_by(|left, right| left.group.cmp(&right.group));
    Ok(groups)
}

/// The same of some client keys, accounts or owners alone. Keys are found by the table's key, accounts by an index; of owners all
/// are read.
pub(super) fn select_of(
    connection: &Connection,
    query: &UsageQuery,
    of: Dimension,
    ids: &[Uuid],
) -> Result<Vec<GroupSums>, Failure> {
    if !matches!(of, Dimension::Key | Dimension::Account) {
        let mut groups = select(connection, query, &[of])?;
        groups.retain(|group| group.group.id().is_some_and(|id| ids.contains(&id)));
        return Ok(groups);
    }
    let mut groups = Vec::with_capacity(ids.len());
    for id in ids {
        let mut one = query.clone();
        let wanted = match of {
            Dimension::Key => one.key_id.replace(ClientKeyId::from_uuid(*id)).map(ClientKeyId::uuid),
            _ => one.account_id.replace(AccountId::from_uuid(*id)).map(AccountId::uuid),
        };
        if wanted.is_none_or(|wanted| wanted == *id) {
            groups.extend(select(connection, &one, &[of])?);
        }
    }
    groups.sort_by(|left, right| left.group.cmp(&right.group));
    Ok(groups)
}

/// Adds a value to a group's name. No two groups have the same: each part tells its length.
fn name_of(value: ValueRef<'_>, name: &mut Vec<u8>) {
    let number;
    let bytes: &[u8] = match value {
        ValueRef::Integer(value) => {
            number = value.to_le_bytes();
            &number
        }
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
        ValueRef::Null | ValueRef::Real(_) => &[],
    };
    name.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    name.extend_from_slice(bytes);
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

/// At the top or the bottom where 64 bits cannot hold it.
fn sums(added: &[i128; COLUMNS.len()]) -> Sums {
    let whole =
        |at: usize| i64::try_from(added[at]).unwrap_or(if added[at] < 0 { i64::MIN } else { i64::MAX });
    let count = |at: usize| u64::try_from(whole(at)).unwrap_or(0);
    Sums {
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
        cost: NanoUsd::from_nanos(whole(16)),
        billed: NanoUsd::from_nanos(whole(17)),
    }
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

#[cfg(test)]
mod tests {
    use posthaste_storage::RollupPeriod;

    use super::*;
    use crate::schema;

    /// How SQLite goes about a query, in its own words.
    fn plan(query: &UsageQuery) -> String {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let (wanted, values) = wanted(query);
        let mut explain =
            connection.prepare(&format!("EXPLAIN QUERY PLAN SELECT cost_nanos FROM {wanted}")).unwrap();
        let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
        let steps = explain.query_map(&*values, |row| row.get::<_, String>("detail")).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_is_looked_at_that_is_not_wanted() {
        let all = UsageQuery::all(RollupPeriod::Month);
        let since = UsageQuery { from: Some(Timestamp::EPOCH), ..all.clone() };
        assert!(plan(&since).contains("PRIMARY KEY (period=? AND start>?)"), "{}", plan(&since));
        let key = UsageQuery { key_id: Some(ClientKeyId::generate()), ..all.clone() };
        assert!(plan(&key).contains("PRIMARY KEY (period=? AND start=? AND key_id=?)"), "{}", plan(&key));
        let account = UsageQuery { account_id: Some(AccountId::generate()), ..all };
        let wanted = "INDEX rollup_of_account (account_id=? AND period=?)";
        assert!(plan(&account).contains(wanted), "{}", plan(&account));
    }
}
