//! Entries of the audit log as operators see them.

use std::net::IpAddr;

use posthaste_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// Who did what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its place in the log, from 1 on.
    pub number: u64,
    /// When it was done.
    pub at: Timestamp,
    /// Who did it: `kind` is `machine` (the command line), `user`, `token` or `stranger`, with `id` and `name` where there
    /// are some.
    pub who: Value,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What was done, such as `key.update`.
    pub action: String,
    /// To which record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<AuditTarget>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was refused or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The fields that were changed, as they were. Of secrets it says only that there is one, and whether it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The same fields as they are from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// The record that something was done to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditTarget {
    /// Its kind, such as `client_key`.
    pub kind: String,
    /// Its identity, where the record was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Its name, or what it was asked for by.
    pub name: String,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// Whoever asked may not do it, or gave a wrong password.
    Refused,
    /// It could not be done.
    Failed,
}

/// Which entries are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AuditInput {
    /// Only entries before this number: what the page before told as `next`.
    pub before: Option<u64>,
    /// How many at most; 50 unless told, 1,000 at most.
    pub limit: Option<usize>,
    /// Only actions that begin like this, such as `key.`.
    pub action: Option<String>,
    /// Only what was done to the record with this id or name.
    pub target: Option<String>,
    /// Only what was done by whom with this id or name.
    pub who: Option<String>,
    /// Only what was done at this moment or later.
    pub from: Option<Timestamp>,
    /// Only what was done before this moment.
    pub until: Option<Timestamp>,
}

impl AuditInput {
    pub(super) fn wants(&self, entry: &AuditEntry) -> bool {
        let target = |wanted: &String| {
            entry.target.as_ref().is_some_and(|target| {
                target.name == *wanted || target.id.is_some_and(|id| id.to_string() == *wanted)
            })
        };
        let who = |wanted: &String| {
            [entry.who.get("id"), entry.who.get("name")]
                .into_iter()
                .flatten()
                .any(|known| known.as_str() == Some(wanted))
        };
        self.action.as_ref().is_none_or(|action| entry.action.starts_with(action.as_str()))
            && self.target.as_ref().is_none_or(target)
            && self.who.as_ref().is_none_or(who)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.until.is_none_or(|until| entry.at < until)
    }
}

/// A part of the log, the newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// What to pass as `before` for the next part; `None` at the end.
    pub next: Option<u64>,
}
