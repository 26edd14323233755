//! Back-ups, and looking into a file without changing it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use posthaste_storage::StorageError;
use rusqlite::{Connection, OpenFlags, backup::Backup};
use tempfile::NamedTempFile;
use tokio::task;

use crate::{
    SchemaError,
    error::Failure,
    ledger::row,
    schema,
    stores::{BUSY_TIMEOUT, COMMON_FLAGS, open_reader},
};

/// What is known of a copy that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The schema that it has.
    pub schema: i64,
    /// How large it is.
    pub bytes: u64,
    /// What SQLite finds wrong with it (<https://sqlite.org/pragma.html#pragma_integrity_check>); empty when it is sound.
    pub problems: Vec<String>,
    /// Rows of the books that are not as they were written, or that a newer release wrote; a hundred of them at most.
    pub damaged: Vec<String>,
}

/// Copies a store as it stands into a new file (mode 0600) while others read and write it. The copy is one plain file
/// without a log, checked and durable when this returns; until then it stands beside under a name that begins with
/// [`UNFINISHED`].
///
/// # Errors
/// When `to` exists already or cannot be written, when the copy is not sound ([`StorageError::Corrupt`]), or when `from` is
/// no store of ours.
pub async fn backup_file(from: &Path, to: &Path) -> Result<Copied, StorageError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let what = format!("backing up to {}", to.display());
    on_a_thread(what, move |what| {
        let unavailable = |error: io::Error| StorageError::unavailable(what, error);
        if to.try_exists().map_err(unavailable)? {
            return Err(unavailable(io::ErrorKind::AlreadyExists.into()));
        }
        let folder = folder_of(&to);
        let beside = NamedTempFile::with_prefix_in(UNFINISHED, &folder).map_err(unavailable)?;
        // Whoever leaves last removes the log, which one who only reads cannot.
        let source = open_writable(&from).map_err(|failure| failure.into_storage_error(what))?;
        let copied = copy_pages(&source, &from, beside.path(), what)?;
        if let Some(problem) = copied.problems.first() {
            return Err(StorageError::corrupt(format!("{what}: the copy is not sound"), problem.clone()));
        }
        for row in &copied.damaged {
            tracing::error!(
                row,
                "the back-up has what the store has, and there a row of the books is damaged"
            );
        }
        beside.as_file().sync_all().map_err(unavailable)?;
        beside.persist_noclobber(&to).map_err(|error| unavailable(error.error))?;
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(unavailable)?;
        Ok(copied)
    })
    .await
}

/// Copies `from` into the new file `to` as [`backup_file`] does, also when it is damaged, and tells what is wrong with it.
/// A file without a log beside it is only read, so that it may lie where nothing can be written.
///
/// # Errors
/// [`StorageError::Corrupt`] when it is no store of ours or a newer release's, see [`SchemaError`]; otherwise when it cannot
/// be read or `to` cannot be written.
pub async fn examine_file(from: &Path, to: &Path) -> Result<Copied, StorageError> {
    let (from, to) = (from.to_owned(), to.to_owned());
    let what = format!("reading {}", from.display());
    on_a_thread(what, move |what| {
        let unavailable = |error: io::Error| StorageError::unavailable(what, error);
        let log = PathBuf::from(format!("{}-wal", from.display()));
        if log.exists() {
            create_new_private(&to).map_err(unavailable)?;
            let source = open_reader(&from).map_err(|failure| failure.into_storage_error(what))?;
            return copy_pages(&source, &from, &to, what);
        }
        let mut target = create_new_private(&to).map_err(unavailable)?;
        io::copy(&mut File::open(&from).map_err(unavailable)?, &mut target).map_err(unavailable)?;
        let opened = open_writable(&to).map_err(|failure| failure.into_storage_error(what))?;
        finish(&opened, &to, what)
    })
    .await
}

async fn on_a_thread<T: Send + 'static>(
    what: String,
    work: impl FnOnce(&str) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let named = what.clone();
    let done = task::spawn_blocking(move || work(&named)).await;
    done.map_err(|error| StorageError::unavailable(what, error))?
}

fn copy_pages(source: &Connection, from: &Path, to: &Path, what: &str) -> Result<Copied, StorageError> {
    let failed = |failure: Failure| failure.into_storage_error(what);
    refuse_unknown(source, from, what)?;
    let mut target = open_writable(to).map_err(failed)?;
    // All pages in one step: within one snapshot, so that writes meanwhile neither show nor make it start anew.
    Backup::new(source, &mut target)
        .and_then(|backup| backup.run_to_completion(i32::MAX, Duration::ZERO, None))
        .map_err(|error| failed(error.into()))?;
    finish(&target, to, what)
}

/// Makes a plain file of a copy, which then needs no log to be read, and looks at it.
fn finish(copy: &Connection, path: &Path, what: &str) -> Result<Copied, StorageError> {
    let failed = |error: rusqlite::Error| Failure::from(error).into_storage_error(what);
    refuse_unknown(copy, path, what)?;
    copy.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(())).map_err(failed)?;
    let schema = schema::version(copy).map_err(failed)?;
    let problems = integrity(copy).map_err(failed)?;
    // What breaks a page's form spoils the look at the rows on it.
    let damaged = match problems.is_empty() && schema >= row::CHECKED_SINCE {
        true => row::damaged_rows(copy).map_err(failed)?,
        false => Vec::new(),
    };
    let bytes = fs::metadata(path).map_err(|error| StorageError::unavailable(what, error))?.len();
    Ok(Copied { schema, bytes, problems, damaged })
}

fn refuse_unknown(connection: &Connection, path: &Path, what: &str) -> Result<(), StorageError> {
    let checked = schema::check(connection).map_err(|error| Failure::from(error).into_storage_error(what))?;
    let corrupt = |error: SchemaError| StorageError::corrupt(path.display().to_string(), error);
    checked.map_err(corrupt)
}

fn integrity(connection: &Connection) -> Result<Vec<String>, rusqlite::Error> {
    let mut told = Vec::new();
    connection.pragma_query(None, "integrity_check", |row| {
        told.push(row.get::<_, String>(0)?);
        Ok(())
    })?;
    told.retain(|line| line != "ok");
    Ok(told)
}

fn open_writable(path: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | COMMON_FLAGS)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn create_new_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn folder_of(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).to_owned()
}

/// How the name of a copy begins that is not finished: what a killed program leaves, and may be removed.
pub const UNFINISHED: &str = ".posthaste-unfinished-";
