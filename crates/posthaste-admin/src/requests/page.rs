//! Requests page by page, and only those that are wanted.

use std::collections::BTreeMap;

use posthaste_core::{AccountId, ClientKeyId, RequestId, RequestRecord, StopEnd, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::RequestSummary;
use crate::{Admin, AdminError, directory::Snapshot};

/// Which requests are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RequestsInput {
    /// Only this client key's, by name or id.
    pub key: Option<String>,
    /// Only those that this account was asked for, by name or id.
    pub account: Option<String>,
    /// Only of this model, as clients named it.
    pub model: Option<String>,
    /// Only of this dialect or operation, such as `anthropic_messages` or `embeddings`.
    pub endpoint: Option<String>,
    /// Only those that were answered with this status; `failed` for all that are no success.
    pub status: Option<String>,
    /// Only those that came at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those that came before this moment.
    pub until: Option<Timestamp>,
    /// Goes on where a page ended: what it told as `next`.
    pub after: Option<RequestId>,
    /// How many; 50 unless told, 500 at most.
    pub limit: Option<usize>,
}

/// A part of the list of requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestsPage {
    /// The requests, newest first. There may be fewer than were asked for, and even none, with more to come.
    pub requests: Vec<RequestSummary>,
    /// What to ask for as `after` for the next part; absent where there are no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<RequestId>,
    /// How many records were looked at for this part.
    pub looked_at: usize,
}

/// A page of requests. So many records are looked at and no more, so that a rare wish keeps nobody busy for long.
pub(super) async fn page(admin: &Admin, input: &RequestsInput) -> Result<RequestsPage, AdminError> {
    let limit = input.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(AdminError::invalid("limit", format!("{limit} is not a number from 1 to {MOST}")));
    }
    let known = admin.directory().await?;
    let wanted = Wanted::new(input, &known)?;
    let latest = input.until.map(RequestId::least_at);
    let mut before = match (input.after, latest) {
        (Some(after), Some(latest)) => Some(after.min(latest)),
        (after, latest) => after.or(latest),
    };
    let (mut requests, mut looked_at) = (Vec::new(), 0);
    let next = loop {
        let chunk = if wanted.is_anything { limit - requests.len() } else { CHUNK };
        let records = admin.parts().stores.requests.before(before, chunk).await?;
        let (full, mut over) = (records.len() == chunk, false);
        for record in records {
            if input.since.is_some_and(|since| record.id < RequestId::least_at(since)) {
                over = true;
                break;
            }
            (before, looked_at) = (Some(record.id), looked_at + 1);
            if wanted.has(&record) {
                requests.push(record);
                if requests.len() == limit {
                    break;
                }
            }
        }
        if requests.len() == limit || looked_at >= MOST_LOOKED_AT {
            break before;
        }
        if over || !full {
            break None;
        }
    };
    Ok(RequestsPage { requests: summaries(requests, &known), next, looked_at })
}

/// Requests in a line each, with the names that keys and accounts have now.
pub(super) fn summaries(records: Vec<RequestRecord>, known: &Snapshot) -> Vec<RequestSummary> {
    let mut keys: BTreeMap<ClientKeyId, String> = BTreeMap::new();
    let mut accounts: BTreeMap<AccountId, String> = BTreeMap::new();
    for record in &records {
        if let Some(key) = known.keys.get(&record.key_id.uuid()) {
            keys.insert(record.key_id, key.name.clone());
        }
        for stop in &record.stops {
            if let Some(account) = known.accounts.get(&stop.account.uuid()) {
                accounts.insert(stop.account, account.name.clone());
            }
        }
    }
    records.into_iter().map(|record| RequestSummary::new(record, &keys, &accounts)).collect()
}

struct Wanted<'a> {
    key: Option<Uuid>,
    account: Option<Uuid>,
    model: Option<&'a str>,
    endpoint: Option<&'a str>,
    status: Option<Status>,
    is_anything: bool,
}

#[derive(Clone, Copy)]
enum Status {
    Is(u16),
    Failed,
}

impl<'a> Wanted<'a> {
    fn new(input: &'a RequestsInput, known: &Snapshot) -> Result<Self, AdminError> {
        let key = input.key.as_deref().map(|name| {
            let named = known.keys.iter().find(|(_, key)| key.name == name).map(|(id, _)| *id);
            id_of("client key", name, named)
        });
        let account = input.account.as_deref().map(|name| {
            let named = known.accounts.iter().find(|(_, account)| account.name == name).map(|(id, _)| *id);
            id_of("account", name, named)
        });
        let status = input.status.as_deref().map(|status| match (status, status.parse()) {
            ("failed", _) => Ok(Status::Failed),
            (_, Ok(code)) if (100..600).contains(&code) => Ok(Status::Is(code)),
            _ => Err(AdminError::invalid("status", "is neither `failed` nor an HTTP status such as 429")),
        });
        if let (Some(since), Some(until)) = (input.since, input.until)
            && since >= until
        {
            return Err(AdminError::invalid("until", format!("{until} is not after {since}")));
        }
        let (key, account, status) = (key.transpose()?, account.transpose()?, status.transpose()?);
        let (model, endpoint) = (input.model.as_deref(), input.endpoint.as_deref());
        let is_anything =
            key.is_none() && account.is_none() && model.is_none() && endpoint.is_none() && status.is_none();
        Ok(Self { key, account, model, endpoint, status, is_anything })
    }

    fn has(&self, record: &RequestRecord) -> bool {
        let answered = || record.stops.iter().any(|stop| stop.end == StopEnd::Delivered);
        self.key.is_none_or(|key| record.key_id.uuid() == key)
            && self.account.is_none_or(|id| record.stops.iter().any(|stop| stop.account.uuid() == id))
            && self.model.is_none_or(|model| record.model.as_str() == model)
            && self
                .endpoint
                .is_none_or(|name| record.dialect.as_str() == name || record.operation.as_str() == name)
            && self.status.is_none_or(|status| match status {
                Status::Is(code) => record.status == Some(code),
                Status::Failed => {
                    record.fault.is_some() || !record.status.map_or_else(answered, |code| code < 400)
                }
            })
    }
}

/// Whoever was removed still is in the records, under its id.
fn id_of(noun: &'static str, selector: &str, named: Option<Uuid>) -> Result<Uuid, AdminError> {
    let found = Uuid::try_parse(selector).ok().or(named);
    found.ok_or_else(|| AdminError::NotFound { what: format!("{noun} `{}`", selector.escape_debug()) })
}

const USUAL: usize = 50;
const MOST: usize = 500;

/// Records read at a time.
const CHUNK: usize = 1_000;

/// Some 100 ms' work.
const MOST_LOOKED_AT: usize = 20_000;
