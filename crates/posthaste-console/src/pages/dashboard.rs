//! The dashboard: how the relay fares, at a glance.

mod within;

use std::{sync::Arc, time::Duration};

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AccountListInput, AccountRow, AdminError, Command, DashboardView, Every, Health, ListPage, ParkedView,
    PlaceOwner, StatsBy, TrendInput, TrendLine, TrendPoint, TrendView, UsageTotals,
};
use posthaste_core::{Area, Timestamp};

use self::within::{RANGES, Within};
use super::spans;
use crate::{
    BASE, answer,
    asked::Asked,
    fields::Fields,
    frame::Frame,
    reasons,
    serve::{Door, Page, shows},
    show::span_words,
    trouble::is_of_form,
};

pub(super) fn pages() -> Vec<Page> {
    // Whoever has logged in comes here first; who may not see it is led to the own page.
    vec![shows("", Door::Person, show), shows("/", Door::Person, show)]
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Dashboard<'a> {
    p: Frame,
    query: &'a Fields,
    board: DashboardView,
    within: Within,
    /// `None` where there are none for such a time, for which `trouble` says why.
    charts: Option<Charts>,
    trouble: Option<String>,
    by: &'static str,
    resting: Vec<Resting>,
    uptime: Option<String>,
}

struct Charts {
    trend: TrendView,
    /// A line for each of those who used most.
    ranked: TrendView,
}

/// An account that does not serve now.
struct Resting {
    row: AccountRow,
    parked: ParkedView,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    if !asked.may(Area::Usage.read()) {
        return Ok(answer::see(&format!("{BASE}/me")));
    }
    let query = &asked.query;
    let within = Within::read(query, asked.now());
    let (by, word) = match query.text("by") {
        Some("key") => (StatsBy::Key, "key"),
        Some("account") => (StatsBy::Account, "account"),
        Some("provider") => (StatsBy::Provider, "provider"),
        _ => (StatsBy::Model, "model"),
    };
    let (board, charts, resting) =
        futures_util::join!(asked.act(Command::Dashboard), charts(&asked, &within, by), resting(&asked));
    let (board, resting): (DashboardView, _) = (board?, resting?);
    let (status, charts, trouble) = match charts {
        Ok(charts) => (StatusCode::OK, Some(charts), None),
        // Days in the wrong order, say: they stay as they were typed, and all else is shown.
        Err(error) if is_of_form(&error) => {
            (StatusCode::UNPROCESSABLE_ENTITY, None, Some(asked.say_error(&error)))
        }
        Err(error) => return Err(error),
    };
    let uptime = board.uptime_seconds.map(|secs| span_words(Duration::from_secs(secs), asked.look.language));
    let p = asked.frame(asked.say("Dashboard")).await?;
    asked.page_as(status, &Dashboard { p, query, board, within, charts, trouble, by: word, resting, uptime })
}

async fn charts(asked: &Asked, within: &Within, by: StatsBy) -> Result<Charts, AdminError> {
    let ranked = TrendInput { by: Some(by), top: Some(8), ..within.trend() };
    let (trend, ranked): (TrendView, TrendView) = futures_util::try_join!(
        asked.act(Command::Trend(within.trend())),
        asked.act(Command::Trend(ranked))
    )?;
    Ok(Charts { trend, ranked })
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

impl Dashboard<'_> {
    fn reason(&self, one: &Resting) -> &'static str {
        reasons::rest(one.parked.reason)
    }

    fn ranges(&self) -> impl Iterator<Item = (&'static str, String)> {
        let bare = self.query.clone().set("from", "").set("to", "").set("every", "");
        RANGES.into_iter().map(move |(word, _)| (word, bare.clone().set("range", word).to_query()))
    }

    fn ways(&self) -> [(&'static str, &'static str, String); 4] {
        fn text(text: &'static str) -> &'static str {
            text
        }
        let ways = [
            ("model", text("Models")),
            ("key", text("Keys")),
            ("account", text("Accounts")),
            ("provider", text("Providers")),
        ];
        ways.map(|(word, label)| (word, label, self.query.clone().set("by", word).to_query()))
    }

    fn lengths(&self) -> [(&'static str, &'static str, bool); 3] {
        fn text(text: &'static str) -> &'static str {
            text
        }
        let every = self.within.every;
        [
            ("hour", text("by the hour"), every == Every::Hour),
            ("day", text("by the day"), every == Every::Day),
            ("month", text("by the month"), every == Every::Month),
        ]
    }

    fn cache_share(&self) -> String {
        let usage = &self.board.today.usage;
        self.p.share(usage.cache_read, usage.prompt())
    }

    fn failed_share(&self) -> String {
        let today = &self.board.today;
        self.p.share(today.attempts - today.completed.min(today.attempts), today.attempts)
    }

    fn written(&self, totals: &UsageTotals) -> u64 {
        totals.usage.cache_write_5m.saturating_add(totals.usage.cache_write_1h)
    }

    /// The page of whose window runs out, and the name.
    fn owner<'a>(&self, owner: &'a PlaceOwner) -> (String, &'a str) {
        let base = self.p.base();
        match owner {
            PlaceOwner::ClientKey { id, name } => (format!("{base}/keys/{id}"), name),
            PlaceOwner::Account { id, name } => (format!("{base}/accounts/{id}"), name),
            PlaceOwner::Pool { id, name } => (format!("{base}/pools/{id}"), name),
        }
    }

    fn is_gone(&self, runs_out_at: &Timestamp) -> bool {
        *runs_out_at <= self.board.at
    }

    /// What came of attempts, in words.
    fn failure<'a>(&self, kind: &'a str) -> &'a str {
        fn text(text: &'static str) -> &'static str {
            text
        }
        self.p.t(match kind {
            "client_fault" => text("refused as the client's fault"),
            "cut" => text("cut off amid the answer"),
            "cancelled" => text("the client left"),
            "rate_limited" => text("rate limited"),
            "quota_exhausted" => text("quota used up"),
            "overloaded" => text("overloaded"),
            "upstream_failed" => text("the upstream failed"),
            "timeout" => text("took too long"),
            "unauthenticated" => text("credential refused"),
            "permission_denied" => text("not permitted"),
            other => other,
        })
    }
}

impl Charts {
    /// Each span of the range with what was used in it, those without use as well.
    fn spans(&self, now: &Timestamp) -> Vec<(Timestamp, TrendPoint)> {
        let end = self.trend.until.map(|until| until.minus(Duration::from_micros(1)));
        spans::filled(&self.trend, end.map_or(*now, |end| end.min(*now)))
    }

    /// The cost of all, of which each has a share.
    fn whole(&self) -> i64 {
        let all = self.trend.lines.first().map_or(0, |line| line.of.totals.cost_nano_usd.as_nanos());
        all.max(1)
    }

    fn span(&self, at: &Timestamp) -> String {
        spans::name(self.trend.every, *at)
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
