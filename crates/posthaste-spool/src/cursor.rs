//! How far the store behind a spool has taken its rows.
//!
//! Losing it costs work and no correctness: rows that the store has already are known to it.

use std::io;

use crate::{disk::Disk, segment::Number};

/// A place in the spool: everything before it is in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cursor {
    pub(crate) segment: Number,
    /// In bytes from the segment's beginning.
    pub(crate) place: u64,
}

impl Cursor {
    /// Reads it; the very beginning where there is none, or one that cannot be read.
    pub(crate) fn load(disk: &dyn Disk) -> Self {
        disk.read(NAME, 0, LENGTH).ok().and_then(|bytes| Self::parse(&bytes)).unwrap_or_default()
    }

    /// Keeps it, durably.
    pub(crate) fn save(self, disk: &dyn Disk) -> io::Result<()> {
        disk.replace(NAME, &self.to_bytes())
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = [self.segment.to_le_bytes(), self.place.to_le_bytes()].concat();
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (numbers, checksum) = bytes.split_at_checked(16)?;
        if crc32fast::hash(numbers).to_le_bytes() != checksum {
            return None;
        }
        let number = |from: usize| Some(u64::from_le_bytes(numbers.get(from..from + 8)?.try_into().ok()?));
        Some(Self { segment: number(0)?, place: number(8)? })
    }
}

/// Its file.
pub(crate) const NAME: &str = "cursor";

const LENGTH: u64 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_kept_and_not_when_it_is_damaged() {
        let cursor = Cursor { segment: 7, place: 1 << 40 };
        let bytes = cursor.to_bytes();
        assert_eq!(Cursor::parse(&bytes), Some(cursor));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert_eq!(Cursor::parse(&damaged), None);
            assert_eq!(Cursor::parse(&bytes[..at]), None);
        }
    }
}
