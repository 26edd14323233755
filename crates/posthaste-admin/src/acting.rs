//! The one way on which things are done: whether one may, the doing, and the note in the audit log.

use crate::{
    Actor, Admin, AdminError, Command, Policy, Reply,
    audit::{self, AuditTarget, Noted, Outcome},
    change::Turn,
    command,
};

/// Carries a command out for those who have seen the record that it is about at a version, and change no other.
pub(crate) async fn act_on(
    admin: &Admin,
    actor: &Actor,
    command: Command,
    version: u64,
) -> Result<Reply, AdminError> {
    let policy = command.policy();
    let Some((kind, selector)) = &policy.about else {
        let message = "goes with what changes one record; leave it out";
        return Err(AdminError::invalid("If-Match", message));
    };
    if let Err(refused) = actor.check(policy.need) {
        note_failure(admin, actor, &policy, None, &refused).await;
        return Err(refused);
    }
    // Without one the work says that there is none.
    let Some(seen) = audit::seen(admin, *kind, selector).await? else {
        return act(admin, actor, command).await;
    };
    let Some(id) = seen.target.id else { return act(admin, actor, command).await };
    // Of two who have seen the same version the second looks when the first is done.
    let turn = Turn::at_record(admin, id).await?;
    let done = match audit::seen(admin, *kind, &id.hyphenated().to_string()).await {
        Ok(Some(seen)) if seen.version != version => {
            let what = format!("{} `{}`", kind.as_str().replace('_', " "), seen.target.name.escape_debug());
            let stale = AdminError::Stale { what, version: seen.version };
            note_failure(admin, actor, &policy, Some(seen.target), &stale).await;
            Err(stale)
        }
        Ok(_) => act(admin, actor, command).await,
        Err(error) => Err(error),
    };
    turn.release().await;
    done
}

pub(crate) async fn act(admin: &Admin, actor: &Actor, command: Command) -> Result<Reply, AdminError> {
    let policy = command.policy();
    if let Err(refused) = actor.check(policy.need) {
        if policy.audited {
            note_failure(admin, actor, &policy, None, &refused).await;
        }
        return Err(refused);
    }
    if !policy.audited {
        // Boxed, since it is as large as the largest piece of work.
        return Box::pin(command::execute(admin, actor, command)).await;
    }
    let before = match &policy.about {
        Some((kind, selector)) => audit::seen(admin, *kind, selector).await?,
        None => None,
    };
    let done = Box::pin(command::execute(admin, actor, command)).await;
    match &done {
        Err(error) => note_failure(admin, actor, &policy, before.map(|seen| seen.target), error).await,
        Ok(reply) => {
            let kind = policy.about.as_ref().map(|(kind, _)| *kind);
            let known = before.as_ref().and_then(|seen| kind.zip(seen.target.id));
            let after = match known.or_else(|| reply.made()) {
                // It is done: an entry without what came of it is better than none.
                Some((kind, id)) => {
                    audit::seen(admin, kind, &id.hyphenated().to_string()).await.ok().flatten()
                }
                None => None,
            };
            let (was, before) = before.map(|seen| (seen.target, seen.value)).unzip();
            let (is, after) = after.map(|seen| (seen.target, seen.value)).unzip();
            let noted = Noted {
                action: policy.action,
                target: is.or(was),
                outcome: Outcome::Done,
                why: None,
                before,
                after,
            };
            admin.audit().note(actor, noted).await;
        }
    }
    done
}

async fn note_failure(
    admin: &Admin,
    actor: &Actor,
    policy: &Policy,
    found: Option<AuditTarget>,
    error: &AdminError,
) {
    let asked = policy.about.as_ref().map(|(kind, selector)| AuditTarget {
        kind: kind.as_str().to_owned(),
        id: None,
        name: selector.chars().take(MOST_NAME).collect(),
    });
    let outcome = match error {
        AdminError::Forbidden { .. } | AdminError::Unauthenticated { .. } | AdminError::TooMany { .. } => {
            Outcome::Refused
        }
        _ => Outcome::Failed,
    };
    let (why, target) = (Some(error.to_string()), found.or(asked));
    let noted = Noted { action: policy.action, target, outcome, why, before: None, after: None };
    admin.audit().note(actor, noted).await;
}

/// As long as names may be, and a little more.
const MOST_NAME: usize = 80;
