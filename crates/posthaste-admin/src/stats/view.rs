//! Statistics as they are told.

use posthaste_core::{ModelName, ProviderKind, Timestamp};
use posthaste_storage::GroupSums;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Part, StatsBy};
use crate::{directory::Snapshot, totals::UsageTotals};

/// Sums over attempts, told apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatsView {
    /// By what.
    pub by: Vec<StatsBy>,
    /// From this moment on; all that is kept where it is `None`.
    pub since: Option<Timestamp>,
    /// Up to this moment.
    pub until: Option<Timestamp>,
    /// All of it.
    pub totals: UsageTotals,
    /// In parts: by time, or else the dearest first.
    pub rows: Vec<StatsRow>,
    /// How many parts are too many to be told; `totals` has them.
    pub left_out: usize,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatsRow {
    /// The span's first moment. Absent, as the following ones are, where parts are not told apart by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// The client key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<NamedId>,
    /// The client key's owner; absent also for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<NamedId>,
    /// The owner's team; absent also for nobody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<NamedId>,
    /// The account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<NamedId>,
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelName>,
    /// The provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderKind>,
    /// How much.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// Somebody whom the books know by an identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedId {
    /// The identity.
    pub id: Uuid,
    /// The name; `None` when the record was removed.
    pub name: Option<String>,
}

impl StatsRow {
    pub(super) fn new(part: Part, by: &[StatsBy], known: &Snapshot) -> Self {
        let Part { sums: GroupSums { group, sums }, team } = part;
        Self {
            start: group.start,
            key: group.key_id.map(|id| named(id.uuid(), known.keys.get(&id.uuid()).map(|key| &key.name))),
            owner: group
                .owner
                .map(|id| named(id.uuid(), known.owners.get(&id.uuid()).map(|owner| &owner.name))),
            team: team.map(|id| named(id, known.teams.get(&id).map(|team| &team.name))),
            account: group
                .account_id
                .map(|id| named(id.uuid(), known.accounts.get(&id.uuid()).map(|account| &account.name))),
            model: group.model.filter(|_| by.contains(&StatsBy::Model)),
            provider: group.provider,
            totals: UsageTotals::from(sums),
        }
    }
}

/// The name that an identity has now.
fn named(id: Uuid, name: Option<&String>) -> NamedId {
    NamedId { id, name: name.cloned() }
}
