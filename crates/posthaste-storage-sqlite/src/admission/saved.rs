//! Counters as they stand in the file.

use posthaste_core::Timestamp;
use posthaste_storage::{CounterAmount, Half, Unit};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{BEFORE_ALL, ROLLING_MARK};
use crate::error::Failure;

/// All of them, the latest windows first. Those that are over are swept with the first step of their owner.
pub(super) fn all(connection: &Connection) -> Result<Vec<CounterAmount>, Failure> {
    let mut select = connection.prepare(
        "SELECT half, owner, name, unit, span_start, span_end, used FROM counter ORDER BY span_start DESC",
    )?;
    let rows = select.query_map([], read)?.collect::<Result<Vec<_>, _>>()?;
    Ok(rows.into_iter().flatten().collect())
}

/// Adds what counters have gained, tells where they stand then, and forgets their owners' windows that were over at `now`.
pub(super) fn add(
    connection: &Connection,
    gained: &[CounterAmount],
    now: Timestamp,
) -> Result<Vec<CounterAmount>, Failure> {
    let stands = gained.iter().map(|gain| add_one(connection, gain)).collect::<Result<_, _>>()?;
    for CounterAmount { half, owner, .. } in gained {
        let forgotten = now.as_micros();
        connection.prepare_cached(super::FORGET)?.execute(params![
            half.as_str(),
            owner,
            forgotten,
            forgotten
        ])?;
    }
    Ok(stands)
}

/// Added up here, as SQLite's `+` fails where it would overflow.
fn add_one(connection: &Connection, gain: &CounterAmount) -> Result<CounterAmount, Failure> {
    let name = if gain.rolling { [&gain.name, ROLLING_MARK].concat() } else { gain.name.clone() };
    let (half, unit) = (gain.half.as_str(), gain.unit.as_str());
    let start = gain.start.unwrap_or(BEFORE_ALL).as_micros();
    let key = params![half, gain.owner, name, unit, start];
    let stood: Option<i64> =
        connection.prepare_cached(STANDS)?.query_row(key, |row| row.get(0)).optional()?;
    let amount = stood.unwrap_or(0).saturating_add(gain.amount);
    let end = gain.end.map(Timestamp::as_micros);
    connection
        .prepare_cached(super::SET)?
        .execute(params![half, gain.owner, name, unit, start, end, amount])?;
    Ok(CounterAmount { amount, ..gain.clone() })
}

/// `None` for a half or a unit that this release does not know.
fn read(row: &Row<'_>) -> Result<Option<CounterAmount>, rusqlite::Error> {
    let (half, unit): (String, String) = (row.get(0)?, row.get(3)?);
    let half = [Half::Caller, Half::Seat].into_iter().find(|known| known.as_str() == half);
    let units = [Unit::Requests, Unit::Tokens, Unit::Cost, Unit::Concurrency];
    let unit = units.into_iter().find(|known| known.as_str() == unit);
    let (Some(half), Some(unit)) = (half, unit) else { return Ok(None) };
    let name: String = row.get(2)?;
    let plain = name.strip_suffix(ROLLING_MARK);
    let start = Timestamp::from_micros(row.get(4)?);
    Ok(Some(CounterAmount {
        half,
        owner: row.get(1)?,
        rolling: plain.is_some(),
        name: plain.map(str::to_owned).unwrap_or(name),
        unit,
        start: Some(start).filter(|start| *start != BEFORE_ALL),
        end: row.get::<_, Option<i64>>(5)?.map(Timestamp::from_micros),
        amount: row.get(6)?,
    }))
}

const STANDS: &str =
    "SELECT used FROM counter WHERE half = ?1 AND owner = ?2 AND name = ?3 AND unit = ?4 AND span_start = ?5";
