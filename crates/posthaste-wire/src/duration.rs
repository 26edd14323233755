//! Durations in words, as Go writes them: `1h2m3s`, `6m0s`, `39.07s`, `120ms`. OpenAI's headers and Google's errors have
//! them so.

use std::time::Duration;

/// Reads a duration; `None` for what is none, or has something before or behind it.
pub fn read_duration(text: &str) -> Option<Duration> {
    let (duration, rest) = leading(text)?;
    rest.is_empty().then_some(duration)
}

/// Reads the duration that a text begins with, and gives the text behind it.
pub(crate) fn leading(text: &str) -> Option<(Duration, &str)> {
    let mut seconds = 0.0;
    let mut rest = text;
    while let Some((part, behind)) = leading_part(rest) {
        seconds += part;
        rest = behind;
    }
    if rest.len() == text.len() {
        return None;
    }
    Some((Duration::try_from_secs_f64(seconds).ok()?, rest))
}

/// One number with its unit, in seconds.
fn leading_part(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let (seconds, behind) =
        UNITS.iter().find_map(|(unit, seconds)| Some((*seconds, rest.strip_prefix(unit)?)))?;
    // `5 minutes` in a sentence is no `5m`.
    let ends = !behind.starts_with(|c: char| c.is_alphabetic());
    ends.then_some((number * seconds, behind))
}

/// The longer names first: `ms` begins as `m` does.
const UNITS: [(&str, f64); 8] = [
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ns", 1e-9),
    ("d", 86_400.0),
    ("h", 3_600.0),
    ("m", 60.0),
    ("s", 1.0),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("12ms", 12)]
    #[case("1s", 1_000)]
    #[case("0s", 0)]
    #[case("6m0s", 360_000)]
    #[case("1h2m3s", 3_723_000)]
    #[case("1m30.5s", 90_500)]
    #[case("33740.910s", 33_740_910)]
    #[case("2d", 172_800_000)]
    fn every_form_is_read(#[case] text: &str, #[case] millis: u64) {
        assert_eq!(read_duration(text), Some(Duration::from_millis(millis)));
    }

    #[rstest]
    #[case("")]
    #[case("s")]
    #[case("12")]
    #[case("-3s")]
    #[case("1e9s")]
    #[case("1.2.3s")]
    #[case("5 s")]
    #[case("5minutes")]
    #[case("1s later")]
    #[case("99999999999999999999999999s")]
    fn other_texts_are_none(#[case] text: &str) {
        assert_eq!(read_duration(text), None);
    }

    #[test]
    fn a_sentence_may_follow() {
        assert_eq!(leading("2.502s. Visit"), Some((Duration::from_millis(2_502), ". Visit")));
        assert_eq!(leading("a while"), None);
    }
}
