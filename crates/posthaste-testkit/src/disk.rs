//! A disk that fails under another process, and what a power cut leaves of what that process wrote.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::preload;

/// What a call on a [`FaultyDisk`] does when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskFault {
    /// It fails with `EIO`.
    Io,
    /// It finds no room (`ENOSPC`); reading and syncing go well.
    Full,
    /// A write is made by half, and what follows it in that file finds no room; other calls fail with `EIO`.
    Short,
}

impl DiskFault {
    /// Every member, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Io, Self::Full, Self::Short];

    const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Full => "full",
            Self::Short => "short",
        }
    }
}

/// A library that, loaded before a program's own, makes its calls on some files fail, or writes them down. Linux only; it is
/// compiled with `cc` when the value is made.
#[derive(Debug)]
pub struct FaultyDisk {
    folder: TempDir,
}

impl FaultyDisk {
    /// Compiles it.
    ///
    /// # Panics
    /// When there is no C compiler, which the program's own build needs as well.
    pub fn new() -> Self {
        let folder = preload::compile(include_str!("disk/faulty.c"));
        Self { folder }
    }

    /// Puts it under a program, for files whose path begins with `path`. All calls go well until more is asked for.
    pub fn under<'a>(&self, command: &'a mut Command, path: &Path) -> &'a mut Command {
        command.env("LD_PRELOAD", preload::library(&self.folder)).env("FAULTY_DISK_PATH", path)
    }

    /// As [`under`](Self::under), and `count` calls fail from the `first` on.
    pub fn failing<'a>(
        &self,
        command: &'a mut Command,
        path: &Path,
        fault: DiskFault,
        first: u64,
        count: u64,
    ) -> &'a mut Command {
        self.under(command, path)
            .env("FAULTY_DISK_KIND", fault.name())
            .env("FAULTY_DISK_FIRST", first.to_string())
            .env("FAULTY_DISK_COUNT", count.to_string())
    }

    /// Spares the file that has this behind the path.
    pub fn sparing<'a>(command: &'a mut Command, suffix: &str) -> &'a mut Command {
        command.env("FAULTY_DISK_SPARED", suffix)
    }

    /// Has what changes the files written down to this file, for [`DiskTrace::read`].
    pub fn traced<'a>(command: &'a mut Command, to: &Path) -> &'a mut Command {
        command.env("FAULTY_DISK_TRACE", to)
    }

    /// Has the number of calls written to this file, for [`steps`](Self::steps).
    pub fn counted<'a>(command: &'a mut Command, to: &Path) -> &'a mut Command {
        command.env("FAULTY_DISK_STEPS", to)
    }

    /// How many calls a program made that has come to its end.
    ///
    /// # Panics
    /// When it has not told.
    pub fn steps(told: &Path) -> u64 {
        let text = fs::read_to_string(told).expect("a program that ends tells of its calls");
        text.trim().parse().expect("a number")
    }
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self::new()
    }
}

/// Every call that changed files, in its order.
#[derive(Debug)]
pub struct DiskTrace {
    calls: Vec<Call>,
}

#[derive(Debug)]
struct Call {
    /// What is behind the path that the disk was told: `-wal`, for one.
    file: String,
    change: Change,
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { length: usize },
    Unlink,
    Sync,
    FailedSync,
}

impl DiskTrace {
    /// Reads what [`FaultyDisk::traced`] has written.
    ///
    /// # Panics
    /// When it is not whole.
    pub fn read(path: &Path) -> Self {
        let bytes = fs::read(path).expect("the trace can be read");
        let (mut rest, mut calls) = (&bytes[..], Vec::new());
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').expect("a head is a line");
            let head = str::from_utf8(&rest[..end]).expect("a head is text");
            rest = &rest[end + 1..];
            let (kind, behind) = head.split_once(" [").expect("the call comes first");
            let (file, numbers) = behind.split_once("] ").expect("then the file");
            let (at, length) = numbers.split_once(' ').expect("then two numbers");
            let (at, length): (usize, usize) = (parsed(at), parsed(length));
            let change = match kind {
                "w" => {
                    let (written, behind) = rest.split_at(length);
                    rest = behind;
                    Change::Write { at, bytes: written.to_vec() }
                }
                "t" => Change::Truncate { length: at },
                "u" => Change::Unlink,
                "s" => Change::Sync,
                "f" => Change::FailedSync,
                other => panic!("no call is named {other}"),
            };
            calls.push(Call { file: file.to_owned(), change });
        }
        Self { calls }
    }

    /// How many calls there are.
    pub const fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// What was written to a file by the first `calls` calls, one behind the other: the last it could say before the power cut.
    pub fn said(&self, file: &str, calls: usize) -> Vec<u8> {
        let mut said = Vec::new();
        for call in self.calls[..calls].iter().filter(|call| call.file == file) {
            if let Change::Write { bytes, .. } = &call.change {
                said.extend_from_slice(bytes);
            }
        }
        said
    }

    /// What a power cut behind the first `calls` calls leaves of the files `before`: what was synced is there, and of what was
    /// not, `chance` decides of each call and, within writes, of each sector whether it is. What a failed sync was to make
    /// durable is not made so by a later one that goes well.
    pub fn after_power_cut<'a>(
        &'a self,
        before: &'a BTreeMap<String, Vec<u8>>,
        calls: usize,
        mut chance: impl FnMut() -> bool,
    ) -> BTreeMap<String, Vec<u8>> {
        let kept = |(name, bytes): (&'a String, &Vec<u8>)| {
            (name.as_str(), Kept { bytes: Some(bytes.clone()), pending: Vec::new() })
        };
        let mut disk: BTreeMap<&str, Kept<'_>> = before.iter().map(kept).collect();
        for call in &self.calls[..calls] {
            disk.entry(&call.file).or_default().take(&call.change, &mut chance);
        }
        let mut files = BTreeMap::new();
        for (name, mut kept) in disk {
            kept.settle(&mut chance);
            if let Some(bytes) = kept.bytes {
                files.insert(name.to_owned(), bytes);
            }
        }
        files
    }
}

fn parsed(number: &str) -> usize {
    number.parse().expect("a number of this machine's size")
}

/// One file on the medium, and the changes that are not surely there.
#[derive(Default)]
struct Kept<'a> {
    bytes: Option<Vec<u8>>,
    pending: Vec<&'a Change>,
}

impl<'a> Kept<'a> {
    fn take(&mut self, change: &'a Change, chance: &mut impl FnMut() -> bool) {
        match change {
            Change::Sync => {
                for change in std::mem::take(&mut self.pending) {
                    self.apply(change, &mut || true);
                }
            }
            Change::FailedSync => self.settle(chance),
            pending => self.pending.push(pending),
        }
    }

    fn settle(&mut self, chance: &mut impl FnMut() -> bool) {
        for change in std::mem::take(&mut self.pending) {
            self.apply(change, chance);
        }
    }

    fn apply(&mut self, change: &Change, chance: &mut impl FnMut() -> bool) {
        match change {
            Change::Write { at, bytes } => {
                for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                    if chance() {
                        // A file of which nothing was written is not surely there itself.
                        let there = self.bytes.get_or_insert_default();
                        let at = at + number * SECTOR;
                        if there.len() < at + sector.len() {
                            there.resize(at + sector.len(), 0);
                        }
                        there[at..at + sector.len()].copy_from_slice(sector);
                    }
                }
            }
            Change::Truncate { length } => {
                if chance() {
                    self.bytes.get_or_insert_default().resize(*length, 0);
                }
            }
            Change::Unlink => {
                if chance() {
                    self.bytes = None;
                }
            }
            Change::Sync | Change::FailedSync => {}
        }
    }
}

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// Where a program's own words about its work go, so that they are in the trace among its writes.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(at: usize, byte: u8) -> Call {
        Call { file: "-wal".to_owned(), change: Change::Write { at, bytes: vec![byte; 1_024] } }
    }

    fn nothing() -> BTreeMap<String, Vec<u8>> {
        BTreeMap::new()
    }

    fn sync() -> Call {
        Call { file: "-wal".to_owned(), change: Change::Sync }
    }

    #[test]
    fn what_was_synced_outlasts_a_power_cut_and_the_rest_is_open() {
        let trace = DiskTrace { calls: vec![write(0, 1), sync(), write(1_024, 2)] };
        let none = trace.after_power_cut(&nothing(), 3, || false);
        assert_eq!(none["-wal"], [1; 1_024]);
        let all = trace.after_power_cut(&nothing(), 3, || true);
        assert_eq!(all["-wal"].len(), 2_048);
        let mut turn = false;
        let torn = trace.after_power_cut(&nothing(), 3, || {
            turn = !turn;
            turn
        });
        assert_eq!(torn["-wal"].len(), 1_536, "the first sector of the second write alone");
        assert!(
            trace.after_power_cut(&nothing(), 1, || false).is_empty(),
            "the file itself is not surely there"
        );
    }

    #[test]
    fn a_sync_that_failed_is_not_made_good_by_the_next_one() {
        let failed = Call { file: "-wal".to_owned(), change: Change::FailedSync };
        let trace = DiskTrace { calls: vec![write(0, 1), failed, sync()] };
        assert!(trace.after_power_cut(&nothing(), 3, || false).is_empty());
    }
}
