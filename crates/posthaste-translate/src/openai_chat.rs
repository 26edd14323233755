//! OpenAI's Chat Completions API, and the many vendors that speak it.
//!
//! Source: <https://platform.openai.com/docs/api-reference/chat>, checked 2026-11-23. Oddities: arguments are a string that
//! may hold anything; tool results are messages of their own and text only; `stop` is said even where a forced tool is
//! called; input token counts include cached ones; usage comes in a stream only if asked for. Thoughts travel in
//! `reasoning_content`, which OpenAI itself does not have; some vendors call it `reasoning`.

mod citation;
mod events;
mod part;
mod request;
mod response;
mod thoughts;
mod variant;

use posthaste_core::{ChatVariant, Dialect};
use uuid::Uuid;

use crate::{
    Codec, CountCodec, Encoded, EventDecoder, EventEncoder, StreamContext, Target, TranslateError, ir,
};

/// Whether a vendor knows tools of free text.
pub(crate) const fn has_free_text(variant: ChatVariant) -> bool {
    variant::Variant::of(variant).custom_tools
}

/// The codec of OpenAI's Chat Completions API.
pub(crate) struct OpenAiChat;

impl Codec for OpenAiChat {
    fn dialect(&self) -> Dialect {
        Dialect::OpenAiChat
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
        response::encode_response(response, context.old_functions)
    }

    fn event_decoder(&self) -> Box<dyn EventDecoder> {
        Box::new(events::Decoder::default())
    }

    fn event_encoder(&self, context: &StreamContext) -> Box<dyn EventEncoder> {
        Box::new(events::Encoder::new(context))
    }

    fn answer_id(&self, id: Uuid) -> String {
        format!("chatcmpl-{}", id.simple())
    }

    /// Chat Completions has no such question.
    fn counting(&self) -> Option<&dyn CountCodec> {
        None
    }
}
