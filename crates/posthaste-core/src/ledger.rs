//! The books: one row for each attempt.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, ClientKeyId, Dialect, FaultKind, ModelName, NanoUsd, Operation, ProviderKind, RequestId,
    Timestamp, Usage,
};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "outcome", content = "fault", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The whole answer reached the client.
    Complete,
    /// The upstream answered with the client's own fault, and that was delivered.
    ClientFault,
    /// The attempt failed.
    Failed(FaultKind),
    /// The answer was cut off or fell silent after a part of it had reached the client.
    Cut,
    /// The client went away.
    Cancelled,
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptPhase {
    /// Before a connection stood or the request was written.
    Sending,
    /// The request was out; no head had come.
    AwaitingHead,
    /// The head had come; nothing had been promised to the client.
    AwaitingContent,
    /// Content was on its way to the client.
    Delivering,
    /// The whole answer had been read.
    Finished,
}

/// Where a row's token counts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The upstream told them.
    Reported,
    /// The upstream told none or broke off before the last ones; they are the relay's estimate or the part seen.
    Estimated,
    /// There was nothing to count: no answer came.
    None,
}

/// What a row's cost rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// Reported tokens at a price from the price book.
    Priced,
    /// Estimated tokens at a price from the price book.
    Estimated,
    /// The price book does not know the model: the cost is unknown, and the zero in the row is no price.
    Unpriced,
    /// There was nothing to price.
    None,
}

/// One attempt, as booked. `(request_id, attempt)` is its identity: booking it again adds nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRow {
    /// The client's request.
    pub request_id: RequestId,
    /// 1 for the first attempt of the request.
    pub attempt: u16,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// Who asked.
    pub key_id: ClientKeyId,
    /// Who was asked.
    pub account_id: AccountId,
    /// The account's provider.
    pub provider: ProviderKind,
    /// What was asked for.
    pub operation: Operation,
    /// The dialect that the client spoke.
    pub client_dialect: Dialect,
    /// The dialect that the upstream spoke.
    pub upstream_dialect: Dialect,
    /// Whether the client asked for a stream.
    pub streamed: bool,
    /// The model that the client named.
    pub model: ModelName,
    /// The model that the upstream was asked for.
    pub upstream_model: ModelName,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// How far it came.
    pub phase: AttemptPhase,
    /// The upstream's HTTP status, if a head came.
    pub status: Option<u16>,
    /// From the start to the first content, in microseconds, if any came.
    pub first_content_us: Option<u64>,
    /// From the start to the end, in microseconds.
    pub duration_us: u64,
    /// What was counted.
    pub usage: Usage,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// What it cost; meaningful as `cost_basis` says.
    pub cost: NanoUsd,
    /// What the cost rests on.
    pub cost_basis: CostBasis,
}
