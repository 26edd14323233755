//! What was used, and requests.

use posthaste_admin::{
    AdminError, Command, ExplainView, Rank, RequestSummary, RequestsInput, RequestsPage, StatsBy, StatsInput,
    StatsView,
};
use posthaste_core::{Area, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, de::value::StrDeserializer};

use crate::admin::{
    asked::Asked,
    endpoint::{Endpoint, get},
    input::{NoBody, invalid},
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        get("/admin/usage", "What was used and what it cost").needs(Area::Usage.read()).answers_query(
            |asked: Asked, query: StatsQuery, _: NoBody| async move {
                asked.act::<StatsView>(Command::Stats(query.input()?)).await
            },
        ),
        get("/admin/requests", "Requests, the newest first").needs(Area::Requests.read()).answers_query(
            |asked: Asked, query: RequestsQuery, _: NoBody| async move {
                let limit = query.limit.unwrap_or(50).clamp(1, MOST);
                asked.act::<Vec<RequestSummary>>(Command::ListRequests { key: query.key, limit }).await
            },
        ),
        get("/admin/request-details", "Requests, page by page and only those that are wanted")
            .needs(Area::Requests.read())
            .answers_query(|asked: Asked, query: RequestsInput, _: NoBody| async move {
                asked.act::<RequestsPage>(Command::PageRequests(query)).await
            }),
        get("/admin/request-details/{request}", "What became of a request, and why")
            .needs(Area::Requests.read())
            .answers(|asked: Asked, _: NoBody| async move {
                let request = asked.parameter("request");
                asked.act::<ExplainView>(Command::Explain { request, bodies: false }).await
            }),
        get("/admin/requests/{request}", "What became of a request, and why")
            .needs(Area::Requests.read())
            .answers(|asked: Asked, _: NoBody| async move {
                let request = asked.parameter("request");
                asked.act::<ExplainView>(Command::Explain { request, bodies: false }).await
            }),
        get("/admin/requests/{request}/bodies", "The same with the bodies, where they were captured")
            .needs(Area::Bodies.read())
            .answers(|asked: Asked, _: NoBody| async move {
                let request = asked.parameter("request");
                asked.act::<ExplainView>(Command::Explain { request, bodies: true }).await
            }),
    ]
}

/// What is asked of the books.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct StatsQuery {
    /// What sums are told apart by, with commas between: `hour`, `day` or `month`, `key`, `owner`, `team`, `account`,
    /// `model`, `provider`; one sum of all without it.
    by: Option<String>,
    /// Only this client key's, by name or id.
    key: Option<String>,
    /// Only this owner's, by name or id.
    owner: Option<String>,
    /// Only of owners who belong to this team now, by name or id.
    team: Option<String>,
    /// Only this account's, by name or id.
    account: Option<String>,
    /// Only of this model.
    model: Option<String>,
    /// Only of this provider's accounts.
    provider: Option<String>,
    /// From this moment on, rounded down to a whole span.
    since: Option<Timestamp>,
    /// Up to this moment, rounded up to a whole span.
    until: Option<Timestamp>,
    /// Where time does not tell sums apart, by what they are sorted: `cost` (unless told), `requests` or `tokens`.
    rank: Rank,
    /// How many of them are told; 10,000 at most.
    top: Option<usize>,
}

impl StatsQuery {
    fn input(self) -> Result<StatsInput, AdminError> {
        let Self { by, key, owner, team, account, model, provider, since, until, rank, top } = self;
        let words =
            by.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|word| !word.is_empty());
        let read = |word: &str| {
            StatsBy::deserialize(StrDeserializer::<serde::de::value::Error>::new(word))
                .map_err(|error| invalid("by", error.to_string()))
        };
        let by = words.map(read).collect::<Result<_, _>>()?;
        Ok(StatsInput { by, key, owner, team, account, model, provider, since, until, rank, top })
    }
}

/// Which requests are wanted.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct RequestsQuery {
    /// Only this client key's, by name or id.
    key: Option<String>,
    /// How many; 50 unless told, 500 at most.
    limit: Option<usize>,
}

const MOST: usize = 500;
