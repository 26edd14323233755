//! The fleet in memory: the relays of one process.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use async_trait::async_trait;
use parking_lot::Mutex;
use posthaste_core::{AccountId, CooldownScope, InstanceId, Timestamp, Told};
use tokio::sync::watch;

use crate::{
    FleetHealth, FleetStore, Mark, Member, News, NewsPage, StorageError, TrialAnswer, TrialHolder,
    fleet::{is_news, news_kept_until},
};

/// Knows the relays of one process and what they told each other; nothing outlives it.
///
/// Stores that one relay process uses at a time have no other relay to tell, and offer this.
#[derive(Debug)]
pub struct MemoryFleet {
    state: Mutex<State>,
    mark: watch::Sender<Mark>,
}

impl Default for MemoryFleet {
    fn default() -> Self {
        Self { state: Mutex::default(), mark: watch::Sender::new(Mark::default()) }
    }
}

#[derive(Debug, Default)]
struct State {
    members: BTreeMap<InstanceId, (Member, Timestamp)>,
    /// The latest news; the last one stands at `mark`.
    feed: VecDeque<News>,
    mark: Mark,
    known: HashMap<AccountId, Vec<Known>>,
    trials: HashMap<AccountId, (TrialHolder, Timestamp)>,
}

#[derive(Debug)]
struct Known {
    scope: CooldownScope,
    news: News,
    until: Timestamp,
}

#[async_trait]
impl FleetStore for MemoryFleet {
    async fn announce(
        &self,
        member: &Member,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<Member>, StorageError> {
        let mut state = self.state.lock();
        state.members.insert(member.id, (member.clone(), now.plus(ttl)));
        state.members.retain(|_, (_, until)| *until > now);
        Ok(state.present(now))
    }

    async fn leave(&self, id: InstanceId) -> Result<(), StorageError> {
        self.state.lock().members.remove(&id);
        Ok(())
    }

    async fn instances(&self, now: Timestamp) -> Result<Vec<Member>, StorageError> {
        Ok(self.state.lock().present(now))
    }

    async fn tell(&self, news: &News, now: Timestamp) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        if state.keep(news, now) {
            state.push(news.clone());
            self.mark.send_replace(state.mark);
        }
        Ok(())
    }

    async fn health(&self, now: Timestamp) -> Result<FleetHealth, StorageError> {
        let state = self.state.lock();
        let known = state.known.values().flatten().filter(|known| known.until > now);
        Ok(FleetHealth { news: known.map(|known| known.news.clone()).collect(), mark: state.mark })
    }

    async fn news(&self, mark: Mark) -> Result<NewsPage, StorageError> {
        let mut told = self.mark.subscribe();
        let waited = told.wait_for(|told| *told != mark).await;
        waited.map_err(|error| StorageError::unavailable("waiting for news", error))?;
        Ok(self.state.lock().since(mark))
    }

    async fn try_trial(
        &self,
        account: AccountId,
        holder: TrialHolder,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<TrialAnswer, StorageError> {
        let mut state = self.state.lock();
        state.trials.retain(|_, (_, until)| *until > now);
        let granted = state.trials.get(&account).is_none_or(|(present, _)| present.relay == holder.relay);
        if granted {
            state.trials.insert(account, (holder, now.plus(ttl)));
        }
        let known = state.known.get(&account).into_iter().flatten().filter(|known| known.until > now);
        Ok(TrialAnswer { granted, known: known.map(|known| known.news.clone()).collect() })
    }

    async fn end_trial(&self, account: AccountId, holder: TrialHolder) -> Result<(), StorageError> {
        let mut state = self.state.lock();
        if state.trials.get(&account).is_some_and(|(present, _)| *present == holder) {
            state.trials.remove(&account);
        }
        Ok(())
    }
}

impl State {
    fn present(&self, now: Timestamp) -> Vec<Member> {
        let present = self.members.values().filter(|(_, until)| *until > now);
        let mut members: Vec<_> = present.map(|(member, _)| member.clone()).collect();
        members.sort_by_key(|member| (member.started_at, member.id));
        members
    }

    /// Keeps the news in the place of what is known; `false` where they say nothing new.
    fn keep(&mut self, news: &News, now: Timestamp) -> bool {
        for of_account in self.known.values_mut() {
            of_account.retain(|known| known.until > now);
        }
        self.known.retain(|_, of_account| !of_account.is_empty());
        let of_account = self.known.entry(news.health.account).or_default();
        let (scope, told) = (&news.health.scope, &news.health.told);
        if matches!(told, Told::Released { .. }) {
            of_account.clear();
        }
        let kept = Known { scope: scope.clone(), news: news.clone(), until: news_kept_until(told, now) };
        match of_account.iter_mut().find(|known| known.scope == *scope) {
            Some(known) if !is_news(&known.news.health.told, told) => return false,
            Some(known) => *known = kept,
            None => of_account.push(kept),
        }
        true
    }

    fn push(&mut self, news: News) {
        self.mark = Mark(self.mark.0 + 1);
        self.feed.push_back(news);
        if self.feed.len() > FEED_LENGTH {
            self.feed.pop_front();
        }
    }

    fn since(&self, mark: Mark) -> NewsPage {
        let missing = self.mark.0.checked_sub(mark.0).and_then(|missing| usize::try_from(missing).ok());
        match missing.and_then(|missing| self.feed.len().checked_sub(missing)) {
            Some(first) => {
                let news = self.feed.range(first..).cloned().collect();
                NewsPage { news, mark: self.mark, truncated: false }
            }
            None => NewsPage { mark: self.mark, truncated: true, ..NewsPage::default() },
        }
    }
}

/// More than are told while a reader looks away.
const FEED_LENGTH: usize = 1_000;
