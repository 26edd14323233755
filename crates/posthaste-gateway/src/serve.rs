//! Steps 3 to 10: a call that becomes a journey, and its answer.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use posthaste_core::{
    AccountId, Dialect, Fault, FaultKind, Limit, LimitOwner, Operation, Origin, Telemetry, TraceContext,
};
use posthaste_storage::Half;
use posthaste_wire::Envelope;

use crate::{
    Answer, Call, Caller,
    admission::admit,
    affinity::Affinity,
    asked::AskedModel,
    counting,
    engine::Engine,
    journey::{Journey, Upload},
    limits::{Estimate, Hold, Unseated, caller_fault},
    mending::mend,
    planning::{self, LegRules},
    shares::Circles,
    targets::Targets,
    trail::Trail,
    unpack::{Unpacked, unpack},
    waiting,
};

/// One request, from its body to its answer.
///
/// # Errors
/// As [`Relay::call`](crate::Relay::call).
pub(crate) async fn serve(engine: &Arc<Engine>, mut call: Call) -> Result<Answer, Fault> {
    // Unpacking takes the headers.
    let trace = trace(&*engine.telemetry, &call);
    // 3 peek
    let unpacked = unpack(&mut call)?;
    let trail = engine.recorder.begin(&call, &unpacked.envelope, trace);
    // A box: the future is large, and whoever awaits one moves it, once for each layer of the front.
    let served = Box::pin(admitted(engine, call, unpacked, trail.clone())).await;
    served.inspect_err(|fault| trail.failed(fault))
}

async fn admitted(
    engine: &Arc<Engine>,
    call: Call,
    unpacked: Unpacked,
    trail: Trail,
) -> Result<Answer, Fault> {
    let options = engine.options.load_full();
    // 4 admit
    let model = engine.asked(&unpacked.envelope.model);
    let caller = admit(engine, &call, &unpacked.envelope, &model).await?;
    let (unpacked, mend) = mend(engine, &caller, &call, unpacked)?;
    trail.admitted(mend.map(Into::into));
    let Unpacked { envelope, body, headers } = unpacked;
    let home = home(engine, &caller, &call, &envelope)?;
    let targets = Targets::of(engine, &model);
    let estimate = Estimate::of(engine, &envelope, targets.iter(&model), body.len());
    let hold = hold(engine, &caller, &model, call.operation, (&estimate, &trail));
    let affinity = async {
        let first = targets.iter(&model).next()?;
        let rules = LegRules::of(engine, &options, &caller, first);
        affinity(engine, &caller, &rules, call.operation, (&headers, &envelope, &body)).await
    };
    // Both may ask the store, and neither needs the other's answer. Who stands in a line looks when it is their turn: what
    // they wait for may be the same conversation.
    let (hold, affinity) = match &caller.key().policy.queue {
        Some(_) => (hold.await?, affinity.await),
        None => {
            let (hold, affinity) = tokio::join!(hold, affinity);
            (hold?, affinity)
        }
    };
    trail.belongs_to(affinity.as_ref().map(Affinity::found), home);
    let Call { id, surface, operation, path, query, received, .. } = call;
    let journey = Journey {
        engine: Arc::clone(engine),
        options,
        id,
        caller,
        surface,
        pinned: path.pinned,
        home,
        affinity,
        operation,
        targets,
        envelope,
        model,
        estimate,
        hold,
        rates: engine.rates.now(),
        mend,
        prompt_bytes: body.len(),
        received,
        trail,
    };
    if planning::nobody_counts(&journey) {
        return Ok(counting::estimated(&journey, &body));
    }
    // 5 plan, 6 credential, 7 prepare, 8 send, 9 judge, 10 deliver and settle
    waiting::answer(Arc::new(journey), Upload { headers, query, body, unsealed: false }).await
}

/// The request's place in a trace.
fn trace(telemetry: &dyn Telemetry, call: &Call) -> Option<TraceContext> {
    if !telemetry.traces() {
        return None;
    }
    // A header that is there twice is none (W3C Trace Context, section 3.2.1).
    let mut parents = call.headers.get_all(TRACEPARENT).iter();
    let parent = parents.next().filter(|_| parents.next().is_none()).and_then(|parent| parent.to_str().ok());
    telemetry.begin(call.id, parent)
}

/// The caller's half of admission. Counting tokens costs nothing and is limited by nothing.
async fn hold(
    engine: &Engine,
    caller: &Caller,
    model: &AskedModel,
    operation: Operation,
    (estimate, trail): (&Estimate, &Trail),
) -> Result<Option<Hold>, Fault> {
    if operation == Operation::CountTokens {
        return Ok(None);
    }
    let key = caller.key();
    let circles = Circles::of(&engine.directory, key);
    let (slot, shares) = (circles.slot(), circles.shares());
    let covers = |limit: &Limit| model.is_covered(limit);
    let take = || Hold::take(engine, Half::Caller, slot, &shares, covers, estimate);
    let held = match &key.policy.queue {
        Some(rules) => {
            let is_mine = |whose: LimitOwner, name: &str| {
                let mut limits =
                    shares.iter().filter(|share| share.whose == whose).flat_map(|share| share.limits);
                limits.any(|limit| limit.name == name && covers(limit))
            };
            engine.lines.of(key.id).wait(rules, is_mine, take).await
        }
        None => take().await,
    };
    match &held {
        Ok(hold) => trail.reserved(estimate, hold.as_ref()),
        Err(Unseated::Limit(refusal, _)) => trail.refused_by(estimate, refusal),
        Err(Unseated::Store(_)) => {}
    }
    held.map_err(|unseated| caller_fault(unseated, |whose| circles.called(whose), engine.clock.now()))
}

/// The conversation that a request is part of. Where one account alone could serve, it is there anyway.
pub(crate) async fn affinity(
    engine: &Engine,
    caller: &Caller,
    rules: &LegRules,
    operation: Operation,
    request: (&HeaderMap, &Envelope, &Bytes),
) -> Option<Affinity> {
    if operation != Operation::Chat || engine.directory.all().len() < 2 || !rules.affinity.enabled {
        return None;
    }
    Affinity::of(&engine.homes, caller.key().id, &rules.affinity, request, engine.clock.now()).await
}

/// The account that made the answer which a request goes on from. The answer lies at the vendor, so nobody else can.
fn home(
    engine: &Engine,
    caller: &Caller,
    call: &Call,
    envelope: &Envelope,
) -> Result<Option<AccountId>, Fault> {
    let earlier = envelope.previous_response_id.as_deref();
    let Some(earlier) = earlier.filter(|_| call.surface.dialect == Dialect::OpenAiResponses) else {
        return Ok(None);
    };
    engine.memory.home_of_answer(caller.key().id, earlier).map(Some).ok_or_else(|| {
        let message = "`previous_response_id`: the relay does not know this answer; send the whole conversation instead";
        Fault::new(FaultKind::AnswerNotFound, Origin::Client, message)
    })
}

/// Where a client says in which trace it asks.
pub(crate) const TRACEPARENT: &str = "traceparent";
