//! What must be true of a spool's reader: whatever lies in a segment, what is whole is found and what is not is told.

use std::fs;

use posthaste_core::AttemptRow;
use tempfile::TempDir;

/// Reads the bytes as a segment, and as the rows of one that is whole.
///
/// # Panics
/// When the reading fails, or is not what was written.
pub fn read(bytes: &[u8]) {
    looked_through(bytes);
    let rows: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').filter(|row| !row.is_empty()).collect();
    let whole: Vec<u8> = rows.iter().flat_map(|row| record(row)).collect();
    let known = rows.iter().filter(|row| serde_json::from_slice::<AttemptRow>(row).is_ok()).count();
    let (found, problems) = looked_through(&whole);
    assert_eq!(found, known as u64, "{problems:?}");
    assert_eq!(problems.is_empty(), known == rows.len(), "{problems:?}");
    assert!(!problems.iter().any(|problem| problem.contains("damaged")), "{problems:?}");
    // Damage at its front costs the rows behind it nothing, unless it makes another record of them.
    let (found, _) = looked_through(&[b"\xffdamage".as_slice(), &whole].concat());
    assert_eq!(found, known as u64);
}

fn looked_through(segment: &[u8]) -> (u64, Vec<String>) {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join(format!("{:020}.rows", 1)), segment).expect("a file");
    let checked = posthaste_spool::check(folder.path()).expect("a segment can be read");
    (checked.rows, checked.problems)
}

/// A record as the spool writes it: a mark, the length, a CRC-32 over length and content, the content.
fn record(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("a short row").to_le_bytes();
    let checksum = crc32fast::hash(&[&length, content].concat()).to_le_bytes();
    [b"\xf5row".as_slice(), &length, &checksum, content].concat()
}
