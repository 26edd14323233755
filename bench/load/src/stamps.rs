//! The stamps that the mock upstream writes into each piece of text: `@t=<nanoseconds since 1970>@`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Calls `found` with each whole stamp from `from` on; gives where the next search goes on.
pub(crate) fn scan(body: &[u8], mut from: usize, mut found: impl FnMut(u128)) -> usize {
    while let Some(at) = memchr::memmem::find(&body[from..], b"@t=") {
        let start = from + at + 3;
        let Some(length) = memchr::memchr(b'@', &body[start..]) else { return from + at };
        let digits = str::from_utf8(&body[start..start + length]);
        if let Some(stamp) = digits.ok().and_then(|digits| digits.parse().ok()) {
            found(stamp);
        }
        from = start + length + 1;
    }
    // Two bytes may be the start of a stamp whose rest has not come.
    from.max(body.len().saturating_sub(2))
}

/// Microseconds from the stamp to `now`, both in nanoseconds since 1970.
pub(crate) fn age_us(now: u128, stamp: u128) -> u32 {
    u32::try_from(now.saturating_sub(stamp) / 1000).unwrap_or(u32::MAX)
}

#[expect(clippy::disallowed_methods, reason = "two processes compare stamps of the machine's own clock")]
pub(crate) fn now_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970").as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_cut_anywhere_is_found_once() {
        let body = b"data: @t=123@ lorem @t=456@ ipsum";
        for cut in 0..=body.len() {
            let mut found = Vec::new();
            let next = scan(&body[..cut], 0, |stamp| found.push(stamp));
            scan(body, next, |stamp| found.push(stamp));
            assert_eq!(found, [123, 456], "cut at {cut}");
        }
    }
}
