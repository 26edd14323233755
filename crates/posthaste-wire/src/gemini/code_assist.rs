//! The envelope of Code Assist (`cloudcode-pa.googleapis.com/v1internal`), put on and taken off by splicing.
//!
//! A request is `{"model","project","user_prompt_id","request":{…}}`, an answer or a frame of a stream is
//! `{"response":{…},"traceId"}`; inside are the bodies of `generateContent`. Errors come without an envelope. Source: the
//! client of `google-gemini/gemini-cli` (`packages/core/src/code_assist/converter.ts`, checked 2026-11-23); no recording
//! of a successful exchange exists, so the tests put plain bodies into the envelope.

use std::borrow::Cow;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    fault::to_json,
    lenient::{Filled, Lenient, Text, object},
    object::Object,
};

/// A request taken out of its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnwrappedRequest {
    /// The model, without `models/`; `countTokens` names it inside the request.
    pub model: Option<String>,
    /// The Google Cloud project that is charged.
    pub project: Option<String>,
    /// The client's id of the prompt.
    pub user_prompt_id: Option<String>,
    /// The body of `generateContent`.
    pub request: Bytes,
}

/// Why a body is no envelope.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeRefused {
    /// The body is not JSON, or a field has the wrong type.
    #[error("the body is not a Code Assist request: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The body holds no request.
    #[error("`request`: missing")]
    Empty,
}

/// Takes a request out of its envelope. The request is a slice of the body, unless it names a session, which only Code
/// Assist knows and every other Gemini API refuses.
///
/// # Errors
/// When the body is not such an envelope.
pub fn unwrap_request(body: &Bytes) -> Result<UnwrappedRequest, EnvelopeRefused> {
    let envelope: RequestIn<'_> = serde_json::from_slice(body)?;
    let request = envelope.request.filter(|request| request.get().starts_with('{'));
    let request = request.ok_or(EnvelopeRefused::Empty)?;
    let inner: InnerIn<'_> = serde_json::from_str(request.get())?;
    let bare = |name: Text<'_>| name.0.strip_prefix("models/").unwrap_or(&name.0).to_owned();
    Ok(UnwrappedRequest {
        model: envelope.model.or(inner.model.0).map(bare),
        project: envelope.project.map(Text::into_string),
        user_prompt_id: envelope.user_prompt_id.map(Text::into_string),
        request: match inner.session_id {
            None => body.slice_ref(request.get().as_bytes()),
            Some(_) => without(request.get(), "session_id")?.into(),
        },
    })
}

/// Puts a request into its envelope.
pub fn wrap_request(
    model: &str,
    project: Option<&str>,
    user_prompt_id: Option<&str>,
    request: &[u8],
) -> Bytes {
    let head = to_json(&RequestOut { model, project, user_prompt_id });
    [&head[..head.len() - 1], b",\"request\":", request, b"}"].concat().into()
}

/// Puts a question for the number of tokens into its envelope, which names the model inside. The conversation alone is
/// counted there: what else the question holds is left out, and told by the names of its members.
///
/// # Errors
/// When the question is not JSON of `countTokens`.
pub fn wrap_question(model: &str, question: &[u8]) -> serde_json::Result<(Bytes, Vec<&'static str>)> {
    let Countable { contents, system, tools } = match serde_json::from_slice(question)? {
        QuestionIn { request: Some(request) } => request,
        QuestionIn { request: None } => serde_json::from_slice(question)?,
    };
    let envelope = EnvelopedQuestion { request: QuestionOut { model: format!("models/{model}"), contents } };
    let left_out = [("systemInstruction", system.is_some()), ("tools", tools.is_some())];
    let left_out = left_out.into_iter().filter_map(|(name, is_there)| is_there.then_some(name));
    Ok((to_json(&envelope).into(), left_out.collect()))
}

/// Takes an answer, or the data of a stream's frame, out of its envelope. What has none is given back: errors have none.
///
/// The answer's id is the trace's, where the answer has none of its own.
pub fn unwrap_response(data: &[u8]) -> Cow<'_, [u8]> {
    let Ok(Some(ResponseIn { response: Some(response), trace_id })) = object(data) else {
        return Cow::Borrowed(data);
    };
    let response = response.get().as_bytes();
    let Some(id) = trace_id.0.filter(|_| lacks_id(response)) else { return Cow::Borrowed(response) };
    let inner = response[1..].trim_ascii_start();
    let id = to_json(&IdOut { response_id: &id.0 });
    let comma: &[u8] = if inner.starts_with(b"}") { b"" } else { b"," };
    Cow::Owned([&id[..id.len() - 1], comma, inner].concat())
}

/// Puts an answer, or the data of a stream's frame, into its envelope. An error is given back as it is.
pub fn wrap_response<'a>(data: &'a [u8], trace_id: &str) -> Cow<'a, [u8]> {
    match object::<AnswerIn>(data) {
        Ok(Some(AnswerIn { error: Filled(false) })) => {
            let tail = to_json(&TraceOut { trace_id });
            Cow::Owned([b"{\"response\":", data.trim_ascii(), b",", &tail[1..]].concat())
        }
        _ => Cow::Borrowed(data),
    }
}

fn lacks_id(response: &[u8]) -> bool {
    matches!(object(response), Ok(Some(IdIn { response_id: Filled(false) })))
}

/// The object less one of its fields; every value stays as it is spelled.
fn without(object: &str, field: &str) -> serde_json::Result<Vec<u8>> {
    let mut object: Object = serde_json::from_str(object)?;
    object.remove(field);
    Ok(to_json(&object))
}

#[derive(Deserialize)]
struct RequestIn<'a> {
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    project: Option<Text<'a>>,
    #[serde(borrow)]
    user_prompt_id: Option<Text<'a>>,
    #[serde(borrow)]
    request: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct InnerIn<'a> {
    #[serde(borrow, default)]
    model: Lenient<Text<'a>>,
    #[serde(borrow)]
    session_id: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct RequestOut<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_prompt_id: Option<&'a str>,
}

/// What may be counted stands in the question itself, or in the request that it is about.
#[derive(Deserialize)]
struct QuestionIn<'a> {
    #[serde(borrow, rename = "generateContentRequest", alias = "generate_content_request")]
    request: Option<Countable<'a>>,
}

#[derive(Deserialize)]
struct Countable<'a> {
    #[serde(borrow)]
    contents: Option<&'a RawValue>,
    #[serde(borrow, rename = "systemInstruction", alias = "system_instruction")]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct EnvelopedQuestion<'a> {
    request: QuestionOut<'a>,
}

#[derive(Serialize)]
struct QuestionOut<'a> {
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseIn<'a> {
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow, default)]
    trace_id: Lenient<Text<'a>>,
}

#[derive(Deserialize)]
struct AnswerIn {
    #[serde(default)]
    error: Filled,
}

#[derive(Deserialize)]
struct IdIn {
    #[serde(default, rename = "responseId")]
    response_id: Filled,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IdOut<'a> {
    response_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TraceOut<'a> {
    trace_id: &'a str,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const REQUEST: &str = r#"{"contents":[{"role":"user","parts":[{"text":"Hi","n":1.50}]}]}"#;
    const ANSWER: &str = r#"{"candidates":[{"finishReason":"STOP"}],"responseId":"r1"}"#;

    #[test]
    fn a_request_goes_into_the_envelope_and_comes_out_as_it_was() {
        let wrapped = wrap_request("gemini-2.5-pro", Some("p\"1"), Some("u1"), REQUEST.as_bytes());
        let unwrapped = unwrap_request(&wrapped).unwrap();
        assert_eq!(unwrapped.model.as_deref(), Some("gemini-2.5-pro"));
        assert_eq!(unwrapped.project.as_deref(), Some("p\"1"));
        assert_eq!(unwrapped.user_prompt_id.as_deref(), Some("u1"));
        assert_eq!(unwrapped.request, REQUEST);
        let within = wrapped.as_ptr_range();
        assert!(within.contains(&unwrapped.request.as_ptr()), "a slice of the body");
        let bare = wrap_request("m", None, None, REQUEST.as_bytes());
        assert_eq!(bare, format!(r#"{{"model":"m","request":{REQUEST}}}"#));
    }

    #[test]
    fn counting_names_the_model_inside() {
        let (body, left_out) = wrap_question("gemini-2.5-pro", br#"{"contents":[]}"#).unwrap();
        assert!(left_out.is_empty());
        assert_eq!(body, r#"{"request":{"model":"models/gemini-2.5-pro","contents":[]}}"#);
        let unwrapped = unwrap_request(&body).unwrap();
        assert_eq!((unwrapped.model.as_deref(), unwrapped.project), (Some("gemini-2.5-pro"), None));
        assert_eq!(unwrapped.request, r#"{"model":"models/gemini-2.5-pro","contents":[]}"#);
    }

    #[rstest]
    #[case(r#"{"contents":[ 1.0 ],"tools":[],"generationConfig":{}}"#, &["tools"])]
    #[case(
        r#"{"generateContentRequest":{"model":"models/x","contents":[ 1.0 ],"systemInstruction":{}}}"#,
        &["systemInstruction"]
    )]
    fn the_conversation_alone_is_counted(#[case] question: &str, #[case] left_out: &[&str]) {
        let (body, told) = wrap_question("m", question.as_bytes()).unwrap();
        assert_eq!(body, r#"{"request":{"model":"models/m","contents":[ 1.0 ]}}"#);
        assert_eq!(told, left_out);
    }

    #[test]
    fn the_session_stays_outside() {
        let body = Bytes::from_static(
            br#"{"model":"m","request":{"contents":[ 1.0 ],"session_id":"s","labels":{"a\n":"b"}}}"#,
        );
        let unwrapped = unwrap_request(&body).unwrap();
        assert_eq!(unwrapped.request, r#"{"contents":[ 1.0 ],"labels":{"a\n":"b"}}"#);
    }

    #[rstest]
    #[case("")]
    #[case("[]")]
    #[case("{}")]
    #[case(r#"{"model":"m"}"#)]
    #[case(r#"{"model":"m","request":null}"#)]
    #[case(r#"{"model":"m","request":[1]}"#)]
    #[case(r#"{"model":7,"request":{}}"#)]
    fn what_holds_no_request_is_refused(#[case] body: &'static str) {
        assert!(unwrap_request(&Bytes::from_static(body.as_bytes())).is_err());
    }

    #[test]
    fn an_answer_goes_into_the_envelope_and_comes_out_as_it_was() {
        let wrapped = wrap_response(ANSWER.as_bytes(), "t\"1");
        assert_eq!(&*wrapped, format!(r#"{{"response":{ANSWER},"traceId":"t\"1"}}"#).as_bytes());
        let unwrapped = unwrap_response(&wrapped);
        assert!(matches!(unwrapped, Cow::Borrowed(inner) if inner == ANSWER.as_bytes()));
    }

    #[rstest]
    #[case(r#"{"response":{"candidates":[]},"traceId":"t"}"#, r#"{"responseId":"t","candidates":[]}"#)]
    #[case(r#"{"traceId":"t","response":{ }}"#, r#"{"responseId":"t"}"#)]
    #[case(r#"{"response":{"candidates":[]}}"#, r#"{"candidates":[]}"#)]
    #[case(r#"{"response":{"candidates":[]},"traceId":7,"remainingCredits":[]}"#, r#"{"candidates":[]}"#)]
    fn the_trace_is_the_id_of_an_answer_without_one(#[case] data: &str, #[case] expected: &str) {
        assert_eq!(std::str::from_utf8(&unwrap_response(data.as_bytes())).unwrap(), expected);
    }

    #[rstest]
    #[case(r#"{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED"}}"#)]
    #[case(r#"[{"error":{"code":429}}]"#)]
    #[case("not json")]
    #[case("")]
    fn errors_and_what_is_no_answer_have_no_envelope(#[case] data: &str) {
        assert_eq!(&*wrap_response(data.as_bytes(), "t"), data.as_bytes());
        assert_eq!(&*unwrap_response(data.as_bytes()), data.as_bytes());
    }
}
