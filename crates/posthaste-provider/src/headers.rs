//! Which of a client's headers an upstream may see.

use http::{HeaderMap, HeaderName, header};
use posthaste_core::Dialect;

/// Copies the client's headers that name the client and its wishes. Everything else stays here: credentials, cookies,
/// addresses, hop-by-hop headers and whatever is not known. So does `idempotency-key`: clients choose it, and of two
/// who chose the same one and share an account, one could get the other's answer.
///
/// The client's `user-agent` travels on unchanged: the relay does not hide who calls.
///
/// What the client calls its connection's own stays here as well (RFC 9110 §7.6.1).
pub(crate) fn copy_client_headers(dialect: Dialect, from: &HeaderMap, to: &mut HeaderMap) {
    let travelling = travelling(dialect);
    let is_hop =
        |name: &HeaderName| from.contains_key(header::CONNECTION) && is_named_by_connection(name, from);
    for (name, value) in from {
        if travelling.names(name) && !is_hop(name) {
            to.append(name.clone(), value.clone());
        }
    }
}

fn is_named_by_connection(name: &HeaderName, headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
}

/// The headers that upstreams of a dialect may see.
struct Travelling {
    exact: &'static [&'static str],
    prefixes: &'static [&'static str],
    /// These choose an organisation, a project or a workspace, which belongs to the account and not to the client.
    held_back: &'static [&'static str],
}

impl Travelling {
    fn names(&self, name: &HeaderName) -> bool {
        let text = name.as_str();
        *name == header::USER_AGENT
            || self.exact.contains(&text)
            || self.prefixes.iter().any(|prefix| text.starts_with(prefix)) && !self.held_back.contains(&text)
    }
}

fn travelling(dialect: Dialect) -> &'static Travelling {
    match dialect {
        Dialect::AnthropicMessages => &ANTHROPIC,
        Dialect::OpenAiChat | Dialect::OpenAiResponses => &OPENAI,
        Dialect::GeminiGenerate => &GEMINI,
        Dialect::BedrockConverse => &BEDROCK,
    }
}

/// `anthropic-version` and `anthropic-beta` change what the body means, so they travel as the client sent them. `x-app` is
/// sent by Claude Code (observed 2026-11-23), a harmless fact about the client.
static ANTHROPIC: Travelling = Travelling {
    exact: &["x-app"],
    prefixes: &["anthropic-", "x-stainless-", "x-claude-code-"],
    held_back: &["anthropic-workspace-id", "anthropic-organization-id"],
};

/// Sent by OpenAI's SDKs and by Codex (observed 2026-11-23). The session's names keep a conversation on one of the vendor's
/// machines, where its cache is.
static OPENAI: Travelling = Travelling {
    exact: &["originator", "session-id", "session_id", "thread-id", "x-client-request-id"],
    prefixes: &["openai-", "x-stainless-", "x-codex-"],
    held_back: &["openai-organization", "openai-project"],
};

/// Sent by Google's SDKs (observed 2026-11-23).
static GEMINI: Travelling =
    Travelling { exact: &["x-goog-api-client", "x-server-timeout"], prefixes: &[], held_back: &[] };

/// Guardrails, tracing, latency and tier of a single request
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>).
static BEDROCK: Travelling = Travelling { exact: &[], prefixes: &["x-amzn-bedrock-"], held_back: &[] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_headers_travel() {
        let mut from = HeaderMap::new();
        for name in [
            "authorization",
            "x-api-key",
            "cookie",
            "host",
            "x-forwarded-for",
            "connection",
            "anthropic-workspace-id",
            "x-secret",
            "idempotency-key",
            "x-app",
            "anthropic-version",
            "anthropic-beta",
            "user-agent",
            "x-stainless-lang",
            "x-claude-code-session-id",
        ] {
            from.insert(HeaderName::from_static(name), "v".parse().unwrap());
        }
        let mut to = HeaderMap::new();
        copy_client_headers(Dialect::AnthropicMessages, &from, &mut to);
        let mut names: Vec<_> = to.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            [
                "anthropic-beta",
                "anthropic-version",
                "user-agent",
                "x-app",
                "x-claude-code-session-id",
                "x-stainless-lang"
            ]
        );
    }
}
