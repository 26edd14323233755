//! Step 5, plan: who could serve, in what order, and why not the others.

mod candidate;
mod nobody;
mod roster;

use std::{collections::HashSet, sync::Arc};

use posthaste_core::{Account, KeyPolicy, Operation, Place, PoolId, PoolRules, Timestamp};
use posthaste_scheduler::{Candidate, Exclusion, Hint, Plan, Resort};

use self::candidate::{candidate, cannot_serve};
pub(crate) use self::{
    candidate::priority,
    roster::{KeptKind, Kind, LeftOut, Roster},
};
use crate::{
    Caller, RelayOptions, affinity::Affinity, asked::AskedModel, engine::Engine, journey::Journey,
    targets::Target,
};

/// Whom to ask for what, in order: one leg for each target of the request.
pub(crate) struct Course<'a> {
    /// Whom the plans were content with.
    pub(crate) resort: Resort,
    pub(crate) legs: Vec<Leg<'a>>,
}

/// The accounts that may be asked for one model.
pub(crate) struct Leg<'a> {
    /// What they are asked for.
    pub(crate) model: &'a AskedModel,
    pub(crate) rules: LegRules,
    target: Target<'a>,
    /// The accounts that the plan was made from.
    roster: Arc<Roster>,
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
///
/// Of the accounts of a large relay only the first ones are put in order, until more are asked for.
pub(crate) fn plan(journey: &Journey, now: Timestamp) -> Course<'_> {
    let usual = plan_for(journey, Resort::Usual, Extent::Head, now);
    if usual.has_candidates() || usual.soonest_return().is_none() {
        return usual;
    }
    plan_for(journey, Resort::Last, Extent::Whole, now)
}

/// The same with all accounts in order.
pub(crate) fn plan_whole(journey: &Journey, now: Timestamp) -> Course<'_> {
    let usual = plan_for(journey, Resort::Usual, Extent::Whole, now);
    if usual.has_candidates() || usual.soonest_return().is_none() {
        return usual;
    }
    plan_for(journey, Resort::Last, Extent::Whole, now)
}

/// How much of a plan is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Head,
    Whole,
}

fn plan_for(journey: &Journey, resort: Resort, extent: Extent, now: Timestamp) -> Course<'_> {
    let engine = &journey.engine;
    let legs = journey.targets.iter(&journey.model).map(|target| {
        let rules = LegRules::of(engine, &journey.options, &journey.caller, target);
        let roster = engine.rosters.of(journey, target, rules.strategy, now);
        let mut leg = Leg { model: target.model, rules, target, roster, plan: Plan::of_nobody(resort, now) };
        let head = if extent == Extent::Head { leg.head(journey, resort, now) } else { None };
        leg.plan = head.unwrap_or_else(|| leg.whole(journey, resort, now));
        leg
    });
    Course { resort, legs: legs.collect() }
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
    /// Whom to ask, and which of those that serve the model rest.
    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Those that never come into question.
    pub(crate) fn left_out(&self) -> &LeftOut {
        self.roster.left_out()
    }

    /// How many accounts are to be asked.
    pub(crate) fn candidates(&self) -> usize {
        self.plan.order.len() + self.plan.more as usize
    }

    /// What stands against those that are not asked.
    fn exclusions(&self) -> impl Iterator<Item = &Exclusion> {
        let all = self.plan.excluded.iter().chain(self.left_out().all());
        all.map(|(_, exclusion)| exclusion)
    }

    /// The accounts to ask, in order, as far as they are in order already.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.plan.order.iter().map(|pick| self.roster.account(pick.candidate as usize))
    }

    /// All accounts to ask, in order. Those that were not put in order with the plan are when it comes to them.
    pub(crate) fn all_accounts<'a>(&'a self, journey: &'a Journey) -> impl Iterator<Item = &'a Arc<Account>> {
        let rest = (self.plan.more > 0).then_some(()).into_iter().flat_map(move |()| {
            let told: HashSet<u32> = self.plan.order.iter().map(|pick| pick.candidate).collect();
            let whole = self.whole(journey, self.plan.resort, journey.engine.clock.now());
            whole.order.into_iter().map(|pick| pick.candidate).filter(move |member| !told.contains(member))
        });
        self.accounts().chain(rest.map(|member| self.roster.account(member as usize)))
    }

    /// The first accounts; `None` where all have to be put in order at once.
    fn head(&self, journey: &Journey, resort: Resort, now: Timestamp) -> Option<Plan> {
        if !self.roster.lineup().is_large() {
            return None;
        }
        let home = journey.affinity.as_ref().and_then(Affinity::home);
        let home = home.and_then(|home| self.roster.lineup().position(home));
        let favourite =
            home.map(|home| candidate(journey, (&self.roster, home), self.target, self.rules.strategy));
        let hint = self.hint(journey, resort);
        journey.engine.scheduler.plan_head(self.roster.lineup(), &hint, favourite.as_ref(), now)
    }

    fn whole(&self, journey: &Journey, resort: Resort, now: Timestamp) -> Plan {
        let quotas = journey.engine.quotas.read();
        let members = 0..self.roster.lineup().members().len();
        let candidates: Vec<_> = members
            .map(|member| {
                let candidate = candidate(journey, (&self.roster, member), self.target, self.rules.strategy);
                let windows = quotas.get(&candidate.account).map_or(&[][..], Vec::as_slice);
                Candidate { quota: windows, ..candidate }
            })
            .collect();
        journey.engine.scheduler.plan(&candidates, &self.hint(journey, resort), now)
    }

    fn hint(&self, journey: &Journey, resort: Resort) -> Hint {
        let PoolRules { strategy, affinity, .. } = &*self.rules;
        Hint { strategy: *strategy, seed: journey.seed(), affinity: affinity.enabled, resort }
    }
}

impl Course<'_> {
    /// The account that is asked first.
    pub(crate) fn first(&self) -> Option<&Arc<Account>> {
        self.legs.iter().find_map(|leg| leg.accounts().next())
    }
}
