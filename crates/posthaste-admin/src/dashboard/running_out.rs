//! What will run out before it starts anew, if it is used on as it was.

use std::cmp::Reverse;

use posthaste_core::{ClientKey, Limit, LimitSlot, LimitUnit, Timestamp};
use posthaste_metering::{Span, span};
use posthaste_scheduler::QuotaWindow;
use posthaste_storage::{Counter, CounterWindow, Dimension, Half, RollupPeriod, Unit, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, PlaceOwner, directory::Snapshot, limit_text};

/// What will run out before it starts anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunningOutView {
    /// The windows that run out first: of accounts' plans, as their vendors told the relay that answers, and of client keys' own
    /// limits by the calendar.
    pub soonest: Vec<RunsOut>,
    /// How many more will run out.
    pub more: usize,
    /// How many limits were not looked at: those of the client keys that used least today.
    pub not_looked_at: usize,
}

/// A window that runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunsOut {
    /// Whose it is.
    pub owner: PlaceOwner,
    /// The limit as operators write it; absent for an account's plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// How much of it is used.
    pub used_percent: u64,
    /// When nothing is left at the present pace; the present moment where nothing is left already.
    pub runs_out_at: Timestamp,
    /// When it starts anew.
    pub resets_at: Timestamp,
}

/// Looks at everything that may run out.
pub(super) async fn running_out(
    admin: &Admin,
    known: &Snapshot,
    now: Timestamp,
) -> Result<RunningOutView, AdminError> {
    let mut found = of_accounts(admin, known);
    let mut limits = limits_in_use(admin, known, now).await?;
    let not_looked_at = limits.len().saturating_sub(MOST_LOOKED_AT);
    limits.truncate(MOST_LOOKED_AT);
    for (key, limit) in limits {
        found.extend(of_limit(admin, known, (key, limit), now).await?);
    }
    found.sort_by_key(|window| (window.runs_out_at, window.resets_at));
    let more = found.len().saturating_sub(MOST_TOLD);
    found.truncate(MOST_TOLD);
    Ok(RunningOutView { soonest: found, more, not_looked_at })
}

fn of_accounts(admin: &Admin, known: &Snapshot) -> Vec<RunsOut> {
    let Some(runtime) = &admin.parts().runtime else { return Vec::new() };
    let accounts = known.accounts.values().filter(|account| account.enabled);
    let windows = accounts.flat_map(|account| {
        let owner = PlaceOwner::Account { id: account.id, name: account.name.clone() };
        runtime.quota(account.id).into_iter().filter_map(move |window| {
            Some(RunsOut {
                owner: owner.clone(),
                limit: None,
                used_percent: window.used_percent,
                runs_out_at: window.runs_out_at?,
                resets_at: window.resets_at,
            })
        })
    });
    windows.collect()
}

/// The own limits of the keys that were used today, those of the key with the most attempts first.
async fn limits_in_use<'a>(
    admin: &Admin,
    known: &'a Snapshot,
    now: Timestamp,
) -> Result<Vec<(&'a ClientKey, &'a Limit)>, AdminError> {
    let windowed =
        |key: &ClientKey| key.policy.limits.iter().any(|limit| limit.unit != LimitUnit::Concurrency);
    if !known.keys.values().any(|key| windowed(key)) {
        return Ok(Vec::new());
    }
    let today =
        UsageQuery { from: Some(RollupPeriod::Day.start_of(now)), ..UsageQuery::all(RollupPeriod::Day) };
    let mut used = admin.parts().stores.ledger.sums(&today, &[Dimension::Key]).await?;
    used.sort_by_key(|group| Reverse(group.sums.attempts));
    let keys = used.iter().filter_map(|group| known.keys.get(&group.group.key_id?.uuid()));
    let limits = keys.flat_map(|key| key.policy.limits.iter().map(move |limit| (&**key, limit)));
    Ok(limits.filter(|(_, limit)| !limit.shadow && calendar(limit, now).is_some()).collect())
}

/// The window of a limit by the calendar that is open now. Of one that opens with the first request nobody knows when it did.
fn calendar(limit: &Limit, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
    match span(&limit.window, now) {
        Ok(Span::Between { start, end }) => Some((start, end)),
        Ok(Span::Now | Span::Rolling(_) | Span::Total) | Err(_) => None,
    }
}

async fn of_limit(
    admin: &Admin,
    known: &Snapshot,
    (key, limit): (&ClientKey, &Limit),
    now: Timestamp,
) -> Result<Option<RunsOut>, AdminError> {
    let Some((start, end)) = calendar(limit, now) else { return Ok(None) };
    let unit = match limit.unit {
        LimitUnit::Requests => Unit::Requests,
        LimitUnit::Tokens => Unit::Tokens,
        LimitUnit::Cost => Unit::Cost,
        LimitUnit::Concurrency => return Ok(None),
    };
    let owner = key.policy.owner.and_then(|owner| known.owners.get(&owner.uuid()));
    let team = owner.and_then(|owner| known.teams.get(&owner.team?.uuid())).map(|team| team.id);
    let slot = LimitSlot::of(key.id, owner.map(|owner| owner.id), team);
    let name = format!("{}{}", slot.key_prefix(), limit.name);
    let counter = Counter { name, unit, window: CounterWindow::Span { start, end } };
    let used = admin.parts().stores.admission.used(Half::Caller, slot.id(), &counter, now).await?;
    let used = u64::try_from(used).unwrap_or(0);
    Ok(forecast((used, limit.amount), (start, end), now).map(|runs_out_at| RunsOut {
        owner: PlaceOwner::ClientKey { id: key.id, name: key.name.clone() },
        limit: Some(limit_text(limit)),
        used_percent: percent(used, limit.amount),
        runs_out_at,
        resets_at: end,
    }))
}

/// When nothing is left of an allowance that is used on as it was since its window began; `None` where it lasts until the window
/// starts anew.
fn forecast(
    (used, amount): (u64, u64),
    (starts_at, resets_at): (Timestamp, Timestamp),
    now: Timestamp,
) -> Option<Timestamp> {
    QuotaWindow { used, limit: amount, request: 0, starts_at, resets_at }.forecast(now).runs_out_at
}

fn percent(used: u64, amount: u64) -> u64 {
    let percent = u128::from(used) * 100 / u128::from(amount.max(1));
    u64::try_from(percent).unwrap_or(u64::MAX)
}

const MOST_TOLD: usize = 10;

/// Each of them is a question to the store.
const MOST_LOOKED_AT: usize = 100;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A window of 1,000 s and an allowance of 100.
    #[rstest]
    #[case::nothing_was_used(500, 0, None)]
    #[case::on_pace_it_lasts(500, 50, None)]
    #[case::faster_it_runs_out(500, 80, Some(625))]
    #[case::all_is_gone_already(500, 100, Some(500))]
    #[case::more_than_all_is_gone(500, 130, Some(500))]
    #[case::the_first_moments_are_no_pace(1, 1, None)]
    #[case::it_has_started_anew(1_000, 100, None)]
    fn a_window_runs_out_at_the_pace_that_it_had(
        #[case] elapsed: i64,
        #[case] used: u64,
        #[case] runs_out: Option<i64>,
    ) {
        let at = Timestamp::from_secs;
        let told = forecast((used, 100), (at(10_000), at(11_000)), at(10_000 + elapsed));
        assert_eq!(told, runs_out.map(|secs| at(10_000 + secs)));
    }

    #[test]
    fn of_nothing_all_is_used() {
        let at = Timestamp::from_secs;
        assert_eq!(forecast((0, 0), (at(0), at(10)), at(5)), Some(at(5)));
        assert_eq!([percent(1, 3), percent(5, 0), percent(u64::MAX, 1)], [33, 500, u64::MAX]);
    }
}
