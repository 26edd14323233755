//! Steps 6 to 8: one account after another, until one of them answers.

use std::{error::Error, sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode};
use posthaste_core::{
    Account, AttemptOutcome, AttemptPhase, Cooldown, CooldownReason, Credential, Dialect, Egress, Fault,
    FaultKind, Limit, LimitOwner, ModelName, Operation, Origin, RelayBody, StopEnd, TimeoutGuard, Timestamp,
    TransportError, fields,
};
use posthaste_provider::{Provider, provider};
use posthaste_scheduler::{Attempts, Parked, Resort};
use posthaste_storage::{Half, LedgerSlot};
use posthaste_translate::Loss;
use posthaste_vault::VaultError;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    answered::Answered,
    asked::AskedModel,
    journey::{Journey, Upload},
    limits::{Hold, Unseated},
    planning::{self, Course, Leg},
    prepare::{Prepared, prepare},
    projects::NoProject,
    rests::rest,
    settle::{AttemptBook, Ending},
    shares::Share,
};

/// An answer that goes to the client.
pub(crate) struct Delivery {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: RelayBody,
    /// Set when this is an upstream's error: what it says, for a client whose 200 went out already.
    pub(crate) fault: Option<Fault>,
    pub(crate) upstream_model: ModelName,
    /// What the request lost in translation.
    pub(crate) losses: Vec<Loss>,
    pub(crate) attempts: u16,
    /// How much of the time so far was spent waiting for upstreams.
    pub(crate) upstream_wait: Duration,
}

/// Why an attempt gave no answer.
pub(crate) enum Setback {
    /// Ask the next candidate.
    Next,
    /// Ask the same account once more after a pause.
    Again(Duration),
    /// The credential was refused: ask the same account once more with another, if there is one.
    Renew,
    /// The account has not what was asked for: ask the next candidate. If none of those that are asked has it, the client
    /// gets this.
    NotServed(Box<Refusal>),
    /// It does not accept thoughts that another one sealed: ask the same account once more without them. Where that cannot be,
    /// the client gets this.
    Sealed(Box<Result<Delivery, Fault>>),
    /// Nobody else could do better.
    Final(Fault),
}

/// What an account says that has not what was asked for.
pub(crate) struct Refusal {
    pub(crate) told: Result<Delivery, Fault>,
    /// Whether it is for thoughts that another account has sealed.
    pub(crate) sealed: bool,
}

/// Asks one candidate after another, one leg after another; and all of them again while the rules allow to wait.
pub(crate) async fn run(journey: Arc<Journey>, upload: Upload) -> Result<Delivery, Fault> {
    let engine = &journey.engine;
    let began = Instant::now();
    let mut tally = Tally::default();
    let mut repeats = 0;
    loop {
        let course = planning::plan(&journey, engine.clock.now());
        journey.trail.planned(&course);
        tally.in_outage = course.resort == Resort::Last;
        // Those that arrive together would otherwise all choose the same account.
        if let Some(first) = course.first() {
            engine.scheduler.assign(first.id);
        }
        for leg in course.legs.iter().enumerate() {
            if let Some(done) = ask_leg(&journey, &upload, &course, leg, &mut tally).await {
                return done;
            }
        }
        // An account that failed might have had what was asked for, and so the client may ask again.
        if !tally.some_failed
            && let Some(refusal) = tally.refusal.take()
        {
            // Those who could have opened the seals are not among them: then it has to go without.
            let unsealed =
                (refusal.sealed && tally.unsealed.is_none()).then(|| unseal(&journey, &upload)).flatten();
            let Some(unsealed) = unsealed else { return counted(refusal.told, &tally) };
            tally = tally.another_round(Some(1), Some(Arc::new(unsealed)));
            continue;
        }
        let patience = course.legs.iter().map(|leg| leg.rules.patience_ms).max().unwrap_or_default();
        let patience = Duration::from_millis(patience).saturating_sub(began.elapsed());
        let now = engine.clock.now();
        let course = planning::plan(&journey, now);
        let (pause, more) = if let Some(pause) = pause(&course, &tally, patience, now) {
            (pause, None)
        } else if let Some(pause) = repeat(&journey, &course, &tally, repeats, now) {
            repeats += 1;
            (pause, Some(1))
        } else {
            let fault = if tally.full && tally.attempts == 0 {
                all_full(tally.full_until, now)
            } else {
                course.nobody_left(&journey, now)
            };
            return Err(Fault { attempts: tally.attempts, ..fault });
        };
        tokio::time::sleep(pause).await;
        let unsealed = tally.unsealed.take();
        tally = tally.another_round(more, unsealed);
    }
}

/// Asks the accounts of one leg; `None` when the next leg has to be asked.
async fn ask_leg(
    journey: &Arc<Journey>,
    upload: &Upload,
    course: &Course<'_>,
    (number, leg): (usize, &Leg<'_>),
    tally: &mut Tally,
) -> Option<Result<Delivery, Fault>> {
    let engine = &journey.engine;
    let attempts = Attempts::of(leg.rules.retry, engine.options.attempts);
    let most = tally.most.unwrap_or(u16::MAX).min(tally.attempts.saturating_add(attempts.most));
    let pool = leg.rules.pool();
    engine.budgets.request(pool, engine.clock.now());
    'accounts: for account in course.accounts(leg) {
        if tally.attempts >= most {
            break;
        }
        // While nobody is well, more than one attempt is a repeat.
        let is_repeat = course.resort == Resort::Last && tally.attempts > 0;
        if is_repeat && !engine.budgets.take(pool, engine.clock.now()) {
            break;
        }
        let stop = Stop { account, model: leg.model, resort: course.resort };
        let mut repeats = attempts.repeats;
        let mut may_redial = true;
        let mut may_renew = true;
        while tally.attempts < most {
            journey.trail.turn_to(account.id, number);
            let unsealed = tally.unsealed.clone();
            let result = attempt(journey, unsealed.as_deref().unwrap_or(upload), stop, tally).await;
            journey.trail.end(stop_end(&result));
            match result {
                Ok(delivery) => return Some(Ok(delivery)),
                Err(Setback::Final(fault)) => return Some(Err(Fault { attempts: tally.attempts, ..fault })),
                Err(Setback::Sealed(refusal)) => {
                    tally.unsealed = if unsealed.is_none() && tally.attempts < most {
                        unseal(journey, upload).map(Arc::new)
                    } else {
                        None
                    };
                    if tally.unsealed.is_none() {
                        return Some(counted(*refusal, tally));
                    }
                }
                Err(Setback::NotServed(refusal)) => {
                    tally.refusal.get_or_insert(*refusal);
                    continue 'accounts;
                }
                // The upstream saw nothing of it: that is no repeat.
                Err(Setback::Again(Duration::ZERO)) if may_redial => may_redial = false,
                Err(Setback::Again(pause))
                    if repeats > 0 && engine.budgets.take(pool, engine.clock.now()) =>
                {
                    repeats -= 1;
                    tokio::time::sleep(attempts.pause(pause)).await;
                }
                Err(Setback::Renew) if may_renew => {
                    may_renew = false;
                    if !renew(journey, account, tally.presented.as_deref()).await {
                        break;
                    }
                }
                Err(Setback::Renew) => {
                    refuse_credential(journey, account, None);
                    break;
                }
                Err(Setback::Again(_) | Setback::Next) => break,
            }
        }
        tally.some_failed = true;
    }
    None
}

/// What the client gets after all, with what it took.
fn counted(refusal: Result<Delivery, Fault>, tally: &Tally) -> Result<Delivery, Fault> {
    let (attempts, upstream_wait) = (tally.attempts, tally.upstream_wait);
    refusal
        .map(|delivery| Delivery { attempts, upstream_wait, ..delivery })
        .map_err(|fault| Fault { attempts, ..fault })
}

/// The same without sealed thoughts; `None` where there are none, so that nothing would change.
fn unseal(journey: &Journey, upload: &Upload) -> Option<Upload> {
    let unsealed = posthaste_wire::unseal(journey.surface.dialect, &upload.body);
    // Chat's clients carry nothing sealed: what the relay remembers for them is left out.
    if unsealed.is_none() && journey.surface.dialect != Dialect::OpenAiChat {
        return None;
    }
    tracing::debug!({ fields::REQUEST_ID } = %journey.id, "an upstream did not accept sealed thoughts: they are left out");
    let body = unsealed.map_or_else(|| upload.body.clone(), |unsealed| unsealed.body);
    Some(Upload { body, unsealed: true, ..upload.clone() })
}

/// What came of a turn, for the request's record.
fn stop_end(result: &Result<Delivery, Setback>) -> StopEnd {
    match result {
        Ok(_) => StopEnd::Delivered,
        Err(Setback::Next) => StopEnd::Next,
        Err(Setback::Again(_) | Setback::Sealed(_)) => StopEnd::Again,
        Err(Setback::Renew) => StopEnd::Renew,
        Err(Setback::NotServed(_)) => StopEnd::NotServed,
        Err(Setback::Final(_)) => StopEnd::Final,
    }
}

/// How long to wait before all accounts are asked again; `None` when that would be longer than the rules allow, or when
/// nobody rests who could come back.
fn pause(course: &Course<'_>, tally: &Tally, patience: Duration, now: Timestamp) -> Option<Duration> {
    if patience.is_zero() || course.has_candidates() && !tally.full {
        return None;
    }
    let returns = [course.soonest_return(), tally.full_until].into_iter().flatten();
    let wait = match returns.min() {
        Some(until) => until.since(now),
        // A place among the requests that an account serves at the same time: those are over at any moment.
        None if tally.full => PLACE_PAUSE,
        None => return None,
    };
    (wait <= patience).then(|| wait.max(LEAST_PAUSE).min(patience))
}

/// How long to wait before the request is sent once more to an account that failed it, where there is no other. That is a
/// repeat, and so the pool's policy and its budget decide. In an outage that is known nobody waits.
fn repeat(
    journey: &Journey,
    course: &Course<'_>,
    tally: &Tally,
    repeats: u16,
    now: Timestamp,
) -> Option<Duration> {
    let engine = &journey.engine;
    if course.has_candidates() || !tally.some_failed || tally.in_outage {
        return None;
    }
    let recovery = |leg: &Leg<'_>| Some((leg.plan().soonest_recovery()?, leg.rules.clone()));
    let (until, rules) = course.legs.iter().filter_map(recovery).min_by_key(|(until, _)| *until)?;
    let attempts = Attempts::of(rules.retry, engine.options.attempts);
    let allowed = (1..attempts.most).contains(&tally.attempts) && repeats < attempts.repeats;
    let pause = until.since(now);
    (allowed && pause <= LONGEST_REPEAT && engine.budgets.take(rules.pool(), now))
        .then(|| pause.max(LEAST_PAUSE))
}

/// An account, and what it is asked for.
#[derive(Clone, Copy)]
struct Stop<'a> {
    account: &'a Arc<Account>,
    model: &'a AskedModel,
    resort: Resort,
}

/// Gets another credential in the place of a refused one. An account without another rests.
async fn renew(journey: &Journey, account: &Account, refused: Option<&Credential>) -> bool {
    let Some(refused) = refused else {
        refuse_credential(journey, account, None);
        return false;
    };
    match journey.engine.credentials.renew(account, refused).await {
        Ok(Some(_)) => true,
        Ok(None) => {
            refuse_credential(journey, account, None);
            false
        }
        Err(error) => {
            refuse_credential(journey, account, Some(&error));
            false
        }
    }
}

/// The credential is forgotten, so that the next use reads it anew, and the account rests.
fn refuse_credential(journey: &Journey, account: &Account, error: Option<&VaultError>) {
    let engine = &journey.engine;
    engine.credentials.invalidate(account.id);
    let mut why = "the upstream does not accept its credential".to_owned();
    if let Some(error) = error {
        why.push_str(", and another could not be had: ");
        why.push_str(&with_causes(error));
    }
    let now = engine.clock.now();
    let parked = rest(engine, account, None, &rest_without_credential(error, why, now), now);
    journey.trail.rests(&parked);
}

/// A token server that cannot be asked now is trouble that passes; everything else wants an operator.
fn rest_without_credential(error: Option<&VaultError>, why: String, now: Timestamp) -> Cooldown {
    match error {
        Some(VaultError::OAuth { error, retry_after }) if !error.needs_operator() => {
            Cooldown::of_account(CooldownReason::Failing, retry_after.map(|wait| now.plus(wait)), why)
        }
        _ => Cooldown::of_account(CooldownReason::Unauthorised, None, why),
    }
}

#[derive(Default)]
struct Tally {
    attempts: u16,
    upstream_wait: Duration,
    /// The credential of the last attempt.
    presented: Option<Arc<Credential>>,
    /// What the first account said that has not what was asked for.
    refusal: Option<Refusal>,
    /// Whether an account could not be asked, or failed.
    some_failed: bool,
    /// When the first of the accounts whose own limits are used up may serve again, as far as that is known.
    full_until: Option<Timestamp>,
    /// Whether there was such an account.
    full: bool,
    /// What is sent instead, where an upstream did not accept sealed thoughts.
    unsealed: Option<Arc<Upload>>,
    /// Whether nobody was well when this round began.
    in_outage: bool,
    /// After so many attempts in all no more is made in this round.
    most: Option<u16>,
}

impl Tally {
    /// What is kept for another round; of `more` attempts at most, where that is given.
    fn another_round(self, more: Option<u16>, unsealed: Option<Arc<Upload>>) -> Self {
        let Self { attempts, upstream_wait, .. } = self;
        let most = more.map(|more| attempts.saturating_add(more));
        Self { attempts, upstream_wait, most, unsealed, ..Self::default() }
    }
}

/// All that an attempt needs.
struct Ready {
    prepared: Prepared,
    egress: Egress,
}

async fn attempt(
    journey: &Arc<Journey>,
    upload: &Upload,
    stop: Stop<'_>,
    tally: &mut Tally,
) -> Result<Delivery, Setback> {
    let account = stop.account;
    let vendor = provider(account.provider);
    let Ready { prepared, egress } = ready_request(journey, upload, stop, vendor, tally).await?;
    journey.trail.ready();
    let slot = ledger_slot(journey).await.map_err(Setback::Final)?;
    let seats = seats(journey, account, prepared.upstream_model.as_str(), tally).await?;
    // Other requests may have learnt since the plan was made, and only one of them may try an account that was parked.
    let engine = &journey.engine;
    let ticket = engine
        .scheduler
        .try_start(account.id, prepared.upstream_model.as_str(), stop.resort, engine.clock.now())
        .map_err(|parked| just_parked(journey, &parked))?;
    tally.attempts += 1;
    journey.trail.sent(tally.attempts);
    let upstream = (prepared.upstream.dialect, prepared.upstream_model.clone());
    let book = AttemptBook::open(journey, account, (tally.attempts, ticket), upstream, (slot, seats));
    let began = Instant::now();
    let result = exchange(journey, &egress, vendor, prepared, book).await;
    tally.upstream_wait += began.elapsed();
    result.map(|delivery| Delivery {
        attempts: tally.attempts,
        upstream_wait: tally.upstream_wait,
        ..delivery
    })
}

/// The account's half of admission: its own limits, then those of each pool that it belongs to. What was taken is given back
/// when a later one refuses.
async fn seats(
    journey: &Journey,
    account: &Account,
    model: &str,
    tally: &mut Tally,
) -> Result<Vec<Hold>, Setback> {
    let mut seats = Vec::new();
    let rules = &account.scheduling;
    if journey.operation == Operation::CountTokens || (rules.limits.is_empty() && rules.pools.is_empty()) {
        return Ok(seats);
    }
    let engine = &journey.engine;
    let pools: Vec<_> = rules.pools.iter().filter_map(|pool| engine.directory.pool(*pool)).collect();
    let pools = pools.iter().map(|pool| (LimitOwner::Pool(pool.id), pool.id.uuid(), &pool.limits));
    let own = (LimitOwner::Account(account.id), account.id.uuid(), &rules.limits);
    for (whose, owner, limits) in std::iter::once(own).chain(pools) {
        if limits.is_empty() {
            continue;
        }
        let share = Share { whose, prefix: String::new(), limits };
        let covers = |limit: &Limit| limit.covers(model);
        let seat = Hold::take(engine, Half::Seat, owner, &[share], covers, &journey.estimate).await;
        let seat = seat.map_err(|unseated| no_seat(journey, account, unseated, tally))?;
        seat.iter().for_each(|seat| journey.trail.seated(seat));
        seats.extend(seat);
    }
    Ok(seats)
}

fn no_seat(journey: &Journey, account: &Account, unseated: Unseated, tally: &mut Tally) -> Setback {
    match unseated {
        Unseated::Limit(refusal, _) => {
            journey.trail.unseated(&refusal);
            journey.trail.end(StopEnd::AtItsLimit);
            tracing::debug!({ fields::ACCOUNT } = %account.name, limit = refusal.counter.name, "an account is at its own limit, or its pool is");
            tally.full = true;
            tally.full_until = match (tally.full_until, refusal.resets_at) {
                (Some(known), Some(other)) => Some(known.min(other)),
                (known, other) => known.or(other),
            };
        }
        Unseated::Store(error) => {
            journey.trail.end(StopEnd::LimitsUnknown);
            tracing::warn!({ fields::ACCOUNT } = %account.name, %error, "an account's limits cannot be checked");
        }
    }
    Setback::Next
}

fn just_parked(journey: &Journey, parked: &Parked) -> Setback {
    journey.trail.rests(parked);
    journey.trail.end(StopEnd::JustParked);
    Setback::Next
}

fn all_full(until: Option<Timestamp>, now: Timestamp) -> Fault {
    let message = "every upstream account is at the limit that the relay's operator has set: ask again after the time in retry-after";
    let wait = until.map_or(FULL_WAIT, |until| until.since(now).max(FULL_WAIT));
    Fault::new(FaultKind::RateLimited, Origin::Relay, message).retry_after(wait)
}

/// Steps 6 and 7, credential and prepare. An account that is not set up right rests, and the next one is asked.
async fn ready_request(
    journey: &Journey,
    upload: &Upload,
    Stop { account, model, .. }: Stop<'_>,
    vendor: &dyn Provider,
    tally: &mut Tally,
) -> Result<Ready, Setback> {
    let engine = &journey.engine;
    let unusable = |cooldown: &Cooldown| {
        let parked = rest(engine, account, None, cooldown, engine.clock.now());
        journey.trail.rests(&parked);
        journey.trail.end(StopEnd::Unusable);
        Setback::Next
    };
    let failing = |why| Cooldown::of_account(CooldownReason::Failing, None, why);
    let credential = engine.credentials.credential(account).await.map_err(|error| {
        let why = format!("it has no credential: {}", with_causes(&error));
        unusable(&rest_without_credential(Some(&error), why, engine.clock.now()))
    })?;
    let mut egress = engine
        .credentials
        .egress(account)
        .await
        .map_err(|error| unusable(&failing(format!("its proxy's password cannot be read: {error}"))))?;
    egress.connect_timeout = engine.options.overrides(account.provider).connect.or(egress.connect_timeout);
    tally.presented.clone_from(&credential);
    let began = Instant::now();
    let found = if vendor.seeks_project(account) {
        let transport = &*engine.transport;
        let project = engine.projects.of(account, credential.as_deref(), &egress, transport).await;
        Some(project.map_err(|none| match none {
            NoProject::TokenRefused => Setback::Renew,
            NoProject::Rest(cooldown) => unusable(&cooldown),
        })?)
    } else {
        None
    };
    tally.upstream_wait += began.elapsed();
    let project = account.settings.project.as_deref().or(found.as_deref());
    let prepared = prepare(journey, upload, (account, model), vendor, credential.as_deref(), project);
    let prepared = prepared.map_err(|fault| match fault.origin {
        Origin::Client => Setback::Final(fault),
        Origin::Relay | Origin::Upstream => {
            let cause = fault.source.as_ref().map_or_else(|| fault.to_string(), ToString::to_string);
            unusable(&failing(cause))
        }
    })?;
    Ok(Ready { prepared, egress })
}

/// A place in the ledger's queue. Nothing is sent that could not be booked.
async fn ledger_slot(journey: &Journey) -> Result<LedgerSlot, Fault> {
    if let Some(slot) = journey.engine.ledger.try_slot() {
        return Ok(slot);
    }
    match timeout(SLOT_PATIENCE, journey.engine.ledger.slot()).await {
        Ok(Ok(slot)) => Ok(slot),
        Ok(Err(error)) => Err(Fault::internal("the relay is shutting down: ask again", error)),
        Err(_) => {
            let message = "the relay cannot keep its books at the moment: ask again soon";
            Err(Fault::new(FaultKind::Overloaded, Origin::Relay, message).retry_after(SLOT_RETRY))
        }
    }
}

/// Step 8, send; what comes back is judged in `answered.rs`.
async fn exchange(
    journey: &Arc<Journey>,
    egress: &Egress,
    vendor: &dyn Provider,
    prepared: Prepared,
    mut book: AttemptBook,
) -> Result<Delivery, Setback> {
    let options = &journey.engine.options;
    let streamed = journey.envelope.stream;
    let wait = options.patience(book.account().provider, prepared.upstream.dialect, streamed);
    let deadline = Instant::now() + wait;
    let Prepared { request, upstream, upstream_model, way_back, losses } = prepared;
    let sending = timeout_at(deadline, journey.engine.transport.send(request, egress));
    let response = match sending.await {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(unreachable(book, &error)),
        Err(_) => {
            let guard = if streamed { TimeoutGuard::FirstEvent } else { TimeoutGuard::Head };
            return Err(unreachable(book, &TransportError::Timeout { guard, after: wait }));
        }
    };
    journey.trail.head();
    book.status = Some(response.status().as_u16());
    book.phase = AttemptPhase::AwaitingContent;
    book.request_losses = losses.clone();
    Answered { vendor, upstream, upstream_model, way_back, losses, book }.judge(response, deadline).await
}

fn unreachable(mut book: AttemptBook, error: &TransportError) -> Setback {
    let (phase, kind) = match error {
        TransportError::Refused { .. } | TransportError::Connect { .. } | TransportError::Proxy { .. } => {
            (AttemptPhase::Sending, FaultKind::UpstreamFailed)
        }
        TransportError::Timeout { guard: TimeoutGuard::Connect, .. } => {
            (AttemptPhase::Sending, FaultKind::Timeout)
        }
        TransportError::Timeout { .. } => (AttemptPhase::AwaitingHead, FaultKind::Timeout),
        TransportError::Stale(_) | TransportError::Broken(_) => {
            (AttemptPhase::AwaitingHead, FaultKind::UpstreamFailed)
        }
    };
    book.phase = phase;
    // An unused connection was closed as we wrote to it: that tells nothing about the account.
    let stale = matches!(error, TransportError::Stale(_));
    if !stale {
        book.rest_as_failing(with_causes(error));
    }
    drop(book.settle(Ending::uncounted(AttemptOutcome::Failed(kind))));
    if stale { Setback::Again(Duration::ZERO) } else { Setback::Next }
}

/// An error with what caused it.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// How long a request waits for the ledger to take rows again.
const SLOT_PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether an account that is at its own limit has a place again.
const PLACE_PAUSE: Duration = Duration::from_millis(100);
/// Of those who wait for one account, all wake at once.
const LEAST_PAUSE: Duration = Duration::from_millis(50);
/// A client that waits longer than this had better be told: the first rests are over by then.
const LONGEST_REPEAT: Duration = Duration::from_secs(1);
/// Requests end all the time.
const FULL_WAIT: Duration = Duration::from_secs(1);
const SLOT_RETRY: Duration = Duration::from_secs(5);
