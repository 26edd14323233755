//! The one way on which things are done: whether one may, the doing, and the note in the audit log.

use crate::{
    Actor, Admin, AdminError, Command, Policy, Reply,
    audit::{self, AuditTarget, Noted, Outcome},
    branding, command,
};

/// With `not_now`, that is the answer to whoever may have it done otherwise, and it is not done.
pub(crate) async fn act(
    admin: &Admin,
    actor: &Actor,
    command: Command,
    not_now: Option<AdminError>,
) -> Result<Reply, AdminError> {
    let policy = command.policy();
    if let Err(refused) = actor.check(policy.need) {
        if policy.audited {
            note_failure(admin, actor, &policy, None, &refused).await;
        }
        return Err(refused);
    }
    if !policy.audited {
        if let Some(not_now) = not_now {
            return Err(not_now);
        }
        // Boxed, since it is as large as the largest piece of work.
        return Box::pin(command::execute(admin, actor, command)).await;
    }
    // The one thing that operators change and that is no record.
    let is_branding = matches!(command, Command::SetBranding(_));
    let before = match &policy.about {
        Some((kind, selector)) => audit::seen(admin, *kind, selector).await?,
        None if is_branding => Some(branding::seen(admin).await?),
        None => None,
    };
    let done = match not_now {
        Some(not_now) => Err(not_now),
        None => Box::pin(command::execute(admin, actor, command)).await,
    };
    match &done {
        Err(error) => note_failure(admin, actor, &policy, before.map(|(target, _)| target), error).await,
        Ok(reply) => {
            let kind = policy.about.as_ref().map(|(kind, _)| *kind);
            let known = before.as_ref().and_then(|(target, _)| kind.zip(target.id));
            // It is done: an entry without what came of it is better than none.
            let after = match known.or_else(|| reply.made()) {
                Some((kind, id)) => {
                    audit::seen(admin, kind, &id.hyphenated().to_string()).await.ok().flatten()
                }
                None if is_branding => branding::seen(admin).await.ok(),
                None => None,
            };
            let (was, mut before) = before.unzip();
            let (is, mut after) = after.unzip();
            if let Some((told_before, told_after)) = reply.noted() {
                (before, after) = (Some(told_before), Some(told_after));
            }
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
