//! Step 5, plan: who could serve, in what order, and why not the others.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Account, Fault, FaultKind, KeyPolicy, Operation, Origin, Place, Timestamp};
use posthaste_provider::upstream_dialect;
use posthaste_scheduler::{Candidate, Exclusion, Hint, Plan};

use crate::journey::Journey;

/// The scheduler's plan, with the snapshot of accounts that it was made from.
pub(crate) struct Route {
    snapshot: Arc<Vec<Arc<Account>>>,
    plan: Plan,
}

pub(crate) fn plan(journey: &Journey, now: Timestamp) -> Route {
    let snapshot = journey.engine.directory.all();
    let candidates: Vec<_> = snapshot.iter().map(|account| candidate(journey, account)).collect();
    let plan = journey.engine.scheduler.plan(&candidates, &Hint::default(), now);
    Route { snapshot, plan }
}

/// Whether tokens are to be counted and accounts serve the model, none of which has an endpoint for that.
pub(crate) fn nobody_counts(journey: &Journey) -> bool {
    if journey.operation != Operation::CountTokens {
        return false;
    }
    let snapshot = journey.engine.directory.all();
    let mut serving = snapshot
        .iter()
        .filter(|account| account.enabled && journey.model.is_served(account))
        .map(|account| cannot_serve(journey, account))
        .peekable();
    serving.peek().is_some() && serving.all(|exclusion| exclusion == Some(Exclusion::OperationNotServed))
}

fn candidate<'a>(journey: &'a Journey, account: &'a Account) -> Candidate<'a> {
    let exclusion = if !takes_part(account, journey.engine.clock.now()) {
        Some(Exclusion::Disabled)
    } else if !may_use(&journey.caller.key().policy, account) {
        Some(Exclusion::NotForThisKey)
    } else if !journey.model.is_served(account) || is_refused(journey, account) {
        Some(Exclusion::ModelNotServed)
    } else if journey.home.is_some_and(|home| home != account.id) {
        Some(Exclusion::NotTheHome)
    } else {
        cannot_serve(journey, account)
    };
    let model = journey.model.in_health(account);
    // Those that the key is bound to go before all others.
    let bound = journey.caller.key().policy.binding.is_none_or(|binding| is_in(account, binding.to));
    let priority = u16::from(account.priority) + if bound { 0 } else { BEHIND_ALL };
    let weight = account.scheduling.weight;
    Candidate { priority, exclusion, weight, ..Candidate::new(account.id, model) }
}

/// Whether the operator lets nobody use what the model is called at an account, since it has no price.
fn is_refused(journey: &Journey, account: &Account) -> bool {
    let is_free = journey.operation == Operation::CountTokens;
    !is_free && journey.model.is_refused(account, &journey.engine.prices)
}

/// Whether an account is there to be asked at all.
pub(crate) fn takes_part(account: &Account, now: Timestamp) -> bool {
    let ended = account.scheduling.expires_at.is_some_and(|end| end <= now);
    account.enabled && account.scheduling.schedulable && !ended
}

/// Whether the key's policy leaves the account to it.
pub(crate) fn may_use(policy: &KeyPolicy, account: &Account) -> bool {
    let provider = policy.providers.is_empty() || policy.providers.contains(&account.provider);
    let bound = policy.binding.is_none_or(|binding| !binding.strict || is_in(account, binding.to));
    provider && bound
}

fn is_in(account: &Account, place: Place) -> bool {
    match place {
        Place::Account(id) => account.id == id,
        Place::Pool(id) => account.scheduling.pools.contains(&id),
    }
}

/// What stands between the request's form and the account.
fn cannot_serve(journey: &Journey, account: &Account) -> Option<Exclusion> {
    let model = journey.model.upstream(account);
    let dialect = upstream_dialect(account, journey.operation, journey.asked_dialect(), &model);
    match (dialect, journey.pinned) {
        (None, _) => Some(Exclusion::OperationNotServed),
        (Some(dialect), Some(pinned)) if dialect != pinned => Some(Exclusion::PinnedElsewhere),
        _ => None,
    }
}

impl Route {
    /// The accounts to ask, in order.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        // The candidates were made of the snapshot, one of each account.
        self.plan.order.iter().map(|pick| &self.snapshot[pick.candidate as usize])
    }

    /// What a client is told when nobody can serve it.
    pub(crate) fn nobody_left(&self, journey: &Journey, now: Timestamp) -> Fault {
        if !self.plan.order.is_empty() {
            return overloaded("the upstream accounts that were asked could not answer: ask again")
                .retry_after(LEAST_WAIT);
        }
        let excluded = &self.plan.excluded;
        let only = |wanted: fn(&Exclusion) -> bool| {
            !excluded.is_empty() && excluded.iter().all(|(_, exclusion)| wanted(exclusion))
        };
        if excluded.is_empty() || only(|exclusion| matches!(exclusion, Exclusion::Disabled)) {
            return overloaded(
                "the relay has no upstream account that is switched on: its operator has to add or enable one",
            )
            .retry_after(OPERATORS_WAIT);
        }
        if only(|exclusion| matches!(exclusion, Exclusion::Disabled | Exclusion::NotTheHome)) {
            return Fault::new(FaultKind::AnswerNotFound, Origin::Client, HOME_IS_GONE);
        }
        let served = |exclusion: &Exclusion| {
            !matches!(
                exclusion,
                Exclusion::Disabled
                    | Exclusion::ModelNotServed
                    | Exclusion::PinnedElsewhere
                    | Exclusion::NotForThisKey
            )
        };
        if excluded.iter().any(|(_, exclusion)| served(exclusion))
            && only(|exclusion| !matches!(exclusion, Exclusion::Parked(_)))
        {
            let (operation, model) = (journey.operation, &journey.envelope.model);
            let message = format!(
                "no account of the relay that serves model `{model}` has an endpoint for {operation}"
            );
            return Fault::new(FaultKind::NotFound, Origin::Client, message);
        }
        if only(|exclusion| {
            matches!(
                exclusion,
                Exclusion::Disabled
                    | Exclusion::ModelNotServed
                    | Exclusion::PinnedElsewhere
                    | Exclusion::NotForThisKey
            )
        }) {
            return Fault::new(
                FaultKind::NotFound,
                Origin::Client,
                format!(
                    "no account of the relay serves model `{}`: see GET /v1/models",
                    journey.envelope.model
                ),
            );
        }
        let wait = self.plan.soonest_return().map_or(DEFAULT_WAIT, |until| until.since(now)).max(LEAST_WAIT);
        let fault = if self.plan.all_rate_limited() {
            let message =
                "every upstream account is at its rate limit: ask again after the time in retry-after";
            Fault::new(FaultKind::RateLimited, Origin::Upstream, message)
        } else {
            overloaded("no upstream account can answer now: ask again after the time in retry-after")
        };
        fault.retry_after(wait)
    }
}

fn overloaded(message: &'static str) -> Fault {
    Fault::new(FaultKind::Overloaded, Origin::Relay, message)
}

const HOME_IS_GONE: &str = "`previous_response_id`: the account that made this answer cannot be asked any more; send the whole conversation instead";
/// More than any priority.
const BEHIND_ALL: u16 = 1_000;
const DEFAULT_WAIT: Duration = Duration::from_secs(5);
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// A person has to act. Without advice clients would ask every half second; SDKs take none above a minute.
const OPERATORS_WAIT: Duration = Duration::from_secs(30);
