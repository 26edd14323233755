//! Client keys and what they used, as tables.

use posthaste_core::{KeyStatus, Timestamp};

use super::{KeyView, batch};
use crate::{Actor, Admin, AdminError, Command, StatsBy, StatsInput, StatsView, table::Table};

/// The client keys that are not deleted, as comma-separated values without secrets, by name.
///
/// # Errors
/// As listing the keys.
pub async fn export_keys(admin: &Admin, actor: &Actor) -> Result<String, AdminError> {
    let mut table = Table::new(&[
        "id",
        "name",
        "hint",
        "state",
        "owner",
        "tags",
        "created_at",
        "expires_at",
        "first_used_at",
    ])?;
    for key in batch::listed(admin, actor).await? {
        let moment = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let (state, ends, used) = (state(key.state), moment(key.expires_at), moment(key.first_used_at));
        let KeyView { id, name, hint, owner, policy, created_at, .. } = key;
        table.row(&[
            id.to_string(),
            name,
            hint,
            state.to_owned(),
            owner.unwrap_or_default(),
            policy.tags.join(" "),
            created_at.to_string(),
            ends,
            used,
        ])?;
    }
    table.text()
}

/// What client keys used, as comma-separated values: a line for each key and day within the question.
///
/// # Errors
/// As [`Admin::stats`].
pub async fn export_usage(admin: &Admin, actor: &Actor, within: StatsInput) -> Result<String, AdminError> {
    let asked = StatsInput { by: vec![StatsBy::Day, StatsBy::Key], ..within };
    let found: StatsView = batch::answer(admin, actor, Command::Stats(asked)).await?;
    if found.left_out > 0 {
        let message = format!("leaves {} lines out; ask for a shorter time, or for one key", found.left_out);
        return Err(AdminError::invalid("since", message));
    }
    let mut table = Table::new(&[
        "day",
        "key_id",
        "key",
        "attempts",
        "completed",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "cost",
        "billed",
    ])?;
    for row in found.rows {
        let (id, name) = match row.key {
            Some(key) => (key.id.to_string(), key.name.unwrap_or_default()),
            None => Default::default(),
        };
        let (totals, usage) = (&row.totals, &row.totals.usage);
        table.row(&[
            row.start.map(|at| at.to_string()).unwrap_or_default(),
            id,
            name,
            totals.attempts.to_string(),
            totals.completed.to_string(),
            usage.input.to_string(),
            usage.output.to_string(),
            usage.cache_read.to_string(),
            usage.cache_write_5m.saturating_add(usage.cache_write_1h).to_string(),
            totals.cost.clone(),
            totals.billed.clone(),
        ])?;
    }
    table.text()
}

const fn state(state: KeyStatus) -> &'static str {
    match state {
        KeyStatus::Active => "active",
        KeyStatus::Disabled => "disabled",
        KeyStatus::Revoked => "revoked",
        KeyStatus::Deleted => "deleted",
        KeyStatus::Expired { .. } => "expired",
    }
}
