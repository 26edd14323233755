//! Persons' sessions: a key each, with a time to live, and beside them the names of each person's.
//!
//! A session is written before its person's list names it, and ended before the list forgets it, so that what the list names
//! may be missing; readers pass over that.

use std::time::Duration;

use async_trait::async_trait;
use fred::{
    interfaces::{KeysInterface, SortedSetsInterface},
    types::{Expiration, SetOptions, Value},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use posthaste_core::{Session, Timestamp, TokenHash, UserId};
use posthaste_storage::{SessionStore, StorageError};

use crate::{error::CallError, keys::Keys, link::Link, reply, script::ttl_millis};

/// Keeps the sessions.
pub(crate) struct RedisSessions {
    link: Link,
    keys: Keys,
}

#[async_trait]
impl SessionStore for RedisSessions {
    async fn begin(&self, session: &Session) -> Result<(), StorageError> {
        let (key, body) = (self.keys.session(&session.token.to_hex()), written(session)?);
        let sweep = sweep(session, session.began_at);
        self.link
            .call::<(), _>(WRITING, |client| async move { client.set(key, body, sweep, None, false).await })
            .await?;
        let names = self.keys.sessions_of(session.user);
        let (list, name) = (names.clone(), (session.began_at.as_millis() as f64, session.token.to_hex()));
        self.link
            .call::<(), _>(WRITING, |client| async move {
                client.zadd(list, None, None, false, false, name).await
            })
            .await?;
        self.link
            .call(WRITING, |client| async move { client.pexpire(names, ttl_millis(LIST_KEPT), None).await })
            .await
    }

    async fn find(&self, token: TokenHash, now: Timestamp) -> Result<Option<Session>, StorageError> {
        self.read(token.to_hex(), now).await
    }

    async fn renew(&self, session: &Session, now: Timestamp) -> Result<bool, StorageError> {
        if self.find(session.token, now).await?.is_none() {
            return Ok(false);
        }
        let (key, body) = (self.keys.session(&session.token.to_hex()), written(session)?);
        let sweep = sweep(session, now);
        // One that was ended after that look is not there to be replaced.
        let replace = Some(SetOptions::XX);
        let set: Value = self
            .link
            .call(WRITING, |client| async move { client.set(key, body, sweep, replace, false).await })
            .await?;
        Ok(!set.is_null())
    }

    async fn end(&self, token: TokenHash) -> Result<bool, StorageError> {
        let name = token.to_hex();
        let found = self.stored(name.clone()).await?;
        let key = self.keys.session(&name);
        let removed: u64 = self.link.call(ENDING, |client| async move { client.del(key).await }).await?;
        if let Some(session) = found {
            let list = self.keys.sessions_of(session.user);
            self.link.call::<(), _>(ENDING, |client| async move { client.zrem(list, name).await }).await?;
        }
        Ok(removed > 0)
    }

    async fn of(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StorageError> {
        let list = self.keys.sessions_of(user);
        let names: Value = self
            .link
            .call(READING, |client| async move { client.zrange(list, 0, -1, None, false, None, false).await })
            .await?;
        let names = reply::each(names, reply::text).map_err(|error| error.during(READING))?;
        let found = stream::iter(names).map(|name| async move {
            let session = self.read(name.clone(), now).await?;
            if session.is_none() {
                self.forget(user, name).await?;
            }
            Ok::<_, StorageError>(session)
        });
        let found: Vec<_> = found.buffered(AT_ONCE).try_collect().await?;
        let mut own: Vec<Session> = found.into_iter().flatten().collect();
        own.sort_unstable_by_key(|session| (session.began_at, session.token));
        Ok(own)
    }

    /// Each has its time to live.
    async fn sweep(&self, _now: Timestamp, _limit: usize) -> Result<usize, StorageError> {
        Ok(0)
    }
}

impl RedisSessions {
    pub(crate) fn new(link: Link, keys: Keys) -> Self {
        Self { link, keys }
    }

    async fn read(&self, name: String, now: Timestamp) -> Result<Option<Session>, StorageError> {
        Ok(self.stored(name).await?.filter(|session| session.until > now))
    }

    async fn stored(&self, name: String) -> Result<Option<Session>, StorageError> {
        let key = self.keys.session(&name);
        let found: Value = self.link.call(READING, |client| async move { client.get(key).await }).await?;
        let found = reply::optional_text(found).map_err(|error| error.during(READING))?;
        let read = |text: String| {
            serde_json::from_str(&text).map_err(|_| CallError::Unreadable("not a session".into()))
        };
        found.map(read).transpose().map_err(|error| error.during(READING))
    }

    async fn forget(&self, user: UserId, name: String) -> Result<(), StorageError> {
        let list = self.keys.sessions_of(user);
        self.link.call(READING, |client| async move { client.zrem(list, name).await }).await
    }
}

fn written(session: &Session) -> Result<String, StorageError> {
    serde_json::to_string(session).map_err(|error| StorageError::corrupt("a session", error))
}

/// A little later than the session's own end, which readers look at.
fn sweep(session: &Session, now: Timestamp) -> Option<Expiration> {
    Some(Expiration::PX(ttl_millis(session.until.since(now) + SLACK)))
}

/// Lists of persons who log in no more are forgotten after that: longer than any session lasts.
const LIST_KEPT: Duration = Duration::from_secs(400 * 24 * 3_600);

const SLACK: Duration = Duration::from_secs(60);

/// Calls under way at the same time, sharing the connection.
const AT_ONCE: usize = 16;

const WRITING: &str = "keeping a session";
const READING: &str = "reading sessions";
const ENDING: &str = "ending a session";
