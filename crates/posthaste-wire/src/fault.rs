//! The relay's own errors in the words of each dialect.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use posthaste_core::{Dialect, Fault, FaultKind, Packing, RequestId, Surface};

use crate::{anthropic, bedrock, caller_limits::write_limits, gemini, openai_chat, openai_responses};

/// A fault as an HTTP answer.
#[derive(Clone, Debug)]
pub struct RenderedFault {
    /// The status that the dialect's clients understand.
    pub status: StatusCode,
    /// Content type, when and whether to ask again, and the error's name where the dialect has it there.
    pub headers: HeaderMap,
    /// The dialect's error body.
    pub body: Bytes,
}

/// A fault as the answer to a request whose head has not gone out yet.
pub fn render(dialect: Dialect, fault: &Fault, request_id: RequestId) -> RenderedFault {
    let (status, body) = match dialect {
        Dialect::AnthropicMessages => {
            (anthropic::fault::status(fault.kind), anthropic::fault::body(fault, request_id))
        }
        Dialect::OpenAiChat => (openai_chat::fault::status(fault.kind), openai_chat::fault::body(fault)),
        Dialect::OpenAiResponses => {
            (openai_responses::fault::status(fault.kind), openai_responses::fault::body(fault, request_id))
        }
        Dialect::GeminiGenerate => (gemini::fault::status(fault.kind), gemini::fault::body(fault)),
        Dialect::BedrockConverse => (bedrock::fault::status(fault.kind), bedrock::fault::body(fault)),
    };
    let status = StatusCode::from_u16(status).expect("the tables hold statuses of three digits");
    let mut headers = headers(fault);
    if let Some(limits) = &fault.limits {
        write_limits(dialect, limits, &mut headers);
    }
    if dialect == Dialect::BedrockConverse {
        let name = HeaderValue::from_static(bedrock::fault::name(fault.kind));
        headers.insert(bedrock::error::ERROR_TYPE, name);
    }
    RenderedFault { status, headers, body: body.into() }
}

/// How a dialect's clients know a kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultWords {
    /// The HTTP status.
    pub status: u16,
    /// The class of error.
    pub kind: &'static str,
    /// The finer code, where the dialect has one.
    pub code: Option<&'static str>,
}

/// The words for a kind of fault.
pub fn words(dialect: Dialect, kind: FaultKind) -> FaultWords {
    let (status, kind, code) = match dialect {
        Dialect::AnthropicMessages => without_code(anthropic::fault::row(kind)),
        Dialect::OpenAiChat | Dialect::OpenAiResponses => openai_chat::fault::row(kind),
        Dialect::GeminiGenerate => without_code(gemini::fault::row(kind)),
        Dialect::BedrockConverse => (bedrock::fault::status(kind), bedrock::fault::name(kind), None),
    };
    FaultWords { status, kind, code }
}

const fn without_code((status, kind): (u16, &'static str)) -> (u16, &'static str, Option<&'static str>) {
    (status, kind, None)
}

/// A fault as the last event of a stream whose head went out already. The stream ends after it.
pub fn render_event(dialect: Dialect, fault: &Fault, request_id: RequestId) -> Bytes {
    match dialect {
        Dialect::AnthropicMessages => anthropic::fault::event(fault, request_id),
        Dialect::OpenAiChat => openai_chat::fault::event(fault),
        Dialect::OpenAiResponses => openai_responses::fault::event(fault, request_id),
        Dialect::GeminiGenerate => gemini::fault::event(fault),
        Dialect::BedrockConverse => bedrock::fault::event(fault),
    }
    .into()
}

/// A frame that keeps a silent stream's connection alive and that the dialect's clients pass over; empty for Converse,
/// whose event streams have none.
///
/// Bedrock's clients get nothing: an AWS event stream has no harmless message.
pub fn keep_alive(client: Surface) -> Bytes {
    match client.packing {
        Packing::Invoke => return Bytes::new(),
        // White space may stand between the elements, and before the first.
        Packing::JsonArray => return Bytes::from_static(b"\n"),
        Packing::Plain | Packing::CodeAssist => {}
    }
    Bytes::from_static(match client.dialect {
        Dialect::AnthropicMessages => anthropic::fault::KEEP_ALIVE,
        Dialect::OpenAiChat => openai_chat::fault::KEEP_ALIVE,
        Dialect::OpenAiResponses => openai_responses::fault::KEEP_ALIVE,
        Dialect::GeminiGenerate => gemini::fault::KEEP_ALIVE,
        Dialect::BedrockConverse => bedrock::fault::KEEP_ALIVE,
    })
}

/// Writes one of this crate's own structs.
pub(crate) fn to_json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain structs of strings can always be written as JSON")
}

fn headers(fault: &Fault) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(wait) = fault.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
        // Both vendors' SDKs read this one first, so a short wait need not grow to a second.
        if !wait.is_zero() && wait < Duration::from_secs(1) {
            headers.insert(RETRY_AFTER_MS, HeaderValue::from(wait.as_millis().max(1) as u64));
        }
    }
    if !may_help_to_ask_again(fault.kind) {
        headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    headers
}

/// Rounded up and never 0, which clients take for "none given".
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

/// Whether the same request may succeed later. Agents retry a 401 for minutes unless they are told not to.
const fn may_help_to_ask_again(kind: FaultKind) -> bool {
    match kind {
        FaultKind::InvalidRequest
        | FaultKind::Unauthenticated
        | FaultKind::PermissionDenied
        | FaultKind::NotFound
        | FaultKind::AnswerNotFound
        | FaultKind::MethodNotAllowed
        | FaultKind::TooLarge
        | FaultKind::UnsupportedEncoding
        | FaultKind::QuotaExhausted => false,
        FaultKind::RateLimited
        | FaultKind::Overloaded
        | FaultKind::UpstreamFailed
        | FaultKind::Timeout
        | FaultKind::Cancelled
        | FaultKind::Internal => true,
    }
}

/// Milliseconds; read by the official SDKs of both vendors before `retry-after`.
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Obeyed by the official SDKs of both vendors before any rule of their own.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

#[cfg(test)]
mod tests;
