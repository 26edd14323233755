//! Opening and closing.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use posthaste_storage::{HandedLease, StorageError, StoreHealth, Stores, memory::MemoryFleet};
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, ffi};
use tokio::{sync::Notify, task};

use crate::{
    admission::alone::{self, Alone, AloneAdmission, PausedAdmission},
    error::Failure,
    readers::Readers,
    reports::Reports,
    schema,
    writer::Writer,
};

/// Every port, kept in one SQLite file.
///
/// Several processes may open the file at once. Close it before the program ends: whatever was acknowledged is durable
/// without that, but only a closed store leaves a single file behind.
#[derive(Debug)]
pub struct SqliteStores {
    database: Arc<Database>,
    /// The counters of a process that is alone with the file.
    alone: Option<Arc<Alone>>,
    /// In memory: one relay process at a time serves from the file, so that there is nobody else to tell, and a relay that
    /// starts finds out about rests anew. Other processes on the file are commands, which ask the relay itself.
    fleet: Arc<MemoryFleet>,
    path: PathBuf,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the ports share; each is implemented on it in a file of its own.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    /// What may take long.
    pub(crate) reports: Reports,
    /// Told after each write of a configuration record by this process.
    pub(crate) record_written: Notify,
}

impl SqliteStores {
    /// Opens the file, makes it (mode 0600, its folder must exist) when it is not there, and brings its tables up to
    /// date.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the file is no database of ours or a newer release's, see
    /// [`SchemaError`](crate::SchemaError); it is left as it was. [`StorageError::Unavailable`] when it cannot be used.
    pub fn open(path: &Path) -> Result<Self, StorageError> {
        Self::over(open_writer(path)?, path)
    }

    /// The same for the one process that takes claims: they are answered from memory, counters are saved 20 ms after a change
    /// and at the [`close`](Self::close), and all leases of before are over. Counts of the last 20 ms are lost with a
    /// process that is killed.
    ///
    /// Must be used within a tokio runtime.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_alone(path: &Path) -> Result<Self, StorageError> {
        let connection = open_writer(path)?;
        let places =
            alone::load(&connection).map_err(|error| error.into_storage_error("reading counters"))?;
        let opened = Self::over(connection, path)?;
        let alone = Some(Alone::new(Arc::clone(&opened.database), places));
        Ok(Self { alone, ..opened })
    }

    fn over(connection: Connection, path: &Path) -> Result<Self, StorageError> {
        let (writer, thread) = Writer::start(connection)
            .map_err(|error| StorageError::unavailable("starting the writer's thread", error))?;
        let (readers, reports) = (Readers::new(path.to_owned()), Reports::new(path.to_owned()));
        let database = Database { writer, readers, reports, record_written: Notify::new() };
        let (database, thread) = (Arc::new(database), Mutex::new(Some(thread)));
        let fleet = Arc::new(MemoryFleet::default());
        Ok(Self { database, alone: None, fleet, path: path.to_owned(), thread })
    }

    /// The ports. They share this store, and are of no more use once it is closed.
    pub fn stores(&self) -> Stores {
        Stores {
            config: self.database.clone(),
            admission: match &self.alone {
                Some(alone) => Arc::new(AloneAdmission(Arc::clone(alone))),
                None => self.database.clone(),
            },
            ledger: self.database.clone(),
            affinity: self.database.clone(),
            requests: self.database.clone(),
            sessions: self.database.clone(),
            journals: self.database.clone(),
            account_errors: self.database.clone(),
            locks: self.database.clone(),
            fleet: self.fleet.clone(),
            health: StoreHealth::default(),
        }
    }

    /// Has all claims wait, so that another process can go on with what limits count.
    ///
    /// # Errors
    /// When the store was not [opened alone](Self::open_alone), another process is at it already, or counters cannot be
    /// saved; nobody waits then.
    pub async fn pause_admission(&self) -> Result<PausedAdmission, StorageError> {
        self.alone()?.pause().await
    }

    /// Goes on with what another process has counted in the file until now, and with the leases that it handed on.
    ///
    /// # Errors
    /// When the store was not [opened alone](Self::open_alone), or counters cannot be read.
    pub async fn take_admission(&self, leases: Vec<HandedLease>) -> Result<(), StorageError> {
        self.alone()?.take(leases).await
    }

    fn alone(&self) -> Result<&Arc<Alone>, StorageError> {
        let shared = "this process does not count by itself";
        self.alone.as_ref().ok_or_else(|| StorageError::unavailable("handing over what limits count", shared))
    }

    /// Writes what is waiting and ends the writer, beside another process that goes on: the log is left to that one.
    /// Closing twice does nothing.
    ///
    /// # Errors
    /// When counters could not be saved.
    pub async fn leave(&self) -> Result<(), StorageError> {
        self.end(false).await
    }

    /// Writes what is waiting, empties the log into the file and ends the writer. Closing twice does nothing.
    ///
    /// # Errors
    /// When the log could not be emptied; what was acknowledged is durable all the same.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.end(true).await
    }

    async fn end(&self, empty_log: bool) -> Result<(), StorageError> {
        self.database.readers.close();
        self.database.reports.close();
        let saved = match &self.alone {
            Some(alone) => alone.save().await,
            None => Ok(()),
        };
        let closed = self.database.writer.close(empty_log).await;
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let joined = task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writer's thread has panicked");
            }
        }
        saved.and(closed)
    }

    /// Copies the store as it stands into a new file, see [`backup_file`](crate::backup_file).
    ///
    /// # Errors
    /// As [`backup_file`](crate::backup_file).
    pub async fn backup(&self, to: &Path) -> Result<(), StorageError> {
        crate::backup_file(&self.path, to).await.map(|_| ())
    }
}

/// Opens a connection that reads only.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | COMMON_FLAGS)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

fn open_writer(path: &Path) -> Result<Connection, StorageError> {
    let what = format!("opening {}", path.display());
    create_private(path).map_err(|error| StorageError::unavailable(what.as_str(), error))?;
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | COMMON_FLAGS);
    let mut connection = connection.map_err(|error| StorageError::unavailable(what.as_str(), error))?;
    let failed = |failure: Failure| failure.into_storage_error(&what);

    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| failed(error.into()))?;
    schema::check(&connection)
        .map_err(|error| failed(error.into()))?
        .map_err(|error| StorageError::corrupt(path.display().to_string(), error))?;
    set_up(&connection).map_err(|error| failed(error.into()))?;
    check_writable(&connection).map_err(|error| failed(error.into()))?;
    schema::migrate(&mut connection).map_err(failed)?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<(), rusqlite::Error> {
    enter_wal_mode(connection)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_KEPT, |_| Ok(()))?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", LOG_PAGES, |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

/// Changing the mode of a new file needs it alone, and SQLite does not wait for that by itself.
fn enter_wal_mode(connection: &Connection) -> Result<(), rusqlite::Error> {
    let began = Instant::now();
    loop {
        let entered = connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
        match entered {
            Err(error) if is_busy(&error) && began.elapsed() < BUSY_TIMEOUT => thread::sleep(BUSY_PAUSE),
            other => return other,
        }
    }
}

/// A file or an index of its log that cannot be opened for writing at this moment, SQLite opens for reading: everything seems to be
/// well then, and every write fails for as long as the connection lasts.
fn check_writable(connection: &Connection) -> Result<(), rusqlite::Error> {
    if connection.is_readonly(MAIN_DB)? {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_READONLY), None));
    }
    match connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK") {
        // Somebody else is writing.
        Err(error) if is_busy(&error) => Ok(()),
        checked => checked,
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Makes a file that only its owner can read, unless it is there. SQLite gives the log beside it the same mode.
fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Each connection is used by one thread at a time, so SQLite's own mutexes are not needed.
pub(crate) const COMMON_FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_NO_MUTEX;

/// How long one process waits for another's write.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// What a burst of writes leaves of the log, in bytes.
const LOG_KEPT: i64 = 64 * 1024 * 1024;

/// Roll-ups are touched at random within the present hour, day and month; SQLite's own 2 MiB do not hold them.
const CACHE_KIB: i64 = 32 * 1024;

/// 16 MiB: a page that changes in many commits is moved from the log into the file once for all of them.
const LOG_PAGES: i64 = 4_000;

/// More than there are statements, so that none is compiled twice.
const STATEMENTS: usize = 64;
