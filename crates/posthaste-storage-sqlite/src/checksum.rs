//! Checksums of what is kept: SQLite has none in its file, and a bit that is flipped within a number or a name breaks nothing that it
//! would see.

/// CRC-32 over parts and their lengths.
pub(crate) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    for part in parts {
        sum.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        sum.update(part);
    }
    sum.finalize()
}
