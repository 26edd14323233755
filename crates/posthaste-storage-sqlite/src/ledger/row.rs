//! A row's way into its table and back: as bytes, with a checksum behind them.

use posthaste_core::{AttemptRow, ClientKeyId, RequestId};
use posthaste_storage::{UnpackError, pack_row, unpack_row};
use rusqlite::{CachedStatement, Connection, Row, Rows, params};

use crate::{
    checksum,
    error::{unreadable, why},
};

/// Only the row's identity may collide silently: `INSERT OR IGNORE` would swallow every other fault too.
pub(crate) const INSERT: &str = "
    INSERT INTO attempt (request_id, attempt, key_id, row) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (request_id, attempt) DO NOTHING";

/// Tells whether the row is new.
pub(crate) fn insert(statement: &mut CachedStatement<'_>, row: &AttemptRow) -> Result<bool, rusqlite::Error> {
    let (request, attempt, key) = (row.request_id.uuid(), row.attempt, row.key_id.uuid());
    Ok(statement.execute(params![request, attempt, key, checked(row)])? > 0)
}

/// A row's bytes and behind them their checksum.
pub(super) fn checked(row: &AttemptRow) -> Vec<u8> {
    let mut bytes = pack_row(row);
    let sum = checksum((row.request_id, row.attempt, row.key_id), &bytes);
    bytes.extend(sum);
    bytes
}

/// Reads a row of the whole table's columns.
pub(crate) fn read(row: &Row<'_>) -> Result<AttemptRow, rusqlite::Error> {
    let request = RequestId::from_uuid(row.get("request_id")?);
    let attempt = row.get("attempt")?;
    let under = (request, attempt, ClientKeyId::from_uuid(row.get("key_id")?));
    let damaged = |why| unreadable(DamagedRow { request, attempt, why });
    let bytes = row.get_ref("row")?.as_blob()?;
    let (bytes, sum) = bytes.split_last_chunk().ok_or_else(|| damaged(Damage::Checksum))?;
    if checksum(under, bytes) != *sum {
        return Err(damaged(Damage::Checksum));
    }
    unpack_row(bytes, under).map_err(|error| damaged(Damage::Form(error)))
}

/// Reads up to `most` rows that can be read. A damaged one is told and left out: the others are of use without it, and who asks for
/// it by its name gets an error.
pub(super) fn read_whole(mut rows: Rows<'_>, most: usize) -> Result<Vec<AttemptRow>, rusqlite::Error> {
    let mut whole = Vec::new();
    while whole.len() < most
        && let Some(row) = rows.next()?
    {
        match read(row) {
            Ok(row) => whole.push(row),
            Err(error) => {
                tracing::error!(error = why(&error), "a row of the books cannot be read and is left out")
            }
        }
    }
    Ok(whole)
}

/// Says of rows that cannot be read which they are, of a hundred at most.
pub(crate) fn damaged_rows(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut select = connection.prepare("SELECT * FROM attempt")?;
    let mut rows = select.query([])?;
    let mut told = Vec::new();
    while let Some(row) = rows.next()? {
        if let Err(error) = read(row) {
            told.push(why(&error));
            if told.len() == MOST_TOLD {
                break;
            }
        }
    }
    Ok(told)
}

/// Of a row with what it is kept under.
fn checksum((request, attempt, key): (RequestId, u16, ClientKeyId), bytes: &[u8]) -> [u8; 4] {
    let (request, attempt, key) = (request.uuid(), attempt.to_le_bytes(), key.uuid());
    checksum::of([&request.as_bytes()[..], &attempt, key.as_bytes(), bytes]).to_le_bytes()
}

/// A row that is not as it was written, or that a newer release wrote.
#[derive(Debug, thiserror::Error)]
#[error("attempt {attempt} of request {request}: {why}")]
struct DamagedRow {
    request: RequestId,
    attempt: u16,
    why: Damage,
}

#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error("the row is damaged: its checksum is another one")]
    Checksum,
    #[error(transparent)]
    Form(UnpackError),
}

/// The first schema whose rows have checksums.
pub(crate) const CHECKED_SINCE: i64 = 10;

/// As many as SQLite tells of its own look.
const MOST_TOLD: usize = 100;
