//! What a notice is about.

use serde::{Deserialize, Serialize};

use crate::{AccountId, ClientKeyId, PoolId, TeamId, UserId};

/// What a notice is about, with the name that operators know it by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// An upstream account.
    Account {
        /// Its identity.
        id: AccountId,
        /// Its name.
        name: String,
    },
    /// A client key.
    ClientKey {
        /// Its identity.
        id: ClientKeyId,
        /// Its name.
        name: String,
    },
    /// All keys of an owner.
    Owner {
        /// Its identity.
        id: UserId,
        /// Its name.
        name: String,
    },
    /// All keys of a team's owners.
    Team {
        /// Its identity.
        id: TeamId,
        /// Its name.
        name: String,
    },
    /// All accounts of a pool.
    Pool {
        /// Its identity.
        id: PoolId,
        /// Its name.
        name: String,
    },
    /// A model.
    Model {
        /// Its name.
        name: String,
    },
    /// Somebody who signs in.
    Person {
        /// Their name.
        name: String,
    },
    /// The store.
    Store,
    /// The relay as a whole.
    Relay,
}

impl Subject {
    /// Its name where it has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Account { name, .. }
            | Self::ClientKey { name, .. }
            | Self::Owner { name, .. }
            | Self::Team { name, .. }
            | Self::Pool { name, .. }
            | Self::Model { name }
            | Self::Person { name } => Some(name),
            Self::Store | Self::Relay => None,
        }
    }

    /// The stable name of its sort.
    pub const fn sort(&self) -> &'static str {
        match self {
            Self::Account { .. } => "account",
            Self::ClientKey { .. } => "client_key",
            Self::Owner { .. } => "owner",
            Self::Team { .. } => "team",
            Self::Pool { .. } => "pool",
            Self::Model { .. } => "model",
            Self::Person { .. } => "person",
            Self::Store => "store",
            Self::Relay => "relay",
        }
    }

    /// What it is known by: an identity, or a name where there is none. A new name is no new subject.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Account { id, .. } => id.to_string(),
            Self::ClientKey { id, .. } => id.to_string(),
            Self::Owner { id, .. } => id.to_string(),
            Self::Team { id, .. } => id.to_string(),
            Self::Pool { id, .. } => id.to_string(),
            Self::Model { name } | Self::Person { name } => name.clone(),
            Self::Store | Self::Relay => self.sort().to_owned(),
        }
    }
}

/// Which subjects a channel wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SubjectRef {
    /// An account.
    Account(AccountId),
    /// A client key.
    ClientKey(ClientKeyId),
    /// An owner.
    Owner(UserId),
    /// A team.
    Team(TeamId),
    /// A pool.
    Pool(PoolId),
    /// A model by its name.
    Model(String),
    /// Somebody who signs in, by their name.
    Person(String),
    /// The store.
    Store,
    /// The relay as a whole.
    Relay,
}

impl SubjectRef {
    /// Whether it means this subject.
    pub fn means(&self, subject: &Subject) -> bool {
        match (self, subject) {
            (Self::Account(wanted), Subject::Account { id, .. }) => wanted == id,
            (Self::ClientKey(wanted), Subject::ClientKey { id, .. }) => wanted == id,
            (Self::Owner(wanted), Subject::Owner { id, .. }) => wanted == id,
            (Self::Team(wanted), Subject::Team { id, .. }) => wanted == id,
            (Self::Pool(wanted), Subject::Pool { id, .. }) => wanted == id,
            (Self::Model(wanted), Subject::Model { name })
            | (Self::Person(wanted), Subject::Person { name }) => wanted == name,
            (Self::Store, Subject::Store) | (Self::Relay, Subject::Relay) => true,
            _ => false,
        }
    }
}
