//! Anthropic's bodies as Bedrock's `InvokeModel` takes them: the model and the wish for a stream stand in the path, the
//! version and the betas in the body (`anthropic` 2.12.0, `lib/bedrock`;
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html>).

use bytes::Bytes;
use posthaste_core::{ModelName, Payload};

use crate::{
    EditError, Edits,
    edit::members,
    lenient::{List, Text},
};

/// The only version that Bedrock takes.
const VERSION: &str = "bedrock-2023-05-31";

/// Repacks a body of the Messages API for `InvokeModel`; betas that stand in the body already stay. Nothing but the
/// members that differ is touched.
///
/// # Errors
/// When the body is not a JSON object, or one of those members is doubled.
pub fn to_invoke(body: &Bytes, betas: &[&str]) -> Result<Payload, EditError> {
    let mut edits = Edits::new().remove("model").remove("stream").set("anthropic_version", VERSION);
    // Read in any case: betas that are given twice are refused, whether or not there are others to add.
    let [inside] = members(body, ["anthropic_beta"])?;
    if !betas.is_empty() {
        let mut all = inside.as_ref().map(names).unwrap_or_default();
        all.extend(betas.iter().map(|beta| (*beta).to_owned()));
        edits = edits.set("anthropic_beta", without_repeats(all));
    }
    Ok(edits.apply(body)?.payload)
}

/// What `InvokeModel` calls a beta of the Messages API; `None` for one that it does not know, for which it would refuse the
/// request ("invalid beta flag").
pub fn invoke_beta(beta: &str) -> Option<&'static str> {
    match beta {
        // What Anthropic's API has together, Bedrock has apart.
        "advanced-tool-use-2025-11-20" => Some("tool-search-tool-2025-10-19"),
        other => INVOKE_BETAS.iter().copied().find(|known| *known == other),
    }
}

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>, as
/// <https://github.com/BerriAI/litellm/pull/19877> lists it (checked 2026-11-26).
const INVOKE_BETAS: [&str; 11] = [
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dev-full-thinking-2025-05-14",
    "effort-2025-11-24",
    "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
];

/// A body of `InvokeModel` as the Messages API takes it.
#[derive(Clone, Debug)]
pub struct FromInvoke {
    /// The body.
    pub payload: Payload,
    /// What belongs into the header `anthropic-beta`.
    pub betas: Vec<String>,
}

/// Repacks a body of `InvokeModel` for the Messages API, with the model and the wish for a stream from its path.
///
/// # Errors
/// When the body is not a JSON object, or one of the members that differ is doubled.
pub fn from_invoke(body: &Bytes, model: &ModelName, stream: bool) -> Result<FromInvoke, EditError> {
    let edits = Edits::new().remove("anthropic_version").remove("anthropic_beta");
    let edits = edits.set("model", model.as_str());
    let edits = if stream { edits.set("stream", true) } else { edits.remove("stream") };
    let edited = edits.apply(body)?;
    let betas = edited.former("anthropic_beta").map(names).unwrap_or_default();
    Ok(FromInvoke { payload: edited.payload, betas: without_repeats(betas) })
}

/// The betas of a list, or of the single text that some clients send.
fn names(json: &Bytes) -> Vec<String> {
    if let Ok(List::<Text<'_>>(Some(names))) = serde_json::from_slice(json) {
        return names.into_iter().map(Text::into_string).collect();
    }
    serde_json::from_slice::<String>(json).ok().into_iter().collect()
}

fn without_repeats(names: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::with_capacity(names.len().min(MOST_BETAS));
    for name in names {
        if unique.len() < MOST_BETAS && !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

/// Far more than there are; a body of a million names shall not be searched a million times.
const MOST_BETAS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn text(payload: &Payload) -> String {
        String::from_utf8(payload.to_bytes().to_vec()).unwrap()
    }

    #[test]
    fn only_the_members_that_differ_are_touched_on_the_way_there() {
        let body = Bytes::from_static(
            br#"{ "model":"claude-sonnet-4-6", "max_tokens" : 64,"stream":true,"messages":[{"role":"user","content":"model"}]}"#,
        );
        let there = to_invoke(&body, &[]).unwrap();
        assert_eq!(
            text(&there),
            r#"{ "max_tokens" : 64,"messages":[{"role":"user","content":"model"}],"anthropic_version":"bedrock-2023-05-31"}"#
        );
    }

    #[test]
    fn betas_of_header_and_body_join_without_repeats() {
        let body = Bytes::from_static(br#"{"anthropic_beta":["a","b",7],"max_tokens":1}"#);
        let there = to_invoke(&body, &["b", "c"]).unwrap();
        assert_eq!(
            text(&there),
            r#"{"anthropic_beta":["a","b","c"],"max_tokens":1,"anthropic_version":"bedrock-2023-05-31"}"#
        );
    }

    #[test]
    fn betas_that_bedrock_does_not_know_have_no_name_there() {
        assert_eq!(invoke_beta("effort-2025-11-24"), Some("effort-2025-11-24"));
        assert_eq!(invoke_beta("advanced-tool-use-2025-11-20"), Some("tool-search-tool-2025-10-19"));
        assert_eq!(invoke_beta("claude-code-20250219"), None);
    }

    #[test]
    fn the_way_back_gives_the_betas_for_the_header() {
        let model = ModelName::parse("claude-sonnet-4-6").unwrap();
        let body = Bytes::from_static(
            br#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["a","a","b"],"max_tokens":1,"stream":false}"#,
        );
        let back = from_invoke(&body, &model, true).unwrap();
        assert_eq!(text(&back.payload), r#"{"max_tokens":1,"stream":true,"model":"claude-sonnet-4-6"}"#);
        assert_eq!(back.betas, ["a", "b"]);
        let back = from_invoke(&body, &model, false).unwrap();
        assert_eq!(text(&back.payload), r#"{"max_tokens":1,"model":"claude-sonnet-4-6"}"#);
        let single = Bytes::from_static(br#"{"anthropic_beta":"a"}"#);
        assert_eq!(from_invoke(&single, &model, false).unwrap().betas, ["a"]);
    }

    #[test]
    fn there_and_back_is_the_same_request() {
        let model = ModelName::parse("claude-sonnet-4-6").unwrap();
        let body = Bytes::from_static(
            br#"{"max_tokens":1,"messages":[],"model":"claude-sonnet-4-6","stream":true}"#,
        );
        let there = to_invoke(&body, &["a"]).unwrap().to_bytes();
        let back = from_invoke(&there, &model, true).unwrap();
        assert_eq!(back.payload.to_bytes(), body);
        assert_eq!(back.betas, ["a"]);
    }

    #[test]
    fn a_doubled_member_is_refused() {
        let body = Bytes::from_static(br#"{"model":"a","mod\u0065l":"b"}"#);
        assert_eq!(to_invoke(&body, &[]).unwrap_err(), EditError::Repeated("model"));
        let body = Bytes::from_static(br#"{"anthropic_beta":"a","anthropic_beta":["b"]}"#);
        for betas in [&[][..], &["c"]] {
            assert_eq!(to_invoke(&body, betas).unwrap_err(), EditError::Repeated("anthropic_beta"));
        }
    }
}
