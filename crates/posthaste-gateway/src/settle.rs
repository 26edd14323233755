//! Step 10, settle: what an attempt came to, booked exactly once.

use std::{sync::Arc, time::Duration};

use posthaste_core::{
    Account, AccountError, AttemptOutcome, AttemptPhase, AttemptRow, Cooldown, CooldownReason, CostBasis,
    Dialect, Fault, FaultKind, GivenRest, LossList, ModelName, Timestamp, Usage, UsageSource, fields,
};
use posthaste_provider::provider;
use posthaste_scheduler::{Flight, Parked, Ticket};
use posthaste_storage::{Booked, LedgerSlot};
use posthaste_translate::{Loss, Remembered};
use posthaste_wire::UpstreamError;
use tokio::time::{Instant, timeout};

use crate::{
    estimate,
    fleet::FleetTrial,
    journey::Journey,
    limits::Hold,
    mending::Mend,
    metrics::OpenAttempt,
    rests::{rest, rest_everywhere, serves},
};

/// One attempt that was begun. It is booked when it is settled, and as cancelled when it is dropped before.
pub(crate) struct AttemptBook {
    journey: Arc<Journey>,
    account: Arc<Account>,
    attempt: u16,
    /// The attempt, as the scheduler knows it.
    ticket: Ticket,
    upstream_dialect: Dialect,
    upstream_model: ModelName,
    started_at: Timestamp,
    started: Instant,
    /// How far it came.
    pub(crate) phase: AttemptPhase,
    /// The upstream's status, once its head came.
    pub(crate) status: Option<u16>,
    first_content: Option<Duration>,
    slot: Option<LedgerSlot>,
    /// What it holds of the limits of the account and its pools.
    seats: Vec<Hold>,
    /// What the request lost in translation.
    pub(crate) request_losses: Vec<Loss>,
    answer_losses: Vec<Loss>,
    /// Whether the scheduler was told how the account is.
    judged: bool,
    /// What went wrong, in words, and the rest that came of it.
    trouble: Option<(Arc<str>, Option<GivenRest>)>,
    /// The fleet's trial of the account, until something came of it.
    trial: Option<FleetTrial>,
    _open: OpenAttempt,
    /// Counts at the account until the book is closed.
    _flight: Flight,
}

/// How an attempt ended and what was counted by then.
#[derive(Clone, Copy)]
pub(crate) struct Ending {
    pub(crate) outcome: AttemptOutcome,
    pub(crate) usage: Usage,
    pub(crate) source: UsageSource,
    /// How much answer there was, for estimates.
    pub(crate) answer_bytes: usize,
}

impl Ending {
    /// An end before anything was counted.
    pub(crate) fn uncounted(outcome: AttemptOutcome) -> Self {
        Self { outcome, usage: Usage::default(), source: UsageSource::None, answer_bytes: 0 }
    }
}

impl AttemptBook {
    /// Opens the book of an attempt that the scheduler knows to be started. A box, for it is handed on from step to step.
    pub(crate) fn open(
        journey: &Arc<Journey>,
        account: &Arc<Account>,
        (attempt, ticket, trial): (u16, Ticket, Option<FleetTrial>),
        upstream: (Dialect, ModelName),
        (slot, seats): (LedgerSlot, Vec<Hold>),
    ) -> Box<Self> {
        Box::new(Self {
            journey: Arc::clone(journey),
            account: Arc::clone(account),
            attempt,
            ticket,
            upstream_dialect: upstream.0,
            upstream_model: upstream.1,
            started_at: journey.engine.clock.now(),
            started: Instant::now(),
            phase: AttemptPhase::AwaitingHead,
            status: None,
            first_content: None,
            slot: Some(slot),
            seats,
            request_losses: Vec::new(),
            answer_losses: Vec::new(),
            judged: false,
            trouble: None,
            trial,
            _open: journey.engine.metrics.attempt_opened(journey.envelope.stream),
            _flight: journey.engine.scheduler.flight(account.id),
        })
    }

    /// The request that it belongs to.
    pub(crate) fn journey(&self) -> &Arc<Journey> {
        &self.journey
    }

    /// Its number within the request, from 1.
    pub(crate) const fn number(&self) -> u16 {
        self.attempt
    }

    /// The dialect in which it is asked.
    pub(crate) const fn upstream_dialect(&self) -> Dialect {
        self.upstream_dialect
    }

    /// The model as the upstream calls it.
    pub(crate) const fn upstream_model(&self) -> &ModelName {
        &self.upstream_model
    }

    /// Who is asked.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// How long its answer may fall silent.
    pub(crate) fn gap(&self) -> Duration {
        self.journey.options.gap(self.account.provider)
    }

    /// Content is promised to the client.
    pub(crate) fn commit(&mut self) {
        self.phase = AttemptPhase::Delivering;
        let took = self.started.elapsed();
        self.first_content = Some(took);
        self.journey.trail.content();
        let engine = &self.journey.engine;
        engine.scheduler.first_token(self.account.id, took, engine.clock.now());
        self.vouch();
    }

    /// The account has shown that it serves.
    pub(crate) fn vouch(&mut self) {
        if !self.judged {
            self.judged = true;
            self.tell_success();
            self.trial = None;
            self.note_home(None);
        }
    }

    fn tell_success(&self) {
        let attempt = (self.ticket, self.started_at);
        serves(&self.journey.engine, &self.account, self.upstream_model.as_str(), attempt);
    }

    /// The account serves the conversation: what comes next goes there as well.
    fn note_home(&self, usage: Option<&Usage>) {
        if let Some(affinity) = &self.journey.affinity {
            let engine = &self.journey.engine;
            engine.homes.note(affinity, self.account.id, usage, engine.clock.now());
        }
    }

    /// The account must rest, as its upstream has said.
    pub(crate) fn rest(&mut self, cooldown: &Cooldown) {
        self.judged = true;
        let engine = &self.journey.engine;
        let parked = rest_everywhere(engine, &self.account, Some(self.ticket), cooldown, engine.clock.now());
        self.trial = None;
        self.journey.trail.rests(&parked);
        self.trouble = Some((cooldown.why.as_str().into(), Some(given(&parked))));
    }

    /// The account's proxy is down: so are the others behind it, and requests need not find out one by one.
    pub(crate) fn rest_others_behind_proxy(&self, why: &str) {
        let engine = &self.journey.engine;
        let Some(proxy) = &self.account.proxy else { return };
        let shares = |other: &&Arc<Account>| {
            let theirs = other.proxy.as_ref();
            other.id != self.account.id
                && theirs.is_some_and(|other| (&other.host, other.port) == (&proxy.host, proxy.port))
        };
        let cooldown = Cooldown::of_account(CooldownReason::Failing, None, why);
        for other in engine.directory.all().iter().filter(shares) {
            rest(engine, other, None, &cooldown, engine.clock.now());
        }
    }

    /// The account failed in a way that no answer of the vendor describes. That may lie at this relay, so it is not told to
    /// others.
    pub(crate) fn rest_as_failing(&mut self, why: impl Into<String>) {
        self.judged = true;
        let engine = &self.journey.engine;
        let cooldown = Cooldown::of_account(CooldownReason::Failing, None, why);
        let parked = rest(engine, &self.account, Some(self.ticket), &cooldown, engine.clock.now());
        self.trial = None;
        self.journey.trail.rests(&parked);
        self.trouble = Some((cooldown.why.as_str().into(), Some(given(&parked))));
    }

    /// What the upstream says, for operators; what is told with a rest says more.
    pub(crate) fn note_said(&mut self, error: Option<&UpstreamError>) {
        if let Some(error) = error {
            self.trouble = Some((format!("{}: {}", error.kind, error.message).into(), None));
        }
    }

    /// Hands a failure over to be remembered.
    fn remember_failure(&self, kind: FaultKind) {
        let engine = &self.journey.engine;
        let (message, rest) = match &self.trouble {
            Some((why, rest)) => (why.to_string(), *rest),
            None => (String::new(), None),
        };
        engine.errors.note(AccountError {
            account: self.account.id,
            at: engine.clock.now(),
            kind,
            status: self.status,
            model: Some(self.upstream_model.clone()),
            message,
            request: Some(self.journey.id),
            rest,
        });
    }

    /// Notes what the answer lost in translation; its headers have left by then.
    pub(crate) fn note_answer_losses(&mut self, losses: &[Loss]) {
        for loss in losses {
            tracing::debug!({ fields::REQUEST_ID } = %self.journey.id, %loss, "the answer lost something in translation");
        }
        self.answer_losses = losses.to_vec();
    }

    /// Notes what the client cannot carry to its next turn.
    pub(crate) fn remember(&self, remembered: Vec<Remembered>) {
        if !remembered.is_empty() {
            self.journey.engine.memory.note(self.journey.caller.key().id, remembered);
        }
    }

    /// Notes that this account made the answer, which a later request of Responses may go on from.
    pub(crate) fn note_answer_id(&self, id: &str) {
        self.journey.engine.memory.note_answer(self.journey.caller.key().id, id, self.account.id);
    }

    /// Whether a later request may name the answer: client and upstream both speak Responses, and the account keeps it.
    pub(crate) fn may_be_named(&self) -> bool {
        self.journey.surface.dialect == Dialect::OpenAiResponses
            && self.upstream_dialect == Dialect::OpenAiResponses
            && provider(self.account.provider).keeps_answers(&self.account)
    }

    /// Books the attempt. The first call counts, later ones do nothing. Under strict accounting it gives what to wait
    /// for before the last bytes may leave.
    pub(crate) fn settle(&mut self, ending: Ending) -> Option<Booked> {
        let slot = self.slot.take()?;
        self.journey.trail.over();
        let engine = &self.journey.engine;
        if !self.judged {
            match ending.outcome {
                AttemptOutcome::Complete => self.tell_success(),
                // None of these tells how the account is; where it was the trial, another request makes it.
                AttemptOutcome::ClientFault
                | AttemptOutcome::Cancelled
                | AttemptOutcome::Failed(_)
                | AttemptOutcome::Cut => {
                    engine.scheduler.cancelled(self.account.id, self.ticket);
                }
            }
            self.trial = None;
        }
        if let AttemptOutcome::Failed(kind) = ending.outcome {
            self.remember_failure(kind);
        }
        let row = self.row(ending);
        if row.outcome == AttemptOutcome::Complete {
            self.note_home(Some(&row.usage));
        }
        for hold in self.journey.hold.iter().chain(&self.seats) {
            hold.spend(&row.usage, row.billed);
        }
        let duration = Duration::from_micros(row.duration_us);
        engine.metrics.attempt_ended(row.provider, row.outcome, duration, self.first_content);
        engine.notices.attempt(row.outcome, engine.clock.now());
        if matches!(row.cost_basis, CostBasis::Unpriced | CostBasis::Assumed) {
            let (provider, model) = (row.provider, row.upstream_model.as_str());
            let priced = row.cost_basis == CostBasis::Assumed;
            engine.notices.unpriced(provider, model, priced, engine.clock.now());
        }
        engine.metrics.charged(&row.usage, row.cost, row.cost_basis);
        self.log(&row);
        self.journey.trail.booked(&row);
        engine.telemetry.attempt(&row);
        if self.journey.options.strict_accounting {
            Some(slot.book_durably(row))
        } else {
            slot.book(row);
            None
        }
    }

    /// The one line about each attempt.
    fn log(&self, row: &AttemptRow) {
        let trace = self.journey.trail.trace().filter(|trace| trace.sampled).map(|trace| trace.trace);
        tracing::info!(
            { fields::REQUEST_ID } = %row.request_id,
            { fields::ACCOUNT } = %self.account.name,
            { fields::CLIENT_KEY } = %row.key_id,
            { fields::PROVIDER } = row.provider.as_str(),
            { fields::REQUEST_MODEL } = row.model.as_str(),
            { fields::RESPONSE_MODEL } = row.upstream_model.as_str(),
            { fields::INPUT_TOKENS } = row.usage.prompt(),
            { fields::OUTPUT_TOKENS } = row.usage.output,
            attempt = row.attempt, outcome = row.outcome.as_str(), phase = row.phase.as_str(), status = row.status,
            cost = %row.cost, duration_us = row.duration_us, { fields::TRACE_ID } = trace.map(display),
            "attempt"
        );
    }

    fn row(&self, ending: Ending) -> AttemptRow {
        let journey = &*self.journey;
        let streamed = journey.envelope.stream;
        let usage =
            estimate::fill(ending.usage, ending.source, journey.prompt_bytes, ending.answer_bytes, streamed);
        let model = self.upstream_model.as_str();
        let charge = journey.engine.prices.now().charge(&*self.account, model, &usage, ending.source);
        let cost = self.account.scheduling.multiplier.of(charge.cost);
        let losses: Vec<_> =
            self.request_losses.iter().cloned().chain(journey.mend.and_then(Mend::loss)).collect();
        AttemptRow {
            request_id: journey.id,
            attempt: self.attempt,
            started_at: self.started_at,
            key_id: journey.caller.key().id,
            owner: journey.caller.key().policy.owner,
            account_id: self.account.id,
            provider: self.account.provider,
            operation: journey.operation,
            client_dialect: journey.surface.dialect,
            upstream_dialect: self.upstream_dialect,
            streamed,
            model: journey.envelope.model.clone(),
            upstream_model: self.upstream_model.clone(),
            outcome: ending.outcome,
            phase: self.phase,
            status: self.status,
            first_content_us: self.first_content.map(micros),
            duration_us: micros(self.started.elapsed()),
            usage: charge.usage,
            usage_source: ending.source,
            cost,
            billed: journey.bills(self.account.provider, cost),
            cost_basis: charge.basis,
            request_losses: loss_list(&losses),
            answer_losses: loss_list(&self.answer_losses),
        }
    }
}

impl Drop for AttemptBook {
    fn drop(&mut self) {
        // Under strict accounting the row is on its way as well; there is nobody left who could wait for it.
        drop(self.settle(Ending::uncounted(AttemptOutcome::Cancelled)));
    }
}

/// Waits until a row is durable, for answers whose last bytes may not leave before.
pub(crate) async fn until_booked(booked: Option<Booked>) -> Result<(), Fault> {
    let Some(booked) = booked else { return Ok(()) };
    match within_patience(booked).await {
        Some(Ok(())) => Ok(()),
        Some(Err(error)) => Err(not_booked().caused_by(error)),
        None => Err(not_booked()),
    }
}

/// What comes in time.
async fn within_patience<F: Future + Unpin>(mut booked: F) -> Option<F::Output> {
    for _ in 0..BOOKING_STEPS {
        if let Ok(booked) = timeout(BOOKING_STEP, &mut booked).await {
            return Some(booked);
        }
    }
    None
}

/// What a client is told whose answer may not be given out, since it is not in the books.
pub(crate) fn not_booked() -> Fault {
    let message = "the relay could not book this answer: ask again";
    Fault::internal(message, "the ledger did not take the row in time")
}

fn given(parked: &Parked) -> GivenRest {
    GivenRest { reason: parked.reason, until: parked.until }
}

fn loss_list(losses: &[Loss]) -> LossList {
    LossList::of(losses.iter().map(|loss| (&loss.field, &loss.reason)))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The end of an answer waits for the books for half a minute, in steps: a relay that stood still for longer (a suspended
/// machine) finds one of them over, and not all, so that it does not hold back what is booked a moment later.
pub(crate) const BOOKING_STEP: Duration = Duration::from_secs(1);

pub(crate) const BOOKING_STEPS: u32 = 30;

#[cfg(test)]
mod tests {
    use tokio::{
        sync::oneshot,
        task::yield_now,
        time::{Instant, advance},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_relay_that_stood_still_does_not_take_that_for_the_ledgers_time() {
        let (book, booked) = oneshot::channel();
        let waiting = tokio::spawn(within_patience(booked));
        yield_now().await;
        advance(BOOKING_STEP * BOOKING_STEPS * 3).await;
        yield_now().await;
        book.send(()).unwrap();
        assert_eq!(waiting.await.unwrap(), Some(Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_the_books_for_more_than_half_a_minute() {
        let (_book, booked) = oneshot::channel::<()>();
        let begun = Instant::now();
        assert_eq!(within_patience(booked).await, None);
        assert_eq!(begun.elapsed(), BOOKING_STEP * BOOKING_STEPS);
    }
}
