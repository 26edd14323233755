//! OpenAI's Responses API, which Codex speaks, also as ChatGPT's backend and compatible vendors serve it.
//!
//! Source: <https://platform.openai.com/docs/api-reference/responses>, checked 2026-11-23. Oddities: a conversation is a
//! flat list of items, in which reasoning stands directly before what it led to; there are no stop sequences and no stop
//! reason for tool calls; `strict` means true where it is not said; an answer can be `failed` under a 200; input token
//! counts include cached ones. ChatGPT's backend leaves the final event's `output` empty.
//!
//! Reasoning is read as thoughts whose proof is `encrypted_content`, its item's id beside it; several parts of a summary
//! are joined by blank lines, and their cuts survive in this dialect alone. Requests written here from another dialect
//! keep nothing at the vendor (`store: false`), send the history in full and ask for `encrypted_content`.
//!
//! Codex groups tools in a `namespace`. They are read as functions named `namespace::name`, which no function's own name
//! can be here, so that the way back needs no memory.

mod count;
mod events;
mod item;
mod request;
mod response;

use std::borrow::Cow;

use bytes::Bytes;
use posthaste_core::Dialect;
use uuid::Uuid;

use crate::{
    Codec, CountCodec, Encoded, EventDecoder, EventEncoder, StreamContext, Target, TranslateError, ir,
};

const DIALECT: Dialect = Dialect::OpenAiResponses;

/// The codec of OpenAI's Responses API.
pub(crate) struct OpenAiResponses;

impl Codec for OpenAiResponses {
    fn dialect(&self) -> Dialect {
        DIALECT
    }

    fn decode_request(&self, body: &[u8]) -> Result<ir::Request, TranslateError> {
        request::decode_request(body)
    }

    fn encode_request(&self, request: &ir::Request, target: &Target) -> Result<Encoded, TranslateError> {
        request::encode_request(request, target)
    }

    fn decode_response(&self, body: &[u8]) -> Result<ir::Response, TranslateError> {
        response::decode_response(body)
    }

    fn encode_response(&self, response: &ir::Response, _: &StreamContext) -> Result<Encoded, TranslateError> {
        response::encode_response(response)
    }

    fn event_decoder(&self) -> Box<dyn EventDecoder> {
        Box::new(events::Decoder::default())
    }

    fn event_encoder(&self, context: &StreamContext) -> Box<dyn EventEncoder> {
        Box::new(events::Encoder::new(context))
    }

    fn answer_id(&self, id: Uuid) -> String {
        format!("resp_{}", id.simple())
    }

    fn counting(&self) -> Option<&dyn CountCodec> {
        Some(self)
    }
}

impl CountCodec for OpenAiResponses {
    fn decode_question(&self, body: &[u8]) -> Result<ir::Request, TranslateError> {
        request::decode_request(body)
    }

    fn encode_question(&self, request: &ir::Request, target: &Target) -> Result<Encoded, TranslateError> {
        count::encode_question(request, target)
    }

    fn decode_count(&self, body: &[u8]) -> Result<u64, TranslateError> {
        count::decode_count(body)
    }

    fn encode_count(&self, tokens: u64) -> Bytes {
        count::encode_count(tokens)
    }
}

/// Stands between a namespace and a tool's name. OpenAI takes no colon in either.
const NAMESPACE_SEPARATOR: &str = "::";

/// A tool's name, its namespace before it.
fn full_name<'a>(namespace: Option<&str>, name: Cow<'a, str>) -> Cow<'a, str> {
    match namespace.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => Cow::Owned(format!("{namespace}{NAMESPACE_SEPARATOR}{name}")),
        None => name,
    }
}

/// The namespace and the name that a full name was made of.
fn split_name(full: &str) -> (Option<&str>, &str) {
    match full.split_once(NAMESPACE_SEPARATOR) {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => (Some(namespace), name),
        _ => (None, full),
    }
}
