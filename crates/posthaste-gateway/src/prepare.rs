//! Step 7, prepare: the client's bytes as they are, spliced, or translated; then the vendor's request.

use bytes::Bytes;
use posthaste_core::{
    Account, Credential, Dialect, Fault, FaultKind, ModelName, Operation, Origin, Packing, Payload, Surface,
};
use posthaste_provider::{Outbound, Provider, preset, upstream_dialect};
use posthaste_translate::{
    Ask, Forgetful, Loss, Recall, StreamContext, Target, holds_carrier, translate_request,
};
use posthaste_wire::{Edits, code_assist, to_invoke};

use crate::{
    asked::AskedModel,
    betas::for_invoke,
    journey::{Journey, Upload},
};

/// A finished request with what its answer has to go through.
pub(crate) struct Prepared {
    pub(crate) request: http::Request<Payload>,
    pub(crate) upstream: Surface,
    pub(crate) upstream_model: ModelName,
    pub(crate) way_back: WayBack,
    /// What could not be carried.
    pub(crate) losses: Vec<Loss>,
}

/// What an answer goes through before the client gets it.
#[derive(Clone, Debug)]
pub(crate) enum WayBack {
    /// Nothing: it passes as it is, but for how it is packed.
    Pass {
        /// Token counts that only the relay has asked for are taken out of the stream again.
        without_usage: bool,
    },
    /// The translation back.
    Translate(Box<StreamContext>),
}

impl WayBack {
    /// Whether the client's dialect is another one.
    pub(crate) const fn translates(&self) -> bool {
        matches!(self, Self::Translate(_))
    }
}

pub(crate) fn prepare(
    journey: &Journey,
    upload: &Upload,
    (account, model): (&Account, &AskedModel),
    provider: &dyn Provider,
    credential: Option<&Credential>,
    project: Option<&str>,
) -> Result<Prepared, Fault> {
    let upstream_model = model.upstream(account);
    let dialect = upstream_dialect(account, journey.operation, journey.asked_dialect(), &upstream_model)
        .ok_or_else(|| no_endpoint(journey))?;
    let same = dialect == journey.surface.dialect;
    let packing = provider.packing(account, dialect, same.then_some(journey.surface.packing));
    let upstream = Surface { dialect, packing };
    // A carrier means something to us alone: it has to be opened, or left out.
    let (body, way_back, mut losses, translated) = if same && !holds_carrier(&upload.body) {
        let (body, way_back) = pass(journey, upload, &upstream_model)?;
        (body, way_back, Vec::new(), false)
    } else {
        let target = target(account, dialect);
        let translated = translate(journey, upload, &target, &upstream_model)?;
        let way_back = if same {
            WayBack::Pass { without_usage: hides_usage(journey) }
        } else {
            WayBack::Translate(Box::new(translated.context))
        };
        (Payload::from(translated.body), way_back, translated.losses, !same)
    };
    if upload.unsealed {
        losses.push(Loss::degraded("reasoning", "left out, the upstream did not accept its seal"));
    }
    let fitted = provider.fit(account, journey.operation, body)?;
    losses.extend(fitted.left_out.into_iter().map(Loss::dropped));
    let packed = Packed { upstream, model: &upstream_model, project, translated };
    let body = pack(journey, upload, &packed, fitted.body, &mut losses)?;
    let request = provider
        .prepare(&Outbound {
            account,
            credential,
            operation: journey.operation,
            dialect,
            packing,
            model: &upstream_model,
            client_headers: &upload.headers,
            query: upload.query.as_deref(),
            streamed: journey.envelope.stream || provider.only_streams(account, journey.operation),
            translated,
            now: journey.engine.clock.now(),
            body,
        })
        .map_err(|error| {
            let message = "an upstream account of the relay is not set up right: its operator has to look";
            Fault::new(FaultKind::UpstreamFailed, Origin::Relay, message).caused_by(error)
        })?;
    Ok(Prepared { request, upstream, upstream_model, way_back, losses })
}

fn translate(
    journey: &Journey,
    upload: &Upload,
    target: &Target,
    upstream_model: &ModelName,
) -> Result<posthaste_translate::TranslatedRequest, Fault> {
    let known = journey.engine.memory.of(journey.caller.key().id);
    // What is remembered for Chat's clients is sealed as well.
    let memory: &dyn Recall = if upload.unsealed { &Forgetful } else { &known };
    Ok(translate_request(&Ask {
        from: journey.surface.dialect,
        to: target,
        operation: journey.operation,
        body: &upload.body,
        model: &journey.envelope.model,
        upstream_model,
        stream: journey.envelope.stream,
        id: journey.id.uuid(),
        now: journey.engine.clock.now(),
        memory,
    })?)
}

/// The body in its own dialect: the model under the upstream's name, and the wish for token counts, which the books need.
fn pass(journey: &Journey, upload: &Upload, upstream_model: &ModelName) -> Result<(Payload, WayBack), Fault> {
    let names_model = !matches!(journey.surface.dialect, Dialect::GeminiGenerate | Dialect::BedrockConverse);
    let body = if names_model {
        journey.envelope.with_model(&upload.body, upstream_model)
    } else {
        Payload::from(upload.body.clone())
    };
    if !hides_usage(journey) {
        return Ok((body, WayBack::Pass { without_usage: false }));
    }
    let edits = Edits::new().set_within("stream_options", "include_usage", true);
    Ok((edits.apply(&body.to_bytes())?.payload, WayBack::Pass { without_usage: true }))
}

/// Whether a stream of Chat Completions would tell no token counts, had the relay not asked for them.
fn hides_usage(journey: &Journey) -> bool {
    journey.surface.dialect == Dialect::OpenAiChat
        && journey.operation == Operation::Chat
        && journey.envelope.stream
        && !journey.envelope.include_usage
}

/// What a packing needs to know beside the body.
struct Packed<'a> {
    upstream: Surface,
    model: &'a ModelName,
    /// Who is charged, where the packing names that.
    project: Option<&'a str>,
    translated: bool,
}

/// The body as the upstream wants it packed.
fn pack(
    journey: &Journey,
    upload: &Upload,
    packed: &Packed<'_>,
    body: Payload,
    losses: &mut Vec<Loss>,
) -> Result<Payload, Fault> {
    let Packed { upstream, model, project, translated } = *packed;
    Ok(match upstream.packing {
        Packing::Plain | Packing::JsonArray => body,
        Packing::Invoke => {
            let (betas, left_out) = for_invoke(journey, upload, translated);
            losses.extend(left_out);
            to_invoke(&body.to_bytes(), &betas)?
        }
        Packing::CodeAssist if journey.operation == Operation::CountTokens => {
            let question = code_assist::wrap_question(model.as_str(), &body.to_bytes());
            let (question, left_out) =
                question.map_err(|error| Fault::invalid_request(error.to_string()).caused_by(error))?;
            losses.extend(left_out.into_iter().map(Loss::dropped));
            Payload::from(question)
        }
        Packing::CodeAssist => {
            Payload::from(code_assist::wrap_request(model.as_str(), project, None, &body.to_bytes()))
        }
    })
}

fn target(account: &Account, dialect: Dialect) -> Target {
    let variant = preset(&account.preset.0).map(|preset| preset.chat).unwrap_or_default();
    Target { dialect, account: Some(account.id), variant }
}

fn no_endpoint(journey: &Journey) -> Fault {
    let message = format!("an upstream account has no endpoint for {}", journey.operation);
    Fault::new(FaultKind::UpstreamFailed, Origin::Relay, message)
}

/// An answer in the client's packing.
pub(crate) fn pack_answer(packing: Packing, body: Bytes, trace_id: &str) -> Bytes {
    match packing {
        Packing::CodeAssist => code_assist::wrap_response(&body, trace_id).into_owned().into(),
        Packing::Plain | Packing::JsonArray | Packing::Invoke => body,
    }
}

/// An upstream's answer without its packing.
pub(crate) fn unpack_answer(packing: Packing, body: Bytes) -> Bytes {
    match packing {
        Packing::CodeAssist => match code_assist::unwrap_response(&body) {
            std::borrow::Cow::Borrowed(inner) => body.slice_ref(inner),
            std::borrow::Cow::Owned(inner) => inner.into(),
        },
        Packing::Plain | Packing::JsonArray | Packing::Invoke => body,
    }
}
