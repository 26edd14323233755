//! Google's `generateContent`.
//!
//! Source: <https://ai.google.dev/api/generate-content>, checked 2026-11-23. Oddities: model and stream stand in the path;
//! fields are taken in camelCase and snake_case, enums in any case; calls may have no id, and results name the function
//! instead; a proof (`thoughtSignature`) sits on the part that the thoughts led to; `STOP` also stands for a call; a
//! prompt that is blocked gets no candidates; thoughts are not in `candidatesTokenCount`; streams have no terminator;
//! places in a text are counted in UTF-8 bytes.
//!
//! Answers that the model spoiled (`MALFORMED_FUNCTION_CALL` and the like) are read as failures of the upstream: no other
//! dialect has a word for them, and asking again helps.

mod count;
mod events;
mod extras;
mod grounding;
mod ids;
mod model;
mod part;
mod request;
mod response;
mod schema;
mod spelling;

use bytes::Bytes;
use posthaste_core::Dialect;
use uuid::Uuid;

use crate::{
    Codec, CountCodec, Encoded, EventDecoder, EventEncoder, StreamContext, Target, TranslateError, ir,
};

const DIALECT: Dialect = Dialect::GeminiGenerate;

/// The codec of Google's Gemini API.
pub(crate) struct GeminiGenerate;

impl Codec for GeminiGenerate {
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

    fn encode_response(
        &self,
        response: &ir::Response,
        context: &StreamContext,
    ) -> Result<Encoded, TranslateError> {
        response::encode_response(response, context)
    }

    fn event_decoder(&self) -> Box<dyn EventDecoder> {
        Box::new(events::Decoder::default())
    }

    fn event_encoder(&self, context: &StreamContext) -> Box<dyn EventEncoder> {
        Box::new(events::Encoder::new(context))
    }

    fn answer_id(&self, id: Uuid) -> String {
        id.simple().to_string()
    }

    fn counting(&self) -> Option<&dyn CountCodec> {
        Some(self)
    }
}

impl CountCodec for GeminiGenerate {
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
