//! What is asked of the books, as the address says it.

use std::time::Duration;

use posthaste_admin::{Every, Rank, StatsBy, StatsInput, TrendInput};
use posthaste_core::Timestamp;

use crate::{
    fields::Fields,
    pages::{
        reading::{end, moment},
        spans::DAY,
    },
    show::written,
};

/// Over which time, and told apart by what. Words that nobody knows are left out, so that an old bookmark still leads somewhere.
pub(super) struct Question {
    /// The word of the range; empty where moments are given.
    pub(super) range: &'static str,
    pub(super) since: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) by: Option<StatsBy>,
    pub(super) every: Option<Every>,
    pub(super) rank: Rank,
    /// How long the bars of the chart are.
    bars: Every,
}

impl Question {
    pub(super) fn read(query: &Fields, now: Timestamp) -> Self {
        let (since, until) = (moment(query, "since"), end(query, "until"));
        let by = match query.text("by") {
            None => Some(StatsBy::Model),
            Some("none") => None,
            // Lengths of time have a field of their own.
            Some(word) => Some(WHO.into_iter().find(|by| by.as_str() == word).unwrap_or(StatsBy::Model)),
        };
        let every = match query.text("every") {
            Some("hour") => Some(Every::Hour),
            Some("day") => Some(Every::Day),
            Some("month") => Some(Every::Month),
            _ => None,
        };
        let rank = match query.text("rank") {
            Some("requests") => Rank::Requests,
            Some("tokens") => Rank::Tokens,
            _ => Rank::Cost,
        };
        if since.is_some() || until.is_some() {
            let bars = bars_for(since, until.unwrap_or(now));
            return Self { range: "", since, until, by, every, rank, bars };
        }
        let (range, since, bars) = match query.text("range") {
            Some("today") => ("today", Some(day_of(now)), Every::Hour),
            Some("30d") => ("30d", Some(day_of(now.minus(29 * DAY))), Every::Day),
            Some("12m") => ("12m", Some(month_of(now.minus(335 * DAY))), Every::Month),
            Some("all") => ("all", None, Every::Month),
            _ => ("7d", Some(day_of(now.minus(6 * DAY))), Every::Day),
        };
        Self { range, since, until: None, by, every, rank, bars }
    }

    pub(super) fn by_word(&self) -> &'static str {
        self.by.map_or("none", StatsBy::as_str)
    }

    pub(super) fn stats(&self, query: &Fields) -> StatsInput {
        let given = |name: &str| query.text(name).map(str::to_owned);
        // Where time tells sums apart and no moment is given, the service would take a day or a month only.
        let since = self.since.or(self.every.map(|_| Timestamp::from_secs(0)));
        StatsInput {
            by: self.every.map(by_time).into_iter().chain(self.by).collect(),
            key: given("key"),
            owner: given("owner"),
            team: given("team"),
            account: given("account"),
            model: given("model"),
            provider: given("provider"),
            since,
            until: self.until,
            rank: self.rank,
            top: Some(MOST_ROWS),
        }
    }

    pub(super) fn trend(&self, query: &Fields) -> TrendInput {
        let StatsInput { key, owner, team, account, model, provider, .. } = self.stats(query);
        TrendInput {
            every: self.bars,
            key,
            owner,
            team,
            account,
            model,
            provider,
            since: self.since,
            until: self.until,
            ..TrendInput::default()
        }
    }
}

fn by_time(every: Every) -> StatsBy {
    match every {
        Every::Hour => StatsBy::Hour,
        Every::Day => StatsBy::Day,
        Every::Month => StatsBy::Month,
    }
}

/// Bars that are neither three nor three thousand.
fn bars_for(since: Option<Timestamp>, until: Timestamp) -> Every {
    let Some(since) = since else { return Every::Month };
    match until.since(since) {
        span if span <= 3 * DAY => Every::Hour,
        span if span <= SEASON => Every::Day,
        _ => Every::Month,
    }
}

fn day_of(at: Timestamp) -> Timestamp {
    written(at, "%Y-%m-%dT00:00:00Z").parse().unwrap_or(at)
}

fn month_of(at: Timestamp) -> Timestamp {
    written(at, "%Y-%m-01T00:00:00Z").parse().unwrap_or(at)
}

const WHO: [StatsBy; 6] =
    [StatsBy::Key, StatsBy::Owner, StatsBy::Team, StatsBy::Account, StatsBy::Model, StatsBy::Provider];
const SEASON: Duration = Duration::from_secs(92 * 86_400);
/// As many as a page of 30 KB takes; the files beside it have all rows.
const MOST_ROWS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Question {
        Question::read(&Fields::read(query.as_bytes()), "2026-11-28T10:30:00Z".parse().unwrap())
    }

    fn since(query: &str) -> Option<String> {
        read(query).since.map(|at| at.to_string())
    }

    #[test]
    fn ranges_begin_with_whole_days_and_months() {
        assert_eq!(since("").as_deref(), Some("2026-11-22T00:00:00Z"));
        assert_eq!(since("range=today").as_deref(), Some("2026-11-28T00:00:00Z"));
        assert_eq!(since("range=12m").as_deref(), Some("2025-12-01T00:00:00Z"));
        assert_eq!(since("range=all"), None);
        assert_eq!(since("since=2026-10-01&range=today").as_deref(), Some("2026-10-01T00:00:00Z"));
    }

    #[test]
    fn bars_fit_the_range() {
        let bars = |query| read(query).bars;
        assert_eq!(bars("since=2026-11-27"), Every::Hour);
        assert_eq!(bars("since=2026-10-27"), Every::Day);
        assert_eq!(bars("since=2025-10-27"), Every::Month);
        assert_eq!(bars("until=2025-10-27"), Every::Month);
    }

    #[test]
    fn words_that_nobody_knows_are_left_out() {
        assert_eq!(read("by=hour").by, Some(StatsBy::Model));
        assert_eq!(read("by=none").by, None);
        assert_eq!(
            read("until=2026-11-01").until.map(|at| at.to_string()).as_deref(),
            Some("2026-11-02T00:00:00Z")
        );
    }
}
