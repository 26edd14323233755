//! The tables, brought up to date when a file is opened.

mod packing;

use std::path::Path;

use posthaste_storage::StorageError;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{error::Failure, stores::open_reader};

/// Why a file is not opened; it is left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A newer release wrote it.
    #[error(
        "it has schema {found}, and this release knows schemas up to {known}: use the release that wrote it"
    )]
    Newer {
        /// The file's schema.
        found: i64,
        /// The newest that this release knows.
        known: i64,
    },
    /// It is another program's database.
    #[error("it is another program's database")]
    Foreign,
}

/// The schema of a file, beside this release's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The file's.
    pub found: i64,
    /// The newest that this release knows; to it a file is brought when it is opened.
    pub known: i64,
}

impl Schema {
    /// Whether a process that has the file open as it was found can book on once this release has brought it up to date.
    pub const fn lets_the_one_before_book(self) -> bool {
        self.found >= BOOKS_SINCE
    }
}

/// Reads a file's schema and changes nothing.
///
/// # Errors
/// [`StorageError::Unavailable`] when it cannot be read.
pub fn schema_of(path: &Path) -> Result<Schema, StorageError> {
    let failed = |failure: Failure| failure.into_storage_error(&format!("reading {}", path.display()));
    let connection = open_reader(path).map_err(failed)?;
    let found = version(&connection).map_err(|error| failed(error.into()))?;
    Ok(Schema { found, known: KNOWN })
}

/// Reads whether the file is one that this release can use, without changing anything.
pub(crate) fn check(connection: &Connection) -> Result<Result<(), SchemaError>, rusqlite::Error> {
    let found = version(connection)?;
    if found > KNOWN {
        return Ok(Err(SchemaError::Newer { found, known: KNOWN }));
    }
    // In this order: another process may be making the tables at this moment, and with them comes the mark.
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let owner: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let foreign = owner != APPLICATION_ID && (owner != 0 || tables > 0);
    Ok(if foreign { Err(SchemaError::Foreign) } else { Ok(()) })
}

/// Takes every step from the file's schema to the newest, each one whole or not at all.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Failure> {
    while version(connection)? < KNOWN {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        take_step(&step)?;
        step.commit()?;
    }
    Ok(())
}

fn take_step(transaction: &Transaction<'_>) -> Result<(), rusqlite::Error> {
    // Read again under the lock: another process may have taken the step in the meantime.
    let from = version(transaction)?;
    let step = usize::try_from(from).ok().and_then(|from| MIGRATIONS.get(from));
    if let Some(step) = step {
        match step {
            Step::Sql(text) => transaction.execute_batch(text)?,
            Step::Program(take) => take(transaction)?,
        }
        transaction.pragma_update(None, "user_version", from + 1)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(())
}

pub(crate) fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// How a file is brought from one schema to the next.
enum Step {
    Sql(&'static str),
    Program(fn(&Transaction<'_>) -> Result<(), rusqlite::Error>),
}

/// Step `n` leads from schema `n` to `n + 1`. Steps that were released are never changed.
const MIGRATIONS: [Step; 10] = [
    Step::Sql(include_str!("schema/0001.sql")),
    Step::Sql(include_str!("schema/0002.sql")),
    Step::Sql(include_str!("schema/0003.sql")),
    Step::Sql(include_str!("schema/0004.sql")),
    Step::Sql(include_str!("schema/0005.sql")),
    Step::Sql(include_str!("schema/0006.sql")),
    Step::Sql(include_str!("schema/0007.sql")),
    Step::Sql(include_str!("schema/0008.sql")),
    Step::Sql(include_str!("schema/0009.sql")),
    Step::Program(packing::pack_rows),
];

const KNOWN: i64 = MIGRATIONS.len() as i64;

/// The first schema whose table of the books is this release's.
const BOOKS_SINCE: i64 = 10;

/// "Post", so that `file` and other programs can tell whose database it is.
const APPLICATION_ID: i64 = 0x506f_7374;
