//! AWS Bedrock's Converse API.
//!
//! Source: <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html> and the service model of
//! botocore 1.44.5, checked 2026-11-23. Oddities: blocks are unions of one key; the model and the wish for a stream stand
//! in the path; turns alternate strictly; a cache mark is a block behind what it marks; whatever the models do not share
//! goes to `additionalModelRequestFields` in the model's own words; a history with calls needs `toolConfig`, and no choice
//! means "no tool"; documents have names of few characters, each used once, and want a text beside them; streams have no
//! start of text and thoughts, and tell their counts behind the stop reason.

mod block;
mod count;
mod events;
mod request;
mod response;

use bytes::Bytes;
use posthaste_core::Dialect;
use uuid::Uuid;

use crate::{
    Codec, CountCodec, Encoded, EventDecoder, EventEncoder, StreamContext, Target, TranslateError, ir,
};

const DIALECT: Dialect = Dialect::BedrockConverse;

/// The codec of Bedrock's Converse API.
pub(crate) struct BedrockConverse;

impl Codec for BedrockConverse {
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

    fn event_encoder(&self, _: &StreamContext) -> Box<dyn EventEncoder> {
        Box::new(events::Encoder::default())
    }

    /// Answers have no id there; this is the one that the relay's records know it by.
    fn answer_id(&self, id: Uuid) -> String {
        id.to_string()
    }

    fn counting(&self) -> Option<&dyn CountCodec> {
        Some(self)
    }
}

impl CountCodec for BedrockConverse {
    fn decode_question(&self, body: &[u8]) -> Result<ir::Request, TranslateError> {
        count::decode_question(body)
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
