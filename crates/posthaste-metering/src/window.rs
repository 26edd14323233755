//! The spans of time that limits count in.

use std::time::Duration;

use jiff::{
    civil::{Date, DateTime},
    tz::TimeZone,
};
use posthaste_core::{Calendar, LimitWindow, Timestamp};

/// Where in time a limit counts at a given moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Span {
    /// This very moment.
    Now,
    /// Opens with the first request and lasts so long.
    Rolling(Duration),
    /// From `start` on, before `end`.
    Between {
        /// The first moment inside.
        start: Timestamp,
        /// The first moment after.
        end: Timestamp,
    },
    /// For ever.
    Total,
}

/// Why a window cannot be counted in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The zone is not in the time zone database.
    #[error("`{0}` is no time zone: give an IANA name such as `UTC`, `Asia/Shanghai` or `Europe/Berlin`")]
    UnknownZone(String),
    /// No such hour.
    #[error("{0} is no hour of a day: give 0 to 23")]
    Hour(u8),
    /// No such day of a week.
    #[error("{0} is no day of a week: give 1 (Monday) to 7 (Sunday)")]
    DayOfWeek(u8),
    /// No such day of a month.
    #[error("{0} is no day of a month: give 1 to 31")]
    DayOfMonth(u8),
    /// A rolling window has no length, or one that no counter should live for.
    #[error("a rolling window of {0} s cannot be counted: give 1 s to 366 days")]
    Length(u64),
}

/// The span of `window` that `now` lies in.
///
/// Spans of a calendar follow each other without a gap and without an overlap, whatever the clocks of the zone do: one
/// begins at its hour by the wall clock, or, where that hour is left out, as soon as the clock has passed it.
///
/// # Errors
/// When the window's settings make no sense.
pub fn span(window: &LimitWindow, now: Timestamp) -> Result<Span, WindowError> {
    match window {
        LimitWindow::Now => Ok(Span::Now),
        LimitWindow::Total => Ok(Span::Total),
        LimitWindow::Rolling { seconds: seconds @ 1..=LONGEST_ROLLING } => {
            Ok(Span::Rolling(Duration::from_secs(*seconds)))
        }
        LimitWindow::Rolling { seconds } => Err(WindowError::Length(*seconds)),
        LimitWindow::Day(calendar) => between(calendar, now, |today| around(today, 1)),
        LimitWindow::Week { starts_on, calendar } => {
            if !(1..=7).contains(starts_on) {
                return Err(WindowError::DayOfWeek(*starts_on));
            }
            between(calendar, now, |today| {
                let since = (today.weekday().to_monday_one_offset() - starts_on.cast_signed()).rem_euclid(7);
                around(days_later(today, -i64::from(since)), 7)
            })
        }
        LimitWindow::Month { starts_on, calendar } => {
            if !(1..=31).contains(starts_on) {
                return Err(WindowError::DayOfMonth(*starts_on));
            }
            between(calendar, now, |today| {
                [-1, 0, 1, 2].map(|months| day_of_month(today, months, *starts_on))
            })
        }
    }
}

/// Finds the last of the days' starts that has come, and the first that has not.
fn between(
    calendar: &Calendar,
    now: Timestamp,
    days: impl Fn(Date) -> [Date; 4],
) -> Result<Span, WindowError> {
    let zone = TimeZone::get(&calendar.zone).map_err(|_| WindowError::UnknownZone(calendar.zone.clone()))?;
    let hour = i8::try_from(calendar.hour).ok().filter(|hour| *hour < 24);
    let hour = hour.ok_or(WindowError::Hour(calendar.hour))?;
    let today = zone.to_datetime(now.into()).date();
    let starts = days(today).map(|day| start_of(&zone, day.at(hour, 0, 0, 0)));
    let start = starts.into_iter().filter(|start| *start <= now).max();
    let end = starts.into_iter().filter(|start| *start > now).min();
    // At the ends of time, where no calendar reaches.
    Ok(Span::Between { start: start.unwrap_or(now), end: end.unwrap_or(LAST) })
}

fn start_of(zone: &TimeZone, local: DateTime) -> Timestamp {
    local.to_zoned_datetime(zone.clone()).map_or(LAST, |start| start.timestamp().into())
}

/// The day itself with its neighbours, `step` days apart: one before and two after, since a zone may leave a day out.
fn around(day: Date, step: i64) -> [Date; 4] {
    [-1, 0, 1, 2].map(|steps| days_later(day, steps * step))
}

fn days_later(day: Date, days: i64) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

/// The day that a span starts on, some months after this one's; in shorter months, their last day.
fn day_of_month(today: Date, months: i64, starts_on: u8) -> Date {
    let month = today.first_of_month().saturating_add(jiff::Span::new().months(months));
    let day = starts_on.cast_signed().min(month.days_in_month());
    month.with().day(day).build().unwrap_or(month)
}

const LONGEST_ROLLING: u64 = 366 * 24 * 60 * 60;
const LAST: Timestamp = Timestamp::from_micros(i64::MAX);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn calendar(zone: &str, hour: u8) -> Calendar {
        Calendar { zone: zone.to_owned(), hour }
    }

    fn bounds(window: &LimitWindow, now: &str) -> (String, String) {
        match span(window, now.parse().unwrap()).unwrap() {
            Span::Between { start, end } => (start.to_string(), end.to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case::utc("UTC", 0, "2026-11-26T12:00:00Z", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z")]
    #[case::before_the_hour(
        "UTC",
        18,
        "2026-11-26T12:00:00Z",
        "2026-11-25T18:00:00Z",
        "2026-11-26T18:00:00Z"
    )]
    #[case::at_the_hour("UTC", 12, "2026-11-26T12:00:00Z", "2026-11-26T12:00:00Z", "2026-11-27T12:00:00Z")]
    #[case::shanghai(
        "Asia/Shanghai",
        0,
        "2026-11-26T16:00:00Z",
        "2026-11-26T16:00:00Z",
        "2026-11-27T16:00:00Z"
    )]
    // On 2026-03-29 the clocks of Berlin go from 2:00 to 3:00: the day has 23 hours.
    #[case::short_day(
        "Europe/Berlin",
        0,
        "2026-03-29T10:00:00Z",
        "2026-03-28T23:00:00Z",
        "2026-03-29T22:00:00Z"
    )]
    // 2:00 is left out.
    #[case::left_out_hour(
        "Europe/Berlin",
        2,
        "2026-03-29T01:00:00Z",
        "2026-03-29T01:00:00Z",
        "2026-03-30T00:00:00Z"
    )]
    // On 2026-10-25 2:00 comes twice; the first counts.
    #[case::doubled_hour(
        "Europe/Berlin",
        2,
        "2026-10-25T01:30:00Z",
        "2026-10-25T00:00:00Z",
        "2026-10-26T01:00:00Z"
    )]
    // Samoa had no 2011-12-30.
    #[case::left_out_day(
        "Pacific/Apia",
        0,
        "2011-12-30T09:59:59Z",
        "2011-12-29T10:00:00Z",
        "2011-12-30T10:00:00Z"
    )]
    fn days(#[case] zone: &str, #[case] hour: u8, #[case] now: &str, #[case] start: &str, #[case] end: &str) {
        let window = LimitWindow::Day(calendar(zone, hour));
        assert_eq!(bounds(&window, now), (start.to_owned(), end.to_owned()));
    }

    #[rstest]
    #[case::thursday(1, "2026-11-26T12:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z")]
    #[case::on_the_day(4, "2026-11-26T12:00:00Z", "2026-11-26T00:00:00Z", "2026-12-03T00:00:00Z")]
    #[case::sunday(7, "2026-11-26T12:00:00Z", "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z")]
    fn weeks(#[case] starts_on: u8, #[case] now: &str, #[case] start: &str, #[case] end: &str) {
        let window = LimitWindow::Week { starts_on, calendar: Calendar::default() };
        assert_eq!(bounds(&window, now), (start.to_owned(), end.to_owned()));
    }

    #[rstest]
    #[case::first(1, "2026-11-26T12:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")]
    #[case::later_in_the_month(28, "2026-11-26T12:00:00Z", "2026-10-28T00:00:00Z", "2026-11-28T00:00:00Z")]
    #[case::short_month(31, "2026-02-28T12:00:00Z", "2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z")]
    #[case::before_a_short_end(31, "2026-02-27T12:00:00Z", "2026-01-31T00:00:00Z", "2026-02-28T00:00:00Z")]
    #[case::leap_year(30, "2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2028-03-30T00:00:00Z")]
    fn months(#[case] starts_on: u8, #[case] now: &str, #[case] start: &str, #[case] end: &str) {
        let window = LimitWindow::Month { starts_on, calendar: Calendar::default() };
        assert_eq!(bounds(&window, now), (start.to_owned(), end.to_owned()));
    }

    #[test]
    fn settings_that_make_no_sense_are_told() {
        let fails = |window| span(&window, Timestamp::EPOCH).unwrap_err();
        let utc = Calendar::default;
        assert_eq!(
            fails(LimitWindow::Day(calendar("Mars/Olympus", 0))),
            WindowError::UnknownZone("Mars/Olympus".into())
        );
        assert_eq!(fails(LimitWindow::Day(calendar("UTC", 24))), WindowError::Hour(24));
        assert_eq!(fails(LimitWindow::Week { starts_on: 0, calendar: utc() }), WindowError::DayOfWeek(0));
        assert_eq!(fails(LimitWindow::Month { starts_on: 32, calendar: utc() }), WindowError::DayOfMonth(32));
        assert_eq!(fails(LimitWindow::Rolling { seconds: 0 }), WindowError::Length(0));
    }

    #[test]
    fn a_rolling_window_lasts_a_leap_year_at_most() {
        let rolling = |seconds| span(&LimitWindow::Rolling { seconds }, Timestamp::EPOCH);
        assert_eq!(rolling(31_622_400), Ok(Span::Rolling(Duration::from_secs(31_622_400))));
        assert_eq!(rolling(31_622_401), Err(WindowError::Length(31_622_401)));
    }

    /// Whose clocks do what others' do not: half an hour, two hours, a day left out, twice a year by the moon.
    const ZONES: [&str; 13] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Shanghai",
        "Pacific/Apia",
        "Australia/Lord_Howe",
        "America/Havana",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "Antarctica/Troll",
        "America/St_Johns",
        "Asia/Gaza",
        "Pacific/Kwajalein",
    ];

    fn windows() -> impl Strategy<Value = LimitWindow> {
        let calendar =
            || (prop::sample::select(&ZONES[..]), 0u8..24).prop_map(|(zone, hour)| calendar(zone, hour));
        prop_oneof![
            calendar().prop_map(LimitWindow::Day),
            (1u8..=7, calendar()).prop_map(|(starts_on, calendar)| LimitWindow::Week { starts_on, calendar }),
            (1u8..=31, calendar())
                .prop_map(|(starts_on, calendar)| LimitWindow::Month { starts_on, calendar }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whatever the clocks do, spans follow each other without gap and overlap.
        #[test]
        fn spans_tile_time(window in windows(), secs in 0i64..4_000_000_000) {
            let now = Timestamp::from_secs(secs);
            let Ok(Span::Between { start, end }) = span(&window, now) else { panic!("a calendar's span") };
            prop_assert!(start <= now && now < end);
            for inside in [start, Timestamp::from_micros(end.as_micros() - 1)] {
                prop_assert_eq!(span(&window, inside), Ok(Span::Between { start, end }));
            }
            let Ok(Span::Between { start: next, .. }) = span(&window, end) else { panic!("a calendar's span") };
            prop_assert_eq!(next, end);
        }

        /// A day begins at its hour by the wall clock; where that hour was left out, as soon as it has passed. No change of
        /// clocks makes a day shorter or longer than two hours.
        #[test]
        fn a_day_begins_at_its_hour(
            zone in prop::sample::select(&ZONES[..]),
            hour in 0u8..24,
            secs in 631_152_000i64..2_871_763_200,
        ) {
            let window = LimitWindow::Day(calendar(zone, hour));
            let Ok(Span::Between { start, end }) = span(&window, Timestamp::from_secs(secs)) else {
                panic!("a calendar's span")
            };
            let hours = end.since(start).as_secs_f64() / 3_600.0;
            prop_assert!((22.0..=26.0).contains(&hours), "{} h", hours);
            let zone = TimeZone::get(zone).unwrap();
            let local = zone.to_datetime(start.into());
            let asked = local.date().at(hour.cast_signed(), 0, 0, 0);
            let is_no_plain_hour = |day: Date| {
                zone.to_ambiguous_timestamp(day.at(hour.cast_signed(), 0, 0, 0)).is_ambiguous()
            };
            prop_assert!(
                local == asked || is_no_plain_hour(local.date()) || is_no_plain_hour(days_later(local.date(), -1)),
                "{} is not at {} h", local, hour
            );
        }
    }
}
