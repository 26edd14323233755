//! What operators are shown.

use posthaste_core::{
    AccountId, ClientKeyId, Dialect, ModelName, NanoUsd, Operation, RecordedFault, RequestId, Timestamp,
    Usage,
};
use posthaste_gateway::{LiveEnd, LiveEvent, LiveRequest, LiveTotals, Relay};
use serde::Serialize;

/// Counts of the relay that answers, since it began where nothing else is said.
#[derive(Serialize)]
pub(super) struct ShownTotals {
    requests: u64,
    answered: u64,
    refused: u64,
    attempts: u64,
    failed_attempts: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_nano_usd: NanoUsd,
    cost: String,
    in_flight: u64,
    open_streams: u64,
    requests_per_minute: u64,
    tokens_per_minute: u64,
}

impl ShownTotals {
    pub(super) fn of(totals: &LiveTotals) -> Self {
        Self {
            requests: totals.answered.saturating_add(totals.refused),
            answered: totals.answered,
            refused: totals.refused,
            attempts: totals.attempts,
            failed_attempts: totals.failed,
            input_tokens: totals.input_tokens,
            output_tokens: totals.output_tokens,
            cost_nano_usd: totals.cost,
            cost: totals.cost.to_string(),
            in_flight: totals.in_flight,
            open_streams: totals.open_streams,
            requests_per_minute: totals.requests_per_minute,
            tokens_per_minute: totals.tokens_per_minute,
        }
    }
}

/// A request that came or went.
#[derive(Serialize)]
pub(super) struct ShownRequest<'a> {
    event: &'static str,
    id: RequestId,
    received_at: Timestamp,
    key_id: ClientKeyId,
    key: &'a str,
    dialect: Dialect,
    operation: Operation,
    streamed: bool,
    model: &'a ModelName,
    #[serde(flatten)]
    end: Option<ShownEnd<'a>>,
}

#[derive(Serialize)]
struct ShownEnd<'a> {
    status: Option<u16>,
    fault: Option<&'a RecordedFault>,
    account_id: Option<AccountId>,
    account: Option<String>,
    attempts: u32,
    usage: Usage,
    cost_nano_usd: NanoUsd,
    cost: String,
    billed_nano_usd: NanoUsd,
    answered_us: Option<u64>,
    ended_us: u64,
}

impl<'a> ShownRequest<'a> {
    /// `None` for what is no request.
    pub(super) fn of(event: &'a LiveEvent, relay: &Relay) -> Option<Self> {
        match event {
            LiveEvent::Began(request) => Some(Self::new("began", request, None)),
            LiveEvent::Ended(request, end) => {
                Some(Self::new("ended", request, Some(ShownEnd::of(end, relay))))
            }
            LiveEvent::Notice(_) => None,
        }
    }

    fn new(event: &'static str, request: &'a LiveRequest, end: Option<ShownEnd<'a>>) -> Self {
        let LiveRequest { id, received_at, key_id, key, dialect, operation, streamed, model } = request;
        Self {
            event,
            id: *id,
            received_at: *received_at,
            key_id: *key_id,
            key,
            dialect: *dialect,
            operation: *operation,
            streamed: *streamed,
            model,
            end,
        }
    }
}

impl<'a> ShownEnd<'a> {
    fn of(end: &'a LiveEnd, relay: &Relay) -> Self {
        let name = |id: AccountId| {
            let accounts = relay.accounts();
            accounts.iter().find(|account| account.id == id).map(|account| account.name.clone())
        };
        Self {
            status: end.status,
            fault: end.fault.as_ref(),
            account_id: end.account,
            account: end.account.and_then(name),
            attempts: end.attempts,
            usage: end.spent.usage,
            cost_nano_usd: end.spent.cost,
            cost: end.spent.cost.to_string(),
            billed_nano_usd: end.spent.billed,
            answered_us: end.answered_us,
            ended_us: end.ended_us,
        }
    }
}
