//! Which of a client's headers an upstream may see.

use http::{HeaderMap, HeaderName, header};

/// Copies the client's headers that name the client and its wishes. Everything else stays here: credentials, cookies,
/// addresses, hop-by-hop headers and whatever is not known. So does `idempotency-key`: clients choose it, and of two
/// who chose the same one and share an account, one could get the other's answer.
///
/// The client's `user-agent` travels on unchanged: the relay does not hide who calls.
pub(crate) fn copy_client_headers(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in from {
        if travels(name) {
            to.append(name.clone(), value.clone());
        }
    }
}

fn travels(name: &HeaderName) -> bool {
    let text = name.as_str();
    *name == header::USER_AGENT
        || EXACT.contains(&text)
        || PREFIXES.iter().any(|prefix| text.starts_with(prefix)) && !HELD_BACK.contains(&text)
}

/// Sent by Claude Code (observed 2026-11-23); a harmless fact about the client.
const EXACT: [&str; 1] = ["x-app"];

/// `anthropic-version` and `anthropic-beta` change what the body means, so they travel as the client sent them.
const PREFIXES: [&str; 3] = ["anthropic-", "x-stainless-", "x-claude-code-"];

/// These choose an organisation's workspace, which belongs to the account and not to the client.
const HELD_BACK: [&str; 2] = ["anthropic-workspace-id", "anthropic-organization-id"];

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
        copy_client_headers(&from, &mut to);
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
