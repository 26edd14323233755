//! `POST /model/{modelId}/count-tokens`
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html>).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;

use super::{
    DIALECT,
    request::{RequestIn, question, request},
};
use crate::{
    Codec as _, Encoded, Target, TranslateError,
    anthropic::AnthropicMessages,
    ir,
    json::{self, Str},
};

/// Reads the question. It may hold a body of `InvokeModel` instead, whose form is the model's own: Claude's is known.
pub(super) fn decode_question(body: &[u8]) -> Result<ir::Request, TranslateError> {
    let malformed = |source| TranslateError::Malformed { dialect: DIALECT, source };
    let InputIn { converse, invoke_model } = json::read::<QuestionIn<'_>>(body).map_err(malformed)?.input;
    match (converse, invoke_model) {
        (Some(wire), _) => request(wire).map_err(malformed),
        (None, Some(InvokeIn { body })) => {
            let body = STANDARD
                .decode(&*body)
                .map_err(|_| TranslateError::invalid("input.invokeModel.body", "is not base64"))?;
            AnthropicMessages.decode_request(&body)
        }
        (None, None) => Err(TranslateError::invalid("input.converse", "is missing")),
    }
}

/// Writes the question: the request without what only an answer needs.
pub(super) fn encode_question(request: &ir::Request, _: &Target) -> Result<Encoded, TranslateError> {
    question(request)
}

/// Reads the number.
pub(super) fn decode_count(body: &[u8]) -> Result<u64, TranslateError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CountIn {
        input_tokens: u64,
    }
    json::read::<CountIn>(body)
        .map(|count| count.input_tokens)
        .map_err(|source| TranslateError::unreadable(DIALECT, source))
}

/// Writes the number.
pub(super) fn encode_count(tokens: u64) -> Bytes {
    format!("{{\"inputTokens\":{tokens}}}").into()
}

#[derive(Deserialize)]
struct QuestionIn<'a> {
    #[serde(borrow)]
    input: InputIn<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InputIn<'a> {
    #[serde(borrow)]
    converse: Option<RequestIn<'a>>,
    #[serde(borrow)]
    invoke_model: Option<InvokeIn<'a>>,
}

#[derive(Deserialize)]
struct InvokeIn<'a> {
    #[serde(borrow)]
    body: Str<'a>,
}

#[cfg(test)]
mod tests {
    use posthaste_core::Dialect;

    use super::*;

    const QUESTION: &str = r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"system":[{"text":"Be kind."}]}}}"#;

    #[test]
    fn a_question_is_written_as_it_is_read() {
        let question = decode_question(QUESTION.as_bytes()).unwrap();
        let written = encode_question(&question, &Target::of(Dialect::BedrockConverse)).unwrap();
        assert_eq!(written.body, QUESTION);
        assert_eq!(written.losses, []);
    }

    #[test]
    fn what_only_an_answer_needs_is_not_asked() {
        let mut request = decode_question(QUESTION.as_bytes()).unwrap();
        request.dialect = Dialect::OpenAiChat;
        request.max_tokens = Some(5);
        request.stop = vec!["END".to_owned()];
        request.sampling.top_p = Some(1.into());
        let written = encode_question(&request, &Target::of(Dialect::BedrockConverse)).unwrap();
        assert_eq!(written.body, QUESTION);
    }

    #[test]
    fn the_body_of_claude_can_be_counted_as_well() {
        let body = STANDARD.encode(
            r#"{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[{"role":"user","content":"Hi"}]}"#,
        );
        let question = format!(r#"{{"input":{{"invokeModel":{{"body":"{body}"}}}}}}"#);
        let question = decode_question(question.as_bytes()).unwrap();
        assert_eq!(question.messages[0].parts, [ir::Part::text("Hi")]);
        let written = encode_question(&question, &Target::of(Dialect::BedrockConverse)).unwrap();
        assert_eq!(
            written.body,
            r#"{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}}}"#
        );
    }

    #[test]
    fn other_questions_and_answers_are_refused() {
        for question in [r#"{"input":{"invokeModel":{"body":"no base64"}}}"#, r#"{"input":{}}"#] {
            let refused = decode_question(question.as_bytes()).unwrap_err();
            assert!(matches!(refused, TranslateError::InvalidField { .. }), "{refused}");
        }
        assert!(decode_question(b"{}").is_err());
        assert_eq!(decode_count(br#"{"inputTokens":11}"#).unwrap(), 11);
        assert!(decode_count(br#"{"message":"no"}"#).is_err());
        assert_eq!(encode_count(7), r#"{"inputTokens":7}"#);
    }
}
