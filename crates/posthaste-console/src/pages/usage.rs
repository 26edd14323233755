//! Use and cost: the books, told apart as one asks.

mod export;
mod question;

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use posthaste_admin::{
    AdminError, Command, Every, NamedId, StatsRow, StatsView, TrendPoint, TrendView, UsageTotals,
};
use posthaste_core::{Area, ProviderKind, Timestamp};

use self::question::Question;
use super::spans;
use crate::{
    asked::Asked,
    fields::Fields,
    frame::Frame,
    serve::{Door, Page, shows},
    trouble::is_of_form,
};

pub(super) fn pages() -> Vec<Page> {
    let read = Door::Needs(Area::Usage.read());
    vec![shows("/usage", read, show), shows("/usage/export", read, export::send)]
}

#[derive(Template)]
#[template(path = "usage/list.html")]
struct Usage<'a> {
    p: Frame,
    query: &'a Fields,
    asks: Question,
    /// `None` where the question cannot be answered, for which `trouble` says why.
    answer: Option<Answer>,
    trouble: Option<String>,
    csv: String,
    json: String,
}

struct Answer {
    stats: StatsView,
    trend: TrendView,
    now: Timestamp,
}

async fn show(asked: Arc<Asked>) -> Result<Response, AdminError> {
    let query = &asked.query;
    let asks = Question::read(query, asked.now());
    let (status, answer, trouble) = match answer(&asked, &asks).await {
        Ok(answer) => (StatusCode::OK, Some(answer), None),
        // A name of nobody, say: the filters stay as they were typed.
        Err(error) if is_of_form(&error) => {
            (StatusCode::UNPROCESSABLE_ENTITY, None, Some(asked.say_error(&error)))
        }
        Err(error) => return Err(error),
    };
    let p = asked.frame(asked.say("Use and cost")).await?;
    let (csv, json) = (export::href(query, "csv"), export::href(query, "json"));
    asked.page_as(status, &Usage { p, query, asks, answer, trouble, csv, json })
}

async fn answer(asked: &Asked, asks: &Question) -> Result<Answer, AdminError> {
    let stats: StatsView = asked.act(Command::Stats(asks.stats(&asked.query))).await?;
    let trend: TrendView = asked.act(Command::Trend(asks.trend(&asked.query))).await?;
    Ok(Answer { stats, trend, now: asked.now() })
}

impl Usage<'_> {
    fn ranges(&self) -> Vec<(&'static str, &'static str, String)> {
        fn text(text: &'static str) -> &'static str {
            text
        }
        let ranges = [
            ("today", text("today")),
            ("7d", text("7 days")),
            ("30d", text("30 days")),
            ("12m", text("12 months")),
            ("all", text("ever")),
        ];
        let to =
            |word: &str| self.query.clone().set("since", "").set("until", "").set("range", word).to_query();
        ranges.map(|(word, label)| (word, label, to(word))).to_vec()
    }

    fn ways(&self) -> [(&'static str, &'static str); 7] {
        fn text(text: &'static str) -> &'static str {
            text
        }
        [
            ("model", text("Model")),
            ("key", text("Key")),
            ("owner", text("Owner")),
            ("team", text("Team")),
            ("account", text("Account")),
            ("provider", text("Provider")),
            ("none", text("nothing")),
        ]
    }

    fn periods(&self) -> [(&'static str, &'static str); 4] {
        fn text(text: &'static str) -> &'static str {
            text
        }
        [
            ("", text("no")),
            ("hour", text("by the hour")),
            ("day", text("by the day")),
            ("month", text("by the month")),
        ]
    }

    fn way(&self) -> &'static str {
        let asked = self.asks.by_word();
        self.ways().into_iter().find(|(word, _)| *word == asked).map_or("", |(_, label)| label)
    }

    fn providers(&self) -> &'static [ProviderKind] {
        &ProviderKind::ALL
    }

    /// How many columns stand before the figures.
    fn names(&self) -> usize {
        usize::from(self.asks.every.is_some()) + usize::from(self.asks.by.is_some())
    }

    fn start(&self, at: &Timestamp) -> String {
        let every = self.asks.every.unwrap_or_default();
        match every {
            // A day of another year is none of this one.
            Every::Day => crate::show::day(*at),
            _ => spans::name(every, *at),
        }
    }

    fn who(&self, row: &StatsRow) -> Option<String> {
        let shown = |named: &NamedId| named.name.clone().unwrap_or_else(|| named.id.to_string());
        let named = [&row.key, &row.owner, &row.team, &row.account].into_iter().flatten().next().map(shown);
        let model = || row.model.as_ref().map(ToString::to_string);
        named.or_else(model).or_else(|| row.provider.map(|provider| provider.as_str().to_owned()))
    }

    /// The page of whom a row is about, if there is one.
    fn page_of(&self, row: &StatsRow) -> Option<String> {
        let base = self.p.base();
        let key = row.key.as_ref().map(|key| format!("{base}/keys/{}", key.id));
        key.or_else(|| row.account.as_ref().map(|account| format!("{base}/accounts/{}", account.id)))
    }

    fn failed(&self, totals: &UsageTotals) -> u64 {
        totals.attempts.saturating_sub(totals.completed)
    }

    fn written(&self, totals: &UsageTotals) -> u64 {
        totals.usage.cache_write_5m.saturating_add(totals.usage.cache_write_1h)
    }

    /// The cost of all, of which each row has a share.
    fn whole(&self, stats: &StatsView) -> i64 {
        stats.totals.cost_nano_usd.as_nanos().max(1)
    }

    fn is_filtered(&self) -> bool {
        FILTERS.iter().any(|name| self.query.text(name).is_some())
    }
}

impl Answer {
    fn spans(&self) -> Vec<(Timestamp, TrendPoint)> {
        spans::filled(&self.trend, self.trend.until.map_or(self.now, |until| until.min(self.now)))
    }

    fn span(&self, at: &Timestamp) -> String {
        spans::name(self.trend.every, *at)
    }

    fn prompt(&self, point: &TrendPoint) -> u64 {
        spans::prompt(point)
    }
}

/// What the books can be narrowed down to.
const FILTERS: [&str; 6] = ["key", "owner", "team", "account", "model", "provider"];
