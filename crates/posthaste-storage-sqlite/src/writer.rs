//! The one thread that writes. Writes that wait share one commit, whose price is a sync of the disk.

use std::{
    io,
    thread::{self, JoinHandle},
};

use posthaste_storage::StorageError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::error::Failure;

/// Where writes go. Dropping the last one ends the thread once everything is written.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    commands: mpsc::Sender<Command>,
}

impl Writer {
    /// Starts the thread; the connection is its own from now on.
    pub(crate) fn start(connection: Connection) -> io::Result<(Self, JoinHandle<()>)> {
        let (commands, queue) = mpsc::channel(QUEUE);
        let thread = thread::Builder::new().name("posthaste-sqlite".to_owned()).spawn(move || {
            // Of this thread alone, as Linux has it; where it is refused, requests only wait a little longer behind commits.
            let _ = rustix::process::setpriority_process(None, PRIORITY);
            WriterThread { connection, queue }.run();
        })?;
        Ok((Self { commands }, thread))
    }

    /// Runs `work` within a transaction and answers after its commit. `work` is undone when it fails.
    ///
    /// Dropping the future does not call the work back.
    pub(crate) async fn write<T, W>(&self, what: &'static str, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let write = Write { what, state: State::Waiting(work), reply };
        let sent = self.commands.send(Command::Write(Box::new(write))).await;
        sent.map_err(|_| StorageError::unavailable(what, WriterGone))?;
        answer.await.unwrap_or_else(|_| Err(StorageError::unavailable(what, WriterGone)))
    }

    /// Writes what was sent before and ends the thread; before that, where it is wanted, empties the log into the file.
    pub(crate) async fn close(&self, empty_log: bool) -> Result<(), StorageError> {
        let (reply, answer) = oneshot::channel();
        if self.commands.send(Command::Close { reply, empty_log }).await.is_err() {
            return Ok(());
        }
        answer.await.unwrap_or_else(|_| Err(StorageError::unavailable("closing the store", WriterGone)))
    }
}

enum Command {
    Write(Box<dyn Work>),
    Close { reply: oneshot::Sender<Result<(), StorageError>>, empty_log: bool },
}

/// Those who wait for the end.
#[derive(Default)]
struct Closers {
    replies: Vec<oneshot::Sender<Result<(), StorageError>>>,
    /// One of them wants the log emptied.
    empty_log: bool,
}

struct WriterThread {
    connection: Connection,
    queue: mpsc::Receiver<Command>,
}

impl WriterThread {
    fn run(mut self) {
        let mut closers = Closers::default();
        while let Some(command) = self.queue.blocking_recv() {
            let group = self.take_group(command, &mut closers);
            if !group.is_empty() {
                write_group(&mut self.connection, group);
            }
            if !closers.replies.is_empty() {
                // No more is taken; what had been sent already is still received.
                self.queue.close();
            }
        }
        let checkpointed = if closers.empty_log { checkpoint(&self.connection) } else { Ok(()) };
        drop(self.connection);
        for closer in closers.replies {
            // Whoever no longer waits need not be told.
            let _ = closer.send(checkpointed.as_ref().copied().map_err(not_checkpointed));
        }
    }

    /// What waits already, without waiting for more.
    fn take_group(&mut self, first: Command, closers: &mut Closers) -> Vec<Box<dyn Work>> {
        let mut group = Vec::new();
        let mut next = Some(first);
        while let Some(command) = next {
            match command {
                Command::Write(write) => group.push(write),
                Command::Close { reply, empty_log } => {
                    closers.replies.push(reply);
                    closers.empty_log |= empty_log;
                }
            }
            next = if group.len() < GROUP { self.queue.try_recv().ok() } else { None };
        }
        group
    }
}

/// Runs a group within one transaction, then answers everybody.
fn write_group(connection: &mut Connection, mut group: Vec<Box<dyn Work>>) {
    let committed = commit_group(connection, &mut group);
    if let Err(error) = &committed {
        tracing::warn!(error = error as &dyn std::error::Error, writes = group.len(), "a commit failed");
    }
    for write in group {
        write.answer(committed.as_ref().copied());
    }
}

fn commit_group(connection: &mut Connection, group: &mut [Box<dyn Work>]) -> Result<(), rusqlite::Error> {
    // Dropped without a commit, the transaction rolls back.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in group {
        apply(&transaction, write.as_mut())?;
    }
    transaction.commit()
}

/// Runs one write in a savepoint of its own, so that its failure does not undo the others.
fn apply(transaction: &Transaction<'_>, write: &mut dyn Work) -> Result<(), rusqlite::Error> {
    transaction.prepare_cached("SAVEPOINT one_write")?.execute([])?;
    if !write.apply(transaction) {
        // When SQLite has rolled back everything by itself (a full disk, an I/O error), this fails, and so do all.
        transaction.prepare_cached("ROLLBACK TO one_write")?.execute([])?;
    }
    transaction.prepare_cached("RELEASE one_write")?.execute([])?;
    Ok(())
}

/// Moves the log into the file and cuts it to nothing. Another process's reader may be in the way; then the log stays,
/// and with it everything that was written.
fn checkpoint(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.pragma_update_and_check(None, "wal_checkpoint", "TRUNCATE", |_| Ok(()))
}

fn not_checkpointed(error: &rusqlite::Error) -> StorageError {
    StorageError::unavailable("emptying the log into the store's file", error.to_string())
}

/// A write on its way: run in the thread, answered after the commit.
trait Work: Send {
    /// Runs the write; `false` when it is to be undone.
    fn apply(&mut self, connection: &Connection) -> bool;

    /// Tells the writer how it went.
    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>);
}

struct Write<T, W> {
    what: &'static str,
    state: State<T, W>,
    reply: oneshot::Sender<Result<T, StorageError>>,
}

enum State<T, W> {
    Waiting(W),
    Running,
    Done(Result<T, Failure>),
}

impl<T, W> Work for Write<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn apply(&mut self, connection: &Connection) -> bool {
        let State::Waiting(work) = std::mem::replace(&mut self.state, State::Running) else { return false };
        let result = work(connection);
        let keep = result.is_ok();
        self.state = State::Done(result);
        keep
    }

    fn answer(self: Box<Self>, committed: Result<(), &rusqlite::Error>) {
        let answer = match (self.state, committed) {
            // Whoever was refused was refused for what the store held, be the others' commit as it may.
            (State::Done(Err(failure)), _) => Err(failure.into_storage_error(self.what)),
            (State::Done(Ok(value)), Ok(())) => Ok(value),
            (_, Err(error)) => Err(StorageError::unavailable(self.what, error.to_string())),
            (_, Ok(())) => Err(StorageError::unavailable(self.what, WriterGone)),
        };
        // Whoever no longer waits need not be told.
        let _ = self.reply.send(answer);
    }
}

/// The store was closed, or its thread died.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the store is closed")]
struct WriterGone;

/// Where both want the same processor, the kernel gives this thread a quarter of it, a little more than booking takes when the
/// relay has all that it can serve: requests go first, and rows do not pile up.
const PRIORITY: i32 = 5;

/// Writes that may wait; who comes then waits for room.
const QUEUE: usize = 4_096;

/// Writes that share a commit at most, so that the first of them does not wait for ever.
const GROUP: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> (Writer, JoinHandle<()>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("test.db")).unwrap();
        connection.execute_batch("CREATE TABLE t (x INTEGER PRIMARY KEY) STRICT").unwrap();
        let (writer, thread) = Writer::start(connection).unwrap();
        (writer, thread, folder)
    }

    async fn insert(writer: Writer, number: i64) -> Result<(), StorageError> {
        let work = move |connection: &Connection| {
            connection.execute("INSERT INTO t VALUES (?1)", [number])?;
            if number % 2 == 0 {
                return Err(Failure::Told(StorageError::Conflict { what: number.to_string() }));
            }
            Ok(())
        };
        writer.write("inserting", work).await
    }

    #[tokio::test]
    async fn a_write_that_fails_is_undone_and_the_others_of_its_commit_are_not() {
        let (writer, _thread, _folder) = writer();
        let mut writes: Vec<_> =
            (0..100).map(|number| tokio::spawn(insert(writer.clone(), number))).collect();
        // A primary key that is there already: SQLite's own refusal, not ours.
        writes.push(tokio::spawn(insert(writer.clone(), 1)));
        let mut failed = 0;
        for write in writes {
            failed += usize::from(write.await.unwrap().is_err());
        }
        assert_eq!(failed, 51);
        let odd = |connection: &Connection| {
            Ok(connection.query_row("SELECT count(*), sum(x % 2) FROM t", [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })?)
        };
        assert_eq!(writer.write("counting", odd).await.unwrap(), (50, 50));
    }

    #[test]
    fn writes_that_wait_share_a_commit() {
        let (commands, queue) = mpsc::channel(QUEUE);
        let mut thread = WriterThread { connection: Connection::open_in_memory().unwrap(), queue };
        let waiting = || {
            let state = State::Waiting(|_: &Connection| Ok(()));
            Command::Write(Box::new(Write { what: "nothing", state, reply: oneshot::channel().0 }))
        };
        for _ in 0..GROUP + 9 {
            commands.try_send(waiting()).ok().unwrap();
        }
        assert_eq!(thread.take_group(waiting(), &mut Closers::default()).len(), GROUP);
        assert_eq!(thread.take_group(waiting(), &mut Closers::default()).len(), 11);
    }

    #[tokio::test]
    async fn a_failed_commit_is_told_to_all_that_shared_it() {
        let (writer, _thread, _folder) = writer();
        let break_the_commit = |connection: &Connection| {
            connection.execute_batch("INSERT INTO t VALUES (1); COMMIT")?;
            Ok(())
        };
        let broken = writer.write("breaking", break_the_commit).await;
        assert!(matches!(broken, Err(StorageError::Unavailable { .. })), "{broken:?}");
        insert(writer, 3).await.expect("the next commit is not harmed");
    }

    #[tokio::test]
    async fn those_who_serve_go_before_it() {
        let (writer, _thread, _folder) = writer();
        let priority = |_: &Connection| Ok(rustix::process::getpriority_process(None).unwrap());
        assert!(writer.write("looking", priority).await.unwrap() >= PRIORITY);
    }

    #[tokio::test]
    async fn the_thread_ends_with_the_last_handle() {
        let (writer, thread, _folder) = writer();
        insert(writer, 1).await.unwrap();
        tokio::task::spawn_blocking(move || thread.join()).await.unwrap().unwrap();
    }
}
