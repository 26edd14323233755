//! Rows as bytes, each so that it can be found and trusted alone.
//!
//! A record is a mark, the length of what it holds, a CRC-32 over both length and content, and the content: a row as JSON.
//! The mark begins with a byte that no UTF-8 text has, so that behind a damaged record the next one is found, and never
//! within a row.

/// Appends a record that holds `content`.
pub(crate) fn write(content: &[u8], out: &mut Vec<u8>) {
    let length = u32::try_from(content.len()).expect("rows are far shorter than 4 GiB").to_le_bytes();
    out.extend_from_slice(&MARK);
    out.extend_from_slice(&length);
    out.extend_from_slice(&checksum(length, content).to_le_bytes());
    out.extend_from_slice(content);
}

/// What stands next in a run of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// A whole record.
    Record(&'a [u8]),
    /// So many bytes that are none.
    Damaged(usize),
    /// So many bytes at the end: the beginning of a record that was never written to its end.
    Cut(usize),
}

/// Reads records, one after the other; the position is behind what was found last.
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Records<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Where the next record begins.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        let rest = &self.bytes[self.at..];
        if rest.is_empty() {
            return None;
        }
        let look = look(rest);
        if let Look::Record(content) = look {
            self.at += HEAD + content.len();
            return Some(Found::Record(content));
        }
        let (skipped, found) = match next_record(rest) {
            Some(skipped) => (skipped, Found::Damaged(skipped)),
            // A file that grew before its bytes came is filled up with zeros.
            None if look == Look::TooShort || rest.iter().all(|&byte| byte == 0) => {
                (rest.len(), Found::Cut(rest.len()))
            }
            None => (rest.len(), Found::Damaged(rest.len())),
        };
        self.at += skipped;
        Some(found)
    }
}

/// What the beginning of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look<'a> {
    Record(&'a [u8]),
    TooShort,
    NoRecord,
}

fn look(bytes: &[u8]) -> Look<'_> {
    let seen = bytes.len().min(MARK.len());
    if bytes[..seen] != MARK[..seen] {
        return Look::NoRecord;
    }
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else { return Look::TooShort };
    let word = |at: usize| [head[at], head[at + 1], head[at + 2], head[at + 3]];
    let (length, expected) = (word(MARK.len()), u32::from_le_bytes(word(MARK.len() + 4)));
    match rest.get(..u32::from_le_bytes(length) as usize) {
        None => Look::TooShort,
        Some(content) if checksum(length, content) == expected => Look::Record(content),
        Some(_) => Look::NoRecord,
    }
}

/// How many bytes lie before the next whole record, if there is one.
fn next_record(bytes: &[u8]) -> Option<usize> {
    let begins = |at: &usize| bytes[*at] == MARK[0] && matches!(look(&bytes[*at..]), Look::Record(_));
    (1..bytes.len()).find(begins)
}

fn checksum(length: [u8; 4], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&length);
    hasher.update(content);
    hasher.finalize()
}

const MARK: [u8; 4] = [0xf5, b'r', b'o', b'w'];

/// Mark, length and checksum.
const HEAD: usize = 12;

#[cfg(test)]
mod tests;
