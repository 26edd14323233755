//! Decimal numbers as they stand in a text, without a detour over binary ones: `3e-06` dollars are exactly three millionths.

/// A number, or text that holds one, moved by `places` decimal places and rounded half up.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn scaled(raw: &str, places: i32) -> Result<u64, String> {
    let text = raw.trim_matches('"').trim();
    let wrong = || format!("`{}` is no number", shortened(text));
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().map_err(|_| wrong())?),
        None => (text, 0),
    };
    let (is_negative, digits) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let mut value: u128 = 0;
    // Digits behind the thirtieth move no price by a billionth.
    let mut left_out: i32 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if value >= MOST_DIGITS {
            left_out += 1;
        } else {
            value = value * 10 + u128::from(byte - b'0');
        }
    }
    if is_negative && value != 0 {
        return Err(format!("`{}` is below zero", shortened(text)));
    }
    let fraction = i32::try_from(fraction.len()).map_err(|_| wrong())?;
    let shift = i64::from(exponent) - i64::from(fraction) + i64::from(left_out) + i64::from(places);
    shifted(value, shift).ok_or_else(|| format!("`{}` is beyond belief", shortened(text)))
}

fn shifted(value: u128, shift: i64) -> Option<u64> {
    if value == 0 {
        return Some(0);
    }
    if shift >= 0 {
        let factor = 10_u128.checked_pow(u32::try_from(shift).ok()?)?;
        return u64::try_from(value.checked_mul(factor)?).ok();
    }
    // No value has as many digits as that.
    let Some(unit) = u32::try_from(-shift).ok().and_then(|places| 10_u128.checked_pow(places)) else {
        return Some(0);
    };
    u64::try_from((value + unit / 2) / unit).ok()
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

const MOST_DIGITS: u128 = 10_u128.pow(30);

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("3e-06", 15, 3_000_000_000)]
    #[case("1.25e-7", 15, 125_000_000)]
    #[case("0.0000025", 15, 2_500_000_000)]
    #[case("\"0.000003\"", 15, 3_000_000_000)]
    #[case("2", 3, 2_000)]
    #[case("1.1", 3, 1_100)]
    #[case("0.0", 15, 0)]
    #[case("-0.0", 15, 0)]
    #[case("0e99999", 15, 0)]
    // A binary number's tail is rounded away.
    #[case("2.5000000000000001e-06", 15, 2_500_000_000)]
    #[case("1.00000000000000000000000000000000000000000001", 0, 1)]
    #[case("4e-16", 15, 0)]
    #[case("5e-16", 15, 1)]
    #[case("1e-999", 15, 0)]
    fn numbers_are_exact(#[case] text: &str, #[case] places: i32, #[case] expected: u64) {
        assert_eq!(scaled(text, places), Ok(expected));
    }

    #[rstest]
    #[case("-3e-06", "below zero")]
    #[case("\"NaN\"", "no number")]
    #[case("\"inf\"", "no number")]
    #[case("[1]", "no number")]
    #[case("true", "no number")]
    #[case("\"\"", "no number")]
    #[case("\"1,5\"", "no number")]
    #[case("1e99999999999", "no number")]
    #[case("1e9", "beyond belief")]
    #[case("1e300", "beyond belief")]
    fn what_is_no_amount_is_refused(#[case] text: &str, #[case] why: &str) {
        let refused = scaled(text, 15).unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
}
