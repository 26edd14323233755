//! Who could serve requests of one kind: what is the same for all of them.

use std::sync::Arc;

use posthaste_core::{
    Account, AccountId, Dialect, ModelPattern, Operation, Place, ProviderKind, Strategy, Timestamp,
};
use posthaste_scheduler::{Exclusion, Lineup, Member};

use super::candidate::{exclusion, most_in_flight, priority};
use crate::{asked::AskedModel, journey::Journey, targets::Target, trail::sketch::Barred};

/// All that decides who could serve a request, and in which order if nothing is known of the accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind<'a> {
    model: &'a AskedModel,
    place: Option<Place>,
    operation: Operation,
    dialect: Dialect,
    pinned: Option<Dialect>,
    strategy: Strategy,
    denied: &'a [ModelPattern],
    providers: &'a [ProviderKind],
    /// Whom the key is bound to, and whether nobody else may serve.
    binding: Option<(Place, bool)>,
}

/// The same, kept.
#[derive(Debug)]
pub(crate) struct KeptKind {
    model: AskedModel,
    place: Option<Place>,
    operation: Operation,
    dialect: Dialect,
    pinned: Option<Dialect>,
    strategy: Strategy,
    denied: Vec<ModelPattern>,
    providers: Vec<ProviderKind>,
    binding: Option<(Place, bool)>,
}

impl<'a> Kind<'a> {
    pub(crate) fn of(journey: &'a Journey, target: Target<'a>, strategy: Strategy) -> Self {
        let key = journey.caller.key();
        Self {
            model: target.model,
            place: target.place,
            operation: journey.operation,
            dialect: journey.asked_dialect(),
            pinned: journey.pinned,
            strategy,
            denied: &key.models.deny,
            providers: &key.policy.providers,
            binding: key.policy.binding.map(|binding| (binding.to, binding.strict)),
        }
    }

    pub(crate) fn kept(&self) -> KeptKind {
        KeptKind {
            model: self.model.clone(),
            place: self.place,
            operation: self.operation,
            dialect: self.dialect,
            pinned: self.pinned,
            strategy: self.strategy,
            denied: self.denied.to_vec(),
            providers: self.providers.to_vec(),
            binding: self.binding,
        }
    }
}

impl KeptKind {
    pub(crate) fn as_kind(&self) -> Kind<'_> {
        Kind {
            model: &self.model,
            place: self.place,
            operation: self.operation,
            dialect: self.dialect,
            pinned: self.pinned,
            strategy: self.strategy,
            denied: &self.denied,
            providers: &self.providers,
            binding: self.binding,
        }
    }
}

/// The accounts that could serve requests of a kind, and what stands against the others.
#[derive(Debug)]
pub(crate) struct Roster {
    lineup: Lineup,
    /// Those of the lineup, in its order.
    accounts: Vec<Arc<Account>>,
    left_out: LeftOut,
    /// From when and until when: accounts end.
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// The accounts that never come into question.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    all: Vec<(AccountId, Exclusion)>,
    /// How many each barrier keeps away.
    counts: Barred,
}

impl Roster {
    pub(crate) fn of(
        accounts: &[Arc<Account>],
        journey: &Journey,
        target: Target<'_>,
        now: Timestamp,
    ) -> Self {
        let policy = &journey.caller.key().policy;
        let (mut members, mut serving, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
        for account in accounts {
            match exclusion(journey, account, target, now) {
                Some(exclusion) => left_out.push((account.id, exclusion)),
                None => {
                    members.push(Member {
                        account: account.id,
                        model: target.model.in_health(account).clone(),
                        priority: priority(policy, account),
                        weight: account.scheduling.weight,
                        most_in_flight: most_in_flight(account, target.model),
                    });
                    serving.push(Arc::clone(account));
                }
            }
        }
        let ends = || accounts.iter().filter_map(|account| account.scheduling.expires_at);
        Self {
            lineup: Lineup::new(members),
            accounts: serving,
            left_out: LeftOut::of(left_out),
            from: ends().filter(|end| *end <= now).max(),
            until: ends().filter(|end| *end > now).min(),
        }
    }

    /// Whether it still says who could serve.
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }

    /// How many accounts it names.
    pub(crate) fn size(&self) -> usize {
        self.accounts.len() + self.left_out.all.len()
    }

    pub(crate) fn lineup(&self) -> &Lineup {
        &self.lineup
    }

    /// By its place in the lineup.
    pub(crate) fn account(&self, member: usize) -> &Arc<Account> {
        &self.accounts[member]
    }

    pub(crate) fn left_out(&self) -> &LeftOut {
        &self.left_out
    }
}

impl LeftOut {
    fn of(all: Vec<(AccountId, Exclusion)>) -> Self {
        let mut counts = Barred::default();
        all.iter().for_each(|(_, exclusion)| counts.count(exclusion));
        Self { all, counts }
    }

    /// In the order of their identities.
    pub(crate) fn all(&self) -> &[(AccountId, Exclusion)] {
        &self.all
    }

    /// How many each barrier keeps away.
    pub(crate) const fn counts(&self) -> &Barred {
        &self.counts
    }
}
