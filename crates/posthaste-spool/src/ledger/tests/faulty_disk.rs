//! A disk that fails as a test says.

use super::*;

/// A disk that fails at one step, or from that step on.
pub(super) struct Faulty {
    folder: Folder,
    pub(super) faults: Arc<Faults>,
}

pub(super) struct Faults {
    pub(super) steps: AtomicUsize,
    /// The step that fails first, and how many do.
    first: usize,
    count: usize,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// Nothing is done.
    Refused,
    /// A write puts half of its bytes down, another step all, and then it fails.
    Half,
}

pub(super) fn faulty(folder: &TempDir, first: usize, count: usize, fault: Fault) -> Arc<Faulty> {
    let faults = Arc::new(Faults { steps: AtomicUsize::new(0), first, count, fault });
    Arc::new(Faulty { folder: plain(folder), faults })
}

impl Faults {
    fn step(&self) -> Option<Fault> {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        (self.first..self.first.saturating_add(self.count)).contains(&step).then_some(self.fault)
    }

    fn around<T>(&self, done: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        match self.step() {
            None => done(),
            Some(Fault::Refused) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Half) => {
                done()?;
                Err(io::Error::other("done, and failed all the same"))
            }
        }
    }
}

struct FaultyFile {
    file: Box<dyn Appending>,
    faults: Arc<Faults>,
}

impl Appending for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.faults.step() {
            None => self.file.append(bytes),
            Some(Fault::Refused) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Half) => {
                self.file.append(&bytes[..bytes.len() / 2])?;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        self.faults.around(|| self.file.sync())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.faults.around(|| self.file.cut(length))
    }
}

impl Disk for Faulty {
    fn create(&self, name: &str) -> io::Result<Box<dyn Appending>> {
        let file = self.faults.around(|| self.folder.create(name))?;
        Ok(Box::new(FaultyFile { file, faults: Arc::clone(&self.faults) }))
    }

    fn read(&self, name: &str, from: u64, until: u64) -> io::Result<Vec<u8>> {
        self.folder.read(name, from, until)
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.folder.list()
    }

    fn modified(&self, name: &str) -> io::Result<Timestamp> {
        self.folder.modified(name)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.faults.around(|| self.folder.replace(name, bytes))
    }

    fn rename(&self, name: &str, to: &str) -> io::Result<()> {
        self.faults.around(|| self.folder.rename(name, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.faults.around(|| self.folder.remove(name))
    }

    fn sync(&self) -> io::Result<()> {
        self.faults.around(|| self.folder.sync())
    }
}
