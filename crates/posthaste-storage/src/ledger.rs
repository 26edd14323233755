//! The books.

use async_trait::async_trait;
use posthaste_core::{AccountId, AttemptRow, ClientKeyId, ModelName, NanoUsd, RequestId, Timestamp, Usage};
use serde::{Deserialize, Serialize};

use crate::StorageError;

/// How long a roll-up's span is. Spans are in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RollupPeriod {
    /// An hour.
    Hour,
    /// A day.
    Day,
    /// A month.
    Month,
}

impl RollupPeriod {
    /// Every period, the shortest first.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    /// The stable name used in stores.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// Sums over the attempts of one span, key, account and model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollupRow {
    /// The span's length.
    pub period: RollupPeriod,
    /// The span's first moment. An attempt counts in the span in which it began.
    pub start: Timestamp,
    /// Whose requests.
    pub key_id: ClientKeyId,
    /// Who served them.
    pub account_id: AccountId,
    /// The model that the clients named.
    pub model: ModelName,
    /// Attempts, failed ones included.
    pub attempts: u64,
    /// Attempts whose outcome is `complete`.
    pub completed: u64,
    /// Attempts whose tokens were estimated.
    pub estimated: u64,
    /// Attempts whose model has no price.
    pub unpriced: u64,
    /// Tokens.
    pub usage: Usage,
    /// What they cost; attempts without a price add nothing here.
    pub cost: NanoUsd,
    /// What the client key is billed for them; likewise.
    pub billed: NanoUsd,
}

/// Which roll-ups are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuery {
    /// The span's length.
    pub period: RollupPeriod,
    /// Only this key's.
    pub key_id: Option<ClientKeyId>,
    /// Only this account's.
    pub account_id: Option<AccountId>,
    /// Spans that start at this moment or later.
    pub from: Option<Timestamp>,
    /// Spans that start before this moment.
    pub until: Option<Timestamp>,
}

/// One row for each attempt, with roll-ups that always agree with the rows.
#[async_trait]
pub trait LedgerStore: Send + Sync + 'static {
    /// Books rows, durable when it returns. A row whose `(request_id, attempt)` is booked already adds nothing, neither
    /// as a row nor to a roll-up.
    async fn append(&self, rows: &[AttemptRow]) -> Result<(), StorageError>;

    /// The attempts of one request, in their order.
    async fn attempts(&self, request: RequestId) -> Result<Vec<AttemptRow>, StorageError>;

    /// The latest attempts, newest first, at most `limit`; only one key's when `key` is given. The order is that of the
    /// requests' identities, which grow with time, and of their attempts.
    async fn recent(&self, key: Option<ClientKeyId>, limit: usize) -> Result<Vec<AttemptRow>, StorageError>;

    /// Roll-ups, by start, key, account and model.
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<RollupRow>, StorageError>;

    /// How many rows are booked.
    async fn count(&self) -> Result<u64, StorageError>;
}
