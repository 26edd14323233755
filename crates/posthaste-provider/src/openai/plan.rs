//! ChatGPT's backend, which serves the plans of those who are logged in.
//!
//! Sources: <https://github.com/openai/codex> (`codex-rs/codex-api/src/endpoint`), recorded exchanges and public issues,
//! checked 2026-11-23. Its oddities:
//!
//! - it speaks Responses alone, and answers with streams alone, compactions but for;
//! - `stream` must be true and `store` false, `instructions` must be there, if only empty, `input` must be a list;
//! - it refuses members that OpenAI's API takes;
//! - nothing is kept, so that no request can go on from an answer by its id;
//! - requests name the ChatGPT account, which the identity token tells.

use http::{HeaderMap, HeaderValue};
use posthaste_core::{Account, AuthForm, Credential, Dialect, Operation, Payload};
use posthaste_wire::{EditError, Edits, edit::members};
use serde_json::{Value, json};

use crate::Fitted;

/// Whether an account is a plan of ChatGPT's.
pub(super) fn is_plan(account: &Account) -> bool {
    account.auth == AuthForm::OAuth
}

/// What the backend serves.
pub(super) const fn serves(operation: Operation, dialect: Dialect) -> bool {
    matches!(dialect, Dialect::OpenAiResponses) && matches!(operation, Operation::Chat | Operation::Compact)
}

/// A body of Responses as the backend takes it.
pub(super) fn fit(body: &Payload) -> Result<Fitted, EditError> {
    let body = body.to_bytes();
    let [instructions, input] = members(&body, ["instructions", "input"])?;
    let mut edits = Edits::new().set("stream", true).set("store", false);
    if instructions.is_none_or(|instructions| &*instructions == b"null") {
        edits = edits.set("instructions", "");
    }
    if let Some(text) = input.and_then(|input| serde_json::from_slice::<String>(&input).ok()) {
        edits = edits.set("input", as_list(&text));
    }
    let edited = REFUSED.into_iter().fold(edits, Edits::remove).apply(&body)?;
    let is_said = |name: &&str| edited.former(name).is_some_and(|value| &**value != b"null");
    let mut left_out: Vec<_> = REFUSED.into_iter().filter(|name| is_said(name)).collect();
    left_out.extend(edited.former("store").filter(|store| &***store == b"true").map(|_| "store"));
    Ok(Fitted { body: edited.payload, left_out })
}

/// A text as input means a user's message with this text
/// (<https://platform.openai.com/docs/api-reference/responses/create#responses-create-input>).
fn as_list(text: &str) -> Value {
    json!([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}])
}

/// Names the ChatGPT account that the token belongs to, where that is known.
pub(super) fn name_account(credential: Option<&Credential>, headers: &mut HeaderMap) {
    let Some(Credential::Token(token)) = credential else { return };
    if let Some(id) = &token.facts.account
        && let Ok(id) = HeaderValue::from_str(id)
    {
        headers.insert("chatgpt-account-id", id);
    }
}

/// "Unsupported parameter: …", as public issues quote it. `previous_response_id` is refused too, and stays: without it the
/// rest would mean something else.
const REFUSED: [&str; 8] = [
    "max_output_tokens",
    "temperature",
    "top_p",
    "metadata",
    "user",
    "prompt_cache_retention",
    "safety_identifier",
    "stream_options",
];

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn fitted(body: &'static str) -> (String, Vec<&'static str>) {
        let fitted = fit(&Payload::from(Bytes::from_static(body.as_bytes()))).unwrap();
        (String::from_utf8(fitted.body.to_bytes().to_vec()).unwrap(), fitted.left_out)
    }

    #[test]
    fn what_the_backend_insists_on_is_there() {
        let (body, left_out) = fitted(r#"{"model":"m","input":"Hi \"you\""}"#);
        let expected = json!({"model": "m", "instructions": "", "stream": true, "store": false,
            "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi \"you\""}]}]});
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), expected);
        assert!(left_out.is_empty());
    }

    #[test]
    fn what_it_refuses_is_left_out_and_told() {
        let (body, left_out) = fitted(
            r#"{"model":"m","store":true,"stream":false,"temperature":1.0,"user":null,"instructions":"Be brief.","input":[{"n":1.50}],"max_output_tokens":9}"#,
        );
        assert_eq!(
            body,
            r#"{"model":"m","store":false,"stream":true,"instructions":"Be brief.","input":[{"n":1.50}]}"#
        );
        assert_eq!(left_out, ["max_output_tokens", "temperature", "store"]);
    }

    #[test]
    fn instructions_of_null_are_none() {
        let (body, _) = fitted(r#"{"input":[],"instructions":null}"#);
        assert_eq!(body, r#"{"input":[],"instructions":"","stream":true,"store":false}"#);
    }
}
