//! Telling the other relays, away from the requests.

use std::{collections::VecDeque, time::Duration};

use posthaste_core::{AccountId, Told};
use posthaste_storage::{News, StorageError, TrialHolder};

use crate::engine::Engine;

/// What requests hand over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// News of an account.
    Tell(News),
    /// A trial is over, by its number; what came of it was handed over before.
    EndTrial(AccountId, u64),
}

/// Tells everything that is handed over; never ends.
pub(super) async fn tell_all(engine: &Engine) {
    let mut entries = engine.fleet.entries.lock().await;
    let mut pending = Pending::default();
    let mut fails = false;
    loop {
        if pending.is_empty() {
            let Some(entry) = entries.recv().await else { return };
            pending.add(entry);
        }
        while let Ok(entry) = entries.try_recv() {
            pending.add(entry);
        }
        match pending.tell(engine).await {
            Ok(()) => fails = false,
            Err(error) => {
                if !std::mem::replace(&mut fails, true) && !engine.store_health.tells_of(&error) {
                    tracing::warn!(%error, "the other relays cannot be told of the accounts' health; trying again");
                }
                tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
            }
        }
    }
}

/// Tells what was handed over and not told yet, as far as the store takes it.
pub(super) async fn tell_rest(engine: &Engine) {
    let Ok(mut entries) = engine.fleet.entries.try_lock() else { return };
    let mut pending = Pending::default();
    while let Ok(entry) = entries.try_recv() {
        pending.add(entry);
    }
    if let Err(error) = pending.tell(engine).await {
        tracing::debug!(%error, "the last news of the accounts' health could not be told");
    }
}

/// What is to be told, in its order.
#[derive(Default)]
struct Pending(VecDeque<Entry>);

impl Pending {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// While the store is away, one rest of an account follows another: the last one says all.
    fn add(&mut self, entry: Entry) {
        let last = self.0.iter_mut().rev().find(|before| before.account() == entry.account());
        match last {
            Some(before) if before.is_outdone_by(&entry) => *before = entry,
            _ => self.0.push_back(entry),
        }
        if self.0.len() > MOST_PENDING {
            self.0.pop_front();
        }
    }

    /// Tells all; what could not be told stays.
    async fn tell(&mut self, engine: &Engine) -> Result<(), StorageError> {
        let fleet = &engine.fleet;
        while let Some(entry) = self.0.front() {
            match entry {
                Entry::Tell(news) => fleet.store.tell(news, engine.clock.now()).await?,
                Entry::EndTrial(account, trial) => {
                    let holder = TrialHolder { relay: fleet.id, trial: *trial };
                    fleet.store.end_trial(*account, holder).await?;
                }
            }
            self.0.pop_front();
        }
        Ok(())
    }
}

impl Entry {
    fn account(&self) -> AccountId {
        match self {
            Self::Tell(news) => news.health.account,
            Self::EndTrial(account, _) => *account,
        }
    }

    fn is_outdone_by(&self, later: &Self) -> bool {
        match (self, later) {
            (Self::Tell(known), Self::Tell(later)) => {
                let both_rest = matches!(known.health.told, Told::Rests(_))
                    && matches!(later.health.told, Told::Rests(_));
                both_rest && known.health.scope == later.health.scope
            }
            _ => false,
        }
    }
}

/// What waits while the store is away; the oldest goes first.
const MOST_PENDING: usize = 8_192;

const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use posthaste_core::{CooldownReason, CooldownScope, HealthNews, InstanceId, Timestamp, ToldRest};

    use super::*;

    fn news(account: AccountId, told: Told) -> Entry {
        let health = HealthNews { account, scope: CooldownScope::Account, told };
        Entry::Tell(News { from: InstanceId::generate(), health })
    }

    fn rest(account: AccountId, until: i64) -> Entry {
        let (until, since) = (Timestamp::from_secs(until), Timestamp::EPOCH);
        let (reason, why) = (CooldownReason::RateLimited, String::new());
        news(account, Told::Rests(ToldRest { reason, until, early: until, why, strikes: 1, since }))
    }

    #[test]
    fn of_rests_that_follow_each_other_the_last_is_told() {
        let [one, two] = [(); 2].map(|()| AccountId::generate());
        let mut pending = Pending::default();
        let serves = || news(one, Told::Serves { asked_at: Timestamp::EPOCH, hope: false });
        let entries =
            [rest(one, 1), rest(two, 1), rest(one, 2), serves(), rest(one, 3), Entry::EndTrial(one, 1)];
        entries.into_iter().for_each(|entry| pending.add(entry));
        let untils = pending.0.iter().map(|entry| match entry {
            Entry::Tell(News { health: HealthNews { told: Told::Rests(rest), account, .. }, .. }) => {
                (*account == one, rest.until.as_secs())
            }
            _ => (true, 0),
        });
        assert_eq!(untils.collect::<Vec<_>>(), [(true, 2), (false, 1), (true, 0), (true, 3), (true, 0)]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut pending = Pending::default();
        for _ in 0..MOST_PENDING + 3 {
            pending.add(Entry::EndTrial(AccountId::generate(), 1));
        }
        assert_eq!(pending.0.len(), MOST_PENDING);
    }
}
