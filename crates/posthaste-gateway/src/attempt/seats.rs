//! Step 8, the account's half of admission.

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    Account, Fault, FaultKind, Limit, LimitOwner, Operation, Origin, Pool, StopEnd, Timestamp, fields,
};
use posthaste_storage::Half;
use uuid::Uuid;

use super::Setback;
use crate::{
    engine::Engine,
    journey::Journey,
    limits::{Hold, Unseated},
    shares::Share,
    turns::Tally,
};

/// The account's half of admission: its own limits, then those of each pool that it belongs to. What was taken is given back
/// when a later one refuses.
pub(crate) async fn seats(
    journey: &Journey,
    account: &Account,
    model: &str,
    tally: &mut Tally,
) -> Result<Vec<Hold>, Setback> {
    let mut seats = Vec::new();
    let rules = &account.scheduling;
    if journey.operation == Operation::CountTokens || (rules.limits.is_empty() && rules.pools.is_empty()) {
        return Ok(seats);
    }
    let engine = &journey.engine;
    let pools = pools_of(engine, account);
    for (owner, share) in shares(account, &pools) {
        let covers = |limit: &Limit| limit.covers(model);
        let seat = Hold::take(engine, Half::Seat, owner, &[share], covers, &journey.estimate).await;
        let seat = seat.map_err(|unseated| no_seat(journey, account, unseated, tally))?;
        seat.iter().for_each(|seat| journey.trail.seated(seat));
        seats.extend(seat);
    }
    Ok(seats)
}

/// The pools that an account belongs to.
pub(crate) fn pools_of(engine: &Engine, account: &Account) -> Vec<Arc<Pool>> {
    account.scheduling.pools.iter().filter_map(|pool| engine.directory.pool(*pool)).collect()
}

/// The limits that a request at an account counts in, in the order in which they are taken, and where each is counted: the
/// account's own, then those of its pools.
pub(crate) fn shares<'a>(
    account: &'a Account,
    pools: &'a [Arc<Pool>],
) -> impl Iterator<Item = (Uuid, Share<'a>)> {
    let share = |whose, name, limits| Share { whose, name, prefix: String::new(), limits };
    let own = share(LimitOwner::Account(account.id), account.name.as_str(), &*account.scheduling.limits);
    let pools = pools.iter().map(move |pool| {
        (pool.id.uuid(), share(LimitOwner::Pool(pool.id), pool.name.as_str(), &*pool.limits))
    });
    std::iter::once((account.id.uuid(), own)).chain(pools).filter(|(_, share)| !share.limits.is_empty())
}

fn no_seat(journey: &Journey, account: &Account, unseated: Unseated, tally: &mut Tally) -> Setback {
    let engine = &journey.engine;
    match unseated {
        Unseated::Limit(refusal, _) => {
            journey.trail.unseated(&refusal);
            journey.trail.end(StopEnd::AtItsLimit);
            tracing::debug!({ fields::ACCOUNT } = %account.name, limit = refusal.counter.name, "an account is at its own limit, or its pool is");
            tally.full = true;
            tally.full_until = match (tally.full_until, refusal.resets_at) {
                (Some(known), Some(other)) => Some(known.min(other)),
                (known, other) => known.or(other),
            };
        }
        Unseated::Store(error) => {
            journey.trail.end(StopEnd::LimitsUnknown);
            if engine.store_health.tells_of(&error) {
                tracing::debug!({ fields::ACCOUNT } = %account.name, %error, "an account's limits cannot be checked");
            } else {
                tracing::warn!({ fields::ACCOUNT } = %account.name, %error, "an account's limits cannot be checked");
            }
        }
    }
    Setback::Next
}

pub(crate) fn all_full(until: Option<Timestamp>, now: Timestamp) -> Fault {
    let message = "every upstream account is at the limit that the relay's operator has set: ask again after the time in retry-after";
    let wait = until.map_or(FULL_WAIT, |until| until.since(now).max(FULL_WAIT));
    Fault::new(FaultKind::RateLimited, Origin::Relay, message).retry_after(wait)
}

/// Requests end all the time.
const FULL_WAIT: Duration = Duration::from_secs(1);
