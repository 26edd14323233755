//! What a client key used.

use std::collections::BTreeMap;

use posthaste_core::{ClientKeyId, ModelName, Timestamp};
use posthaste_storage::{Dimension, GroupSums, RollupPeriod, Sums, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, change::find, totals::UsageTotals};

/// What a client key used, in all, by model and by day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UsageView {
    /// Whose.
    pub key_id: ClientKeyId,
    /// Its name; `None` when the key was removed.
    pub name: Option<String>,
    /// In all.
    pub totals: UsageTotals,
    /// By the model that clients named.
    pub by_model: Vec<ModelUsage>,
    /// By day, the earliest first; days without use are left out.
    pub by_day: Vec<DayUsage>,
}

/// What was used of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelUsage {
    /// The model.
    pub model: ModelName,
    /// How much.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// What was used on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DayUsage {
    /// The day's first moment, UTC.
    pub day: Timestamp,
    /// How much.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

pub(super) async fn usage(admin: &Admin, key: &str) -> Result<UsageView, AdminError> {
    let found = find(&admin.key_records(), key).await;
    let (key_id, name) = match (found, key.parse()) {
        (Ok(record), _) => (record.value.id, Some(record.value.name)),
        (Err(AdminError::NotFound { .. }), Ok(id)) => (id, None),
        (Err(error), _) => return Err(error),
    };
    let query = UsageQuery { key_id: Some(key_id), ..UsageQuery::all(RollupPeriod::Day) };
    let by = [Dimension::Span, Dimension::Model];
    let groups = admin.parts().stores.ledger.sums(&query, &by).await?;
    if name.is_none() && groups.is_empty() {
        return Err(AdminError::NotFound {
            what: format!("client key `{key_id}`, nor anything that it used"),
        });
    }
    Ok(sum(key_id, name, groups))
}

fn sum(key_id: ClientKeyId, name: Option<String>, groups: Vec<GroupSums>) -> UsageView {
    let mut totals = Sums::default();
    let mut by_model = BTreeMap::<ModelName, Sums>::new();
    let mut by_day = BTreeMap::<Timestamp, Sums>::new();
    for GroupSums { group, sums } in groups {
        totals.merge(&sums);
        if let Some(model) = group.model {
            by_model.entry(model).or_default().merge(&sums);
        }
        if let Some(day) = group.start {
            by_day.entry(day).or_default().merge(&sums);
        }
    }
    let model = |(model, sums)| ModelUsage { model, totals: UsageTotals::from(sums) };
    let day = |(day, sums)| DayUsage { day, totals: UsageTotals::from(sums) };
    UsageView {
        key_id,
        name,
        totals: UsageTotals::from(totals),
        by_model: by_model.into_iter().map(model).collect(),
        by_day: by_day.into_iter().map(day).collect(),
    }
}
