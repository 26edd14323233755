//! A spool's folder: whose it is, what an earlier process left in it, and putting rows in.

use std::{
    fs::{DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::{Arc, mpsc::Sender},
    thread::JoinHandle,
    time::Duration,
};

use parking_lot::Mutex;
use posthaste_core::AttemptRow;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};
use tokio::sync::oneshot;

use crate::{
    SpoolError,
    cursor::{self, Cursor},
    disk::Disk,
    kept::{Keeping, Kept},
    log::{self, Job, Writer},
    record,
    segment::{self, Number},
    state::{Hold, Inside},
};

/// How a spool is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolOptions {
    /// How many bytes may wait, together with what is [kept](Self::keep), which goes where room is needed. On disk it may be
    /// a quarter and a segment (4 MiB) more.
    pub limit: u64,
    /// After how long the store is asked whether it still has the rows that it has taken: one that fails over to another
    /// server may have lost them in between.
    pub hold: Duration,
    /// How long rows are kept after that, to be booked again where the store turns out to have lost what it had. Nothing is
    /// kept with no time at all.
    pub keep: Duration,
    /// How long the store keeps rows before it is told to forget them, for ever without. Rows as old as that are not booked
    /// again: forgotten ones would count twice.
    pub keep_rows: Option<Duration>,
    /// Which books these are, on servers that keep several. What is kept of other ones is dropped.
    pub books: String,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            limit: 1 << 30,
            hold: Duration::from_secs(60),
            keep: Duration::from_secs(7 * 86_400),
            keep_rows: Some(Duration::from_secs(90 * 86_400)),
            books: "posthaste".to_owned(),
        }
    }
}

impl SpoolOptions {
    pub(crate) fn keeping(&self) -> Keeping {
        Keeping { time: self.keep, rows: self.keep_rows }
    }
}

/// The writing half of an opened spool.
pub(crate) struct Spool {
    pub(crate) inside: Arc<Inside>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) keeping: Keeping,
    writer: Mutex<Option<(Sender<Job>, JoinHandle<()>)>>,
    /// Held while rows may still be written; the kernel lets go of it even when the process is killed.
    lock: Mutex<Option<File>>,
}

impl Spool {
    /// Opens what lies on `disk` under a lock that is held already, and counts what an earlier process left.
    pub(crate) fn open(disk: Arc<dyn Disk>, lock: Option<File>, options: &SpoolOptions) -> io::Result<Self> {
        let cursor = Cursor::load(&*disk);
        let keeping = options.keeping();
        let mut left = Vec::new();
        let mut next = cursor.segment + 1;
        for number in segment::set_aside(&*disk)? {
            next = next.max(number + 1);
        }
        for (number, length) in segment::all(&*disk)? {
            next = next.max(number + 1);
            if number < cursor.segment {
                // Its rows are in the store; the process ended before it could put it away.
                let _ = put_away(&*disk, number, keeping.is_on());
                continue;
            }
            // A cursor past the end is none: the file was not the one that it speaks of.
            let from = if number == cursor.segment && cursor.place <= length { cursor.place } else { 0 };
            left.push((number, length, segment::count(&*disk, number, from, length)?));
        }
        let fits = |(number, length, _): &(_, u64, _)| *number == cursor.segment && cursor.place <= *length;
        let cursor = if left.iter().any(fits) { cursor } else { Cursor::default() };
        for (number, _) in segment::kept(&*disk)? {
            next = next.max(number + 1);
        }
        let kept = Kept::open(&*disk, keeping, &options.books, cursor)?;
        let hold = Hold { time: options.hold, most_bytes: options.limit / 4 };
        let inside = Arc::new(Inside::new(left, cursor, hold, kept));
        let writer = Writer::new(Arc::clone(&disk), Arc::clone(&inside), options.limit, next);
        let writer = Mutex::new(Some(log::start(writer)?));
        Ok(Self { inside, disk, keeping, writer, lock: Mutex::new(lock) })
    }

    /// Puts rows in; they are durable when it returns.
    pub(crate) async fn put(&self, rows: &[AttemptRow]) -> Result<(), SpoolError> {
        let mut bytes = Vec::with_capacity(rows.len() * USUAL_BYTES);
        let mut row_bytes = Vec::with_capacity(USUAL_BYTES);
        for row in rows {
            row_bytes.clear();
            serde_json::to_writer(&mut row_bytes, row).map_err(SpoolError::Row)?;
            record::write(&row_bytes, &mut bytes);
        }
        let (done, written) = oneshot::channel();
        let job = Job { bytes, rows: rows.len() as u64, done };
        let sent = self.writer.lock().as_ref().is_some_and(|(jobs, _)| jobs.send(job).is_ok());
        if !sent {
            return Err(SpoolError::Closed);
        }
        written.await.map_err(|_| SpoolError::Closed)?
    }

    /// Ends the writer once it has written what it was handed, and the work on files of a drain that was aborted.
    pub(crate) fn end(&self) {
        self.inside.close();
        let writer = self.writer.lock().take();
        if let Some((jobs, thread)) = writer {
            drop(jobs);
            if thread.join().is_err() {
                tracing::error!("the spool's writer failed");
            }
        }
    }

    /// Lets the folder go: another process may take it.
    pub(crate) fn unlock(&self) {
        *self.lock.lock() = None;
    }

    /// Keeps how far the store came, after the [end](Self::end). When it has everything, nothing is left on disk but what is
    /// kept.
    pub(crate) fn tidy(&self) -> io::Result<()> {
        if !self.inside.is_settled() {
            return self.inside.settled().save(&*self.disk);
        }
        for (number, length) in segment::all(&*self.disk)? {
            put_away(&*self.disk, number, self.keeping.is_on() && length > segment::HEAD.len() as u64)?;
        }
        match self.disk.remove(cursor::NAME) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.disk.sync(),
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.end();
    }
}

/// Takes a segment out of what waits, to be kept or not.
pub(crate) fn put_away(disk: &dyn Disk, number: Number, keep: bool) -> io::Result<()> {
    match keep {
        true => disk.rename(&segment::name(number), &segment::kept_name(number)),
        false => disk.remove(&segment::name(number)),
    }
}

/// Makes the folder where it is missing and takes it for this process.
pub(crate) fn lock(folder: &Path) -> Result<File, SpoolError> {
    let unusable = |source| SpoolError::Folder { folder: folder.to_owned(), source };
    if !folder.is_dir() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(unusable)?;
        if let Some(parent) = folder.parent() {
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(unusable)?;
        }
    }
    let path = folder.join(LOCK);
    let file =
        File::options().create(true).truncate(false).write(true).mode(0o600).open(path).map_err(unusable)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(SpoolError::Held { folder: folder.to_owned() }),
        Err(error) => Err(unusable(error.into())),
    }
}

/// The file stays: removing it would let two have it.
const LOCK: &str = "lock";

/// What a row takes, so that its buffer is made once.
const USUAL_BYTES: usize = 1_024;
