//! What promises are tried with.

use std::time::Duration;

use posthaste_core::{
    AccountId, AttemptOutcome, AttemptPhase, AttemptRow, ClientKeyId, CostBasis, Dialect, LossList,
    ModelName, NanoUsd, Operation, ProviderKind, RequestId, Terms, Timestamp, Usage, UsageSource, UserId,
};
use uuid::Uuid;

use crate::{Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, Unit};

/// A moment at which nothing special happens: 2026-03-10T12:00:00Z.
pub const NOON: Timestamp = Timestamp::from_secs(1_773_144_000);

/// How long leases and locks hold in promises.
pub(super) const TTL: Duration = Duration::from_secs(60);

/// A moment some seconds after noon.
pub(super) fn noon_plus(seconds: u64) -> Timestamp {
    NOON.plus(Duration::from_secs(seconds))
}

/// A limit on the counter that `window` counts.
pub(super) fn check(name: &str, unit: Unit, window: CounterWindow, amount: i64, limit: i64) -> LimitCheck {
    LimitCheck {
        counter: Counter { name: name.to_owned(), unit, window },
        amount,
        limit,
        shadow: false,
        on_loss: Default::default(),
    }
}

/// A limit on requests at the same time.
pub(super) fn concurrency(limit: i64) -> LimitCheck {
    check("concurrency", Unit::Concurrency, CounterWindow::Held, 1, limit)
}

/// A limit on requests in the hour that begins at noon.
pub(super) fn requests(limit: i64) -> LimitCheck {
    check("requests", Unit::Requests, hour_from(NOON), 1, limit)
}

/// A limit on tokens in the hour that begins at noon.
pub(super) fn tokens(amount: i64, limit: i64) -> LimitCheck {
    check("tokens", Unit::Tokens, hour_from(NOON), amount, limit)
}

/// A limit on requests in an hour that opens with the first.
pub(super) fn rolling(limit: i64) -> LimitCheck {
    check("burst", Unit::Requests, CounterWindow::Rolling(Duration::from_secs(3_600)), 1, limit)
}

/// The hour that begins at `start`.
pub(super) fn hour_from(start: Timestamp) -> CounterWindow {
    CounterWindow::Span { start, end: start.plus(Duration::from_secs(3_600)) }
}

/// A caller's claim under a new lease.
pub(super) fn claim(owner: Uuid, checks: Vec<LimitCheck>) -> Claim {
    Claim { half: Half::Caller, owner, lease: LeaseId::generate(), ttl: TTL, checks }
}

/// A model's name.
pub(super) fn model(name: &str) -> ModelName {
    ModelName::parse(name).expect("a fixture's name is valid")
}

/// A plain row, with nothing lost, that began at noon, of a request, key and account of its own.
pub fn row() -> AttemptRow {
    AttemptRow {
        request_id: RequestId::generate(),
        attempt: 1,
        started_at: NOON,
        key_id: ClientKeyId::generate(),
        owner: Some(UserId::generate()),
        account_id: AccountId::generate(),
        provider: ProviderKind::Anthropic,
        operation: Operation::Chat,
        client_dialect: Dialect::OpenAiChat,
        upstream_dialect: Dialect::AnthropicMessages,
        streamed: true,
        model: model("claude-opus-4-8"),
        upstream_model: model("claude-opus-4-8-20260101"),
        outcome: AttemptOutcome::Complete,
        phase: AttemptPhase::Finished,
        status: Some(200),
        first_content_us: Some(350_000),
        duration_us: 2_500_000,
        usage: Usage {
            input: 11,
            output: 13,
            cache_read: 17,
            cache_write_5m: 19,
            cache_write_1h: 23,
            reasoning: 5,
            web_searches: 1,
            input_audio: 4,
            cache_read_audio: 6,
            output_audio: 3,
            input_image: 2,
            output_image: 1,
            terms: Terms::default(),
        },
        usage_source: UsageSource::Reported,
        cost: NanoUsd::from_nanos(1_234_567),
        billed: NanoUsd::from_nanos(2_345_678),
        cost_basis: CostBasis::Priced,
        request_losses: LossList::default(),
        answer_losses: LossList::default(),
    }
}

/// `count` rows of one key and account, each of its own request, the oldest first.
pub(super) fn rows(count: usize) -> Vec<AttemptRow> {
    let first = row();
    let mut rows: Vec<AttemptRow> =
        (0..count).map(|_| AttemptRow { request_id: RequestId::generate(), ..first.clone() }).collect();
    rows.sort_by_key(|row| row.request_id);
    rows
}
