//! The read-only connections, used on threads that may block.

use std::{path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use posthaste_storage::StorageError;
use rusqlite::Connection;
use tokio::{sync::Semaphore, task};

use crate::{error::Failure, stores::open_reader};

/// A few connections; who comes while all are used waits.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    pool: Arc<Pool>,
    free: Arc<Semaphore>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf) -> Self {
        let pool = Pool { path, idle: Mutex::default() };
        Self { pool: Arc::new(pool), free: Arc::new(Semaphore::new(READERS)) }
    }

    /// Runs `work` on one of the connections.
    pub(crate) async fn read<T, W>(&self, what: &'static str, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        let permit = permit.map_err(|error| StorageError::unavailable(what, error))?;
        let pool = Arc::clone(&self.pool);
        let read = task::spawn_blocking(move || {
            // Held until the work is done, also when nobody waits for it any more.
            let _permit = permit;
            pool.run(work)
        });
        let result = read.await.map_err(|error| StorageError::unavailable(what, error))?;
        result.map_err(|failure| failure.into_storage_error(what))
    }

    /// Closes the connections that are idle.
    pub(crate) fn close(&self) {
        self.pool.idle.lock().clear();
    }
}

impl Pool {
    fn run<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Failure>) -> Result<T, Failure> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let result = work(&connection);
        self.idle.lock().push(connection);
        result
    }
}

const READERS: usize = 2;
