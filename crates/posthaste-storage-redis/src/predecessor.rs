//! Another relay's data under the names that a store would write to.
//!
//! claude-relay-service (CRS) has its keys without a prefix: `apikey:…`, `usage:…`. A store without a prefix, or with one that is
//! the first word of those, would write among them, where CRS's own sweeps read and delete.

use fred::interfaces::KeysInterface;
use posthaste_storage::StorageError;

use crate::{RedisOptions, error::CallError, link::Link, options::DEFAULT_PREFIX};

/// Refuses to write among the data of CRS.
pub(crate) async fn refuse(options: &RedisOptions) -> Result<(), StorageError> {
    let prefix = options.prefix.as_str();
    if !prefix.is_empty() && !WORDS.contains(&prefix) {
        return Ok(());
    }
    // Without a prefix there would be no connection; for a look any will do.
    let options = RedisOptions { prefix: DEFAULT_PREFIX.to_owned(), ..options.clone() };
    let link = Link::connect(&options).await?;
    let found = holds_marks(&link).await;
    link.close().await;
    if found? {
        return Err(CallError::Options(REFUSED.to_owned()).during(LOOKING));
    }
    Ok(())
}

/// One after another: in a cluster they lie in several slots.
async fn holds_marks(link: &Link) -> Result<bool, StorageError> {
    for mark in MARKS {
        let found: u64 = link.call(LOOKING, |client| async move { client.exists(mark).await }).await?;
        if found > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

const REFUSED: &str = "this Redis holds the data of claude-relay-service under the names that would be used here: take it \
                       over with `posthaste import crs --redis URL`, and use another key prefix";
const LOOKING: &str = "looking for another relay's data";

/// What CRS has once it was used.
const MARKS: [&str; 5] = [
    "apikey:hash_map",
    "session:admin_credentials",
    "claude:account:index",
    "account_groups",
    "usage:global:total",
];

/// What CRS's keys begin with.
const WORDS: [&str; 12] = [
    "apikey",
    "usage",
    "claude",
    "openai",
    "session",
    "user",
    "account",
    "concurrency",
    "rate_limit",
    "droid",
    "azure_openai",
    "system",
];
