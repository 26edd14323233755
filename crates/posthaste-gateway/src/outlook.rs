//! Who would serve a request that nobody has sent.
//!
//! The steps are those of a request ([`admit`](crate::admission::admit) to [`plan`](planning::plan)), done by the same code up to
//! where something would be taken, told or sent: a [`Journey`] is made that never sets out.

mod draws;
mod seats;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use posthaste_core::{
    ClientKey, Estimated, Fault, Limit, Operation, Outlook, OutlookLeg, OutlookLimit, OutlookQuestion,
    OutlookRefusal, OutlookTurn, RecordedFault, RefusingStep, RequestId, Surface, Timestamp,
};
use posthaste_scheduler::{Attempts, Resort};
use posthaste_storage::{Half, StorageError};
use posthaste_wire::Envelope;
use tokio::time::Instant;

use self::{draws::Lots, seats::Seats};
use crate::{
    Caller,
    admission::{Denied, may_ask},
    affinity::Affinity,
    attempt::all_full,
    engine::Engine,
    estimate,
    journey::Journey,
    limits::{Estimate, Looked, Unseated, caller_fault, look},
    planning::{self, Course, Leg, LegRules},
    serve::affinity,
    shares::Circles,
    targets::Targets,
    trail::{Trail, sketch},
    turns::{self, Tally},
};

pub(crate) async fn outlook(
    engine: &Arc<Engine>,
    key: ClientKey,
    question: &OutlookQuestion,
) -> Result<Outlook, StorageError> {
    let now = engine.clock.now();
    let mut journey = imagined(engine, Caller::trusted(key), question).await;
    let Journey { model, caller, operation, envelope, .. } = &journey;
    let refused_by_key = may_ask(engine, caller, *operation, (envelope, model), now).err();
    let (limits, refused_by_limit) = limits_of_caller(&journey, now).await?;
    let lots = Lots::draw(&mut journey, now).await;
    let course = planning::plan_whole(&journey, now);
    let answered_here = planning::nobody_counts(&journey);
    let (legs, seats) = legs(&journey, &course, &lots, question.streamed).await?;
    let turns = if answered_here { Vec::new() } else { turns(&legs) };
    let (waits, refused_by_all) = match turns.is_empty() && !answered_here {
        true => nobody(&journey, &course, (&legs, &seats), now),
        false => (None, None),
    };
    let refusal = |by, fault| OutlookRefusal { by, fault };
    let refusal = refused_by_key
        .map(Denied::into_fault)
        .map(|fault| refusal(RefusingStep::Key, told(&fault)))
        .or_else(|| refused_by_limit.map(|fault| refusal(RefusingStep::Limit, fault)))
        .or_else(|| refused_by_all.map(|fault| refusal(RefusingStep::Nobody, told(&fault))));
    let (tokens, cost) = journey.estimate.reserve();
    let policy = &journey.caller.key().policy;
    Ok(Outlook {
        at: now,
        meaning: Some(journey.model.model()).filter(|meaning| *meaning != journey.model.name()).cloned(),
        route: engine.directory.route(journey.model.name().as_str()).map(|route| route.id),
        refusal,
        answered_here,
        estimated: Estimated { tokens, cost },
        limits,
        networks: policy.networks.clone(),
        clients: policy.clients.clone(),
        conversation: journey.affinity.as_ref().map(Affinity::found),
        last_resort: course.resort == Resort::Last,
        waits_ms: waits,
        turns,
        legs,
    })
}

/// A journey as a request would make it, which holds nothing and leaves no trail.
async fn imagined(engine: &Arc<Engine>, caller: Caller, question: &OutlookQuestion) -> Journey {
    let options = engine.options.load_full();
    let model = engine.asked(&question.model);
    let prompt_bytes = estimate::prompt_bytes(question.prompt_tokens);
    let (headers, body) = (headers(question), Bytes::new());
    let streams = matches!(question.operation, Operation::Chat | Operation::Completions | Operation::Images);
    let envelope =
        Envelope::imagined(question.model.clone(), question.streamed && streams, question.max_tokens);
    let targets = Targets::of(engine, &model);
    let estimate = Estimate::of(engine, &envelope, targets.iter(&model), prompt_bytes);
    let affinity = match (targets.iter(&model).next(), &question.session) {
        (Some(first), Some(_)) => {
            let rules = LegRules::of(engine, &options, &caller, first);
            affinity(engine, &caller, &rules, question.operation, (&headers, &envelope, &body)).await
        }
        // One that is named nowhere is taken to be new, so that nobody has served it.
        _ => None,
    };
    Journey {
        engine: Arc::clone(engine),
        options,
        id: RequestId::generate(),
        caller,
        surface: Surface::plain(question.dialect),
        pinned: question.pinned,
        home: None,
        affinity,
        operation: question.operation,
        targets,
        envelope,
        model,
        estimate,
        hold: None,
        rates: engine.rates.now(),
        mend: None,
        prompt_bytes,
        received: Instant::now(),
        trail: Trail::untrodden(None),
    }
}

fn headers(question: &OutlookQuestion) -> HeaderMap {
    let session = question.session.as_deref().and_then(|session| HeaderValue::from_str(session).ok());
    session.map(|session| (SESSION, session)).into_iter().collect()
}

/// Where the limits of the key and of its circles stand, and what the client would be told if one of them refused for good.
async fn limits_of_caller(
    journey: &Journey,
    now: Timestamp,
) -> Result<(Vec<OutlookLimit>, Option<RecordedFault>), StorageError> {
    let engine = &journey.engine;
    if journey.operation == Operation::CountTokens {
        return Ok((Vec::new(), None));
    }
    let key = journey.caller.key();
    let circles = Circles::of(&engine.directory, key);
    let covers = |limit: &Limit| journey.model.is_covered(limit);
    let slot = circles.slot();
    let looked = look(engine, Half::Caller, slot, &circles.shares(), covers, &journey.estimate).await?;
    let line = key.policy.queue.as_ref().filter(|rules| {
        let waiting = engine.lines.waiting().into_iter().find(|(whose, _)| *whose == key.id);
        waiting.map_or(0, |(_, waiting)| waiting) < rules.length
    });
    let waits = |looked: &Looked| line.is_some() && looked.is_crowded();
    let limits = looked.iter().map(|looked| OutlookLimit { waits: waits(looked), ..limit(looked) }).collect();
    let refusing = looked.into_iter().find(|looked| looked.refuses && !waits(looked));
    let refused = refusing.map(|looked| {
        let open_ended = looked.open_ended(&circles.called(looked.whose));
        let unseated = Unseated::Limit(looked.refusal, looked.whose);
        let fault = caller_fault(unseated, |whose| circles.called(whose), now);
        let RecordedFault { kind, origin, message } = told(&fault);
        RecordedFault { kind, origin, message: open_ended.or(message) }
    });
    Ok((limits, refused))
}

fn limit(looked: &Looked) -> OutlookLimit {
    OutlookLimit { whose: looked.whose, of: looked.of.clone(), limit: looked.checked(), waits: false }
}

/// The legs of a plan with what is known of those to be asked, and what their own limits say.
async fn legs(
    journey: &Journey,
    course: &Course<'_>,
    lots: &Lots,
    streamed: bool,
) -> Result<(Vec<OutlookLeg>, Seats), StorageError> {
    let room = sketch::Room { candidates: MOST_CANDIDATES, asked: MOST_ASKED };
    let planned = sketch::PlanSketch::within(course, 1, room).into_plan().legs;
    let (mut legs, mut seats) = (Vec::with_capacity(planned.len()), Seats::default());
    for (number, (planned, leg)) in planned.into_iter().zip(&course.legs).enumerate() {
        let mut known = Vec::with_capacity(planned.asked.len());
        for account in leg.accounts().take(planned.asked.len()) {
            let mut one = seats.known(journey, account, leg.model, streamed).await?;
            one.first_percent = lots.percent(number, account.id);
            known.push(one);
        }
        legs.push(OutlookLeg {
            planned,
            by_chance: leg.rules.strategy.draws_lots(),
            attempts: attempts(journey, leg),
            patience_ms: leg.rules.patience_ms,
            known,
        });
    }
    Ok((legs, seats))
}

fn attempts(journey: &Journey, leg: &Leg<'_>) -> u16 {
    Attempts::of(leg.rules.retry, journey.options.attempts).most
}

/// Whom the relay would ask, as long as each of them fails: who is full is passed over, and each leg has its attempts.
fn turns(legs: &[OutlookLeg]) -> Vec<OutlookTurn> {
    let of_leg = |(number, leg): (u16, &OutlookLeg)| {
        let open = leg.planned.asked.iter().zip(&leg.known).filter(|(_, known)| known.full.is_none());
        let turns = open.map(move |(asked, _)| OutlookTurn { leg: number, account: asked.account });
        turns.take(usize::from(leg.attempts)).collect::<Vec<_>>()
    };
    (0..).zip(legs).flat_map(of_leg).collect()
}

/// What happens where nobody can be asked: how long the request waits, or what the client is told.
fn nobody(
    journey: &Journey,
    course: &Course<'_>,
    (legs, seats): (&[OutlookLeg], &Seats),
    now: Timestamp,
) -> (Option<u64>, Option<Fault>) {
    // Of those that are only counted it is not known whether they are full.
    if legs.iter().any(|leg| leg.planned.asked_more > 0) {
        return (None, None);
    }
    let tally = Tally { full: seats.full, full_until: seats.full_until, ..Tally::default() };
    if let Some(pause) = turns::pause(course, &tally, turns::patience(course), now) {
        return (Some(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)), None);
    }
    let fault = if tally.full { all_full(tally.full_until, now) } else { course.nobody_left(journey, now) };
    (None, Some(fault))
}

fn told(fault: &Fault) -> RecordedFault {
    RecordedFault {
        kind: fault.kind,
        origin: fault.origin,
        message: Some(fault.message.clone().into_owned()),
    }
}

/// One of the headers in which clients name their conversations.
const SESSION: HeaderName = HeaderName::from_static("x-session-id");

/// The most accounts that are told one by one, of all legs together.
const MOST_CANDIDATES: usize = 1_000;

/// Of a leg's accounts that may be asked, so many: each has limits of its own that the store is asked about.
const MOST_ASKED: usize = 100;
