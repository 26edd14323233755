//! Times and sizes as people write them.

use std::{fmt, time::Duration};

/// A number of bytes; written as `64MiB` or as a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub usize);

impl ByteSize {
    /// The number of bytes.
    pub const fn bytes(self) -> usize {
        self.0
    }

    /// Reads a size above zero.
    pub fn parse_text(text: &str) -> Option<Self> {
        let (number, unit) = number_and_unit(text)?;
        let unit = if unit.is_empty() { 1 } else { SIZES.iter().find(|(name, _)| *name == unit)?.1 };
        let bytes = usize::try_from(number.checked_mul(unit)?).ok()?;
        (bytes > 0).then_some(Self(bytes))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as u64;
        match SIZES
            .iter()
            .filter(|(name, _)| name.ends_with("iB"))
            .find(|(_, unit)| bytes.is_multiple_of(*unit))
        {
            Some((name, unit)) => write!(f, "{}{name}", bytes / unit),
            None => write!(f, "{bytes}B"),
        }
    }
}

/// Reads a time above zero.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = number_and_unit(text)?;
    let unit = TIMES.iter().find(|(name, _)| *name == unit)?.1;
    let millis = number.checked_mul(unit)?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

/// Writes a time in the largest unit that leaves no rest.
pub(super) fn show_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    match TIMES.iter().find(|(_, unit)| millis.is_multiple_of(*unit)) {
        Some((name, unit)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

fn number_and_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit.trim_start()))
}

/// The largest first, since that is how a value is shown.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_shown() {
        for text in ["500ms", "10s", "15m", "2h", "3d"] {
            assert_eq!(show_duration(parse_duration(text).unwrap()), text);
        }
        assert_eq!(parse_duration("1500 ms"), Some(Duration::from_millis(1_500)));
        assert_eq!(show_duration(Duration::from_secs(90)), "90s");
        for text in ["", "10", "0s", "-1s", "s", "1.5s", "10 parsecs", "99999999999999999999s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_and_shown() {
        assert_eq!(ByteSize::parse_text("64MiB"), Some(ByteSize(64 << 20)));
        assert_eq!(ByteSize::parse_text("1024"), Some(ByteSize(1_024)));
        assert_eq!(ByteSize::parse_text("1MB"), Some(ByteSize(1_000_000)));
        assert_eq!(ByteSize(64 << 20).to_string(), "64MiB");
        assert_eq!(ByteSize(1_000).to_string(), "1000B");
        for text in ["0", "MiB", "1 mebibyte", "-1", "99999999999GiB"] {
            assert_eq!(ByteSize::parse_text(text), None, "{text}");
        }
    }
}
