//! The writer: one thread that appends what others hand over, and makes it durable once for all who wait at the time.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

use crate::{
    SpoolError,
    disk::{Appending, Disk},
    segment::{self, HEAD, Number},
    state::Inside,
};

/// Rows to be written, and who waits for them.
pub(crate) struct Job {
    /// Records.
    pub(crate) bytes: Vec<u8>,
    /// How many.
    pub(crate) rows: u64,
    pub(crate) done: oneshot::Sender<Result<(), SpoolError>>,
}

/// Starts the thread. It ends when the sender is gone.
pub(crate) fn start(writer: Writer) -> io::Result<(Sender<Job>, JoinHandle<()>)> {
    let (sender, jobs) = channel();
    let thread = thread::Builder::new().name("spool".to_owned()).spawn(move || writer.run(&jobs))?;
    Ok((sender, thread))
}

/// The thread's own.
pub(crate) struct Writer {
    disk: Arc<dyn Disk>,
    inside: Arc<Inside>,
    /// What may wait, in bytes.
    limit: u64,
    /// The number of the next segment.
    next: Number,
    current: Option<Current>,
}

/// The segment that grows.
struct Current {
    file: Box<dyn Appending>,
    /// Up to where its rows are acknowledged.
    end: u64,
}

impl Writer {
    pub(crate) fn new(disk: Arc<dyn Disk>, inside: Arc<Inside>, limit: u64, next: Number) -> Self {
        Self { disk, inside, limit, next, current: None }
    }

    fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let mut group = vec![first];
            group.extend(jobs.try_iter());
            self.commit(group);
        }
        self.inside.finish();
    }

    /// Writes what the limit allows and tells everybody how it went.
    fn commit(&mut self, group: Vec<Job>) {
        let mut waiting = self.inside.waiting_bytes();
        let (mut bytes, mut rows, mut tell) = (Vec::new(), 0, Vec::with_capacity(group.len()));
        for job in group {
            if waiting + job.bytes.len() as u64 > self.limit {
                answer(job.done, Err(SpoolError::Full { waiting, limit: self.limit }));
                continue;
            }
            waiting += job.bytes.len() as u64;
            rows += job.rows;
            tell.push(job.done);
            if bytes.is_empty() { bytes = job.bytes } else { bytes.extend(job.bytes) }
        }
        if tell.is_empty() {
            return;
        }
        let written = self.write(&bytes, rows).map_err(Arc::new);
        for done in tell {
            answer(done, written.clone().map_err(SpoolError::Unwritten));
        }
    }

    fn write(&mut self, bytes: &[u8], rows: u64) -> io::Result<()> {
        if self.current.as_ref().is_some_and(|current| current.end >= SEGMENT_BYTES) {
            self.current = None;
            self.inside.finish();
        }
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.begin()?,
        };
        match current.file.append(bytes).and_then(|()| current.file.sync()) {
            Ok(()) => {
                current.end += bytes.len() as u64;
                self.inside.grow(current.end, rows);
                self.current = Some(current);
                Ok(())
            }
            // What of it is on disk, nobody knows, and syncing again would not tell: the kernel forgets what it failed to
            // write. So nothing is ever added to this segment again.
            Err(error) => {
                let _ = current.file.cut(current.end);
                self.inside.finish();
                if error.kind() == io::ErrorKind::StorageFull {
                    // The next try finds room, if there is anything that is only kept.
                    self.drop_oldest_kept();
                }
                Err(error)
            }
        }
    }

    /// What is only kept, in case the store loses it, goes before what waits is refused.
    fn make_room(&self, bytes: u64) {
        while self.inside.live_bytes() + self.inside.kept.bytes() + bytes > self.limit
            && self.drop_oldest_kept()
        {}
    }

    fn drop_oldest_kept(&self) -> bool {
        let Some(number) = self.inside.kept.oldest() else { return false };
        if let Err(error) = self.disk.remove(&segment::kept_name(number)) {
            tracing::warn!(%error, number, "a segment that the spool has kept cannot be removed");
        }
        true
    }

    fn begin(&mut self) -> io::Result<Current> {
        self.make_room(SEGMENT_BYTES);
        let number = self.next;
        self.next += 1;
        let name = segment::name(number);
        let mut file = self.disk.create(&name)?;
        if let Err(error) = file.append(HEAD).and_then(|()| self.disk.sync()) {
            let _ = self.disk.remove(&name);
            if error.kind() == io::ErrorKind::StorageFull {
                self.drop_oldest_kept();
            }
            return Err(error);
        }
        self.inside.begin(number);
        Ok(Current { file, end: HEAD.len() as u64 })
    }
}

fn answer(done: oneshot::Sender<Result<(), SpoolError>>, how: Result<(), SpoolError>) {
    // Whoever no longer waits need not be told.
    let _ = done.send(how);
}

/// A segment is finished beyond this. Small ones go soon after their rows; each costs two more steps of the disk.
const SEGMENT_BYTES: u64 = 4 << 20;
