//! From one dialect to another: what the gateway calls.

use bytes::Bytes;
use posthaste_core::{Dialect, ModelName, Timestamp};
use uuid::Uuid;

use crate::{
    Encoded, Loss, StreamContext, Target, TranslateError, codec,
    ir::{Reasoning, ReasoningDisplay},
    loss::Losses,
    policy,
};

/// A client's request in the upstream's dialect.
#[derive(Clone, Debug)]
pub struct TranslatedRequest {
    /// The body for the upstream.
    pub body: Bytes,
    /// What it lost.
    pub losses: Vec<Loss>,
    /// What the answer's translation needs to know.
    pub context: StreamContext,
}

/// Translates a client's request.
///
/// `from` is the client's dialect, `to` the upstream's; `upstream_model` replaces the model's name, and `id` becomes the
/// answer's. For Anthropic upstreams send the result with `anthropic-version: 2023-06-01`: later versions refuse
/// `temperature`, which other dialects' requests have.
///
/// # Errors
/// When the body is not a request of its dialect, or means something that the upstream's dialect cannot say.
pub fn translate_request(
    from: Dialect,
    to: &Target,
    body: &[u8],
    upstream_model: &ModelName,
    id: Uuid,
    now: Timestamp,
) -> Result<TranslatedRequest, TranslateError> {
    let mut losses = Losses::default();
    let mut request = codec(from).decode_request(body)?;
    policy::apply(&request, to.dialect, &mut losses)?;
    if request.model.is_empty() {
        // Named in the path, which is not seen here.
        upstream_model.as_str().clone_into(&mut request.model);
    }
    let model = ModelName::parse(&request.model)
        .map_err(|error| TranslateError::invalid("model", error.to_string()))?;
    let include_thoughts = from != Dialect::GeminiGenerate || asks_for_thoughts(request.reasoning.as_ref());
    let include_usage = request.include_usage;
    let context = StreamContext { model, include_usage, include_thoughts, created: now, id };
    upstream_model.as_str().clone_into(&mut request.model);
    let Encoded { body, losses: more } = codec(to.dialect).encode_request(&request, to)?;
    more.into_iter().for_each(|loss| losses.add(loss));
    Ok(TranslatedRequest { body, losses: losses.into_vec(), context })
}

/// Translates an upstream's whole answer.
///
/// `from` is the upstream's dialect, `to` the client's. The answer gets an id of our own and the model's name that the
/// client asked for.
///
/// # Errors
/// When the body is not an answer of its dialect.
pub fn translate_response(
    from: Dialect,
    to: Dialect,
    body: &[u8],
    context: &StreamContext,
) -> Result<Encoded, TranslateError> {
    let mut response = codec(from).decode_response(body)?;
    if !context.include_thoughts {
        response.hide_thoughts();
    }
    let codec = codec(to);
    response.id = codec.answer_id(context.id);
    context.model.as_str().clone_into(&mut response.model);
    response.created = context.created.as_secs();
    codec.encode_response(&response)
}

fn asks_for_thoughts(reasoning: Option<&Reasoning>) -> bool {
    let display = reasoning.and_then(|reasoning| reasoning.display.as_ref());
    display.is_some_and(|display| *display != ReasoningDisplay::Omitted)
}
