//! Attempts for the books.

use posthaste_core::{
    AccountId, AttemptOutcome, AttemptPhase, AttemptRow, ClientKeyId, CostBasis, Dialect, LossList,
    ModelName, NanoUsd, Operation, ProviderKind, RequestId, Timestamp, Usage, UsageSource,
};

/// An attempt of the sandbox's with as many tokens as it cost billionths of a dollar; billed is the double.
pub(crate) fn row(key_id: ClientKeyId, started_at: Timestamp, model: &str, output: u64) -> AttemptRow {
    let model = ModelName::parse(model).unwrap();
    AttemptRow {
        request_id: RequestId::generate(),
        attempt: 1,
        started_at,
        key_id,
        owner: None,
        account_id: AccountId::generate(),
        provider: ProviderKind::Sandbox,
        operation: Operation::Chat,
        client_dialect: Dialect::AnthropicMessages,
        upstream_dialect: Dialect::AnthropicMessages,
        streamed: false,
        upstream_model: model.clone(),
        model,
        outcome: AttemptOutcome::Complete,
        phase: AttemptPhase::Finished,
        status: Some(200),
        first_content_us: None,
        duration_us: 1,
        usage: Usage { output, ..Usage::default() },
        usage_source: UsageSource::Reported,
        cost: NanoUsd::from_nanos(i64::try_from(output).unwrap()),
        billed: NanoUsd::from_nanos(2 * i64::try_from(output).unwrap()),
        cost_basis: CostBasis::Priced,
        request_losses: LossList::default(),
        answer_losses: LossList::default(),
    }
}
