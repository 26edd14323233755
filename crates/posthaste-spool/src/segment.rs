//! Segments: the files of a spool, numbered in the order in which they were written.

use std::io;

use posthaste_core::AttemptRow;

use crate::{
    disk::Disk,
    record::{Found, Records},
};

/// A segment's number. Numbers only grow.
pub(crate) type Number = u64;

/// A segment's name.
pub(crate) fn name(number: Number) -> String {
    format!("{number:020}.{ENDING}")
}

/// The name that a segment gets once its readable rows are in the store and others are not readable.
pub(crate) fn damaged_name(number: Number) -> String {
    format!("{}{DAMAGED}", name(number))
}

/// The name that a segment gets once the store has all its rows: it is kept in case that loses them.
pub(crate) fn kept_name(number: Number) -> String {
    format!("{number:020}.{KEPT}")
}

/// The numbers and lengths of the segments that are there, in their order.
pub(crate) fn all(disk: &dyn Disk) -> io::Result<Vec<(Number, u64)>> {
    with_ending(disk, ENDING)
}

/// The numbers and lengths of the segments that are kept, in their order.
pub(crate) fn kept(disk: &dyn Disk) -> io::Result<Vec<(Number, u64)>> {
    with_ending(disk, KEPT)
}

fn with_ending(disk: &dyn Disk, ending: &str) -> io::Result<Vec<(Number, u64)>> {
    let files = disk.list()?;
    let mut found: Vec<_> =
        files.iter().filter_map(|(name, length)| Some((parse(name, ending)?, *length))).collect();
    found.sort_unstable();
    Ok(found)
}

/// The numbers of the segments that were set aside, which no other one may have.
pub(crate) fn set_aside(disk: &dyn Disk) -> io::Result<Vec<Number>> {
    let names = disk.list()?;
    Ok(names.iter().filter_map(|(name, _)| parse(name.strip_suffix(DAMAGED)?, ENDING)).collect())
}

fn parse(name: &str, ending: &str) -> Option<Number> {
    name.strip_suffix(ending)?.strip_suffix('.')?.parse().ok()
}

/// The rows of a part of a segment.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// The readable ones, each with the place behind it.
    pub(crate) rows: Vec<(AttemptRow, u64)>,
    /// What is wrong.
    pub(crate) flaws: Flaws,
}

/// What could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flaws {
    /// Bytes that are no record.
    pub(crate) damaged_bytes: u64,
    /// Bytes at the end that were never written to their end.
    pub(crate) cut_bytes: u64,
    /// Whole records whose row is of a form that is not known.
    pub(crate) unknown_rows: u64,
}

impl Flaws {
    /// Whether rows may be missing that were once written whole.
    pub(crate) const fn are_losses(self) -> bool {
        self.damaged_bytes > 0 || self.unknown_rows > 0
    }
}

/// Reads the rows between two places of a segment.
pub(crate) fn read(disk: &dyn Disk, number: Number, from: u64, until: u64) -> io::Result<Part> {
    read_as(disk, &name(number), from, until)
}

/// The same of a file by its name.
pub(crate) fn read_as(disk: &dyn Disk, name: &str, from: u64, until: u64) -> io::Result<Part> {
    let bytes = disk.read(name, from, until)?;
    let mut part = Part::default();
    let mut records = Records::new(strip_head(&bytes, from));
    let skipped = bytes.len() - strip_head(&bytes, from).len();
    while let Some(found) = records.next() {
        let end = from + (skipped + records.position()) as u64;
        match found {
            Found::Record(content) => match serde_json::from_slice(content) {
                Ok(row) => part.rows.push((row, end)),
                Err(_) => part.flaws.unknown_rows += 1,
            },
            Found::Damaged(bytes) => part.flaws.damaged_bytes += bytes as u64,
            Found::Cut(bytes) => part.flaws.cut_bytes += bytes as u64,
        }
    }
    Ok(part)
}

/// How many whole records there are between two places of a segment.
pub(crate) fn count(disk: &dyn Disk, number: Number, from: u64, until: u64) -> io::Result<u64> {
    let bytes = disk.read(&name(number), from, until)?;
    let records = Records::new(strip_head(&bytes, from));
    Ok(records.filter(|found| matches!(found, Found::Record(_))).count() as u64)
}

/// A damaged head is damage like any other: the records behind it are found.
fn strip_head(bytes: &[u8], from: u64) -> &[u8] {
    let head = bytes.len().min(HEAD.len());
    if from == 0 && bytes[..head] == HEAD[..head] { &bytes[head..] } else { bytes }
}

/// What a segment begins with: what it is, and the number of its form.
pub(crate) const HEAD: &[u8; 8] = b"phspool1";

const ENDING: &str = "rows";
const KEPT: &str = "kept";
const DAMAGED: &str = ".damaged";
