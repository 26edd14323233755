//! Token counts as vendors write them, read without trust.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A count that may be absent or absurd: whatever is not a number from 0 up reads as `None`, and no number is larger
/// than [`Count::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl Count {
    /// 2^53: far above any real count, exact in every language's numbers, and its sums stay far from overflow.
    pub(crate) const MAX: u64 = 1 << 53;

    /// This count, or else another one.
    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0))
    }

    /// The count, or 0.
    pub(crate) fn or_zero(self) -> u64 {
        self.0.unwrap_or(0)
    }

    /// Puts the count into `place` if there is one.
    pub(crate) fn put(self, place: &mut u64) {
        if let Some(count) = self.0 {
            *place = count;
        }
    }

    fn parse(json: &str) -> Option<u64> {
        if let Ok(count) = json.parse::<u64>() {
            return Some(count.min(Self::MAX));
        }
        let number = json.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0)?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "bounded to 0..=2^53 first, where whole floats are exact"
        )]
        let count = number.min(Self::MAX as f64) as u64;
        Some(count)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // By its text: a number out of range would otherwise fail the whole object it stands in.
        <&RawValue>::deserialize(deserializer).map(|raw| Self(Self::parse(raw.get())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_counts_are_left_out_or_bounded() {
        let read = |json: &str| serde_json::from_str::<Count>(json).unwrap().0;
        assert_eq!(read("0"), Some(0));
        assert_eq!(read("1234"), Some(1_234));
        assert_eq!(read("12.0"), Some(12));
        assert_eq!(read("1e3"), Some(1_000));
        assert_eq!(read("18446744073709551615"), Some(Count::MAX));
        assert_eq!(read("99999999999999999999999999"), Some(Count::MAX));
        for absurd in ["-1", "-0.5", "1e999", "null", "\"12\"", "true", "[]", "{\"n\":1}"] {
            assert_eq!(read(absurd), None, "{absurd}");
        }
    }
}
