//! Changes by those who decided by what they saw.
//!
//! Every change puts only the fields that it names into the record as it is when it is written, so that it undoes nothing that
//! a running request or another operator wrote. Whoever names the version that he saw is refused when the record has another.

use std::sync::Arc;

use posthaste_core::Level;
use posthaste_storage::{PinnedConfig, RecordKind};
use uuid::Uuid;

use crate::{Actor, Admin, AdminError, Command, Policy, Reply, acting, audit};

/// What came of a command that may be about one record.
#[derive(Clone, Debug)]
pub struct Acted {
    /// What it answers.
    pub reply: Reply,
    /// The version of the record that the answer tells of: at least as old as the answer, never newer.
    pub version: Option<u64>,
}

/// Carries a command out; with `seen`, only while the record that it is about has that version.
pub(crate) async fn act(
    admin: &Admin,
    actor: &Actor,
    command: Command,
    seen: Option<u64>,
) -> Result<Acted, AdminError> {
    let policy = command.policy();
    let writes = policy.need.level == Level::Write;
    let seen = seen.filter(|_| writes);
    // Who may not do it learns nothing of the record.
    if actor.check(policy.need).is_err() {
        let reply = acting::act(admin, actor, command, None).await?;
        return Ok(Acted { reply, version: None });
    }
    let Some((kind, id)) = subject(admin, &policy).await? else {
        let refused = seen.map(|_| nothing_to_match(&policy));
        let reply = acting::act(admin, actor, command, refused).await?;
        return Ok(Acted { reply, version: None });
    };
    let config = Arc::clone(&admin.parts().stores.config);
    let before = config.get(kind, id).await?.map(|record| record.version);
    let refused = stale(admin, actor, &policy, (kind, id), seen).await?;
    let pinned = Arc::new(PinnedConfig::new(config, kind, id, seen));
    let through = admin.over(Arc::clone(&pinned) as _);
    match acting::act(&through, actor, command, refused).await {
        Ok(reply) => {
            let version = if writes { pinned.written() } else { before };
            Ok(Acted { reply, version })
        }
        // Somebody was faster between the look and the write.
        Err(error @ AdminError::Conflict { .. }) => {
            Err(stale(admin, actor, &policy, (kind, id), seen).await?.unwrap_or(error))
        }
        Err(error) => Err(error),
    }
}

async fn subject(admin: &Admin, policy: &Policy) -> Result<Option<(RecordKind, Uuid)>, AdminError> {
    let Some((kind, selector)) = &policy.about else { return Ok(None) };
    let found = audit::seen(admin, *kind, selector).await?;
    Ok(found.and_then(|(target, _)| target.id).map(|id| (*kind, id)))
}

/// What is told to whoever saw another version than the record has.
async fn stale(
    admin: &Admin,
    actor: &Actor,
    policy: &Policy,
    (kind, id): (RecordKind, Uuid),
    seen: Option<u64>,
) -> Result<Option<AdminError>, AdminError> {
    let Some(seen) = seen else { return Ok(None) };
    let Some(record) = admin.parts().stores.config.get(kind, id).await? else { return Ok(None) };
    if record.version == seen {
        return Ok(None);
    }
    let shown = audit::seen(admin, kind, &id.hyphenated().to_string()).await?;
    let what = match &shown {
        Some((target, _)) => format!("{} `{}`", kind.as_str().replace('_', " "), target.name),
        None => kind.as_str().replace('_', " "),
    };
    let may_see = actor.check(policy.need.area.read()).is_ok();
    let current = shown.filter(|_| may_see).map(|(_, value)| Box::new(value));
    Ok(Some(AdminError::Stale { what, version: record.version, current }))
}

fn nothing_to_match(policy: &Policy) -> AdminError {
    match &policy.about {
        Some((kind, selector)) => {
            let kind = kind.as_str().replace('_', " ");
            AdminError::NotFound { what: format!("{kind} `{}`", selector.escape_debug()) }
        }
        None => {
            AdminError::invalid("if-match", "goes with a change of one record that is there; leave it out")
        }
    }
}
