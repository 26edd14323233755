//! Steps 6 to 8: one account after another, until one of them answers.

use std::{sync::Arc, time::Duration};

use posthaste_core::{Credential, Dialect, Fault, StopEnd, Timestamp, fields};
use posthaste_scheduler::{Attempts, Resort};
use tokio::time::Instant;

use crate::{
    attempt::{Delivery, Refusal, Setback, Stop, all_full, attempt, refuse_credential, renew},
    journey::{Journey, Upload},
    planning::{self, Course, Leg},
};

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
        let patience = patience(&course).saturating_sub(began.elapsed());
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
    let attempts = Attempts::of(leg.rules.retry, journey.options.attempts);
    let most = tally.most.unwrap_or(u16::MAX).min(tally.attempts.saturating_add(attempts.most));
    let pool = leg.rules.pool();
    engine.budgets.request(pool, engine.clock.now());
    'accounts: for account in leg.all_accounts(journey) {
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
            let end = stop_end(&result);
            journey.trail.end(end);
            engine.metrics.verdict(end);
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

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) attempts: u16,
    pub(crate) upstream_wait: Duration,
    /// The credential of the last attempt.
    pub(crate) presented: Option<Arc<Credential>>,
    /// What the first account said that has not what was asked for.
    pub(crate) refusal: Option<Refusal>,
    /// Whether an account could not be asked, or failed.
    pub(crate) some_failed: bool,
    /// When the first of the accounts whose own limits are used up may serve again, as far as that is known.
    pub(crate) full_until: Option<Timestamp>,
    /// Whether there was such an account.
    pub(crate) full: bool,
    /// What is sent instead, where an upstream did not accept sealed thoughts.
    pub(crate) unsealed: Option<Arc<Upload>>,
    /// Whether nobody was well when this round began.
    pub(crate) in_outage: bool,
    /// After so many attempts in all no more is made in this round.
    pub(crate) most: Option<u16>,
}

impl Tally {
    /// What is kept for another round; of `more` attempts at most, where that is given.
    pub(crate) fn another_round(self, more: Option<u16>, unsealed: Option<Arc<Upload>>) -> Self {
        let Self { attempts, upstream_wait, .. } = self;
        let most = more.map(|more| attempts.saturating_add(more));
        Self { attempts, upstream_wait, most, unsealed, ..Self::default() }
    }
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

/// How long a request may wait for accounts in all.
pub(crate) fn patience(course: &Course<'_>) -> Duration {
    Duration::from_millis(course.legs.iter().map(|leg| leg.rules.patience_ms).max().unwrap_or_default())
}

/// How long to wait before all accounts are asked again; `None` when that would be longer than the rules allow, or when
/// nobody rests who could come back.
pub(crate) fn pause(
    course: &Course<'_>,
    tally: &Tally,
    patience: Duration,
    now: Timestamp,
) -> Option<Duration> {
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
    let recovery = |leg: &Leg<'_>| Some((leg.plan().soonest_recovery(repeats > 0)?, leg.rules.clone()));
    let (until, rules) = course.legs.iter().filter_map(recovery).min_by_key(|(until, _)| *until)?;
    let attempts = Attempts::of(rules.retry, journey.options.attempts);
    let allowed = (1..attempts.most).contains(&tally.attempts) && repeats < attempts.repeats;
    let pause = until.since(now);
    (allowed && pause <= LONGEST_REPEAT && engine.budgets.take(rules.pool(), now))
        .then(|| pause.max(LEAST_PAUSE))
}

/// Between two looks whether an account that is at its own limit has a place again.
const PLACE_PAUSE: Duration = Duration::from_millis(100);

/// Of those who wait for one account, all wake at once.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

/// A client that waits longer than this had better be told: the first rests are over by then.
const LONGEST_REPEAT: Duration = Duration::from_secs(1);
