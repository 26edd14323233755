//! Waiting for configuration changes, for all waiters of this process at once.
//!
//! One task asks the server to tell when the feed grows and publishes the revision; it starts with the first waiter. Idle
//! it sends two commands in [`BLOCK`]. It has a connection of its own, since waiting in the server holds up what comes after.

use std::time::Duration;

use fred::{
    clients::{Client, WithOptions},
    interfaces::{KeysInterface, StreamsInterface},
    types::Value,
};
use parking_lot::Mutex;
use posthaste_storage::{Revision, StorageError};
use tokio::{sync::watch, task::JoinHandle};

use crate::{RedisOptions, error::CallError, keys::Keys, link::Link, reply};

/// The feed's standing as far as this process knows.
pub(crate) struct Feed {
    options: RedisOptions,
    keys: Keys,
    standing: watch::Sender<Standing>,
    follower: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    revision: Revision,
    failures: u64,
    /// Looks at the server so far.
    looks: u64,
    closed: bool,
}

impl Feed {
    pub(crate) fn new(options: RedisOptions, keys: Keys) -> Self {
        Self { options, keys, standing: watch::Sender::default(), follower: Mutex::default() }
    }

    /// Waits until the feed stands past `since`, or before it: then the server has lost it. Fails with the next failed look
    /// at the server.
    pub(crate) async fn changed(&self, since: Revision) -> Result<(), StorageError> {
        let mut standing = self.standing.subscribe();
        let (failures, looks) = {
            let now = standing.borrow();
            (now.failures, now.looks)
        };
        self.follow();
        // A look that was under way when `since` was read may be older than that; the one after it is not.
        let is_lost = |now: &Standing| now.revision < since && now.looks > looks + 1;
        let moved = |now: &Standing| now.revision > since || is_lost(now);
        match standing.wait_for(|now| moved(now) || now.failures > failures || now.closed).await {
            Ok(now) if moved(&now) && !now.closed => Ok(()),
            Ok(now) if !now.closed => {
                Err(CallError::Connection("the change feed cannot be followed".into()).during(WAITING))
            }
            _ => Err(CallError::Closed.during(WAITING)),
        }
    }

    /// Fails all waiters and stops looking.
    pub(crate) async fn close(&self) {
        self.standing.send_modify(|standing| standing.closed = true);
        let follower = self.follower.lock().take();
        if let Some(follower) = follower {
            follower.abort();
            // Its connection goes with it.
            let _ended = follower.await;
        }
    }

    fn follow(&self) {
        let mut follower = self.follower.lock();
        if follower.is_none() && !self.standing.borrow().closed {
            let task = follow(self.options.clone(), self.keys.clone(), self.standing.clone());
            *follower = Some(tokio::spawn(task));
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(follower) = self.follower.get_mut().take() {
            follower.abort();
        }
    }
}

/// Where the change feed stands.
pub(crate) async fn revision(link: &Link, key: String) -> Result<Revision, StorageError> {
    let what = "reading the configuration's revision";
    let found: Value = link.call(what, |client| async move { client.get(key).await }).await?;
    if found.is_null() {
        return Ok(Revision::default());
    }
    reply::number(found).map(Revision).map_err(|error| error.during(what))
}

async fn follow(options: RedisOptions, keys: Keys, standing: watch::Sender<Standing>) {
    let mut link = None;
    let mut seen = None;
    loop {
        match look(&options, &keys, &standing, &mut link).await {
            // The feed has entries past its own revision, which somebody removed: look again, but not in a hurry.
            Ok(look) if look.told && seen == Some(look.revision) => tokio::time::sleep(PAUSE).await,
            Ok(look) => seen = Some(look.revision),
            Err(error) => {
                tracing::debug!(%error, "the change feed cannot be followed");
                standing.send_modify(|standing| standing.failures += 1);
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// What a look at the feed found.
struct Look {
    revision: Revision,
    /// Whether the server told of an entry past the revision.
    told: bool,
}

/// Publishes where the feed stands, then waits in the server until it has grown.
async fn look(
    options: &RedisOptions,
    keys: &Keys,
    standing: &watch::Sender<Standing>,
    link: &mut Option<Link>,
) -> Result<Look, StorageError> {
    let link = match link {
        Some(link) => link,
        None => link.insert(Link::connect(options).await?),
    };
    let revision = revision(link, keys.revision()).await?;
    standing.send_modify(|standing| {
        standing.revision = revision;
        standing.looks += 1;
    });
    let (key, after) = (keys.changes(), format!("{}-{}", revision.0, u64::MAX));
    let block = u64::try_from(BLOCK.as_millis()).unwrap_or(u64::MAX);
    let wait =
        |client: WithOptions<Client>| async move { client.xread(Some(1), Some(block), key, after).await };
    let found: Value = link.blocking_call(WAITING, BLOCK, wait).await?;
    // The next look tells where the feed stands.
    Ok(Look { revision, told: !found.is_null() })
}

/// How long the server is asked to wait.
const BLOCK: Duration = Duration::from_secs(5);

/// From a look in vain to the next.
const PAUSE: Duration = Duration::from_millis(500);

const WAITING: &str = "waiting for configuration changes";
