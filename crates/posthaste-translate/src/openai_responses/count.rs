//! `POST /v1/responses/input_tokens` (<https://platform.openai.com/docs/api-reference/responses/input-tokens>).

use bytes::Bytes;
use serde::Deserialize;

use super::{
    DIALECT,
    request::{Purpose, encode},
};
use crate::{Encoded, Target, TranslateError, ir, json};

/// Writes the question: the request without what only an answer needs, which this endpoint refuses.
pub(super) fn encode_question(request: &ir::Request, _: &Target) -> Result<Encoded, TranslateError> {
    let question = ir::Request {
        sampling: ir::Sampling::default(),
        max_tokens: None,
        logprobs: None,
        user: None,
        service_tier: None,
        cache_key: None,
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
        .map_err(|source| TranslateError::unreadable(DIALECT, source))
}

/// Writes the number.
pub(super) fn encode_count(tokens: u64) -> Bytes {
    format!("{{\"object\":\"response.input_tokens\",\"input_tokens\":{tokens}}}").into()
}

#[cfg(test)]
mod tests {
    use posthaste_core::Dialect;

    use super::*;

    #[test]
    fn the_question_holds_what_is_counted_alone() {
        let mut request = ir::Request::new(Dialect::AnthropicMessages, "gpt-5");
        request.messages.push(ir::Message::new(ir::Role::User, vec![ir::Part::text("Hi")]));
        request.tools.push(ir::Tool::function("f", None));
        request.max_tokens = Some(8);
        request.user = Some("u".to_owned());
        request.stream = true;
        let question = encode_question(&request, &Target::of(DIALECT)).unwrap();
        let question: serde_json::Value = serde_json::from_slice(&question.body).unwrap();
        let fields: Vec<_> = question.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["input", "model", "tools"]);
    }

    #[test]
    fn a_number_survives() {
        assert_eq!(decode_count(&encode_count(14)).unwrap(), 14);
        assert!(decode_count(br#"{"object":"response"}"#).is_err());
    }
}
