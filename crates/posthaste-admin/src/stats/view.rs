//! Statistics as they are told.

use std::collections::HashMap;

use posthaste_core::{
    Account, AccountId, ClientKey, ClientKeyId, ModelName, Owner, ProviderKind, Timestamp, UserId,
};
use posthaste_storage::{Dimension, GroupSums};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StatsBy;
use crate::totals::UsageTotals;

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

/// The names that identities have now.
pub(super) struct Names<'a>(HashMap<Uuid, &'a str>);

impl<'a> Names<'a> {
    pub(super) fn new(keys: &'a [ClientKey], accounts: &'a [Account], owners: &'a [Owner]) -> Self {
        let keys = keys.iter().map(|key| (key.id.uuid(), key.name.as_str()));
        let accounts = accounts.iter().map(|account| (account.id.uuid(), account.name.as_str()));
        let owners = owners.iter().map(|owner| (owner.id.uuid(), owner.name.as_str()));
        Self(keys.chain(accounts).chain(owners).collect())
    }

    fn of(&self, id: Uuid) -> NamedId {
        NamedId { id, name: self.0.get(&id).map(|name| (*name).to_owned()) }
    }
}

impl StatsRow {
    pub(super) fn new(sums: GroupSums, by: &[Dimension], names: &Names<'_>) -> Self {
        let GroupSums { group, sums } = sums;
        Self {
            start: group.start,
            key: group.key_id.map(ClientKeyId::uuid).map(|id| names.of(id)),
            owner: group.owner.map(UserId::uuid).map(|id| names.of(id)),
            account: group.account_id.map(AccountId::uuid).map(|id| names.of(id)),
            model: group.model.filter(|_| by.contains(&Dimension::Model)),
            provider: group.provider,
            totals: UsageTotals::from(sums),
        }
    }
}
