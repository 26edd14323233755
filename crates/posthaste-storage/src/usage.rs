//! Questions about roll-ups, and their sums by group.

use std::collections::BTreeMap;

use posthaste_core::{AccountId, ClientKeyId, ModelName, ProviderKind, Timestamp, UserId};
use uuid::Uuid;

use crate::{RollupKey, RollupPeriod, Sums};

/// Which roll-ups are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// The span's length.
    pub period: RollupPeriod,
    /// Only this key's.
    pub key_id: Option<ClientKeyId>,
    /// Only this owner's.
    pub owner: Option<UserId>,
    /// Only this account's.
    pub account_id: Option<AccountId>,
    /// Only this model's.
    pub model: Option<ModelName>,
    /// Only this provider's.
    pub provider: Option<ProviderKind>,
    /// Spans that start at this moment or later.
    pub from: Option<Timestamp>,
    /// Spans that start before this moment.
    pub until: Option<Timestamp>,
}

impl UsageQuery {
    /// Everything in spans of this length.
    pub const fn all(period: RollupPeriod) -> Self {
        Self {
            period,
            key_id: None,
            owner: None,
            account_id: None,
            model: None,
            provider: None,
            from: None,
            until: None,
        }
    }

    /// Whether a roll-up is wanted.
    pub fn wants(&self, key: &RollupKey) -> bool {
        key.period == self.period
            && self.key_id.is_none_or(|id| key.key_id == id)
            && self.owner.is_none_or(|owner| key.owner == Some(owner))
            && self.account_id.is_none_or(|id| key.account_id == id)
            && self.model.as_ref().is_none_or(|model| key.model == *model)
            && self.provider.is_none_or(|provider| key.provider == provider)
            && self.from.is_none_or(|from| key.start >= from)
            && self.until.is_none_or(|until| key.start < until)
    }
}

/// What sums can be told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The span of time.
    Span,
    /// The client key.
    Key,
    /// The client key's owner at the time of the attempt.
    Owner,
    /// The account.
    Account,
    /// The model that the client named.
    Model,
    /// The account's provider.
    Provider,
}

impl Dimension {
    /// Every dimension, in the order of their declaration.
    pub const ALL: [Self; 6] =
        [Self::Span, Self::Key, Self::Owner, Self::Account, Self::Model, Self::Provider];
}

/// What the sums of a group have in common; `None` where they are not told apart by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The span's first moment.
    pub start: Option<Timestamp>,
    /// The client key.
    pub key_id: Option<ClientKeyId>,
    /// The client key's owner; `None` also for keys of nobody.
    pub owner: Option<UserId>,
    /// The account.
    pub account_id: Option<AccountId>,
    /// The model that the client named.
    pub model: Option<ModelName>,
    /// The account's provider.
    pub provider: Option<ProviderKind>,
}

impl Group {
    /// The group that a roll-up belongs to.
    pub fn of(key: &RollupKey, by: &[Dimension]) -> Self {
        let has = |dimension| by.contains(&dimension);
        Self {
            start: has(Dimension::Span).then_some(key.start),
            key_id: has(Dimension::Key).then_some(key.key_id),
            owner: key.owner.filter(|_| has(Dimension::Owner)),
            account_id: has(Dimension::Account).then_some(key.account_id),
            model: has(Dimension::Model).then(|| key.model.clone()),
            provider: has(Dimension::Provider).then_some(key.provider),
        }
    }

    /// The client key, account or owner, where groups are told apart by one of them.
    pub fn id(&self) -> Option<Uuid> {
        let key = self.key_id.map(ClientKeyId::uuid);
        key.or(self.account_id.map(AccountId::uuid)).or(self.owner.map(UserId::uuid))
    }
}

/// Sums over the roll-ups of one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSums {
    /// What they have in common.
    pub group: Group,
    /// Their sums.
    pub sums: Sums,
}

/// Adds up roll-ups group by group, for stores that cannot do so themselves: what it holds grows with the groups, not
/// with the roll-ups.
#[derive(Clone, Debug)]
pub struct Grouped {
    by: Vec<Dimension>,
    groups: BTreeMap<Group, Sums>,
}

impl Grouped {
    /// Nothing yet, told apart by `by`.
    pub fn by(by: &[Dimension]) -> Self {
        Self { by: by.to_vec(), groups: BTreeMap::new() }
    }

    /// Adds a roll-up to its group.
    pub fn add(&mut self, key: &RollupKey, sums: &Sums) {
        self.groups.entry(Group::of(key, &self.by)).or_default().merge(sums);
    }

    /// The groups, sorted.
    pub fn finish(self) -> Vec<GroupSums> {
        self.groups.into_iter().map(|(group, sums)| GroupSums { group, sums }).collect()
    }
}
