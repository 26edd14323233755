//! Where the limits of client keys stand.

use posthaste_core::{ClientKey, Limit, LimitSlot, LimitUnit, Timestamp};
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
    let owner = match key.policy.owner {
        Some(owner) => admin.owner_records().get(owner.uuid()).await?.map(|found| found.value),
        None => None,
    };
    let team = match owner.as_ref().and_then(|owner| owner.team) {
        Some(team) => admin.team_records().get(team.uuid()).await?.map(|found| found.value),
        None => None,
    };
    let slot = LimitSlot::of(key.id, owner.as_ref().map(|owner| owner.id), team.as_ref().map(|team| team.id));
    let mut circles = vec![("key", slot.key_prefix(), key.policy.limits.clone())];
    if let Some(owner) = owner {
        circles.push(("owner", LimitSlot::owner_prefix(owner.id), owner.limits));
    }
    if let Some(team) = team {
        circles.push(("team", LimitSlot::team_prefix(), team.limits));
    }
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
