//! From one dialect to another: what the gateway calls.
//!
//! A request goes: read; carried proofs taken out; what the relay remembers put in; proofs that may not go along left out;
//! tools put as the upstream takes them; written. An answer goes the way back. Readers and writers know of none of that.

use bytes::Bytes;
use posthaste_core::{Dialect, ModelName, Operation, Timestamp};
use uuid::Uuid;

use crate::{
    CountCodec, Encoded, Loss, Recall, Remembered, StreamContext, Target, TranslateError,
    bridge::Bridge,
    carrier::{close_response, open, send_home},
    codec, ids, ir,
    loss::Losses,
    memory::{Remembering, restore},
    policy, wording,
};

/// A client's request that has to be put into another dialect.
pub struct Ask<'a> {
    /// The client's dialect.
    pub from: Dialect,
    /// The upstream.
    pub to: &'a Target,
    /// What is asked for: an answer or a count.
    pub operation: Operation,
    /// The client's body, unpacked.
    pub body: &'a [u8],
    /// The model that the client asks for.
    pub model: &'a ModelName,
    /// The model as the upstream calls it.
    pub upstream_model: &'a ModelName,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// What the answer's id is made from.
    pub id: Uuid,
    /// The present moment.
    pub now: Timestamp,
    /// What is remembered of the conversation.
    pub memory: &'a dyn Recall,
}

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

/// An upstream's whole answer in the client's dialect.
#[derive(Clone, Debug)]
pub struct TranslatedAnswer {
    /// The body for the client.
    pub body: Bytes,
    /// What it lost.
    pub losses: Vec<Loss>,
    /// What has to be remembered, since the client cannot carry it.
    pub remembered: Vec<Remembered>,
}

/// Translates a client's request.
///
/// For Anthropic upstreams send the result with `anthropic-version: 2023-06-01`: later versions refuse `temperature`, which
/// other dialects' requests have.
///
/// # Errors
/// When the body is not a request of its dialect, or means something that the upstream's dialect cannot say.
pub fn translate_request(ask: &Ask<'_>) -> Result<TranslatedRequest, TranslateError> {
    translate(ask).map_err(|error| wording::error(error, ask.from))
}

fn translate(ask: &Ask<'_>) -> Result<TranslatedRequest, TranslateError> {
    let mut losses = Losses::default();
    let mut request = match counting(ask, ask.from)? {
        Some(counting) => counting.decode_question(ask.body)?,
        None => codec(ask.from).decode_request(ask.body)?,
    };
    policy::apply(&request, ask.to.dialect, &mut losses)?;
    open(&mut request, &mut losses);
    restore(&mut request, ask.memory);
    send_home(&mut request, ask.to, &mut losses);
    let bridge = Bridge::cross(&mut request, ask.to, &mut losses);
    ask.upstream_model.as_str().clone_into(&mut request.model);
    request.stream = ask.stream;
    let Encoded { body, losses: more } = match counting(ask, ask.to.dialect)? {
        Some(counting) => counting.encode_question(&request, ask.to)?,
        None => codec(ask.to.dialect).encode_request(&request, ask.to)?,
    };
    more.into_iter().for_each(|loss| losses.add(loss));
    let context = StreamContext::new(ask, &request, bridge);
    let is_own = |field: &str| request.extra.iter().any(|extra| extra.field == field);
    let mut losses = wording::losses(losses.into_vec(), ask.from, is_own);
    if request.old_functions {
        // Was not the client's word. Should several calls come, the answer tells.
        losses.retain(|loss| loss.field != "parallel_tool_calls");
    }
    Ok(TranslatedRequest { body, losses, context })
}

/// How a dialect counts, where counting is what is asked for.
fn counting(ask: &Ask<'_>, dialect: Dialect) -> Result<Option<&'static dyn CountCodec>, TranslateError> {
    if ask.operation != Operation::CountTokens {
        return Ok(None);
    }
    match codec(dialect).counting() {
        Some(counting) => Ok(Some(counting)),
        None => Err(TranslateError::inexpressible("count_tokens", dialect)),
    }
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
) -> Result<TranslatedAnswer, TranslateError> {
    let mut losses = Losses::default();
    let mut response = codec(from).decode_response(body)?;
    ids::fill_response(&mut response, context.id);
    context.bridge.return_response(&mut response);
    let remembered = remember(to, context, &response);
    close_response(&mut response, to, &context.maker);
    leave_out_foreign_blocks(&mut response, to, &mut losses);
    let codec = codec(to);
    response.id = codec.answer_id(context.id);
    context.model.as_str().clone_into(&mut response.model);
    response.created = context.created.as_secs();
    let Encoded { body, losses: more } = codec.encode_response(&response, context)?;
    policy::answer::of_response(&response, to).into_iter().chain(more).for_each(|loss| losses.add(loss));
    Ok(TranslatedAnswer { body, losses: losses.into_vec(), remembered })
}

/// Blocks of one dialect alone are no part of the answer elsewhere: what a hosted tool did is not what the model says, and
/// streams do not tell it either.
fn leave_out_foreign_blocks(response: &mut ir::Response, client: Dialect, losses: &mut Losses) {
    if response.dialect == client {
        return;
    }
    response.parts.retain(|part| {
        let ir::Content::Opaque(opaque) = &part.content else { return true };
        losses.add(Loss::dropped(format!("content.{}", opaque.kind)));
        false
    });
}

fn remember(client: Dialect, context: &StreamContext, response: &ir::Response) -> Vec<Remembered> {
    let Some(mut remembering) = Remembering::of_client(client, &context.maker) else { return Vec::new() };
    remembering.response(response);
    remembering.into_noted()
}

/// Translates an upstream's answer to a question how many tokens a request costs.
///
/// # Errors
/// When the body is not such an answer of its dialect, or a dialect has no such question.
pub fn translate_count(from: Dialect, to: Dialect, body: &[u8]) -> Result<Bytes, TranslateError> {
    let cannot = |dialect| TranslateError::inexpressible("count_tokens", dialect);
    let tokens = codec(from).counting().ok_or_else(|| cannot(from))?.decode_count(body)?;
    Ok(codec(to).counting().ok_or_else(|| cannot(to))?.encode_count(tokens))
}
