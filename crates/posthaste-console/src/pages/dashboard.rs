//! The dashboard: how the relay fares, at a glance.

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::response::Response;
use posthaste_admin::{
    AccountListInput, AccountRow, AdminError, Command, DashboardView, Every, Health, ListPage, ParkedView,
    StatsBy, TrendInput, TrendLine, TrendPoint, TrendView,
};
use posthaste_core::{Area, Timestamp};

use super::spans;
use crate::{
    asked::Asked,
    frame::Frame,
    serve::{Door, Page, shows},
    show::span_words,
};

pub(super) fn pages() -> Vec<Page> {
    vec![shows("", Door::Needs(Area::Usage.read()), show), shows("/", Door::Needs(Area::Usage.read()), show)]
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard {
    p: Frame,
    board: DashboardView,
    range: Range,
    trend: TrendView,
    /// A line for each of those who used most.
    ranked: TrendView,
    by: &'static str,
    resting: Vec<Resting>,
    uptime: Option<String>,
}

/// An account that does not serve now.
struct Resting {
    row: AccountRow,
    parked: ParkedView,
}

/// For which time the charts are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    Day,
    Week,
    Month,
    Year,
}

impl Range {
    pub(super) const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Year];

    pub(super) fn of(word: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|range| Some(range.word()) == word).unwrap_or(Self::Week)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
            Self::Year => "12m",
        }
    }

    fn spans(self) -> (Every, u64) {
        match self {
            Self::Day => (Every::Hour, 1),
            Self::Week => (Every::Day, 7),
            Self::Month => (Every::Day, 30),
            Self::Year => (Every::Month, 365),
        }
    }

    pub(super) fn trend(self, now: Timestamp) -> TrendInput {
        let (every, days) = self.spans();
        let since = Some(now.minus(Duration::from_secs(days * 86_400)));
        TrendInput { every, since, ..TrendInput::default() }
    }
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let range = Range::of(asked.query.text("range"));
    let (by, word) = match asked.query.text("by") {
        Some("key") => (StatsBy::Key, "key"),
        Some("account") => (StatsBy::Account, "account"),
        Some("provider") => (StatsBy::Provider, "provider"),
        _ => (StatsBy::Model, "model"),
    };
    let board: DashboardView = asked.act(Command::Dashboard).await?;
    let trend: TrendView = asked.act(Command::Trend(range.trend(asked.now()))).await?;
    let ranked = TrendInput { by: Some(by), top: Some(8), ..range.trend(asked.now()) };
    let ranked: TrendView = asked.act(Command::Trend(ranked)).await?;
    let resting = resting(&asked).await?;
    let uptime = board.uptime_seconds.map(|secs| span_words(Duration::from_secs(secs), asked.look.language));
    let p = asked.frame(asked.say("Dashboard")).await?;
    asked.page(&Dashboard { p, board, range, trend, ranked, by: word, resting, uptime })
}

async fn resting(asked: &Asked) -> Result<Vec<Resting>, AdminError> {
    let mut resting = Vec::new();
    for state in ["limited", "failing"] {
        let input = AccountListInput {
            state: Some(state.to_owned()),
            page_size: Some(8),
            ..AccountListInput::default()
        };
        let page: Option<ListPage<AccountRow>> =
            asked.act_if_may(Area::Accounts.read(), Command::PageAccounts(input)).await?;
        resting.extend(page.into_iter().flat_map(|page| page.items).filter_map(|row| {
            let Some(Health::Parked(parked)) = row.account.health.clone() else { return None };
            Some(Resting { row, parked })
        }));
    }
    Ok(resting)
}

impl Dashboard {
    fn ranges(&self) -> [Range; 4] {
        Range::ALL
    }

    fn cache_share(&self) -> String {
        let usage = &self.board.today.usage;
        self.p.share(usage.cache_read, usage.prompt())
    }

    fn failed_share(&self) -> String {
        let today = &self.board.today;
        self.p.share(today.attempts - today.completed.min(today.attempts), today.attempts)
    }

    /// Each span of the range with what was used in it, those without use as well.
    fn spans(&self) -> Vec<(Timestamp, TrendPoint)> {
        spans::filled(&self.trend, self.board.at)
    }

    /// The cost of all, of which each has a share.
    fn whole(&self) -> i64 {
        let all = self.trend.lines.first().map_or(0, |line| line.of.totals.cost_nano_usd.as_nanos());
        all.max(1)
    }

    fn span(&self, at: &Timestamp) -> String {
        spans::name(self.trend.every, *at)
    }

    fn prompt(&self, point: &TrendPoint) -> u64 {
        spans::prompt(point)
    }

    fn who(&self, line: &TrendLine) -> String {
        let row = &line.of;
        let named = [&row.key, &row.account].into_iter().flatten().next();
        if let Some(named) = named {
            return named.name.clone().unwrap_or_else(|| named.id.to_string());
        }
        let model = row.model.as_ref().map(ToString::to_string);
        model.or_else(|| row.provider.as_ref().map(ToString::to_string)).unwrap_or_default()
    }
}
