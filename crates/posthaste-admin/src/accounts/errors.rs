//! What went wrong at an account.

use posthaste_core::{AccountError, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AccountService;
use crate::{AdminError, change::find};

/// How far back one looks at an account's failures.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ErrorsInput {
    /// How many at most: 1 to 1000; 100 when not given.
    pub limit: Option<usize>,
    /// Only those since then.
    pub since: Option<Timestamp>,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClearedErrors {
    /// How many failures.
    pub forgotten: u64,
}

impl AccountService<'_> {
    /// An account's failures, the newest first.
    ///
    /// # Errors
    /// [`AdminError::NotFound`], [`AdminError::Invalid`] for a limit that is none.
    pub async fn errors(self, account: &str, input: &ErrorsInput) -> Result<Vec<AccountError>, AdminError> {
        let limit = input.limit.unwrap_or(USUAL);
        if !(1..=MOST).contains(&limit) {
            let message = format!("is not a number from 1 to {MOST}");
            return Err(AdminError::Invalid { field: "limit", message });
        }
        let account = find(&self.admin.account_records(), account).await?.value.id;
        let parts = self.admin.parts();
        if let Some(runtime) = &parts.runtime {
            runtime.settle_records().await;
        }
        let since = input.since.unwrap_or(Timestamp::EPOCH);
        Ok(parts.stores.account_errors.latest(account, since, limit).await?)
    }

    /// Forgets an account's failures. Its health stays as it is.
    ///
    /// # Errors
    /// [`AdminError::NotFound`].
    pub async fn clear_errors(self, account: &str) -> Result<ClearedErrors, AdminError> {
        let account = find(&self.admin.account_records(), account).await?.value.id;
        let forgotten = self.admin.parts().stores.account_errors.clear(account).await?;
        Ok(ClearedErrors { forgotten })
    }
}

const USUAL: usize = 100;
const MOST: usize = 1_000;
