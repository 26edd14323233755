//! Step 5, plan: who could serve, in what order, and why not the others.

mod candidate;
mod nobody;

use std::sync::Arc;

use posthaste_core::{Account, KeyPolicy, Operation, Place, PoolId, PoolRules, Timestamp};
use posthaste_scheduler::{Exclusion, Hint, Plan, Resort};

pub(crate) use self::candidate::priority;
use self::candidate::{candidate, cannot_serve};
use crate::{Caller, RelayOptions, asked::AskedModel, engine::Engine, journey::Journey, targets::Target};

/// Whom to ask for what, in order: one leg for each target of the request.
pub(crate) struct Course<'a> {
    /// The accounts that the plans were made from.
    snapshot: Arc<Vec<Arc<Account>>>,
    /// Whom the plans were content with.
    pub(crate) resort: Resort,
    pub(crate) legs: Vec<Leg<'a>>,
}

/// The accounts that may be asked for one model.
pub(crate) struct Leg<'a> {
    /// What they are asked for.
    pub(crate) model: &'a AskedModel,
    pub(crate) rules: LegRules,
    plan: Plan,
}

/// By which rules a leg's accounts are chosen and asked again.
#[derive(Clone)]
pub(crate) enum LegRules {
    /// Those of a pool.
    Pool(Arc<posthaste_core::Pool>),
    /// The relay's own.
    Relay(Arc<RelayOptions>),
}

impl std::ops::Deref for LegRules {
    type Target = PoolRules;

    fn deref(&self) -> &PoolRules {
        match self {
            Self::Pool(pool) => &pool.rules,
            Self::Relay(options) => &options.rules,
        }
    }
}

impl LegRules {
    /// The rules of the pool that the target names, else of the one that the key is bound to, else the relay's.
    pub(crate) fn of(
        engine: &Engine,
        usual: &Arc<RelayOptions>,
        caller: &Caller,
        target: Target<'_>,
    ) -> Self {
        let bound = caller.key().policy.binding.map(|binding| binding.to);
        let pool = [target.place, bound].into_iter().flatten().find_map(|place| match place {
            Place::Pool(id) => engine.directory.pool(id),
            Place::Account(_) => None,
        });
        pool.map_or_else(|| Self::Relay(Arc::clone(usual)), Self::Pool)
    }

    /// The pool whose rules they are.
    pub(crate) fn pool(&self) -> Option<PoolId> {
        match self {
            Self::Pool(pool) => Some(pool.id),
            Self::Relay(_) => None,
        }
    }
}

/// Plans each leg. Where nobody is left on any, those that rest by the relay's own guess are looked at as well.
pub(crate) fn plan(journey: &Journey, now: Timestamp) -> Course<'_> {
    let usual = plan_for(journey, Resort::Usual, now);
    if usual.has_candidates() || usual.soonest_return().is_none() {
        return usual;
    }
    plan_for(journey, Resort::Last, now)
}

fn plan_for(journey: &Journey, resort: Resort, now: Timestamp) -> Course<'_> {
    let snapshot = journey.engine.directory.all();
    let quotas = journey.engine.quotas.read();
    let legs = journey.targets.iter(&journey.model).map(|target| {
        let rules = LegRules::of(&journey.engine, &journey.options, &journey.caller, target);
        let strategy = rules.strategy;
        let candidates: Vec<_> = snapshot
            .iter()
            .map(|account| candidate(journey, account, target, strategy, &quotas, now))
            .collect();
        let hint = Hint { strategy, seed: journey.seed(), affinity: rules.affinity.enabled, resort };
        let plan = journey.engine.scheduler.plan(&candidates, &hint, now);
        Leg { model: target.model, rules, plan }
    });
    let legs = legs.collect();
    Course { snapshot, resort, legs }
}

/// Whether tokens are to be counted and accounts serve the model, none of which has an endpoint for that.
pub(crate) fn nobody_counts(journey: &Journey) -> bool {
    if journey.operation != Operation::CountTokens {
        return false;
    }
    let snapshot = journey.engine.directory.all();
    let mut exclusions = journey
        .targets
        .iter(&journey.model)
        .flat_map(|Target { model, .. }| {
            let serves = move |account: &&Arc<Account>| account.enabled && model.is_served(account);
            snapshot.iter().filter(serves).map(move |account| cannot_serve(journey, account, model))
        })
        .peekable();
    exclusions.peek().is_some()
        && exclusions.all(|exclusion| exclusion == Some(Exclusion::OperationNotServed))
}

/// Whether an account is the place, or belongs to it.
pub(crate) fn is_in(account: &Account, place: Place) -> bool {
    match place {
        Place::Account(id) => account.id == id,
        Place::Pool(id) => account.scheduling.pools.contains(&id),
    }
}

/// Whether the operator lets nobody use what the model is called at an account, since it has no price.
fn is_refused(journey: &Journey, account: &Account, model: &AskedModel) -> bool {
    let is_free = journey.operation == Operation::CountTokens;
    !is_free && model.is_refused(account, &journey.engine.prices.now())
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

impl Leg<'_> {
    /// Whom to ask, and why not the others.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }
}

impl Course<'_> {
    /// The account that is asked first.
    pub(crate) fn first(&self) -> Option<&Arc<Account>> {
        self.legs.iter().find_map(|leg| self.accounts(leg).next())
    }

    /// The accounts to ask on a leg, in order.
    pub(crate) fn accounts<'a>(&'a self, leg: &'a Leg<'_>) -> impl Iterator<Item = &'a Arc<Account>> {
        // The candidates were made of the snapshot, one of each account.
        leg.plan.order.iter().map(|pick| &self.snapshot[pick.candidate as usize])
    }
}
