//! What a client key used.

use std::collections::BTreeMap;

use posthaste_core::{ClientKeyId, ModelName, NanoUsd, Timestamp, Usage};
use posthaste_storage::{RollupPeriod, RollupRow, UsageQuery};
use serde::{Deserialize, Serialize};

use crate::{Admin, AdminError, change::find};

/// What a client key used, in all, by model and by day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Sums over attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageTotals {
    /// Attempts at upstreams, failed ones included.
    pub attempts: u64,
    /// Attempts that were answered to the end.
    pub completed: u64,
    /// Attempts whose tokens were estimated.
    pub estimated: u64,
    /// Attempts whose model has no price; their cost is unknown and not in the sum.
    pub unpriced: u64,
    /// Tokens.
    pub usage: Usage,
    /// What they cost, in billionths of a dollar.
    pub cost_nano_usd: NanoUsd,
    /// The same in dollars, for people.
    pub cost: String,
    /// What the key is billed for them, in billionths of a dollar.
    #[serde(default)]
    pub billed_nano_usd: NanoUsd,
    /// The same in dollars, for people.
    #[serde(default)]
    pub billed: String,
}

/// What was used of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelUsage {
    /// The model.
    pub model: ModelName,
    /// How much.
    #[serde(flatten)]
    pub totals: UsageTotals,
}

/// What was used on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    let query = UsageQuery {
        period: RollupPeriod::Day,
        key_id: Some(key_id),
        account_id: None,
        from: None,
        until: None,
    };
    let rows = admin.parts().stores.ledger.usage(&query).await?;
    if name.is_none() && rows.is_empty() {
        return Err(AdminError::NotFound {
            what: format!("client key `{key_id}`, nor anything that it used"),
        });
    }
    Ok(sum(key_id, name, &rows))
}

fn sum(key_id: ClientKeyId, name: Option<String>, rows: &[RollupRow]) -> UsageView {
    let mut totals = UsageTotals::default();
    let mut by_model = BTreeMap::<&ModelName, UsageTotals>::new();
    let mut by_day = BTreeMap::<Timestamp, UsageTotals>::new();
    for row in rows {
        totals.add(row);
        by_model.entry(&row.model).or_default().add(row);
        by_day.entry(row.start).or_default().add(row);
    }
    let model = |(model, totals): (&ModelName, UsageTotals)| ModelUsage {
        model: model.clone(),
        totals: totals.with_cost(),
    };
    UsageView {
        key_id,
        name,
        totals: totals.with_cost(),
        by_model: by_model.into_iter().map(model).collect(),
        by_day: by_day
            .into_iter()
            .map(|(day, totals)| DayUsage { day, totals: totals.with_cost() })
            .collect(),
    }
}

impl UsageTotals {
    fn add(&mut self, row: &RollupRow) {
        self.attempts += row.attempts;
        self.completed += row.completed;
        self.estimated += row.estimated;
        self.unpriced += row.unpriced;
        self.usage.add(&row.usage);
        self.cost_nano_usd += row.cost;
        self.billed_nano_usd += row.billed;
    }

    fn with_cost(mut self) -> Self {
        self.cost = self.cost_nano_usd.to_string();
        self.billed = self.billed_nano_usd.to_string();
        self
    }
}
