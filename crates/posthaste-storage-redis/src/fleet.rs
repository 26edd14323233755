//! The fleet: who is there, what is told of the accounts' health, and who tries an account.
//!
//! All of it shares one slot: news are few, and what they tell, what is kept of them and the feed must agree. A healthy
//! account costs nothing here.

mod watch;

use std::time::Duration;

use async_trait::async_trait;
use fred::{
    clients::{Client, WithOptions},
    interfaces::{HashesInterface, SortedSetsInterface},
    types::Value,
};
use posthaste_core::{AccountId, CooldownScope, InstanceId, Timestamp, Told};
use posthaste_storage::{
    FleetHealth, FleetStore, Mark, Member, News, NewsPage, StorageError, TrialAnswer, TrialHolder,
    news_kept_until,
};
use serde::{Deserialize, Serialize};

use self::watch::Watch;
use crate::{
    RedisOptions,
    error::CallError,
    keys::Keys,
    link::{Link, Repeat},
    reply, script,
    script::ttl_millis,
};

/// Keeps the fleet.
pub(crate) struct RedisFleet {
    link: Link,
    keys: Keys,
    watch: Watch,
}

/// A relay as it lies in the hash of all.
#[derive(Serialize, Deserialize)]
struct Listed {
    #[serde(flatten)]
    member: Member,
    until: Timestamp,
}

impl RedisFleet {
    pub(crate) fn new(link: Link, options: RedisOptions, keys: Keys) -> Self {
        Self { link, keys, watch: Watch::new(options) }
    }

    async fn listed(&self) -> Result<Vec<Listed>, StorageError> {
        let key = self.keys.fleet_members();
        let found: Value = self.link.call(LISTING, |client| async move { client.hvals(key).await }).await?;
        let read = |value| {
            let text = reply::text(value)?;
            serde_json::from_str(&text).map_err(|_| CallError::Unreadable("expected a relay".into()))
        };
        reply::each(found, read).map_err(|error| error.during(LISTING))
    }

    /// Forgets relays that fell silent long ago. Not at once: clocks may differ.
    async fn forget(&self, listed: &[Listed], now: Timestamp) -> Result<(), StorageError> {
        let gone = listed.iter().filter(|listed| listed.until.plus(REMEMBERED) <= now);
        let gone: Vec<_> = gone.map(|listed| listed.member.id.to_string()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let key = self.keys.fleet_members();
        let call = |client: WithOptions<Client>| async move { client.hdel::<Value, _, _>(key, gone).await };
        self.link.call(LISTING, call).await.map(drop)
    }

    /// What is in the feed after a mark.
    async fn page(&self, mark: Mark) -> Result<NewsPage, StorageError> {
        let keys = vec![self.keys.fleet_news()];
        let first = Value::from(mark.0.saturating_add(1).to_string());
        let arguments = vec![first, Value::from(LONGEST_PAGE)];
        let found = self.link.eval(FOLLOWING, &script::FLEET_NEWS, Repeat::Harmless, keys, arguments).await?;
        page(mark, found).map_err(|error| error.during(FOLLOWING))
    }
}

#[async_trait]
impl FleetStore for RedisFleet {
    async fn announce(
        &self,
        member: &Member,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<Vec<Member>, StorageError> {
        let listed = Listed { member: member.clone(), until: now.plus(ttl) };
        let text = to_json(&listed, ANNOUNCING)?;
        let (key, id) = (self.keys.fleet_members(), member.id.to_string());
        let call =
            |client: WithOptions<Client>| async move { client.hset::<Value, _, _>(key, (id, text)).await };
        self.link.call(ANNOUNCING, call).await?;
        let listed = self.listed().await?;
        self.forget(&listed, now).await?;
        Ok(present(listed, now))
    }

    async fn leave(&self, id: InstanceId) -> Result<(), StorageError> {
        let (key, id) = (self.keys.fleet_members(), id.to_string());
        let call = |client: WithOptions<Client>| async move { client.hdel::<Value, _, _>(key, id).await };
        self.link.call("leaving the fleet", call).await.map(drop)
    }

    async fn instances(&self, now: Timestamp) -> Result<Vec<Member>, StorageError> {
        Ok(present(self.listed().await?, now))
    }

    async fn tell(&self, news: &News, now: Timestamp) -> Result<(), StorageError> {
        let (account, told) = (news.health.account, &news.health.told);
        let (kind, since, until, strikes) = match told {
            Told::Rests(rest) => ("r", rest.since, rest.until, rest.strikes),
            Told::Serves { asked_at, .. } => ("s", *asked_at, *asked_at, 0),
            Told::Released { at } => ("x", *at, *at, 0),
        };
        let kept_until = news_kept_until(told, now);
        let kept = ttl_millis(kept_until.since(now).saturating_add(SWEPT_AFTER)).to_string();
        let feed_kept = ttl_millis(FEED_KEPT).to_string();
        let texts = [
            kind.to_owned(),
            part_name(&news.health.scope),
            since.as_micros().to_string(),
            until.as_micros().to_string(),
            strikes.to_string(),
            account.to_string(),
            to_json(news, TELLING)?,
            now.as_micros().to_string(),
            kept_until.as_micros().to_string(),
            kept,
            FEED_LENGTH.to_owned(),
            feed_kept,
        ];
        let arguments = texts.into_iter().map(Value::from).collect();
        let keys = vec![self.keys.fleet_news(), self.keys.fleet_resting(), self.keys.fleet_health(account)];
        self.link.eval(TELLING, &script::FLEET_TELL, Repeat::Harmless, keys, arguments).await.map(drop)
    }

    async fn health(&self, now: Timestamp) -> Result<FleetHealth, StorageError> {
        // The mark first: what is told in between is read again with the news, which does no harm.
        let mark = self.page(Mark(u64::MAX >> 12)).await?.mark;
        let (key, from) = (self.keys.fleet_resting(), format!("({}", now.as_micros()));
        let call = |client: WithOptions<Client>| async move {
            client.zrangebyscore::<Value, _, _, _>(key, from, "+inf", false, None).await
        };
        let accounts: Value = self.link.call(READING, call).await?;
        let accounts = reply::each(accounts, |account| {
            reply::text(account)?.parse().map_err(|_| CallError::Unreadable("expected an account".into()))
        });
        let accounts: Vec<AccountId> = accounts.map_err(|error| error.during(READING))?;
        let mut news = Vec::new();
        for some in accounts.chunks(ACCOUNTS_AT_ONCE) {
            let keys = some.iter().map(|account| self.keys.fleet_health(*account)).collect();
            let found =
                self.link.eval(READING, &script::FLEET_HEALTH, Repeat::Harmless, keys, Vec::new()).await?;
            let known = reply::each(found, |found| known(found, now));
            news.extend(known.map_err(|error| error.during(READING))?.into_iter().flatten());
        }
        Ok(FleetHealth { news, mark })
    }

    async fn news(&self, mark: Mark) -> Result<NewsPage, StorageError> {
        loop {
            let page = self.page(mark).await?;
            if page.truncated || !page.news.is_empty() {
                return Ok(page);
            }
            self.watch.grown(self.keys.fleet_news(), mark).await?;
        }
    }

    async fn try_trial(
        &self,
        account: AccountId,
        holder: TrialHolder,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<TrialAnswer, StorageError> {
        let arguments = vec![
            Value::from(holder.relay.to_string()),
            Value::from(now.as_micros().to_string()),
            Value::from(now.plus(ttl).as_micros().to_string()),
            Value::from(ttl_millis(ttl.saturating_add(SWEPT_AFTER)).to_string()),
            Value::from(holder.trial.to_string()),
        ];
        let keys = vec![self.keys.fleet_trial(account), self.keys.fleet_health(account)];
        let found = self.link.eval(TRYING, &script::FLEET_TRIAL, Repeat::Harmless, keys, arguments).await?;
        let read = || {
            let [granted, found] = reply::tuple(found)?;
            Ok(TrialAnswer { granted: reply::number::<u8>(granted)? == 1, known: known(found, now)? })
        };
        read().map_err(|error: CallError| error.during(TRYING))
    }

    async fn end_trial(&self, account: AccountId, holder: TrialHolder) -> Result<(), StorageError> {
        let keys = vec![self.keys.fleet_trial(account)];
        let arguments = vec![Value::from(holder.relay.to_string()), Value::from(holder.trial.to_string())];
        let ended = self.link.eval(TRYING, &script::FLEET_END_TRIAL, Repeat::Harmless, keys, arguments);
        ended.await.map(drop)
    }
}

fn present(listed: Vec<Listed>, now: Timestamp) -> Vec<Member> {
    let present = listed.into_iter().filter(|listed| listed.until > now);
    let mut members: Vec<_> = present.map(|listed| listed.member).collect();
    members.sort_by_key(|member| (member.started_at, member.id));
    members
}

/// What of an account is spoken of, as a field's name.
fn part_name(scope: &CooldownScope) -> String {
    match scope {
        CooldownScope::Account => "account".to_owned(),
        CooldownScope::Models(beginning) => format!("models:{beginning}"),
        CooldownScope::Model(name) => format!("model:{name}"),
    }
}

/// What is known of an account, as its hash has it; what is kept for the others no longer is left out.
fn known(found: Value, now: Timestamp) -> Result<Vec<News>, CallError> {
    let parts = reply::each(found, |part| {
        let text = reply::text(part)?;
        let mut words = text.splitn(6, ' ');
        let kept = words.nth(4).and_then(|kept| kept.parse().ok());
        let (Some(kept), Some(json)) = (kept, words.next()) else {
            return Err(CallError::Unreadable("expected an account's health".into()));
        };
        (Timestamp::from_micros(kept) > now).then(|| from_json(json)).transpose()
    })?;
    Ok(parts.into_iter().flatten().collect())
}

fn page(mark: Mark, found: Value) -> Result<NewsPage, CallError> {
    let [last, entries] = reply::tuple(found)?;
    let last = reply::each(last, entry)?.into_iter().next().map_or(Mark::default(), |last| last.mark);
    let entries = reply::each(entries, entry)?;
    let missed = match entries.first() {
        Some(first) => first.after != mark,
        // A place that the feed never came to was learnt from another one.
        None => mark > last,
    };
    if missed {
        return Ok(NewsPage { mark: last, truncated: true, news: Vec::new() });
    }
    let mark = entries.last().map_or(mark, |last| last.mark);
    Ok(NewsPage { news: entries.into_iter().map(|entry| entry.news).collect(), mark, truncated: false })
}

/// One of the feed.
struct Entry {
    mark: Mark,
    /// Where the one before it stood.
    after: Mark,
    news: News,
}

fn entry(found: Value) -> Result<Entry, CallError> {
    let [place, fields] = reply::tuple(found)?;
    let [_, after, _, news] = reply::tuple(fields)?;
    let place = reply::text(place)?;
    let mark = place.split('-').next().and_then(|number| number.parse().ok());
    Ok(Entry {
        mark: Mark(mark.ok_or_else(|| CallError::Unreadable("no number".into()))?),
        after: Mark(reply::number(after)?),
        news: from_json(&reply::text(news)?)?,
    })
}

fn from_json(text: &str) -> Result<News, CallError> {
    serde_json::from_str(text).map_err(|_| CallError::Unreadable("expected news of an account".into()))
}

fn to_json(value: &impl Serialize, what: &str) -> Result<String, StorageError> {
    serde_json::to_string(value).map_err(|error| StorageError::corrupt(what, error))
}

/// The feed holds about as many news; the server trims in whole blocks, never below.
const FEED_LENGTH: &str = "1000";

const LONGEST_PAGE: &str = "500";

/// A reader that looks away for longer reads all that is known again.
const FEED_KEPT: Duration = Duration::from_secs(24 * 3_600);

/// How much later than by their own times keys are swept.
const SWEPT_AFTER: Duration = Duration::from_secs(60);

const REMEMBERED: Duration = Duration::from_secs(60);

/// Whose health one script reads.
const ACCOUNTS_AT_ONCE: usize = 100;

const ANNOUNCING: &str = "announcing a relay";
const LISTING: &str = "listing the relays";
const TELLING: &str = "telling of an account's health";
const READING: &str = "reading the accounts' health";
const FOLLOWING: &str = "following the accounts' health";
const TRYING: &str = "asking for an account's trial";
