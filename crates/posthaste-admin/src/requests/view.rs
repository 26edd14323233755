//! Requests as operators see them.

use std::collections::BTreeMap;

use posthaste_core::{
    AccountId, AttemptRow, CapturedBodies, ClientKeyId, ModelName, NanoUsd, PoolId, RequestId, RequestRecord,
    StopEnd, Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One request with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExplainView {
    /// What was noted on its way.
    pub record: RequestRecord,
    /// Its attempts, from the books.
    pub attempts: Vec<AttemptRow>,
    /// What the attempts cost together.
    pub cost: NanoUsd,
    /// What the client key is billed for them.
    pub billed: NanoUsd,
    /// The client key's name; `None` when it was removed.
    pub key: Option<String>,
    /// The names of the accounts that the record mentions; of one that was removed, its id.
    pub accounts: BTreeMap<AccountId, String>,
    /// The names of the pools.
    pub pools: BTreeMap<PoolId, String>,
    /// Whether its bodies are kept.
    pub captured: bool,
    /// Its bodies, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bodies: Option<CapturedBodies>,
}

impl ExplainView {
    pub(super) fn new(
        record: RequestRecord,
        attempts: Vec<AttemptRow>,
        key: Option<String>,
        (accounts, pools): (BTreeMap<AccountId, String>, BTreeMap<PoolId, String>),
        (captured, bodies): (bool, Option<CapturedBodies>),
    ) -> Self {
        let sum = |amount: fn(&AttemptRow) -> NanoUsd| {
            attempts.iter().map(amount).fold(NanoUsd::ZERO, |mut sum, more| {
                sum += more;
                sum
            })
        };
        let (cost, billed) = (sum(|row| row.cost), sum(|row| row.billed));
        Self { record, attempts, cost, billed, key, accounts, pools, captured, bodies }
    }

    /// An account's name.
    pub fn account(&self, id: AccountId) -> String {
        self.accounts.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// An account by its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedAccount {
    /// Its identity.
    pub id: AccountId,
    /// Its name; `None` when it was removed.
    pub name: Option<String>,
}

/// A request in a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestSummary {
    /// Its identity.
    pub id: RequestId,
    /// When it came in.
    pub received_at: Timestamp,
    /// Who asked.
    pub key_id: ClientKeyId,
    /// The client key's name; `None` when it was removed.
    pub key: Option<String>,
    /// The model that the client named.
    pub model: ModelName,
    /// The status of the answer's head, if there was one.
    pub status: Option<u16>,
    /// The kind of fault that the client was told, if one was.
    pub fault: Option<String>,
    /// How many attempts were made.
    pub attempts: usize,
    /// Whose answer it was, if there was one.
    pub served_by: Option<NamedAccount>,
    /// How long it took, in microseconds.
    pub took_us: u64,
}

impl RequestSummary {
    pub(super) fn new(
        record: RequestRecord,
        keys: &BTreeMap<ClientKeyId, String>,
        accounts: &BTreeMap<AccountId, String>,
    ) -> Self {
        let served_by = record.stops.iter().rev().find(|stop| stop.end == StopEnd::Delivered);
        Self {
            id: record.id,
            received_at: record.received_at,
            key_id: record.key_id,
            key: keys.get(&record.key_id).cloned(),
            status: record.status,
            fault: record.fault.as_ref().map(|fault| fault.kind.as_str().to_owned()),
            attempts: record.stops.iter().filter(|stop| stop.attempt.is_some()).count(),
            served_by: served_by
                .map(|stop| NamedAccount { id: stop.account, name: accounts.get(&stop.account).cloned() }),
            took_us: record.steps.ended_us,
            model: record.model,
        }
    }
}
