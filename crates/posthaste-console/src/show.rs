//! Numbers, money and times as people read them, with the exact value for whoever points at them.

use std::{fmt, time::Duration};

use askama::filters::HtmlSafe;
use posthaste_core::{NanoUsd, Timestamp};

use crate::{look::Language, texts};

/// HTML that is made here from numbers, times and the dots of a code alone.
pub(crate) struct Html(String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

/// What templates give as a number: values, and references to them.
pub(crate) trait Number {
    /// As a count; what is below zero counts as nothing.
    fn counted(&self) -> u64;
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl Number for $kind {
            fn counted(&self) -> u64 {
                u64::try_from(*self).unwrap_or_default()
            }
        })*
    };
}

numbers!(u64, u32, usize, i64);

impl<T: Number> Number for &T {
    fn counted(&self) -> u64 {
        (**self).counted()
    }
}

/// `1.2 M`; the whole number on hover.
pub(crate) fn count(number: u64) -> Html {
    let (exact, words) = (grouped(number), count_words(number));
    if words == exact {
        return Html(exact);
    }
    Html(format!(r#"<data value="{number}" title="{exact}">{words}</data>"#))
}

/// The same as words alone, to stand within others.
pub(crate) fn count_words(number: u64) -> String {
    if number < 10_000 { grouped(number) } else { short(number) }
}

/// `$0.0034` with four digits that count; all of them on hover.
pub(crate) fn money(amount: NanoUsd) -> Html {
    Html(format!(r#"<data value="{}" title="{amount}">{}</data>"#, amount.as_nanos(), dollars(amount)))
}

/// A moment, in UTC until a script makes it local.
pub(crate) fn time(at: Timestamp) -> Html {
    let shown = written(at, "%Y-%m-%d %H:%M:%S");
    Html(format!(r#"<time datetime="{}" title="{shown} UTC">{shown} UTC</time>"#, jiff_text(at)))
}

/// A day, UTC.
pub(crate) fn day(at: Timestamp) -> String {
    written(at, "%Y-%m-%d")
}

/// How far away a moment is.
pub(crate) fn away(at: Timestamp, now: Timestamp, language: Language) -> Html {
    let is_past = at <= now;
    let span = if is_past { now.since(at) } else { at.since(now) };
    let words = span_words(span, language);
    let text = |form: &'static str| texts::fill(language, form, &words);
    let text = if is_past { text("{} ago") } else { text("in {}") };
    let exact = written(at, "%Y-%m-%d %H:%M:%S");
    Html(format!(r#"<time datetime="{}" title="{exact} UTC" data-away>{text}</time>"#, jiff_text(at)))
}

/// A code for cameras; `None` where the text is too long for one.
pub(crate) fn picture(text: &str) -> Option<Html> {
    let code = qrcode::QrCode::new(text).ok()?;
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, colour)| *colour == qrcode::Color::Dark);
    let path: String =
        dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + 4, at / width + 4)).collect();
    let side = width + 8;
    Some(Html(format!(
        r##"<svg viewBox="0 0 {side} {side}" width="200" height="200" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path}"/></svg>"##
    )))
}

/// `62 %`, or a dash where there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    if tenths >= 100 {
        format!("{} %", (tenths + 5) / 10)
    } else {
        format!("{}.{} %", tenths / 10, tenths % 10)
    }
}

/// The span in its largest unit, and the next one where that tells more.
pub(crate) fn span_words(span: Duration, language: Language) -> String {
    let secs = span.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    let text = |form: &'static str, value: u64| texts::fill(language, form, &value.to_string());
    let day = || text("{} d", days);
    let hour = |hours| text("{} h", hours);
    let minute = |minutes| text("{} min", minutes);
    match secs {
        0..60 => text("{} s", secs),
        60..3_600 => minute(minutes),
        3_600..86_400 if minutes > 0 && hours < 10 => format!("{} {}", hour(hours), minute(minutes)),
        3_600..86_400 => hour(hours),
        _ if hours > 0 && days < 7 => format!("{} {}", day(), hour(hours)),
        _ => day(),
    }
}

/// `843 ms`, `1.24 s`, `3 min 20 s`.
pub(crate) fn duration(span: Duration) -> String {
    let millis = span.as_millis();
    match millis {
        0 => format!("{:.2} ms", span.as_secs_f64() * 1000.0),
        1..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{:.2} s", span.as_secs_f64()),
        _ => format!("{} min {} s", millis / 60_000, millis / 1_000 % 60),
    }
}

/// `1.5 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let units = [(1_u64 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| bytes >= *unit) else {
        return format!("{bytes} B");
    };
    let tenths = u128::from(bytes) * 10 / u128::from(unit);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

fn dollars(amount: NanoUsd) -> String {
    let nanos = amount.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let nanos = nanos.unsigned_abs();
    let (whole, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    // Rounded half up at the digit that is shown last.
    let rounded = |digits: u32| {
        let unit = 10_u64.pow(9 - digits);
        let units = (nanos + unit / 2) / unit;
        let scale = 10_u64.pow(digits);
        format!("{sign}${}.{:0width$}", grouped(units / scale), units % scale, width = digits as usize)
    };
    match (whole, rest) {
        (0, 0) => "$0".to_owned(),
        (0, 1..1_000) => format!("{sign}<$0.000001"),
        (0, 1_000..100_000) => rounded(6),
        (0, _) => rounded(4),
        (1..1_000, _) => rounded(2),
        (1_000..1_000_000, _) => rounded(0).trim_end_matches('.').trim_end_matches(".0").to_owned(),
        _ => format!("{sign}${}", short(whole)),
    }
}

/// Three digits that count, with k, M, G, T.
fn short(number: u64) -> String {
    let units = [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    let Some((unit, name)) = units.into_iter().find(|(unit, _)| number >= *unit) else {
        return number.to_string();
    };
    let hundredths = u128::from(number) * 100 / u128::from(unit);
    let shown = match hundredths {
        0..1_000 => format!("{}.{:02}", hundredths / 100, hundredths % 100),
        1_000..10_000 => format!("{}.{}", hundredths / 100, hundredths / 10 % 10),
        _ => (hundredths / 100).to_string(),
    };
    format!("{shown} {name}")
}

/// `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// The moment written as the form says, in UTC.
pub(crate) fn written(at: Timestamp, form: &str) -> String {
    jiff::Timestamp::from(at).strftime(form).to_string()
}

fn jiff_text(at: Timestamp) -> String {
    written(at, "%Y-%m-%dT%H:%M:%SZ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_short_and_exact_on_hover() {
        let shown = [
            (0, "$0"),
            (999, "<$0.000001"),
            (3_400, "$0.000003"),
            (3_400_000, "$0.0034"),
            (10_500_000, "$0.0105"),
            (1_234_567_890, "$1.23"),
            (999_999_999_999, "$1,000.00"),
            (12_345_678_900_000, "$12,346"),
            (2_500_000_000_000_000, "$2.50 M"),
            (-1_500_000_000, "-$1.50"),
        ];
        for (nanos, text) in shown {
            assert_eq!(dollars(NanoUsd::from_nanos(nanos)), text, "{nanos}");
        }
        assert!(money(NanoUsd::from_nanos(3_456_789)).to_string().contains(r#"title="$0.003456789""#));
    }

    #[test]
    fn numbers_are_short_where_they_are_long() {
        assert_eq!(count(9_999).to_string(), "9,999");
        assert_eq!(short(10_000), "10.0 k");
        assert_eq!(short(1_234_567), "1.23 M");
        assert_eq!(short(999_999), "999 k");
        assert_eq!(short(u64::MAX), "18446744 T");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!([bytes(1_023), bytes(1_536), bytes(5 << 30)], ["1023 B", "1.5 KiB", "5.0 GiB"]);
    }

    #[test]
    fn shares_and_spans_are_read_at_a_glance() {
        assert_eq!((share(1, 0), share(1, 3), share(1, 1000)), ("–".into(), "33 %".into(), "0.1 %".into()));
        let words = |secs| span_words(Duration::from_secs(secs), Language::English);
        assert_eq!(
            [words(59), words(61), words(5_400), words(90_000), words(864_000)],
            ["59 s", "1 min", "1 h 30 min", "1 d 1 h", "10 d"]
        );
        assert_eq!(duration(Duration::from_micros(430)), "0.43 ms");
        assert_eq!(duration(Duration::from_millis(1_240)), "1.24 s");
    }
}
