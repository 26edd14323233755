//! Limits as operators write them in one line: `UNIT=AMOUNT/WINDOW`, with further words behind commas.
//!
//! `requests=100/5h`, `tokens=2M/day@Asia/Shanghai+4`, `cost=25/week:1,models=claude-opus-*`, `concurrency=4`,
//! `requests=1000/total,shadow,name=trial`, `concurrency=2,on-loss=closed`.

use posthaste_core::{Calendar, Limit, LimitUnit, LimitWindow, ModelPattern, NanoUsd, OnLoss};

/// Reads a limit.
///
/// # Errors
/// What is wrong with the text, and what is expected.
pub fn parse_limit(text: &str) -> Result<Limit, String> {
    let mut words = text.split(',').map(str::trim);
    let first = words.next().unwrap_or_default();
    let (unit, rest) = first.split_once('=').ok_or_else(|| format!("`{first}`: {EXPECTED}"))?;
    let unit = unit_of(unit)?;
    let (amount, window) = match rest.split_once('/') {
        Some((amount, window)) => (amount, window_of(window)?),
        None if unit == LimitUnit::Concurrency => (rest, LimitWindow::Now),
        None => return Err(format!("`{first}`: in which window? {EXPECTED}")),
    };
    let mut limit = Limit {
        name: name_of(unit, &window),
        unit,
        amount: amount_of(unit, amount)?,
        window,
        models: Vec::new(),
        shadow: false,
        on_loss: OnLoss::default(),
    };
    for word in words {
        match word.split_once('=') {
            None if word == "shadow" => limit.shadow = true,
            Some(("name", name)) => name.clone_into(&mut limit.name),
            Some(("models", models)) => limit.models = models.split('|').map(ModelPattern::new).collect(),
            Some(("on-loss", on_loss)) => limit.on_loss = on_loss_of(on_loss)?,
            _ => {
                return Err(format!(
                    "`{word}`: expected `models=PATTERN|PATTERN`, `name=NAME`, `on-loss=share|open|closed` or `shadow`"
                ));
            }
        }
    }
    Ok(limit)
}

/// Writes a limit in the form that [`parse_limit`] reads.
pub fn limit_text(limit: &Limit) -> String {
    let amount = match limit.unit {
        LimitUnit::Cost => dollars(limit.amount),
        _ => limit.amount.to_string(),
    };
    let mut text = format!("{}={amount}", limit.unit);
    if limit.window != LimitWindow::Now {
        text.push('/');
        text.push_str(&window_text(&limit.window));
    }
    if !limit.models.is_empty() {
        let models: Vec<_> = limit.models.iter().map(ModelPattern::as_str).collect();
        text.push_str(",models=");
        text.push_str(&models.join("|"));
    }
    if limit.name != name_of(limit.unit, &limit.window) {
        text.push_str(",name=");
        text.push_str(&limit.name);
    }
    if limit.on_loss != OnLoss::default() {
        text.push_str(",on-loss=");
        text.push_str(limit.on_loss.as_str());
    }
    if limit.shadow {
        text.push_str(",shadow");
    }
    text
}

fn unit_of(text: &str) -> Result<LimitUnit, String> {
    [LimitUnit::Requests, LimitUnit::Tokens, LimitUnit::Cost, LimitUnit::Concurrency]
        .into_iter()
        .find(|unit| unit.as_str() == text)
        .ok_or_else(|| format!("`{text}`: expected `requests`, `tokens`, `cost` or `concurrency`"))
}

fn on_loss_of(text: &str) -> Result<OnLoss, String> {
    OnLoss::ALL
        .into_iter()
        .find(|on_loss| on_loss.as_str() == text)
        .ok_or_else(|| format!("`{text}`: expected `share`, `open` or `closed`"))
}

fn amount_of(unit: LimitUnit, text: &str) -> Result<u64, String> {
    if unit == LimitUnit::Cost {
        return nanos_of(text).ok_or_else(|| format!("`{text}`: expected dollars, such as `25` or `0.50`"));
    }
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1_000),
        None => text.strip_suffix('M').map_or((text, 1), |digits| (digits, 1_000_000)),
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| format!("`{text}`: expected a whole number, such as `500`, `20k` or `3M`"))
}

/// Reads an amount of dollars with up to nine decimals, such as `3` or `0.25`, as billionths of a dollar; exact.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_dollars(text: &str) -> Result<u64, String> {
    nanos_of(text).ok_or_else(|| format!("`{text}`: expected dollars, such as `3` or `0.25`"))
}

/// Dollars with up to nine decimals; exact.
fn nanos_of(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let fraction: u64 = format!("{fraction:0<9}").parse().ok()?;
    whole.checked_mul(1_000_000_000)?.checked_add(fraction)
}

fn dollars(nanos: u64) -> String {
    let nanos = NanoUsd::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
    nanos.to_string().trim_start_matches('$').to_owned()
}

fn window_of(text: &str) -> Result<LimitWindow, String> {
    let (span, calendar) = match text.split_once('@') {
        Some((span, calendar)) => (span, calendar_of(calendar)?),
        None => (text, Calendar::default()),
    };
    let (kind, starts_on) = match span.split_once(':') {
        Some((kind, day)) => (kind, Some(day.parse().map_err(|_| format!("`{day}` is no day"))?)),
        None => (span, None),
    };
    Ok(match kind {
        "day" => LimitWindow::Day(calendar),
        "week" => LimitWindow::Week { starts_on: starts_on.unwrap_or(1), calendar },
        "month" => LimitWindow::Month { starts_on: starts_on.unwrap_or(1), calendar },
        "total" => LimitWindow::Total,
        _ => {
            LimitWindow::Rolling { seconds: seconds_of(kind).ok_or_else(|| format!("`{text}`: {EXPECTED}"))? }
        }
    })
}

fn calendar_of(text: &str) -> Result<Calendar, String> {
    let (zone, hour) = text.rsplit_once('+').unwrap_or((text, "0"));
    let hour = hour.parse().map_err(|_| format!("`{hour}` is no hour"))?;
    Ok(Calendar { zone: zone.to_owned(), hour })
}

/// Reads a length of time such as `90s`, `12h` or `30d`, in seconds.
///
/// # Errors
/// What was expected, for people.
pub fn parse_length(text: &str) -> Result<u64, String> {
    seconds_of(text.trim())
        .ok_or_else(|| format!("`{text}`: expected a length such as `90s`, `30m`, `12h` or `30d`"))
}

fn seconds_of(text: &str) -> Option<u64> {
    let unit = text.chars().next_back()?;
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    let (_, seconds) = LENGTHS.into_iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(seconds)
}

fn window_text(window: &LimitWindow) -> String {
    let at = |calendar: &Calendar| match calendar {
        calendar if *calendar == Calendar::default() => String::new(),
        Calendar { zone, hour: 0 } => format!("@{zone}"),
        Calendar { zone, hour } => format!("@{zone}+{hour}"),
    };
    match window {
        LimitWindow::Now => "now".to_owned(),
        LimitWindow::Rolling { seconds } => length_text(*seconds),
        LimitWindow::Day(calendar) => format!("day{}", at(calendar)),
        LimitWindow::Week { starts_on, calendar } => format!("week:{starts_on}{}", at(calendar)),
        LimitWindow::Month { starts_on, calendar } => format!("month:{starts_on}{}", at(calendar)),
        LimitWindow::Total => "total".to_owned(),
    }
}

/// Writes a length in the form that [`parse_length`] reads.
pub fn length_text(seconds: u64) -> String {
    let fits = LENGTHS.into_iter().find(|(_, length)| seconds.is_multiple_of(*length));
    fits.map_or_else(|| format!("{seconds}s"), |(unit, length)| format!("{}{unit}", seconds / length))
}

/// What a limit is called that was given no name.
fn name_of(unit: LimitUnit, window: &LimitWindow) -> String {
    let span = match window {
        LimitWindow::Now => return unit.to_string(),
        LimitWindow::Rolling { seconds } => length_text(*seconds),
        LimitWindow::Day(_) => "day".to_owned(),
        LimitWindow::Week { .. } => "week".to_owned(),
        LimitWindow::Month { .. } => "month".to_owned(),
        LimitWindow::Total => "total".to_owned(),
    };
    format!("{unit}-{span}")
}

/// Longest first.
const LENGTHS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

const EXPECTED: &str = "expected UNIT=AMOUNT/WINDOW, such as `requests=100/5h`, `tokens=2M/day@Asia/Shanghai`, `cost=25/week`, \
                        `cost=100/month:15`, `requests=1000/total` or `concurrency=4`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_it_all() {
        let limit =
            parse_limit("cost=12.5/week:1@Asia/Shanghai+5,models=claude-opus-*|gpt-5*,shadow,name=opus")
                .unwrap();
        let calendar = Calendar { zone: "Asia/Shanghai".to_owned(), hour: 5 };
        assert_eq!(limit.window, LimitWindow::Week { starts_on: 1, calendar });
        assert_eq!((limit.unit, limit.amount, limit.shadow), (LimitUnit::Cost, 12_500_000_000, true));
        assert_eq!((limit.name.as_str(), limit.models.len()), ("opus", 2));
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in [
            "requests=100/5h",
            "requests=7/90s",
            "tokens=2000000/day@Asia/Shanghai",
            "cost=25.00/week:1",
            "cost=0.000000001/month:15@Europe/Berlin+3",
            "concurrency=4",
            "requests=1000/total,models=claude-*,name=trial,shadow",
            "concurrency=4,on-loss=closed",
            "tokens=5/day,name=t,on-loss=open,shadow",
        ] {
            let limit = parse_limit(text).unwrap();
            assert_eq!(limit_text(&limit), text);
            assert_eq!(posthaste_metering::check_limits(&[limit]), Ok(()));
        }
        assert_eq!(parse_limit("tokens=2M/1d").unwrap().amount, 2_000_000);
        assert_eq!(parse_limit("requests=5/60m").unwrap().name, "requests-1h");
    }

    #[test]
    fn other_texts_are_told_what_is_expected() {
        for text in [
            "",
            "requests",
            "requests=5",
            "apples=5/day",
            "requests=x/day",
            "requests=5/fortnight",
            "cost=1.2.3/day",
            "cost=-1/day",
            "requests=5/day@UTC+x",
            "requests=5/week:x",
            "requests=5/day,loud",
            "requests=5/day,on-loss=maybe",
            "tokens=99999999999999999999/day",
        ] {
            let error = parse_limit(text).unwrap_err();
            assert!(error.contains("expected") || error.contains("is no"), "{text}: {error}");
        }
    }
}
