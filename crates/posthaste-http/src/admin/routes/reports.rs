//! The dashboard and its charts, also under the predecessor's paths.

use std::time::Duration;

use posthaste_admin::{
    AdminError, Command, DashboardView, Every, Period, Rank, StatsBy, StatsInput, StatsView, TrendInput,
    TrendView,
};
use posthaste_core::{Area, Timestamp};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get},
    input::NoBody,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    let read = Area::Usage.read();
    vec![
        get("/admin/dashboard", "What there is, how it fares, and what was used today and ever")
            .needs(read)
            .answers(|asked: Asked, _: NoBody| async move {
                asked.act::<DashboardView>(Command::Dashboard).await
            }),
        get("/admin/trends", "What was used span by span, of all or of those who used most")
            .needs(read)
            .answers_query(|asked: Asked, query: TrendInput, _: NoBody| trend(asked, query)),
        get("/admin/usage-trend", "What was used span by span").needs(read).answers_query(
            |asked: Asked, query: ChartQuery, _: NoBody| {
                let input = query.trend(&asked, None);
                trend(asked, input)
            },
        ),
        get("/admin/api-keys-usage-trend", "What the client keys that used most used span by span")
            .needs(read)
            .answers_query(|asked: Asked, query: ChartQuery, _: NoBody| {
                let input = query.trend(&asked, Some(StatsBy::Key));
                trend(asked, input)
            }),
        get("/admin/account-usage-trend", "What the accounts that served most served span by span")
            .needs(read)
            .answers_query(|asked: Asked, query: ChartQuery, _: NoBody| {
                let input = query.trend(&asked, Some(StatsBy::Account));
                trend(asked, input)
            }),
        get("/admin/model-stats", "What was used of each model").needs(read).answers_query(
            |asked: Asked, query: PeriodQuery, _: NoBody| {
                let input = query.stats(&asked, StatsBy::Model);
                stats(asked, input)
            },
        ),
        get("/admin/usage-costs", "What was used and what it cost, by model").needs(read).answers_query(
            |asked: Asked, query: PeriodQuery, _: NoBody| {
                let input = query.stats(&asked, StatsBy::Model);
                stats(asked, input)
            },
        ),
        get("/admin/api-keys/{key}/model-stats", "What a client key used of each model")
            .needs(read)
            .answers_query(|asked: Asked, query: PeriodQuery, _: NoBody| {
                let key = Some(asked.parameter("key"));
                let input = StatsInput { key, ..query.stats(&asked, StatsBy::Model) };
                stats(asked, input)
            }),
        get("/admin/accounts/{account}/usage-stats", "What an account served of each model")
            .needs(read)
            .answers_query(|asked: Asked, query: PeriodQuery, _: NoBody| {
                let account = Some(asked.parameter("account"));
                let input = StatsInput { account, ..query.stats(&asked, StatsBy::Model) };
                stats(asked, input)
            }),
        get("/admin/accounts/{account}/usage-history", "What an account served span by span")
            .needs(read)
            .answers_query(|asked: Asked, query: ChartQuery, _: NoBody| {
                let account = Some(asked.parameter("account"));
                let input = TrendInput { account, ..query.trend(&asked, None) };
                trend(asked, input)
            }),
    ]
}

/// Which spans a chart shows, in the predecessor's words.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct ChartQuery {
    /// The length of the spans: `hour`, `day` or `month`.
    granularity: Every,
    /// How many days back, today with them; 7 unless told, and a day by the hour.
    days: Option<u16>,
    /// From this moment on, in place of `days`.
    start_date: Option<Timestamp>,
    /// Up to this moment.
    end_date: Option<Timestamp>,
    /// By what it is told who used most: `cost`, `requests` or `tokens`.
    metric: Rank,
    /// How many lines; 10 unless told.
    top: Option<usize>,
}

impl ChartQuery {
    fn trend(self, asked: &Asked, by: Option<StatsBy>) -> TrendInput {
        let Self { granularity, days, start_date, end_date, metric, top } = self;
        let usual = match granularity {
            Every::Hour => 1,
            Every::Day => 7,
            Every::Month => 365,
        };
        let days = u32::from(days.unwrap_or(usual).max(1));
        // Today is one of them, but a day by the hour is a whole one.
        let back = if granularity == Every::Hour { days } else { days - 1 };
        let since = start_date.unwrap_or_else(|| asked.admin.now().minus(back * DAY));
        let (since, until) = (Some(since), end_date);
        TrendInput { every: granularity, by, top, rank: metric, since, until, ..TrendInput::default() }
    }
}

/// Since when, in the predecessor's words.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct PeriodQuery {
    /// Since when: `daily` for today, `7days`, `monthly` for this month, or `alltime`.
    period: Period,
    /// From this moment on, in place of `period`.
    start_date: Option<Timestamp>,
    /// Up to this moment.
    end_date: Option<Timestamp>,
    /// By what they are sorted: `cost`, `requests` or `tokens`.
    metric: Rank,
}

impl PeriodQuery {
    fn stats(self, asked: &Asked, by: StatsBy) -> StatsInput {
        let Self { period, start_date, end_date, metric } = self;
        let since = start_date.or_else(|| period.since(asked.admin.now()));
        StatsInput { by: vec![by], since, until: end_date, rank: metric, ..StatsInput::default() }
    }
}

async fn trend(asked: Asked, input: TrendInput) -> Result<TrendView, AdminError> {
    asked.act(Command::Trend(input)).await
}

async fn stats(asked: Asked, input: StatsInput) -> Result<StatsView, AdminError> {
    asked.act(Command::Stats(input)).await
}

const DAY: Duration = Duration::from_secs(86_400);
