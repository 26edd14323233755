//! When the windows of a plan's quota start anew.

use jiff::{
    civil::Date,
    tz::{TimeZone, offset},
};
use posthaste_core::Timestamp;

/// A window that a plan's quota is counted in. Calendars are those of UTC+8, where the vendors that count so are at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanWindow {
    /// The five hours that lie behind: what was used in them comes back piece by piece, so that no moment is known.
    FiveHours,
    /// A day.
    Day,
    /// A week from Monday on.
    Week,
    /// A month from the day on which the subscription renews.
    PlanMonth,
}

impl PlanWindow {
    /// The name that operators read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FiveHours => "5 hours, rolling",
            Self::Day => "day, from 0:00 UTC+8",
            Self::Week => "week, from Monday 0:00 UTC+8",
            Self::PlanMonth => "month, from the day of renewal, 0:00 UTC+8",
        }
    }

    /// The next moment at which it starts anew; `None` where none is known.
    ///
    /// `plan_day` is the day of the month on which the plan renews, 1 to 31; in shorter months it is their last day.
    pub fn next_reset(self, plan_day: Option<u8>, now: Timestamp) -> Option<Timestamp> {
        let zone = TimeZone::fixed(offset(8));
        let today = zone.to_datetime(now.into()).date();
        let day = match self {
            Self::FiveHours => return None,
            Self::Day => later(today, 1),
            Self::Week => later(today, 7 - i64::from(today.weekday().to_monday_zero_offset())),
            Self::PlanMonth => {
                let day = plan_day.filter(|day| (1..=31).contains(day))?;
                let this_month = in_month(today, 0, day);
                if this_month > today { this_month } else { in_month(today, 1, day) }
            }
        };
        day.at(0, 0, 0, 0).to_zoned_datetime(zone).ok().map(|reset| reset.timestamp().into())
    }
}

/// Reads a moment of UTC+8 that a message tells as `2026-11-26 18:00:00`.
pub(crate) fn told_reset(message: &str, now: Timestamp) -> Option<Timestamp> {
    let zone = TimeZone::fixed(offset(8));
    let bytes = message.as_bytes();
    let starts = (0..bytes.len().saturating_sub(MOMENT.len() - 1)).filter(|start| {
        let fits =
            |(byte, form): (&u8, &u8)| if *form == b'0' { byte.is_ascii_digit() } else { byte == form };
        bytes[*start..].iter().zip(MOMENT).all(fits)
    });
    starts
        .filter_map(|start| message.get(start..start + MOMENT.len()))
        .filter_map(|moment| moment.parse::<jiff::civil::DateTime>().ok())
        .filter_map(|moment| moment.to_zoned_datetime(zone.clone()).ok())
        .map(|moment| Timestamp::from(moment.timestamp()))
        .find(|moment| *moment > now)
}

const MOMENT: &[u8] = b"0000-00-00 00:00:00";

fn later(day: Date, days: i64) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

fn in_month(today: Date, months: i64, day: u8) -> Date {
    let month = today.first_of_month().saturating_add(jiff::Span::new().months(months));
    let day = day.cast_signed().min(month.days_in_month());
    month.with().day(day).build().unwrap_or(month)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::in_the_week(PlanWindow::Week, None, "2026-11-26T12:00:00Z", "2026-11-29T16:00:00Z")]
    #[case::on_monday(PlanWindow::Week, None, "2026-11-29T16:00:00Z", "2026-12-06T16:00:00Z")]
    #[case::sunday_there(PlanWindow::Week, None, "2026-11-29T15:59:59Z", "2026-11-29T16:00:00Z")]
    #[case::day(PlanWindow::Day, None, "2026-11-26T15:00:00Z", "2026-11-26T16:00:00Z")]
    #[case::later_this_month(PlanWindow::PlanMonth, Some(28), "2026-11-26T12:00:00Z", "2026-11-27T16:00:00Z")]
    #[case::on_the_day(PlanWindow::PlanMonth, Some(26), "2026-11-26T12:00:00Z", "2026-12-25T16:00:00Z")]
    #[case::short_month(PlanWindow::PlanMonth, Some(31), "2027-02-01T00:00:00Z", "2027-02-27T16:00:00Z")]
    #[case::leap_year(PlanWindow::PlanMonth, Some(30), "2028-02-01T00:00:00Z", "2028-02-28T16:00:00Z")]
    #[case::past_a_short_end(PlanWindow::PlanMonth, Some(31), "2027-02-28T00:00:00Z", "2027-03-30T16:00:00Z")]
    fn resets(
        #[case] window: PlanWindow,
        #[case] plan_day: Option<u8>,
        #[case] now: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(window.next_reset(plan_day, now.parse().unwrap()), Some(expected.parse().unwrap()));
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let now = Timestamp::from_secs(1_764_000_000);
        assert_eq!(PlanWindow::FiveHours.next_reset(Some(1), now), None);
        assert_eq!(PlanWindow::PlanMonth.next_reset(None, now), None);
        assert_eq!(PlanWindow::PlanMonth.next_reset(Some(32), now), None);
    }

    #[test]
    fn a_message_tells_the_moment() {
        let now = "2026-11-26T00:00:00Z".parse().unwrap();
        let told = |message| told_reset(message, now);
        let reset = Some("2026-11-26T10:30:00Z".parse().unwrap());
        assert_eq!(
            told("Usage limit reached for 5 hour. Your limit will reset at 2026-11-26 18:30:00"),
            reset
        );
        assert_eq!(told("限额将在 2026-11-26 18:30:00 重置。"), reset);
        assert_eq!(told("it was reset at 2026-11-25 18:30:00"), None);
        assert_eq!(told("at 2026-13-45 99:00:00, soon"), None);
        assert_eq!(told(""), None);
    }

    proptest! {
        #[test]
        fn a_reset_lies_ahead_and_within_its_window(secs in 0i64..4_000_000_000, day in 1u8..=31) {
            let now = Timestamp::from_secs(secs);
            for (window, days) in [(PlanWindow::Day, 1), (PlanWindow::Week, 7), (PlanWindow::PlanMonth, 31)] {
                let reset = window.next_reset(Some(day), now).unwrap();
                prop_assert!(reset > now);
                prop_assert!(reset.since(now).as_secs() <= days * 86_400);
            }
        }
    }
}
