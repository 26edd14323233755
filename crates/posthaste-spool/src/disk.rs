//! The disk, as far as a spool needs it: a port, so that every step can be made to fail in tests.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
};

use posthaste_core::Timestamp;

/// A folder's files.
pub(crate) trait Disk: Send + Sync + 'static {
    /// Makes a new file, for this user alone. It outlasts a power cut only after [`sync`](Self::sync).
    fn create(&self, name: &str) -> io::Result<Box<dyn Appending>>;
    /// The bytes between two places; fewer where the file ends before.
    fn read(&self, name: &str, from: u64, until: u64) -> io::Result<Vec<u8>>;
    /// Names and lengths.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// When a file was last written to.
    fn modified(&self, name: &str) -> io::Result<Timestamp>;
    /// Puts a whole file in a name's place, durably: at no moment is there a part of it.
    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Gives a file another name.
    fn rename(&self, name: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes durable which files there are.
    fn sync(&self) -> io::Result<()>;
}

/// A file that grows.
pub(crate) trait Appending: Send {
    /// Writes behind what is there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes durable what was written.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts off what lies behind `length`.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// A folder of the file system.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Disk for Folder {
    fn create(&self, name: &str) -> io::Result<Box<dyn Appending>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.0.join(name))?;
        Ok(Box::new(file))
    }

    fn read(&self, name: &str, from: u64, until: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.0.join(name))?;
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(until.saturating_sub(from)).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if let Ok(name) = entry.file_name().into_string() {
                found.push((name, entry.metadata()?.len()));
            }
        }
        Ok(found)
    }

    fn modified(&self, name: &str) -> io::Result<Timestamp> {
        Ok(Timestamp::from_secs(fs::metadata(self.0.join(name))?.mtime()))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let beside = self.0.join(format!("{name}.unfinished"));
        let written = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(bytes)?;
            file.sync_data()?;
            fs::rename(&beside, self.0.join(name))
        };
        written().inspect_err(|_| {
            // Half a file is of no use to anybody.
            let _ = fs::remove_file(&beside);
        })?;
        self.sync()
    }

    fn rename(&self, name: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(name), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

impl Appending for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}
