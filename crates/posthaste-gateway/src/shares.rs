//! Whose limits a request counts in, and where: a client key's, its owner's and its team's, all in one slot.
//!
//! The widest circle tags the slot, since only one slot is one atomic step ([ADR 14](../../../docs/adr/0014-owners-and-teams.md)).
//! Within a shared slot every limit's counter says whose it is.

use std::sync::Arc;

use posthaste_core::{ClientKey, Limit, LimitOwner, LimitSlot, Owner, Team};
use uuid::Uuid;

use crate::AccountDirectory;

/// Somebody's limits in a slot.
pub(crate) struct Share<'a> {
    /// Whose.
    pub(crate) whose: LimitOwner,
    /// The name of the one whose they are.
    pub(crate) name: &'a str,
    /// What tells its counters from others' in the slot.
    pub(crate) prefix: String,
    /// Which.
    pub(crate) limits: &'a [Limit],
}

/// The circles that a client key belongs to.
pub(crate) struct Circles<'a> {
    key: &'a ClientKey,
    owner: Option<Arc<Owner>>,
    team: Option<Arc<Team>>,
}

impl<'a> Circles<'a> {
    /// As they are now. An owner or team without a record is none.
    pub(crate) fn of(directory: &AccountDirectory, key: &'a ClientKey) -> Self {
        let owner = key.policy.owner.and_then(|id| directory.owner(id));
        let team = owner.as_ref().and_then(|owner| owner.team).and_then(|id| directory.team(id));
        Self { key, owner, team }
    }

    /// The identity of the widest circle.
    pub(crate) fn slot(&self) -> Uuid {
        self.place().id()
    }

    fn place(&self) -> LimitSlot {
        let owner = self.owner.as_ref().map(|owner| owner.id);
        LimitSlot::of(self.key.id, owner, self.team.as_ref().map(|team| team.id))
    }

    /// The limits of all circles, the narrowest first: who is told of a refusal can do most about that one.
    pub(crate) fn shares(&self) -> Vec<Share<'_>> {
        let key = &self.key;
        let prefix = self.place().key_prefix();
        let mut shares = vec![Share {
            whose: LimitOwner::ClientKey(key.id),
            name: &key.name,
            prefix,
            limits: &key.policy.limits,
        }];
        if let Some(owner) = &self.owner {
            let prefix = LimitSlot::owner_prefix(owner.id);
            shares.push(Share {
                whose: LimitOwner::Owner(owner.id),
                name: &owner.name,
                prefix,
                limits: &owner.limits,
            });
        }
        if let Some(team) = &self.team {
            let prefix = LimitSlot::team_prefix();
            shares.push(Share {
                whose: LimitOwner::Team(team.id),
                name: &team.name,
                prefix,
                limits: &team.limits,
            });
        }
        shares
    }

    /// Whose limit refuses, for the client.
    pub(crate) fn called(&self, whose: LimitOwner) -> String {
        match (whose, &self.owner, &self.team) {
            (LimitOwner::Owner(_), Some(owner), _) => format!("all client keys of `{}` together", owner.name),
            (LimitOwner::Team(_), _, Some(team)) => format!("team `{}`", team.name),
            _ => "this client key".to_owned(),
        }
    }
}
