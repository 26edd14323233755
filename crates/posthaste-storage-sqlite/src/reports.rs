//! Threads that add up and list for operators, each with a read-only connection, behind whatever serves requests: their
//! priority is low, so that a report on a busy machine takes longer and the relay does not.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use parking_lot::Mutex;
use posthaste_storage::StorageError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::{error::Failure, stores::open_reader};

/// A few threads, made when the first report is asked for; who comes while all are busy waits.
#[derive(Debug)]
pub(crate) struct Reports {
    path: PathBuf,
    threads: Mutex<Option<Threads>>,
}

/// What is to be done with a thread's connection, which is opened when there is none.
type Job = Box<dyn FnOnce(&mut Option<Connection>) + Send>;

#[derive(Debug)]
struct Threads {
    jobs: mpsc::UnboundedSender<Job>,
}

impl Reports {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, threads: Mutex::default() }
    }

    /// Runs `work` on one of the threads.
    pub(crate) async fn read<T, W>(&self, what: &'static str, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let path = self.path.clone();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may have gone.
            if !answer.is_closed() {
                let read = with(connection, &path, work).map_err(|failure| failure.into_storage_error(what));
                let _ = answer.send(read);
            }
        });
        self.send(what, job)?;
        answered.await.map_err(|error| StorageError::unavailable(what, error))?
    }

    /// Ends the threads once they have done what they were asked for.
    pub(crate) fn close(&self) {
        self.threads.lock().take();
    }

    fn send(&self, what: &'static str, job: Job) -> Result<(), StorageError> {
        let mut threads = self.threads.lock();
        let running = match threads.as_ref() {
            Some(running) => running,
            None => {
                let started = start().map_err(|error| StorageError::unavailable(what, error))?;
                threads.insert(started)
            }
        };
        running.jobs.send(job).map_err(|error| StorageError::unavailable(what, error.to_string()))
    }
}

fn start() -> io::Result<Threads> {
    let (jobs, waiting) = mpsc::unbounded_channel::<Job>();
    let waiting = Arc::new(Mutex::new(waiting));
    for number in 0..THREADS {
        let waiting = Arc::clone(&waiting);
        thread::Builder::new().name(format!("reports-{number}")).spawn(move || {
            // Of this thread alone, as Linux has it; where it is refused, reports are only less polite.
            let _ = rustix::process::setpriority_process(None, PRIORITY);
            let mut connection = None;
            loop {
                // The lock is held while waiting: whoever has it takes the next job.
                let next = waiting.lock().blocking_recv();
                match next {
                    Some(job) => job(&mut connection),
                    None => return,
                }
            }
        })?;
    }
    Ok(Threads { jobs })
}

fn with<T>(
    connection: &mut Option<Connection>,
    path: &Path,
    work: impl FnOnce(&Connection) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match connection {
        Some(connection) => work(connection),
        None => {
            let opened = open_reader(path)?;
            opened.pragma_update(None, "cache_size", -CACHE_KIB)?;
            work(connection.insert(opened))
        }
    }
}

/// Two, so that a long report does not stand before every short one.
const THREADS: usize = 2;

/// The kernel gives such a thread a thirtieth of what it gives the relay's own where both want the same processor.
const PRIORITY: i32 = 15;

/// Most of a month's roll-ups.
const CACHE_KIB: i64 = 16 * 1024;
