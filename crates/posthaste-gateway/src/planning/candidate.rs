//! An account as a candidate for a target: what speaks for it, or what stands against it.

use posthaste_core::{Account, KeyPolicy, LimitUnit, Strategy, Timestamp};
use posthaste_provider::upstream_dialect;
use posthaste_scheduler::{Candidate, Exclusion};

use super::{is_in, is_refused, may_use, roster::Roster, takes_part};
use crate::{asked::AskedModel, journey::Journey, targets::Target};

/// A member of the roster, with what this request alone says of it.
pub(super) fn candidate<'a>(
    journey: &Journey,
    (roster, member): (&'a Roster, usize),
    target: Target<'_>,
    strategy: Strategy,
) -> Candidate<'a> {
    let candidate = roster.lineup().members()[member].candidate();
    let account = roster.account(member);
    let affinity = journey.affinity.as_ref().filter(|affinity| affinity.home() == Some(account.id));
    let warmth = affinity.and_then(|affinity| {
        affinity.warmth(account, target.model, (&journey.engine.prices.now(), journey.estimate.prompt()))
    });
    let price = if strategy == Strategy::LowestCost || warmth.is_some() {
        journey.estimate.price(&journey.engine, account, target.model)
    } else {
        None
    };
    let home = affinity.is_some_and(|affinity| affinity.is_home(account.id));
    Candidate { price, warmth, home, ..candidate }
}

/// Lower goes first. Those that the key is bound to go before all others.
pub(crate) fn priority(policy: &KeyPolicy, account: &Account) -> u16 {
    let bound = policy.binding.is_none_or(|binding| is_in(account, binding.to));
    u16::from(account.priority) + if bound { 0 } else { BEHIND_ALL }
}

/// The tightest of the account's own limits on requests at the same time.
pub(super) fn most_in_flight(account: &Account, model: &AskedModel) -> Option<u32> {
    let limits = account.scheduling.limits.iter();
    let concurrent = limits.filter(|limit| limit.unit == LimitUnit::Concurrency && model.is_covered(limit));
    concurrent.map(|limit| u32::try_from(limit.amount).unwrap_or(u32::MAX)).min()
}

/// What the relay knows to stand against an account, before its health is looked at.
pub(super) fn exclusion(
    journey: &Journey,
    account: &Account,
    target: Target<'_>,
    now: Timestamp,
) -> Option<Exclusion> {
    let key = journey.caller.key();
    // A key may use what a route leads to without naming it, unless it is denied.
    let denied = target.model.is_denied(&key.models);
    if !takes_part(account, now) {
        Some(Exclusion::Disabled)
    } else if denied || !may_use(&key.policy, account) {
        Some(Exclusion::NotForThisKey)
    } else if target.place.is_some_and(|place| !is_in(account, place)) {
        Some(Exclusion::NotInThePlace)
    } else if !target.model.is_served(account) || is_refused(journey, account, target.model) {
        Some(Exclusion::ModelNotServed)
    } else if journey.home.is_some_and(|home| home != account.id) {
        Some(Exclusion::NotTheHome)
    } else {
        cannot_serve(journey, account, target.model)
    }
}

/// What stands between the request's form and the account.
pub(super) fn cannot_serve(journey: &Journey, account: &Account, model: &AskedModel) -> Option<Exclusion> {
    let model = model.upstream(account);
    let dialect = upstream_dialect(account, journey.operation, journey.asked_dialect(), &model);
    match (dialect, journey.pinned) {
        (None, _) => Some(Exclusion::OperationNotServed),
        (Some(dialect), Some(pinned)) if dialect != pinned => Some(Exclusion::PinnedElsewhere),
        _ => None,
    }
}

/// More than any priority.
const BEHIND_ALL: u16 = 1_000;
