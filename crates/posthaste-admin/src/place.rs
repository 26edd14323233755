//! Pools and accounts by name, where either may stand.

use posthaste_core::Place;
use posthaste_storage::Versioned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, change::find};

/// A pool or an account, by name or id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlaceInput {
    /// The members of a pool.
    Pool(String),
    /// One account.
    Account(String),
}

impl PlaceInput {
    /// The place with this name. A pool needs members: nobody else could serve there.
    pub(crate) async fn found(&self, admin: &Admin, field: &'static str) -> Result<Place, AdminError> {
        Ok(match self {
            Self::Pool(name) => Place::Pool(admin.pools().with_members(field, name).await?),
            Self::Account(name) => Place::Account(find(&admin.account_records(), name).await?.value.id),
        })
    }

    /// A place by its name; by its id when it is gone.
    pub(crate) async fn of(admin: &Admin, place: Place) -> Result<Self, AdminError> {
        Ok(match place {
            Place::Pool(id) => {
                let found = admin.pool_records().get(id.uuid()).await?;
                Self::Pool(found.map_or_else(|| id.to_string(), |Versioned { value, .. }| value.name))
            }
            Place::Account(id) => {
                let found = admin.account_records().get(id.uuid()).await?;
                Self::Account(found.map_or_else(|| id.to_string(), |Versioned { value, .. }| value.name))
            }
        })
    }
}
