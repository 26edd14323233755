//! How an account takes part in scheduling.

use posthaste_core::{PoolId, SchedulingRules, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError};

/// What is to be of an account's part in scheduling. What is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SchedulingChange {
    /// Whether new requests are given to it.
    pub schedulable: Option<bool>,
    /// The pools that it belongs to, by name or id.
    pub pools: Option<Vec<String>>,
    /// Its share where the strategy goes by weight, 1 to 1,000.
    pub weight: Option<u32>,
    /// When its subscription ends.
    pub expires_at: Option<Expires>,
    /// Free words for sorting.
    pub tags: Option<Vec<String>>,
    /// The operator's remarks.
    pub notes: Option<String>,
}

/// When a subscription ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expires {
    /// Never, as far as is known.
    Never,
    /// At this moment.
    At(Timestamp),
}

/// A change whose names are known to exist.
#[derive(Default)]
pub(super) struct CheckedScheduling {
    change: SchedulingChange,
    pools: Option<Vec<PoolId>>,
    weight: Option<u16>,
}

impl CheckedScheduling {
    pub(super) async fn new(admin: &Admin, change: &SchedulingChange) -> Result<Self, AdminError> {
        let pools = match &change.pools {
            Some(names) => Some(admin.pools().named(names).await?),
            None => None,
        };
        let weight = change.weight.map(weight).transpose()?;
        if change.notes.as_ref().is_some_and(|notes| notes.len() > MOST_NOTES) {
            return Err(AdminError::invalid(
                "notes",
                format!("are longer than {MOST_NOTES} bytes; shorten them"),
            ));
        }
        Ok(Self { change: change.clone(), pools, weight })
    }

    pub(super) fn apply(&self, rules: &mut SchedulingRules) {
        let Self { change, pools, weight } = self;
        if let Some(schedulable) = change.schedulable {
            rules.schedulable = schedulable;
        }
        if let Some(pools) = pools {
            rules.pools.clone_from(pools);
        }
        if let Some(weight) = *weight {
            rules.weight = weight;
        }
        match change.expires_at {
            Some(Expires::Never) => rules.expires_at = None,
            Some(Expires::At(at)) => rules.expires_at = Some(at),
            None => {}
        }
        if let Some(tags) = &change.tags {
            rules.tags.clone_from(tags);
        }
        if let Some(notes) = &change.notes {
            rules.notes.clone_from(notes);
        }
    }
}

pub(super) fn weight(weight: u32) -> Result<u16, AdminError> {
    match u16::try_from(weight) {
        Ok(weight @ 1..=1_000) => Ok(weight),
        _ => Err(AdminError::invalid("weight", format!("{weight} is not from 1 to 1000"))),
    }
}

const MOST_NOTES: usize = 4_096;
