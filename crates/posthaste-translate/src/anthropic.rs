//! Anthropic's Messages API.
//!
//! Source: <https://docs.claude.com/en/api/messages>, checked 2026-11-23. Oddities: `max_tokens` is required; every
//! `tool_use` is answered in the next user turn, results first; turns of one role that follow each other are merged; empty
//! texts are refused; `thinking` wants a temperature of 1 and no forced tool; input token counts leave out cached ones.
//!
//! Requests written here from another dialect may hold `temperature` and `top_p`, which the API refuses from version
//! `2026-10-21` on: the provider must send them with `anthropic-version: 2023-06-01`.

mod block;
mod count;
mod events;
mod request;
mod response;

use bytes::Bytes;
use posthaste_core::Dialect;
use uuid::Uuid;

// Claude has the same controls wherever it is served; Bedrock's Converse carries them too.
pub(crate) use self::request::{
    Controls, Purpose, ThinkingIn, ThinkingOut, controls, in_unsigned_tool_loop, input_schema, no_parameters,
    reasoning,
};
use crate::{
    Codec, CountCodec, Encoded, EventDecoder, EventEncoder, StreamContext, Target, TranslateError, ir,
};

/// The codec of Anthropic's Messages API.
pub(crate) struct AnthropicMessages;

impl Codec for AnthropicMessages {
    fn dialect(&self) -> Dialect {
        Dialect::AnthropicMessages
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
        format!("msg_{}", id.simple())
    }

    fn counting(&self) -> Option<&dyn CountCodec> {
        Some(self)
    }
}

impl CountCodec for AnthropicMessages {
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
