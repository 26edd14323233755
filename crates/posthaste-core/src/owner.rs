//! Whose client keys are, and with whom they share limits.

use serde::{Deserialize, Serialize};

use crate::{Limit, TeamId, Timestamp, UserId};

/// Whose client keys are: a person or a project. The keys name their owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Owner {
    /// Its identity.
    pub id: UserId,
    /// The operator's name for it, unique.
    pub name: String,
    /// The limits of all its keys together.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// The team that it belongs to.
    #[serde(default)]
    pub team: Option<TeamId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Owners who share limits. The owners name their team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Team {
    /// Its identity.
    pub id: TeamId,
    /// The operator's name for it, unique.
    pub name: String,
    /// The limits of all keys of its owners together.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
