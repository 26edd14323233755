//! What an account served, span by span.

use posthaste_admin::{AdminError, Command, Every, TrendInput, TrendPoint, TrendView, UsageTotals};
use posthaste_core::{Area, Timestamp};

use crate::{asked::Asked, pages::spans};

/// A chart of an account.
pub(super) struct Used {
    pub(super) trend: TrendView,
    now: Timestamp,
}

impl Used {
    /// By the day, or by the hour where the query says so; `None` for whoever may not see what is used.
    pub(super) async fn of(asked: &Asked, account: &str) -> Result<Option<Self>, AdminError> {
        let now = asked.now();
        let (every, since) = match asked.query.text("every") {
            Some("hour") => (Every::Hour, now.minus(HOURS * spans::HOUR)),
            _ => (Every::Day, now.minus(DAYS * spans::DAY)),
        };
        let account = Some(account.to_owned());
        let input = TrendInput { every, account, since: Some(since), ..TrendInput::default() };
        let trend: Option<TrendView> = asked.act_if_may(Area::Usage.read(), Command::Trend(input)).await?;
        Ok(trend.map(|trend| Self { trend, now }))
    }

    /// All of it together; `None` where nothing was used.
    pub(super) fn totals(&self) -> Option<&UsageTotals> {
        self.trend.lines.first().map(|line| &line.of.totals).filter(|totals| totals.attempts > 0)
    }

    /// Each span with what it is called, those without use as well.
    pub(super) fn spans(&self) -> Vec<(String, TrendPoint)> {
        let filled = spans::filled(&self.trend, self.now);
        filled.into_iter().map(|(at, point)| (spans::name(self.trend.every, at), point)).collect()
    }

    /// Whether these are the spans that the address calls so.
    pub(super) fn is_by(&self, every: &str) -> bool {
        (every == "hour") == (self.trend.every == Every::Hour)
    }
}

/// How far back it is shown.
const HOURS: u32 = 48;
const DAYS: u32 = 30;
