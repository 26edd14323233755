//! A row's way into its table and back.

use posthaste_core::{
    AccountId, AttemptOutcome, AttemptPhase, AttemptRow, ClientKeyId, CostBasis, Dialect, FaultKind,
    Geography, LossList, ModelName, NanoUsd, Operation, ProviderKind, RequestId, ServiceTier, Terms,
    Timestamp, Usage, UsageSource, UserId,
};
use rusqlite::{CachedStatement, Row, params};

use crate::error::{UnknownName, unreadable};

/// Only the row's identity may collide silently: `INSERT OR IGNORE` would swallow every other fault too.
pub(super) const INSERT: &str = "
    INSERT INTO attempt (
        request_id, attempt, started_at, key_id, account_id, provider, operation, client_dialect,
        upstream_dialect, streamed, model, upstream_model, outcome, fault, phase, status, first_content_us,
        duration_us, input, output, cache_read, cache_write_5m, cache_write_1h, reasoning, web_searches,
        usage_source, cost_nanos, cost_basis, request_losses, answer_losses, billed_nanos, input_audio,
        cache_read_audio, output_audio, input_image, output_image, tier, fast, geography, owner
    ) VALUES (
        ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
        ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, ?39, ?40
    ) ON CONFLICT (request_id, attempt) DO NOTHING";

/// Tells whether the row is new.
pub(super) fn insert(statement: &mut CachedStatement<'_>, row: &AttemptRow) -> Result<bool, rusqlite::Error> {
    let inserted = statement.execute(params![
        row.request_id.uuid(),
        row.attempt,
        row.started_at.as_micros(),
        row.key_id.uuid(),
        row.account_id.uuid(),
        row.provider.as_str(),
        row.operation.as_str(),
        row.client_dialect.as_str(),
        row.upstream_dialect.as_str(),
        row.streamed,
        row.model.as_str(),
        row.upstream_model.as_str(),
        row.outcome.as_str(),
        row.outcome.fault().map(FaultKind::as_str),
        row.phase.as_str(),
        row.status,
        row.first_content_us.map(u64::cast_signed),
        row.duration_us.cast_signed(),
        row.usage.input.cast_signed(),
        row.usage.output.cast_signed(),
        row.usage.cache_read.cast_signed(),
        row.usage.cache_write_5m.cast_signed(),
        row.usage.cache_write_1h.cast_signed(),
        row.usage.reasoning.cast_signed(),
        row.usage.web_searches.cast_signed(),
        row.usage_source.as_str(),
        row.cost.as_nanos(),
        row.cost_basis.as_str(),
        row.request_losses.as_str(),
        row.answer_losses.as_str(),
        row.billed.as_nanos(),
        row.usage.input_audio.cast_signed(),
        row.usage.cache_read_audio.cast_signed(),
        row.usage.output_audio.cast_signed(),
        row.usage.input_image.cast_signed(),
        row.usage.output_image.cast_signed(),
        row.usage.terms.tier.as_str(),
        row.usage.terms.fast,
        row.usage.terms.geography.as_str(),
        row.owner.map(UserId::uuid),
    ])?;
    Ok(inserted > 0)
}

/// Reads a row of the whole table's columns.
pub(super) fn read(row: &Row<'_>) -> Result<AttemptRow, rusqlite::Error> {
    Ok(AttemptRow {
        request_id: RequestId::from_uuid(row.get("request_id")?),
        attempt: row.get("attempt")?,
        started_at: Timestamp::from_micros(row.get("started_at")?),
        key_id: ClientKeyId::from_uuid(row.get("key_id")?),
        owner: row.get::<_, Option<_>>("owner")?.map(UserId::from_uuid),
        account_id: AccountId::from_uuid(row.get("account_id")?),
        provider: provider(row)?,
        operation: named(row, "operation", &Operation::ALL, Operation::as_str)?,
        client_dialect: named(row, "client_dialect", &Dialect::ALL, Dialect::as_str)?,
        upstream_dialect: named(row, "upstream_dialect", &Dialect::ALL, Dialect::as_str)?,
        streamed: row.get("streamed")?,
        model: model(row, "model")?,
        upstream_model: model(row, "upstream_model")?,
        outcome: outcome(row)?,
        phase: named(row, "phase", &AttemptPhase::ALL, AttemptPhase::as_str)?,
        status: row.get("status")?,
        first_content_us: row.get::<_, Option<i64>>("first_content_us")?.map(i64::cast_unsigned),
        duration_us: unsigned(row, "duration_us")?,
        usage: Usage { terms: terms(row)?, ..usage(row)? },
        usage_source: named(row, "usage_source", &UsageSource::ALL, UsageSource::as_str)?,
        cost: NanoUsd::from_nanos(row.get("cost_nanos")?),
        billed: NanoUsd::from_nanos(row.get("billed_nanos")?),
        cost_basis: named(row, "cost_basis", &CostBasis::ALL, CostBasis::as_str)?,
        request_losses: losses(row, "request_losses")?,
        answer_losses: losses(row, "answer_losses")?,
    })
}

/// Reads the counts of a row or a roll-up; the terms are a row's alone.
pub(super) fn usage(row: &Row<'_>) -> Result<Usage, rusqlite::Error> {
    Ok(Usage {
        input: unsigned(row, "input")?,
        output: unsigned(row, "output")?,
        cache_read: unsigned(row, "cache_read")?,
        cache_write_5m: unsigned(row, "cache_write_5m")?,
        cache_write_1h: unsigned(row, "cache_write_1h")?,
        reasoning: unsigned(row, "reasoning")?,
        web_searches: unsigned(row, "web_searches")?,
        input_audio: unsigned(row, "input_audio")?,
        cache_read_audio: unsigned(row, "cache_read_audio")?,
        output_audio: unsigned(row, "output_audio")?,
        input_image: unsigned(row, "input_image")?,
        output_image: unsigned(row, "output_image")?,
        terms: Terms::default(),
    })
}

fn terms(row: &Row<'_>) -> Result<Terms, rusqlite::Error> {
    Ok(Terms {
        tier: named(row, "tier", &ServiceTier::ALL, ServiceTier::as_str)?,
        fast: row.get("fast")?,
        geography: named(row, "geography", &Geography::ALL, Geography::as_str)?,
    })
}

/// Reads a number whose 64 bits were kept as a signed one.
pub(super) fn unsigned(row: &Row<'_>, column: &'static str) -> Result<u64, rusqlite::Error> {
    row.get(column).map(i64::cast_unsigned)
}

/// Reads a model's name.
pub(super) fn model(row: &Row<'_>, column: &'static str) -> Result<ModelName, rusqlite::Error> {
    ModelName::parse(row.get_ref(column)?.as_str()?).map_err(unreadable)
}

/// Reads a provider's name.
pub(super) fn provider(row: &Row<'_>) -> Result<ProviderKind, rusqlite::Error> {
    named(row, "provider", &ProviderKind::ALL, ProviderKind::as_str)
}

fn losses(row: &Row<'_>, column: &'static str) -> Result<LossList, rusqlite::Error> {
    Ok(LossList::from_text(row.get_ref(column)?.as_str()?))
}

fn outcome(row: &Row<'_>) -> Result<AttemptOutcome, rusqlite::Error> {
    let name = row.get_ref("outcome")?.as_str()?;
    let fault = match row.get_ref("fault")?.as_str_or_null()? {
        Some(_) => Some(named(row, "fault", &FaultKind::ALL, FaultKind::as_str)?),
        None => None,
    };
    AttemptOutcome::from_parts(name, fault)
        .ok_or_else(|| UnknownName { column: "outcome", text: name.to_owned() }.into())
}

/// Finds the member whose name the column holds.
fn named<T: Copy>(
    row: &Row<'_>,
    column: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, rusqlite::Error> {
    let text = row.get_ref(column)?.as_str()?;
    let found = all.iter().copied().find(|member| name(*member) == text);
    found.ok_or_else(|| UnknownName { column, text: text.to_owned() }.into())
}
