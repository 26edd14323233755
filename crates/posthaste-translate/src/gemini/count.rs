//! `POST …/models/{model}:countTokens` (<https://ai.google.dev/api/tokens#method:-models.counttokens>).
//!
//! The question is the conversation alone, or a whole request under `generateContentRequest`, which must name its model.
//! Vertex takes the fields of a request beside `contents`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    DIALECT,
    request::{decode_request, decode_value, encode},
};
use crate::{Encoded, Target, TranslateError, ir, json, loss::Losses};

/// Reads the question.
pub(super) fn decode_question(body: &[u8]) -> Result<ir::Request, TranslateError> {
    #[derive(Deserialize)]
    struct QuestionIn<'a> {
        #[serde(borrow, rename = "generateContentRequest", alias = "generate_content_request")]
        request: Option<&'a RawValue>,
    }
    match json::read::<QuestionIn<'_>>(body) {
        Ok(QuestionIn { request: Some(request) }) => decode_value(request),
        _ => decode_request(body),
    }
}

/// Writes the question: the request without what only an answer needs.
pub(super) fn encode_question(request: &ir::Request, _: &Target) -> Result<Encoded, TranslateError> {
    let mut losses = Losses::default();
    let question = ir::Request {
        sampling: ir::Sampling::default(),
        stop: Vec::new(),
        max_tokens: None,
        service_tier: None,
        ..request.clone()
    };
    let request = encode(&question, &mut losses)?;
    let is_conversation_alone =
        question.system.is_empty() && question.tools.is_empty() && question.output.is_none();
    let body = if is_conversation_alone && question.extra.is_empty() && question.reasoning.is_none() {
        request
    } else {
        let model = serde_json::Value::from(format!("models/{}", question.model)).to_string();
        let head = format!("{{\"generateContentRequest\":{{\"model\":{model},");
        // A request always has its contents, so the object goes on.
        [head.as_bytes(), &request[1..], b"}"].concat()
    };
    Ok(Encoded { body: body.into(), losses: losses.into_vec() })
}

/// Reads the number.
pub(super) fn decode_count(body: &[u8]) -> Result<u64, TranslateError> {
    #[derive(Deserialize)]
    struct CountIn {
        #[serde(rename = "totalTokens")]
        total_tokens: u64,
    }
    json::read::<CountIn>(body)
        .map(|count| count.total_tokens)
        .map_err(|source| TranslateError::unreadable(DIALECT, source))
}

/// Writes the number.
pub(super) fn encode_count(tokens: u64) -> Bytes {
    format!("{{\"totalTokens\":{tokens}}}").into()
}

#[cfg(test)]
mod tests {
    use posthaste_core::Dialect;

    use super::*;
    use crate::ir::Part;

    fn asked(request: &ir::Request) -> String {
        let encoded = encode_question(request, &Target::of(DIALECT)).unwrap();
        String::from_utf8(encoded.body.to_vec()).unwrap()
    }

    #[test]
    fn a_question_is_the_conversation_or_a_whole_request() {
        let mut request = ir::Request::new(Dialect::OpenAiChat, "gemini-2.5-flash");
        request.messages.push(ir::Message::new(ir::Role::User, vec![Part::text("Hi")]));
        request.max_tokens = Some(5);
        let contents = r#""contents":[{"role":"user","parts":[{"text":"Hi"}]}]"#;
        assert_eq!(asked(&request), format!("{{{contents}}}"));
        request.system.push(Part::text("Be kind."));
        assert_eq!(
            asked(&request),
            format!(
                r#"{{"generateContentRequest":{{"model":"models/gemini-2.5-flash",{contents},"systemInstruction":{{"parts":[{{"text":"Be kind."}}]}}}}}}"#
            )
        );
        let read = decode_question(asked(&request).as_bytes()).unwrap();
        assert_eq!((read.model.as_str(), &read.system), ("gemini-2.5-flash", &request.system));
        let bare = format!("{{{contents}}}");
        assert_eq!(decode_question(bare.as_bytes()).unwrap().messages, request.messages);
    }

    #[test]
    fn the_answer_is_a_number() {
        assert_eq!(decode_count(&encode_count(31)).unwrap(), 31);
        assert!(decode_count(b"{}").is_err());
    }
}
