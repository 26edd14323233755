//! Tags: free words by which operators sort client keys.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BatchView, KeyChange, PolicyInput, batch};
use crate::{Actor, Admin, AdminError, Command};

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TagView {
    /// The word.
    pub tag: String,
    /// How many client keys have it.
    pub keys: usize,
}

/// Every tag of the client keys that are not deleted, by name.
///
/// # Errors
/// As listing the keys.
pub async fn tags(admin: &Admin, actor: &Actor) -> Result<Vec<TagView>, AdminError> {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for key in batch::known(admin, actor).await? {
        for tag in &key.policy.tags {
            *counted.entry(tag.clone()).or_default() += 1;
        }
    }
    Ok(counted.into_iter().map(|(tag, keys)| TagView { tag, keys }).collect())
}

/// Gives a tag another name at every client key that has it; `None` takes it away.
///
/// # Errors
/// [`AdminError::NotFound`] when no key has it; for a key alone, in the answer.
pub async fn rename_tag(
    admin: &Admin,
    actor: &Actor,
    tag: &str,
    to: Option<String>,
) -> Result<BatchView, AdminError> {
    let mut having = batch::known(admin, actor).await?;
    having.retain(|key| key.policy.tags.iter().any(|known| known == tag));
    let keys: Vec<_> = having.iter().map(|key| key.id.to_string()).collect();
    if keys.is_empty() {
        return Err(AdminError::NotFound { what: format!("tag `{}`", tag.escape_debug()) });
    }
    let policy = PolicyInput {
        add_tags: to.into_iter().collect(),
        remove_tags: vec![tag.to_owned()],
        ..PolicyInput::default()
    };
    let change = KeyChange { policy, ..KeyChange::default() };
    let work = |key: String| Command::UpdateKey { key, change: change.clone() };
    Ok(batch::carry_out(admin, actor, keys, work).await)
}
