//! `POST /v1/messages/count_tokens` (<https://docs.claude.com/en/api/messages-count-tokens>).

use bytes::Bytes;
use posthaste_core::Dialect;
use serde::Deserialize;

use super::request::{Purpose, encode};
use crate::{Encoded, Target, TranslateError, ir, json};

/// Writes the question: the request without what only an answer needs, which this endpoint refuses.
pub(super) fn encode_question(request: &ir::Request, _: &Target) -> Result<Encoded, TranslateError> {
    let question = ir::Request {
        sampling: ir::Sampling::default(),
        stop: Vec::new(),
        user: None,
        service_tier: None,
        stream: false,
        ..request.clone()
    };
    encode(&question, Purpose::Count)
}

/// Reads the number.
pub(super) fn decode_count(body: &[u8]) -> Result<u64, TranslateError> {
    #[derive(Deserialize)]
    struct CountIn {
        input_tokens: u64,
    }
    json::read::<CountIn>(body)
        .map(|count| count.input_tokens)
        .map_err(|source| TranslateError::unreadable(Dialect::AnthropicMessages, source))
}

/// Writes the number.
pub(super) fn encode_count(tokens: u64) -> Bytes {
    format!("{{\"input_tokens\":{tokens}}}").into()
}
