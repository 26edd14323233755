//! Where the counters of a client key's limits are, its owner's and its team's.

use uuid::Uuid;

use crate::{ClientKeyId, TeamId, UserId};

/// The one place of a store in which all limits that a client key's requests count in are kept, so that they can be taken in one
/// step (`docs/adr/0014-owners-and-teams.md`). Within it, what a counter is called says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitSlot {
    key: ClientKeyId,
    owner: Option<UserId>,
    team: Option<TeamId>,
}

impl LimitSlot {
    /// That of a client key. An owner or team without a record is none; without an owner there is no team.
    pub const fn of(key: ClientKeyId, owner: Option<UserId>, team: Option<TeamId>) -> Self {
        Self { key, owner, team }
    }

    /// The place: the identity of the widest circle that the key belongs to.
    pub fn id(&self) -> Uuid {
        match (self.owner, self.team) {
            (Some(_), Some(team)) => team.uuid(),
            (Some(owner), None) => owner.uuid(),
            (None, _) => self.key.uuid(),
        }
    }

    /// What the counters of the key's own limits begin with.
    pub fn key_prefix(&self) -> String {
        match self.owner {
            None => String::new(),
            Some(_) => format!("key-{}-", self.key.uuid().simple()),
        }
    }

    /// What the counters of the owner's limits begin with.
    pub fn owner_prefix(owner: UserId) -> String {
        format!("owner-{}-", owner.uuid().simple())
    }

    /// What the counters of the team's limits begin with.
    pub fn team_prefix() -> String {
        "team-".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_circle_is_the_place() {
        let (key, owner, team) = (ClientKeyId::generate(), UserId::generate(), TeamId::generate());
        assert_eq!(LimitSlot::of(key, None, None).id(), key.uuid());
        assert_eq!(LimitSlot::of(key, Some(owner), None).id(), owner.uuid());
        assert_eq!(LimitSlot::of(key, Some(owner), Some(team)).id(), team.uuid());
        assert_eq!(LimitSlot::of(key, None, Some(team)).id(), key.uuid());
    }

    #[test]
    fn in_a_shared_place_counters_say_whose_they_are() {
        let (key, owner) = (ClientKeyId::generate(), UserId::generate());
        assert_eq!(LimitSlot::of(key, None, None).key_prefix(), "");
        let prefix = LimitSlot::of(key, Some(owner), None).key_prefix();
        assert_eq!(prefix, format!("key-{}-", key.uuid().simple()));
        assert_ne!(LimitSlot::owner_prefix(owner), prefix);
    }
}
