//! Paths and methods that nobody serves.

use std::borrow::Cow;

use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use posthaste_core::{Dialect, Fault, FaultKind, Origin, RequestId};

use super::Front;
use crate::{admin, respond::fault_response};

/// The dialect of a path that serves none or two: by its base, and where that says nothing by the one header that only
/// Anthropic's clients send.
pub(crate) fn dialect_of(path: &str, headers: &HeaderMap) -> Dialect {
    let openai = if path.contains("/responses") { Dialect::OpenAiResponses } else { Dialect::OpenAiChat };
    if is_below(path, "/claude") {
        Dialect::AnthropicMessages
    } else if is_below(path, "/openai") || is_below(path, "/azure") {
        openai
    } else if is_below(path, "/gemini") || is_below(path, "/v1beta") {
        Dialect::GeminiGenerate
    } else if is_below(path, "/bedrock") {
        Dialect::BedrockConverse
    } else if path.contains("/messages") {
        Dialect::AnthropicMessages
    } else if path.contains("/chat/") || openai == Dialect::OpenAiResponses {
        openai
    } else if headers.contains_key("anthropic-version") {
        Dialect::AnthropicMessages
    } else {
        openai
    }
}

fn is_below(path: &str, base: &str) -> bool {
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) async fn no_such_path(State(front): State<Front>, uri: Uri, headers: HeaderMap) -> Response {
    if front.admin.is_some() && admin::is_own(uri.path()) {
        return admin::not_found(&uri);
    }
    not_found(&front, &uri, &headers)
}

/// The answer to a path that is none.
pub(super) fn not_found(front: &Front, uri: &Uri, headers: &HeaderMap) -> Response {
    let message = format!("there is nothing at {}: {}", shown(uri.path()), advice(uri.path()));
    refuse(front, FaultKind::NotFound, message, uri, headers)
}

pub(super) async fn wrong_method(State(front): State<Front>, uri: Uri, headers: HeaderMap) -> Response {
    let message = format!("{} does not take this method", shown(uri.path()));
    refuse(&front, FaultKind::MethodNotAllowed, message, &uri, &headers)
}

fn refuse(
    front: &Front,
    kind: FaultKind,
    message: impl Into<Cow<'static, str>>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    let fault = Fault::new(kind, Origin::Client, message);
    front.relay.refused(&fault);
    fault_response(dialect_of(uri.path(), headers), &fault, RequestId::generate())
}

/// What whoever came here is likely to be looking for.
fn advice(path: &str) -> &'static str {
    let is_of_gemini = is_below(path, "/gemini") || is_below(path, "/v1beta");
    if path.starts_with("/gemini/v1internal:") {
        "of Code Assist, generateContent, streamGenerateContent and countTokens are served"
    } else if is_of_gemini && path.contains("/tunedModels") {
        "tuned models are not served, since each lies at one account of its vendor; ask for …/gemini/v1beta/models/MODEL:METHOD"
    } else if is_of_gemini {
        "clients of Gemini use the base URL …/gemini, and ask for …/gemini/v1beta/models/MODEL:METHOD"
    } else if is_below(path, "/azure") {
        "clients of Azure OpenAI use the endpoint …/azure"
    } else if is_below(path, "/bedrock") {
        "clients of Bedrock use the endpoint URL …/bedrock"
    } else {
        "clients of Anthropic use the base URL …/api, clients of OpenAI …/openai/v1, of Gemini …/gemini, of Azure …/azure, of Bedrock …/bedrock"
    }
}

/// A client's own text, as far as an error should repeat it.
fn shown(path: &str) -> String {
    path.chars().take(MOST_SHOWN_CHARS).collect()
}

const MOST_SHOWN_CHARS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_tells_its_dialect_by_its_base() {
        let none = HeaderMap::new();
        for (path, dialect) in [
            ("/claude", Dialect::AnthropicMessages),
            ("/claude/v1/models", Dialect::AnthropicMessages),
            ("/api/v1/messages/x", Dialect::AnthropicMessages),
            ("/openai/claude/v1/messages", Dialect::OpenAiChat),
            ("/openai/responses/x", Dialect::OpenAiResponses),
            ("/v1/responses/x", Dialect::OpenAiResponses),
            ("/azure/openai/models", Dialect::OpenAiChat),
            ("/azurex", Dialect::OpenAiChat),
            ("/gemini/v1internal:loadCodeAssist", Dialect::GeminiGenerate),
            ("/v1beta/models/m:predict", Dialect::GeminiGenerate),
            ("/bedrock/guardrail", Dialect::BedrockConverse),
            ("/v1/models", Dialect::OpenAiChat),
        ] {
            assert_eq!(dialect_of(path, &none), dialect, "{path}");
        }
    }

    #[test]
    fn the_header_counts_only_where_the_base_says_nothing() {
        let headers = HeaderMap::from_iter([("anthropic-version".parse().unwrap(), "2".parse().unwrap())]);
        for (path, dialect) in [
            ("/v1/models", Dialect::AnthropicMessages),
            ("/openai/v1/models", Dialect::OpenAiChat),
            ("/v1/chat/x", Dialect::OpenAiChat),
            ("/v1beta/models", Dialect::GeminiGenerate),
        ] {
            assert_eq!(dialect_of(path, &headers), dialect, "{path}");
        }
    }
}
