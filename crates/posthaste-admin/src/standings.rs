//! Where the limits of client keys stand.

use posthaste_core::{ClientKey, ClientKeyId, Limit, LimitSlot, LimitUnit, Owner, Team, Timestamp, UserId};
use posthaste_metering::{Span, span};
use posthaste_storage::{Counter, CounterWindow, Half, Unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Admin, AdminError, limit_text};

/// Where a limit stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StandingView {
    /// Whose it is: `key`, `owner` or `team`, whose limits hold for several keys together.
    pub whose: String,
    /// Its name.
    pub name: String,
    /// The limit as operators write it.
    pub text: String,
    /// What is counted.
    pub unit: LimitUnit,
    /// What is used or reserved: requests, tokens, nano-dollars, or requests under way.
    pub used: i64,
    /// What may not be passed.
    pub amount: u64,
    /// When it starts anew, where that is known.
    pub resets_at: Option<Timestamp>,
    /// Whether it only counts and refuses nobody.
    pub shadow: bool,
}

/// Where all limits stand that a client key's requests count in.
pub(crate) async fn of_key(admin: &Admin, key: &ClientKey) -> Result<Vec<StandingView>, AdminError> {
    let (owner, team) = circle(admin, key.policy.owner).await?;
    let slot = LimitSlot::of(key.id, owner.as_ref().map(|owner| owner.id), team.as_ref().map(|team| team.id));
    let key_limits = ("key", slot.key_prefix(), key.policy.limits.clone());
    let circles = std::iter::once(key_limits).chain(shared(owner, team));
    standings(admin, slot, circles).await
}

/// Where the limits stand that all client keys of an owner share, if there is such an owner.
pub(crate) async fn of_owner(admin: &Admin, owner: UserId) -> Result<Vec<StandingView>, AdminError> {
    let (Some(owner), team) = circle(admin, Some(owner)).await? else { return Ok(Vec::new()) };
    // Which key it is makes no difference where an owner is.
    let (key, team_id) = (ClientKeyId::from_uuid(owner.id.uuid()), team.as_ref().map(|team| team.id));
    let slot = LimitSlot::of(key, Some(owner.id), team_id);
    standings(admin, slot, shared(Some(owner), team)).await
}

/// An owner and its team.
async fn circle(admin: &Admin, owner: Option<UserId>) -> Result<(Option<Owner>, Option<Team>), AdminError> {
    let owner = match owner {
        Some(owner) => admin.owner_records().get(owner.uuid()).await?.map(|found| found.value),
        None => None,
    };
    let team = match owner.as_ref().and_then(|owner| owner.team) {
        Some(team) => admin.team_records().get(team.uuid()).await?.map(|found| found.value),
        None => None,
    };
    Ok((owner, team))
}

type Circle = (&'static str, String, Vec<Limit>);

fn shared(owner: Option<Owner>, team: Option<Team>) -> impl Iterator<Item = Circle> {
    let owner = owner.map(|owner| ("owner", LimitSlot::owner_prefix(owner.id), owner.limits));
    let team = team.map(|team| ("team", LimitSlot::team_prefix(), team.limits));
    owner.into_iter().chain(team)
}

async fn standings(
    admin: &Admin,
    slot: LimitSlot,
    circles: impl Iterator<Item = Circle>,
) -> Result<Vec<StandingView>, AdminError> {
    let mut standings = Vec::new();
    for (whose, prefix, limits) in circles {
        for limit in limits {
            standings.push(standing(admin, slot.id(), whose, &prefix, limit).await?);
        }
    }
    Ok(standings)
}

async fn standing(
    admin: &Admin,
    slot: Uuid,
    whose: &str,
    prefix: &str,
    limit: Limit,
) -> Result<StandingView, AdminError> {
    let now = admin.parts().clock.now();
    let unit = match limit.unit {
        LimitUnit::Requests => Unit::Requests,
        LimitUnit::Tokens => Unit::Tokens,
        LimitUnit::Cost => Unit::Cost,
        LimitUnit::Concurrency => Unit::Concurrency,
    };
    let span = span(&limit.window, now).map_err(|error| AdminError::internal("a limit", error))?;
    let (window, resets_at) = match span {
        _ if unit == Unit::Concurrency => (CounterWindow::Held, None),
        Span::Now => (CounterWindow::Held, None),
        Span::Rolling(length) => (CounterWindow::Rolling(length), None),
        Span::Between { start, end } => (CounterWindow::Span { start, end }, Some(end)),
        Span::Total => (CounterWindow::Total, None),
    };
    let counter = Counter { name: format!("{prefix}{}", limit.name), unit, window };
    let used = admin.parts().stores.admission.used(Half::Caller, slot, &counter, now).await?;
    let text = limit_text(&limit);
    let Limit { name, unit, amount, shadow, .. } = limit;
    Ok(StandingView { whose: whose.to_owned(), name, text, unit, used, amount, resets_at, shadow })
}
