//! From SQLite's errors to the ports'.

use posthaste_storage::StorageError;
use rusqlite::ErrorCode;

/// Why work on a connection failed: SQLite failed, or what was found there says no.
#[derive(Debug)]
pub(crate) enum Failure {
    Sql(rusqlite::Error),
    Told(StorageError),
}

impl Failure {
    /// Puts it in the ports' words; `what` says what was being done.
    pub(crate) fn into_storage_error(self, what: &str) -> StorageError {
        match self {
            Self::Told(error) => error,
            Self::Sql(error) if is_corrupt(&error) => StorageError::corrupt(what, error),
            Self::Sql(error) => StorageError::unavailable(what, error),
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self::Told(error)
    }
}

/// A text that is not the name of any member of what a column holds.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no {column}")]
pub(crate) struct UnknownName {
    pub(crate) column: &'static str,
    pub(crate) text: String,
}

impl From<UnknownName> for rusqlite::Error {
    fn from(error: UnknownName) -> Self {
        unreadable(error)
    }
}

/// A column whose content cannot be what it should be.
pub(crate) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

/// Why a row cannot be read, without the words of the way it took here.
pub(crate) fn why(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::FromSqlConversionFailure(.., why) => why.to_string(),
        other => other.to_string(),
    }
}

fn is_corrupt(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..) => true,
        other => {
            matches!(other.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        }
    }
}
