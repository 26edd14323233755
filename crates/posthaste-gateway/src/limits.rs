//! Limits: a request reserves an estimate before it is sent, and settles the truth when it is over.
//!
//! The caller's half is taken once a request, the account's half (the seat) once an attempt. Who has no limits that cover the
//! model asks the store for nothing.

mod look;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use posthaste_core::{
    Account, CallerLimits, Clock, CostBasis, Fault, FaultKind, Limit, LimitOwner, LimitState, LimitUnit,
    NanoUsd, Origin, Timestamp, Usage, UsageSource,
};
use posthaste_metering::{Span, WindowError, span};
use posthaste_storage::{
    AdmissionStore, Claim, Counter, CounterWindow, Half, LeaseId, LimitCheck, Outcome, Refusal, Settlement,
    Standing, StorageError, StoreHealth, Unit,
};
use posthaste_wire::Envelope;
use tokio::{runtime::Handle, task::AbortHandle};
use uuid::Uuid;

pub(crate) use self::look::{Looked, look};
use crate::{
    asked::AskedModel,
    engine::Engine,
    estimate,
    metrics::{Claimed, OpenLease},
    rosters::Sold,
    shares::Share,
    targets::Target,
};

/// What a request is taken to use until the truth is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimate {
    usage: Usage,
    tokens: u64,
    cost: NanoUsd,
}

impl Estimate {
    /// From the size of the prompt and the cap on the answer, at the dearest price among the accounts that may serve.
    pub(crate) fn of<'a>(
        engine: &Engine,
        envelope: &Envelope,
        targets: impl Iterator<Item = Target<'a>>,
        prompt_bytes: usize,
    ) -> Self {
        let input = estimate::prompt_tokens(prompt_bytes);
        let output = envelope.max_tokens.map_or(USUAL_ANSWER, |most| most.min(LONGEST_ANSWER));
        let usage = Usage { input, output, ..Usage::default() };
        let prices = engine.prices.now();
        let dearest = |Target { model, .. }: Target<'a>| {
            let sellers = engine.rosters.sellers(engine, model);
            let charge = |sold: &Sold| {
                prices.charge(sold.seller(), sold.model.as_str(), &usage, UsageSource::Estimated).cost
            };
            sellers.iter().map(charge).max()
        };
        let cost = targets.filter_map(dearest).max().unwrap_or_default();
        Self { usage, tokens: input.saturating_add(output), cost }
    }

    /// The tokens and the cost that are reserved.
    pub(crate) const fn reserve(&self) -> (u64, NanoUsd) {
        (self.tokens, self.cost)
    }

    /// The tokens of the prompt.
    pub(crate) const fn prompt(&self) -> u64 {
        self.usage.input
    }

    /// What the request is expected to cost at an account; `None` when the price is not known.
    pub(crate) fn price(&self, engine: &Engine, account: &Account, model: &AskedModel) -> Option<NanoUsd> {
        let model = model.upstream(account);
        let charge = engine.prices.now().charge(account, model.as_str(), &self.usage, UsageSource::Estimated);
        (charge.basis != CostBasis::Unpriced).then(|| account.scheduling.multiplier.of(charge.cost))
    }
}

/// Why a claim was not granted.
pub(crate) enum Unseated {
    /// A limit is used up; the refusal calls it by its own name.
    Limit(Refusal, LimitOwner),
    /// The store could not be asked.
    Store(StorageError),
}

/// What is held while a request or an attempt lasts. Dropping it settles with what was spent until then.
pub(crate) struct Hold {
    claim: Claim,
    /// What the limits of the claim's checks are called, in their order.
    names: Vec<String>,
    /// Where the counters stood when the claim was granted, in the order of its checks.
    standings: Vec<Standing>,
    granted_at: Timestamp,
    store: Arc<dyn AdmissionStore>,
    store_health: StoreHealth,
    clock: Arc<dyn Clock>,
    asked: AtomicBool,
    tokens: AtomicI64,
    cost: AtomicI64,
    /// Nothing was taken, so that there is nothing to give back.
    refused: bool,
    renewer: Option<AbortHandle>,
    /// Counts while the lease is held.
    open: Option<OpenLease>,
}

impl Hold {
    /// Takes what those limits in a slot say that cover the request's model; `None` when none of them does.
    pub(crate) async fn take(
        engine: &Engine,
        half: Half,
        owner: Uuid,
        shares: &[Share<'_>],
        covers: impl Fn(&Limit) -> bool,
        estimate: &Estimate,
    ) -> Result<Option<Self>, Unseated> {
        let now = engine.clock.now();
        let (checks, mut told) = checks(shares, covers, estimate, now);
        if checks.is_empty() {
            return Ok(None);
        }
        let claim = Claim { half, owner, lease: LeaseId::generate(), ttl: LEASE, checks };
        // Made before the store is asked: a client that leaves meanwhile, or an answer that is lost, may leave a lease behind,
        // which dropping this gives back.
        let mut hold = Self {
            claim,
            names: told.iter().map(|(_, _, limit)| limit.clone()).collect(),
            standings: Vec::new(),
            granted_at: now,
            store: Arc::clone(&engine.admission),
            store_health: engine.store_health.clone(),
            clock: Arc::clone(&engine.clock),
            asked: AtomicBool::new(false),
            tokens: AtomicI64::new(0),
            cost: AtomicI64::new(0),
            refused: false,
            renewer: None,
            open: None,
        };
        let outcome = hold.store.reserve(&hold.claim, now).await;
        engine.metrics.claimed(half, claimed(&outcome));
        match outcome.map_err(Unseated::Store)? {
            Outcome::Refused(mut refusal) => {
                hold.refused = true;
                let at = hold.claim.checks.iter().position(|check| check.counter == refusal.counter);
                let (whose, _, name) = told.swap_remove(at.unwrap_or(0));
                refusal.counter.name = name;
                Err(Unseated::Limit(refusal, whose))
            }
            Outcome::Granted(standings) => {
                let checks = hold.claim.checks.iter().zip(&standings);
                for ((check, standing), (whose, name, limit)) in checks.zip(&told) {
                    let reached = engine.thresholds.note(&engine.metrics, *whose, limit, check, *standing);
                    reached.iter().for_each(|event| engine.notices.limit_reached(event, name, now));
                }
                hold.standings = standings;
                hold.renewer = Some(renew(engine, &hold.claim));
                hold.open = Some(engine.metrics.lease(half));
                Ok(Some(hold))
            }
        }
    }

    /// What was checked, and where each counter stood with that.
    pub(crate) fn checks(&self) -> impl Iterator<Item = (&LimitCheck, &Standing)> {
        self.claim.checks.iter().zip(&self.standings)
    }

    /// Where the tightest limits of the kinds that dialects have headers for stand. Those that refuse nobody are left out.
    pub(crate) fn caller_limits(&self) -> CallerLimits {
        let mut limits = CallerLimits::at(self.granted_at);
        for (check, standing) in
            self.claim.checks.iter().zip(&self.standings).filter(|(check, _)| !check.shadow)
        {
            note_state(&mut limits, &check.counter, state_of(check.limit, standing.used, standing.resets_at));
        }
        limits
    }

    /// The names of the limits that would have refused the request if they did refuse.
    pub(crate) fn shadow_refusals(&self) -> impl Iterator<Item = &str> {
        let checks = self.claim.checks.iter().zip(&self.standings).zip(&self.names);
        let refusing = checks.filter(|((check, standing), _)| check.shadow && standing.used > check.limit);
        refusing.map(|(_, name)| name.as_str())
    }

    /// Adds what an attempt used.
    pub(crate) fn spend(&self, usage: &Usage, billed: NanoUsd) {
        self.asked.store(true, Ordering::Relaxed);
        let tokens = usage.prompt().saturating_add(usage.output);
        let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
        let add = |sum: &AtomicI64, more: i64| {
            // Never fails: the closure always gives a value.
            let _ =
                sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| Some(sum.saturating_add(more)));
        };
        add(&self.tokens, tokens);
        add(&self.cost, billed.as_nanos());
    }

    fn truth(&self) -> Vec<Settlement> {
        let actual = |unit| match unit {
            Unit::Requests => i64::from(self.asked.load(Ordering::Relaxed)),
            Unit::Tokens => self.tokens.load(Ordering::Relaxed),
            Unit::Cost => self.cost.load(Ordering::Relaxed),
            Unit::Concurrency => 0,
        };
        let checks = self.claim.checks.iter();
        checks
            .map(|LimitCheck { counter, .. }| Settlement {
                counter: counter.clone(),
                actual: actual(counter.unit),
            })
            .collect()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if self.refused {
            return;
        }
        if let Some(renewer) = &self.renewer {
            renewer.abort();
        }
        let (store, lease, truth) = (Arc::clone(&self.store), self.claim.lease_ref(), self.truth());
        let health = self.store_health.clone();
        let now = self.clock.now();
        // Without a runtime the program is ending: the lease lapses by itself, and what was reserved stays counted.
        let Ok(runtime) = Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = store.settle(lease, &truth, now).await
                && !health.tells_of(&error)
            {
                tracing::warn!(%error, "a limit keeps what a request reserved, since the truth could not be told");
            }
        });
    }
}

const fn claimed(outcome: &Result<Outcome, StorageError>) -> Claimed {
    match outcome {
        Ok(Outcome::Granted(_)) => Claimed::Granted,
        Ok(Outcome::Refused(_)) => Claimed::Refused,
        Err(_) => Claimed::Failed,
    }
}

/// Holds the lease as long as the task runs.
fn renew(engine: &Engine, claim: &Claim) -> AbortHandle {
    let lease = claim.lease_ref();
    let (store, clock) = (Arc::clone(&engine.admission), Arc::clone(&engine.clock));
    let health = engine.store_health.clone();
    let task = tokio::spawn(async move {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Err(error) = store.renew(lease, LEASE, clock.now()).await
                && !health.tells_of(&error)
            {
                tracing::warn!(%error, "a lease could not be renewed; trying again");
            }
        }
    });
    task.abort_handle()
}

/// What is checked of those limits that cover the request's model; and for each check whose the limit is, the name of the one
/// whose it is, and the limit's own name.
fn checks<'a>(
    shares: &[Share<'a>],
    covers: impl Fn(&Limit) -> bool,
    estimate: &Estimate,
    now: Timestamp,
) -> (Vec<LimitCheck>, Vec<(LimitOwner, &'a str, String)>) {
    let mut checks = Vec::new();
    let mut told = Vec::new();
    for Share { whose, name, prefix, limits } in shares {
        for limit in limits.iter().filter(|limit| covers(limit)) {
            if let Some(mut check) = usable(check(limit, estimate, now), limit) {
                check.counter.name.insert_str(0, prefix);
                checks.push(check);
                told.push((*whose, *name, limit.name.clone()));
            }
        }
    }
    (checks, told)
}

/// A limit whose window makes no sense was refused when it was set; one that came by another way is told and left out.
fn usable(check: Result<LimitCheck, WindowError>, limit: &Limit) -> Option<LimitCheck> {
    check.inspect_err(|error| tracing::error!(limit = limit.name, %error, "a limit cannot be counted")).ok()
}

fn check(limit: &Limit, estimate: &Estimate, now: Timestamp) -> Result<LimitCheck, WindowError> {
    let (unit, amount) = match limit.unit {
        LimitUnit::Requests => (Unit::Requests, 1),
        LimitUnit::Tokens => (Unit::Tokens, i64::try_from(estimate.tokens).unwrap_or(i64::MAX)),
        LimitUnit::Cost => (Unit::Cost, estimate.cost.as_nanos()),
        LimitUnit::Concurrency => (Unit::Concurrency, 1),
    };
    let window = match span(&limit.window, now)? {
        _ if unit == Unit::Concurrency => CounterWindow::Held,
        Span::Now => CounterWindow::Held,
        Span::Rolling(length) => CounterWindow::Rolling(length),
        Span::Between { start, end } => CounterWindow::Span { start, end },
        Span::Total => CounterWindow::Total,
    };
    Ok(LimitCheck {
        counter: Counter { name: limit.name.clone(), unit, window },
        amount,
        limit: i64::try_from(limit.amount).unwrap_or(i64::MAX),
        shadow: limit.shadow,
        on_loss: limit.on_loss,
    })
}

fn state_of(limit: i64, used: i64, resets_at: Option<Timestamp>) -> LimitState {
    let whole = |amount: i64| u64::try_from(amount).unwrap_or(0);
    LimitState { limit: whole(limit), remaining: whole(limit.saturating_sub(used)), resets_at }
}

/// Notes a limit's state unless a tighter one of its kind is known.
fn note_state(limits: &mut CallerLimits, counter: &Counter, state: LimitState) {
    let noted = match counter.unit {
        Unit::Requests => &mut limits.requests,
        Unit::Tokens => &mut limits.tokens,
        Unit::Cost | Unit::Concurrency => return,
    };
    if noted.is_none_or(|noted| state.is_tighter_than(&noted)) {
        *noted = Some(state);
    }
}

/// What a caller is told whose own limit is used up.
pub(crate) fn caller_fault(
    unseated: Unseated,
    called: impl Fn(LimitOwner) -> String,
    now: Timestamp,
) -> Fault {
    let (refusal, whose) = match unseated {
        Unseated::Limit(refusal, whose) => (refusal, called(whose)),
        Unseated::Store(error) => {
            let message = "the relay cannot check this client key's limits at the moment: ask again soon";
            return Fault::new(FaultKind::Overloaded, Origin::Relay, message)
                .retry_after(STORE_RETRY)
                .caused_by(error);
        }
    };
    let Refusal { counter, used, limit, resets_at } = refusal;
    let name = &counter.name;
    let state = state_words(counter.unit, used, limit);
    let then = match (counter.unit, resets_at) {
        (Unit::Concurrency, _) => "ask again when one of them is over".to_owned(),
        (_, Some(at)) => format!("it starts anew at {at}"),
        (_, None) => "ask the relay's operator".to_owned(),
    };
    let kind = if counter.unit == Unit::Cost { FaultKind::QuotaExhausted } else { FaultKind::RateLimited };
    let fault = Fault::new(kind, Origin::Client, format!("limit `{name}` of {whose}: {state}; {then}"));
    let mut limits = CallerLimits::at(now);
    note_state(&mut limits, &counter, state_of(limit, used, resets_at));
    let fault = if limits.requests.or(limits.tokens).is_some() { fault.with_limits(limits) } else { fault };
    match (counter.unit, resets_at) {
        (Unit::Concurrency, _) => fault.retry_after(CONCURRENCY_RETRY),
        (_, Some(at)) => fault.retry_after(at.since(now).max(CONCURRENCY_RETRY)),
        (_, None) => fault.retry_after(OPERATORS_RETRY),
    }
}

fn state_words(unit: Unit, used: i64, limit: i64) -> String {
    let money = |nanos| NanoUsd::from_nanos(nanos).to_string();
    match unit {
        Unit::Concurrency => format!("{used} of {limit} requests are under way"),
        Unit::Cost => format!("{} of {} are spent or reserved", money(used), money(limit)),
        Unit::Requests | Unit::Tokens => format!("{used} of {limit} {} are used or reserved", unit.as_str()),
    }
}

/// Reserved for an answer whose length the client does not cap; most are shorter.
const USUAL_ANSWER: u64 = 4_096;

/// Clients name caps far beyond what they mean to use; more than this is reserved for nobody.
const LONGEST_ANSWER: u64 = 32_768;

/// How long a lease outlives a relay that died.
const LEASE: Duration = Duration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(20);

const CONCURRENCY_RETRY: Duration = Duration::from_secs(1);

/// A person has to raise the limit.
const OPERATORS_RETRY: Duration = Duration::from_secs(3_600);
const STORE_RETRY: Duration = Duration::from_secs(5);
