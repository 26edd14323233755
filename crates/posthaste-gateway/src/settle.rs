//! Step 10, settle: what an attempt came to, booked exactly once.

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    Account, AttemptOutcome, AttemptPhase, AttemptRow, Cooldown, CooldownReason, Dialect, ModelName,
    Timestamp, Usage, UsageSource,
};
use posthaste_storage::{Booked, LedgerSlot};
use tokio::time::Instant;

use crate::{estimate, journey::Journey, metrics::OpenAttempt};

/// One attempt that was begun. It is booked when it is settled, and as cancelled when it is dropped before.
pub(crate) struct AttemptBook {
    journey: Arc<Journey>,
    account: Arc<Account>,
    attempt: u16,
    upstream_dialect: Dialect,
    upstream_model: ModelName,
    started_at: Timestamp,
    started: Instant,
    /// How far it came.
    pub(crate) phase: AttemptPhase,
    /// The upstream's status, once its head came.
    pub(crate) status: Option<u16>,
    first_content: Option<Duration>,
    delivered_bytes: usize,
    slot: Option<LedgerSlot>,
    _open: OpenAttempt,
}

/// How an attempt ended and what was counted by then.
#[derive(Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) outcome: AttemptOutcome,
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
}

impl Ending {
    /// An end before anything was counted.
    pub(crate) fn uncounted(outcome: AttemptOutcome) -> Self {
        Self { outcome, usage: Usage::default(), source: UsageSource::None }
    }
}

impl AttemptBook {
    /// Opens the book of an attempt that the scheduler knows to be started.
    pub(crate) fn open(
        journey: &Arc<Journey>,
        account: &Arc<Account>,
        attempt: u16,
        upstream: (Dialect, ModelName),
        slot: LedgerSlot,
    ) -> Self {
        Self {
            journey: Arc::clone(journey),
            account: Arc::clone(account),
            attempt,
            upstream_dialect: upstream.0,
            upstream_model: upstream.1,
            started_at: journey.engine.clock.now(),
            started: Instant::now(),
            phase: AttemptPhase::AwaitingHead,
            status: None,
            first_content: None,
            delivered_bytes: 0,
            slot: Some(slot),
            _open: journey.engine.metrics.attempt_opened(),
        }
    }

    /// The request that it belongs to.
    pub(crate) fn journey(&self) -> &Arc<Journey> {
        &self.journey
    }

    /// Content is promised to the client: the account has shown that it serves.
    pub(crate) fn commit(&mut self) {
        self.phase = AttemptPhase::Delivering;
        self.first_content = Some(self.started.elapsed());
        self.journey.engine.scheduler.succeeded(self.account.id, self.journey.engine.clock.now());
    }

    /// Counts bytes on their way to the client, for estimates.
    pub(crate) fn deliver(&mut self, bytes: usize) {
        self.delivered_bytes += bytes;
    }

    /// The account must rest.
    pub(crate) fn rest(&self, cooldown: &Cooldown) {
        let engine = &self.journey.engine;
        let parked = engine.scheduler.rest(self.account.id, cooldown, engine.clock.now());
        tracing::warn!(
            request = %self.journey.call.id, account = %self.account.name, reason = %parked.reason,
            until = %parked.until, why = %parked.why, "account rests"
        );
    }

    /// The account failed in a way that no answer of the vendor describes.
    pub(crate) fn rest_as_failing(&self, why: impl Into<String>) {
        self.rest(&Cooldown { reason: CooldownReason::Failing, until: None, why: why.into() });
    }

    /// The credential was refused: it is forgotten, so that the next use reads it anew, and the account rests.
    pub(crate) fn refuse_credential(&self) {
        self.journey.engine.credentials.invalidate(self.account.id);
        let why = "the upstream does not accept its credential".to_owned();
        self.rest(&Cooldown { reason: CooldownReason::Unauthorised, until: None, why });
    }

    /// Books the attempt. The first call counts, later ones do nothing. Under strict accounting it gives what to wait
    /// for before the last bytes may leave.
    pub(crate) fn settle(&mut self, ending: Ending) -> Option<Booked> {
        let slot = self.slot.take()?;
        let engine = &self.journey.engine;
        let now = engine.clock.now();
        match ending.outcome {
            AttemptOutcome::Complete | AttemptOutcome::ClientFault => {
                engine.scheduler.succeeded(self.account.id, now)
            }
            AttemptOutcome::Cancelled => engine.scheduler.cancelled(self.account.id),
            AttemptOutcome::Failed(_) | AttemptOutcome::Cut => {}
        }
        let row = self.row(ending);
        let duration = Duration::from_micros(row.duration_us);
        engine.metrics.attempt_ended(row.provider, row.outcome, duration, self.first_content);
        engine.metrics.charged(&row.usage, row.cost, row.cost_basis);
        tracing::debug!(
            request = %row.request_id, attempt = row.attempt, account = %self.account.name, outcome = ?row.outcome,
            phase = ?row.phase, status = row.status, input = row.usage.prompt(), output = row.usage.output,
            cost = %row.cost, duration_us = row.duration_us, "attempt settled"
        );
        if engine.options.strict_accounting {
            Some(slot.book_durably(row))
        } else {
            slot.book(row);
            None
        }
    }

    fn row(&self, ending: Ending) -> AttemptRow {
        let Journey { engine, call, caller, envelope } = &*self.journey;
        let prompt_bytes = call.body.len();
        let usage =
            estimate::fill(ending.usage, ending.source, prompt_bytes, self.delivered_bytes, envelope.stream);
        let charge =
            engine.prices.charge(self.account.provider, self.upstream_model.as_str(), &usage, ending.source);
        AttemptRow {
            request_id: call.id,
            attempt: self.attempt,
            started_at: self.started_at,
            key_id: caller.key().id,
            account_id: self.account.id,
            provider: self.account.provider,
            operation: call.operation,
            client_dialect: call.dialect,
            upstream_dialect: self.upstream_dialect,
            streamed: envelope.stream,
            model: envelope.model.clone(),
            upstream_model: self.upstream_model.clone(),
            outcome: ending.outcome,
            phase: self.phase,
            status: self.status,
            first_content_us: self.first_content.map(micros),
            duration_us: micros(self.started.elapsed()),
            usage,
            usage_source: ending.source,
            cost: charge.cost,
            cost_basis: charge.basis,
        }
    }
}

impl Drop for AttemptBook {
    fn drop(&mut self) {
        // Under strict accounting the row is on its way as well; there is nobody left who could wait for it.
        drop(self.settle(Ending::uncounted(AttemptOutcome::Cancelled)));
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
