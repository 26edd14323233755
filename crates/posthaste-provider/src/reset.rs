//! When an upstream says that asking again may help.

use std::time::Duration;

use http::{HeaderMap, header};
use posthaste_core::Timestamp;

/// Reads `retry-after-ms` and `retry-after` (seconds, also with a fraction, or an HTTP date, RFC 9110 §10.2.3).
/// Zero and negative values mean that nothing was said.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Timestamp> {
    text(headers, "retry-after-ms")
        .and_then(|value| seconds(value, 1_000.0))
        .map(|wait| now.plus(wait))
        .or_else(|| {
            let value = text(headers, header::RETRY_AFTER.as_str())?;
            seconds(value, 1.0).map(|wait| now.plus(wait)).or_else(|| http_date(value))
        })
        .filter(|until| *until > now)
}

/// Reads an RFC 3339 moment or epoch seconds.
pub(crate) fn moment(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    let value = text(headers, name)?;
    value.parse::<i64>().ok().map(Timestamp::from_secs).or_else(|| value.parse().ok())
}

/// Reads a whole number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// Reads a header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn seconds(value: &str, unit: f64) -> Option<Duration> {
    let amount: f64 = value.parse().ok()?;
    (amount > 0.0).then(|| Duration::try_from_secs_f64(amount / unit).ok()).flatten()
}

fn http_date(value: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(value).ok().map(|date| date.timestamp().into())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("retry-after", "30", Some(1_030))]
    #[case("retry-after", "0.5", Some(1_000))]
    #[case("retry-after", "Thu, 01 Jan 1970 00:20:00 GMT", Some(1_200))]
    #[case("retry-after", "0", None)]
    #[case("retry-after", "-5", None)]
    #[case("retry-after", "soon", None)]
    #[case("retry-after", "Thu, 01 Jan 1970 00:00:01 GMT", None)]
    #[case("retry-after", "1e300", None)]
    #[case("retry-after-ms", "2500", Some(1_002))]
    fn retry_after_is_read_in_every_form(
        #[case] name: &'static str,
        #[case] value: &str,
        #[case] until: Option<i64>,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        assert_eq!(retry_after(&headers, Timestamp::from_secs(1_000)).map(Timestamp::as_secs), until);
    }
}
