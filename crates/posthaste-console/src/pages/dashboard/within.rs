//! For which time the dashboard's charts are, as the address says it.

use std::time::Duration;

use posthaste_admin::{Every, TrendInput};
use posthaste_core::Timestamp;

use crate::{
    fields::Fields,
    pages::{
        reading::{end, moment},
        spans::DAY,
    },
};

/// From when to when, and how long the bars are.
pub(super) struct Within {
    /// The word of the range; empty where days are given.
    pub(super) range: &'static str,
    pub(super) every: Every,
    /// Whether shorter bars were asked for, of which there would be too many.
    pub(super) coarser: bool,
    from: Timestamp,
    to: Option<Timestamp>,
}

impl Within {
    /// Words that nobody knows are left out, so that an old bookmark still leads somewhere.
    pub(super) fn read(query: &Fields, now: Timestamp) -> Self {
        let (from, to) = (moment(query, "from"), end(query, "to"));
        let (range, from, to) = if from.is_some() || to.is_some() {
            ("", from.unwrap_or_else(|| to.unwrap_or(now).minus(USUAL * DAY)), to)
        } else {
            let known = RANGES.into_iter().find(|(word, _)| query.text("range") == Some(*word));
            let (word, days) = known.unwrap_or(RANGES[1]);
            (word, now.minus(days * DAY), None)
        };
        let span = to.unwrap_or(now).since(from);
        let wanted = match query.text("every") {
            Some("hour") => Every::Hour,
            Some("day") => Every::Day,
            Some("month") => Every::Month,
            _ => usual(span),
        };
        let every = fitting(wanted, span);
        Self { range, every, coarser: every != wanted, from, to }
    }

    pub(super) fn trend(&self) -> TrendInput {
        TrendInput { every: self.every, since: Some(self.from), until: self.to, ..TrendInput::default() }
    }
}

fn usual(span: Duration) -> Every {
    match span {
        span if span <= 3 * DAY => Every::Hour,
        span if span <= 92 * DAY => Every::Day,
        _ => Every::Month,
    }
}

/// The wanted length of the bars, or a longer one where there would be more of them than a chart shows.
fn fitting(wanted: Every, span: Duration) -> Every {
    match wanted {
        Every::Hour if span > 15 * DAY => fitting(Every::Day, span),
        Every::Day if span > 400 * DAY => Every::Month,
        fits => fits,
    }
}

/// The fixed ranges and how many days they reach back.
pub(super) const RANGES: [(&str, u32); 4] = [("24h", 1), ("7d", 7), ("30d", 30), ("12m", 365)];

/// How many days are shown up to a day where no other beginning is given.
const USUAL: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (String, Option<String>, Every, bool) {
        let now = "2026-11-28T10:30:00Z".parse().unwrap();
        let within = Within::read(&Fields::read(query.as_bytes()), now);
        let TrendInput { since, until, every, .. } = within.trend();
        (since.unwrap().to_string(), until.map(|at| at.to_string()), every, within.coarser)
    }

    #[test]
    fn a_range_reaches_back_from_now() {
        assert_eq!(read(""), ("2026-11-21T10:30:00Z".to_owned(), None, Every::Day, false));
        assert_eq!(read("range=24h").2, Every::Hour);
        assert_eq!(read("range=12m&every=nonsense").2, Every::Month);
        assert_eq!(
            read("range=7d&every=hour"),
            ("2026-11-21T10:30:00Z".to_owned(), None, Every::Hour, false)
        );
    }

    #[test]
    fn both_days_belong_to_the_range() {
        let told = read("from=2026-11-01&to=2026-11-02&range=12m");
        let until = Some("2026-11-03T00:00:00Z".to_owned());
        assert_eq!(told, ("2026-11-01T00:00:00Z".to_owned(), until, Every::Hour, false));
        assert_eq!(read("to=2026-11-02").0, "2026-10-04T00:00:00Z");
        assert_eq!(read("from=2020-01-01").2, Every::Month);
    }

    #[test]
    fn bars_that_would_be_too_many_are_longer() {
        let told = |query| (read(query).2, read(query).3);
        assert_eq!(told("range=30d&every=hour"), (Every::Day, true));
        assert_eq!(told("from=2020-01-01&every=hour"), (Every::Month, true));
        assert_eq!(told("range=30d&every=month"), (Every::Month, false));
    }
}
