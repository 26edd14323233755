//! How the windows of accounts' plans go, and what was spent in them.

use std::time::Duration;

use posthaste_core::{Account, AccountId, Timestamp};
use posthaste_storage::{RollupPeriod, UsageQuery};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountService;
use crate::{AdminError, QuotaView, change::find, totals::UsageTotals};

/// What an account used, as far as the relay knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountUsage {
    /// Which account.
    pub account_id: AccountId,
    /// Its name.
    pub account: String,
    /// The windows of its plan, as its vendor told last in the heads of its answers; nothing where none was told, or no relay
    /// runs.
    pub windows: Vec<WindowUsage>,
    /// What went through the relay in the last five hours and the one that has begun.
    pub five_hours: UsageTotals,
    /// What went through the relay in the last seven days.
    pub week: UsageTotals,
}

/// A window of an account's plan, and what was spent in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WindowUsage {
    /// How the vendor counts.
    #[serde(flatten)]
    pub quota: QuotaView,
    /// How long it is.
    pub length_seconds: u64,
    /// What went through the relay since the beginning of the hour in which it began; others may use the account as well.
    pub spent: UsageTotals,
}

impl AccountService<'_> {
    /// How an account's windows go and what was spent in them.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], or when the store fails.
    pub async fn usage(self, account: &str) -> Result<AccountUsage, AdminError> {
        let account = find(&self.admin.account_records(), account).await?.value;
        self.usage_of(&account).await
    }

    async fn usage_of(self, account: &Account) -> Result<AccountUsage, AdminError> {
        let parts = self.admin.parts();
        let now = parts.clock.now();
        let quota = parts.runtime.as_ref().map(|runtime| runtime.quota(account.id)).unwrap_or_default();
        let mut windows = Vec::with_capacity(quota.len());
        for quota in quota {
            windows.push(WindowUsage {
                length_seconds: quota.resets_at.since(quota.starts_at).as_secs(),
                spent: self.spent(account.id, quota.starts_at).await?,
                quota,
            });
        }
        Ok(AccountUsage {
            account_id: account.id,
            account: account.name.clone(),
            windows,
            five_hours: self.spent(account.id, now.minus(5 * HOUR)).await?,
            week: self.spent(account.id, now.minus(7 * 24 * HOUR)).await?,
        })
    }

    async fn spent(self, account: AccountId, since: Timestamp) -> Result<UsageTotals, AdminError> {
        let hour = i64::try_from(HOUR.as_micros()).unwrap_or(i64::MAX);
        let since = Timestamp::from_micros(since.as_micros().div_euclid(hour) * hour);
        let query = UsageQuery {
            account_id: Some(account),
            from: Some(since),
            ..UsageQuery::all(RollupPeriod::Hour)
        };
        let sums = self.admin.parts().stores.ledger.sums(&query, &[]).await?;
        Ok(sums.into_iter().next().map(|group| UsageTotals::from(group.sums)).unwrap_or_default())
    }
}

const HOUR: Duration = Duration::from_secs(3_600);
