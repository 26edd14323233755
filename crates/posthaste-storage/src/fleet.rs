//! Relays that share their accounts: who is there, what they know of the accounts' health, and who tries an account again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use posthaste_core::{AccountId, HealthNews, InstanceId, Timestamp, Told};
use serde::{Deserialize, Serialize};

use crate::{Revision, StorageError};

/// One relay, as the others see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which run of which relay.
    pub id: InstanceId,
    /// The machine's name.
    pub host: String,
    /// Where clients reach it.
    pub address: String,
    /// Its release.
    pub version: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The configuration that it serves.
    pub revision: Revision,
    /// When it last said that it is there.
    pub seen_at: Timestamp,
}

/// News of an account's health, with who tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Who tells it.
    pub from: InstanceId,
    /// What.
    pub health: HealthNews,
}

/// A place in the feed of news. Later places are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark(pub u64);

/// What is known of the accounts' health, and the place in the feed that this is known up to: what follows may repeat it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetHealth {
    /// The last news of each account, and of each of its models that something was told of; rests that are over but not yet
    /// disproved among them.
    pub news: Vec<News>,
    /// Where to read on.
    pub mark: Mark,
}

/// What was told since a place in the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewsPage {
    /// The news, in their order.
    pub news: Vec<News>,
    /// Where to read on.
    pub mark: Mark,
    /// Whether news before these were missed, so that the health must be read again.
    pub truncated: bool,
}

/// The answer to one who would try an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialAnswer {
    /// Whether it may; otherwise another relay tries the account at this moment.
    pub granted: bool,
    /// The last news of the account and its models: there may be some that have not been read yet.
    pub known: Vec<News>,
}

/// What relays that share their accounts know of each other.
#[async_trait]
pub trait FleetStore: Send + Sync + 'static {
    /// Says that a relay is there, for `ttl` from `now` on, and tells who else is, as [`instances`](Self::instances) does.
    async fn announce(
        &self,
        member: &Member,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<Member>, StorageError>;

    /// Says that a relay is gone; it is listed no more.
    async fn leave(&self, id: InstanceId) -> Result<(), StorageError>;

    /// The relays that are there, the one that started first in front.
    async fn instances(&self, now: Timestamp) -> Result<Vec<Member>, StorageError>;

    /// Tells all relays of an account's health; what lasts is kept for those that join later. What says nothing new is not
    /// told: a rest that ends no later, after no more strikes, than the one that is known; a rest or a recovery that something
    /// newer is known of.
    async fn tell(&self, news: &News, now: Timestamp) -> Result<(), StorageError>;

    /// What is known at `now`.
    async fn health(&self, now: Timestamp) -> Result<FleetHealth, StorageError>;

    /// Waits until there are news after `mark`, and gives them: one's own among them. Gives nothing at once, but with
    /// `truncated`, where the feed does not reach back so far or stands before `mark`.
    async fn news(&self, mark: Mark) -> Result<NewsPage, StorageError>;

    /// Asks to be the one who tries an account whose rest is over, for `ttl` at most. While it is granted, no other relay
    /// gets it; the same again does. What `tell` has told before is in the answer.
    async fn try_trial(
        &self,
        account: AccountId,
        holder: TrialHolder,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<TrialAnswer, StorageError>;

    /// Says that a trial is over; does nothing where another relay has it, or a later trial of this one. Tell what came of it
    /// before.
    async fn end_trial(&self, account: AccountId, holder: TrialHolder) -> Result<(), StorageError>;
}

/// Who has an account's trial: a relay, and which of its trials. A later one takes the earlier one's place, so that the end of
/// that, told late, ends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialHolder {
    /// The relay.
    pub relay: InstanceId,
    /// Which of its trials.
    pub trial: u64,
}

/// How many relays share the work at this moment, as far as is known; at least one. Clones share the number, and reading it is
/// one load. It stays as it was while the store is away.
#[derive(Clone, Debug)]
pub struct FleetSize(Arc<AtomicUsize>);

impl FleetSize {
    /// A fleet of so many; none counts as one.
    pub fn of(relays: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(relays.max(1))))
    }

    /// The number.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Another number is known; none counts as one.
    pub fn set(&self, relays: usize) {
        self.0.store(relays.max(1), Ordering::Relaxed);
    }
}

impl Default for FleetSize {
    /// One relay alone.
    fn default() -> Self {
        Self::of(1)
    }
}

/// Whether news of an account (or of the same models of it) say something that `known` does not. Every implementation
/// decides as this does.
pub(crate) fn is_news(known: &Told, told: &Told) -> bool {
    match (known, told) {
        (_, Told::Released { .. }) => true,
        (Told::Rests(known), Told::Rests(told)) => told.until > known.until || told.strikes > known.strikes,
        (Told::Rests(known), Told::Serves { asked_at, .. }) => *asked_at >= known.since,
        (Told::Serves { asked_at: since, .. } | Told::Released { at: since }, Told::Rests(told)) => {
            told.since >= *since
        }
        (Told::Serves { .. } | Told::Released { .. }, Told::Serves { .. }) => false,
    }
}

/// Until when news are kept for those that join later: a rest for a while after its end, since somebody has yet to try the
/// account; everything else so long that news which were on their way meanwhile are known to be old.
pub fn news_kept_until(told: &Told, now: Timestamp) -> Timestamp {
    match told {
        Told::Rests(rest) => rest.until.max(now).plus(KEPT_AFTER_A_REST),
        Told::Serves { .. } | Told::Released { .. } => now.plus(KEPT_AFTER_A_RECOVERY),
    }
}

const KEPT_AFTER_A_REST: Duration = Duration::from_secs(10 * 60);

const KEPT_AFTER_A_RECOVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_never_empty() {
        let size = FleetSize::default();
        let same = size.clone();
        assert_eq!(same.get(), 1);
        size.set(3);
        assert_eq!(same.get(), 3);
        size.set(0);
        assert_eq!(same.get(), 1);
    }
}
