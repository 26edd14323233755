//! Waiting for news in the server.
//!
//! Waiting holds up what comes after on the same connection, so each who waits at the same time has one of its own. Idle,
//! that is one command in [`BLOCK`].

use std::time::Duration;

use fred::{
    clients::{Client, WithOptions},
    interfaces::StreamsInterface,
    types::Value,
};
use parking_lot::Mutex;
use posthaste_storage::{Mark, StorageError};

use crate::{RedisOptions, link::Link};

/// The connections on which nobody waits now.
pub(super) struct Watch {
    options: RedisOptions,
    idle: Mutex<Vec<Link>>,
}

impl Watch {
    pub(super) fn new(options: RedisOptions) -> Self {
        Self { options, idle: Mutex::default() }
    }

    /// Waits until the stream has grown past the mark. A waiter that is dropped takes its connection with it.
    pub(super) async fn grown(&self, key: String, mark: Mark) -> Result<(), StorageError> {
        let idle = self.idle.lock().pop();
        let link = match idle {
            Some(link) => link,
            None => Link::connect(&self.options).await?,
        };
        let block = u64::try_from(BLOCK.as_millis()).unwrap_or(u64::MAX);
        loop {
            let (key, after) = (key.clone(), format!("{}-{}", mark.0, u64::MAX));
            let wait = |client: WithOptions<Client>| async move {
                client.xread(Some(1), Some(block), key, after).await
            };
            let found: Value = link.blocking_call("waiting for news of the accounts", BLOCK, wait).await?;
            if !found.is_null() {
                self.idle.lock().push(link);
                return Ok(());
            }
        }
    }
}

/// How long the server is asked to wait.
const BLOCK: Duration = Duration::from_secs(10);
