//! What a token server tells beside the token.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use posthaste_core::TokenFacts;
use serde_json::{Map, Value};
use url::Url;

use super::{Fact, FactSource, OAuthProvider};

/// Reads the facts of `answer` from the places that the provider's row names.
pub(super) fn read(provider: &OAuthProvider, answer: &Map<String, Value>) -> TokenFacts {
    let answer = Value::Object(answer.clone());
    let claims = answer.get("id_token").and_then(Value::as_str).and_then(claims).unwrap_or_default();
    let first = |facts: &[Fact]| {
        facts.iter().find_map(|fact| {
            let source = match fact.source {
                FactSource::Answer => &answer,
                FactSource::IdToken => &claims,
            };
            source.pointer(fact.pointer).and_then(Value::as_str).and_then(usable)
        })
    };
    TokenFacts {
        base_url: first(provider.base_url).and_then(|resource| base_url(provider, &resource)),
        account: first(provider.account),
        identity: first(provider.identity),
    }
}

/// The claims of a JSON Web Token (RFC 7519 §3).
fn claims(token: &str) -> Option<Value> {
    let claims = token.split('.').nth(1)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?).ok()
}

/// Facts go into headers and onto screens.
fn usable(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// `portal.example`, `https://portal.example` and `https://portal.example/v1` all mean the last one. A token goes there
/// in the clear only when it came in the clear, which it does in the sandbox alone.
fn base_url(provider: &OAuthProvider, resource: &str) -> Option<String> {
    let whole = if resource.contains("://") { resource.to_owned() } else { format!("https://{resource}") };
    let url = Url::parse(&whole).ok()?;
    let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let clear = url.scheme() == "http" && provider.token_urls.iter().all(|url| url.starts_with("http://"));
    if !(clear || url.scheme() == "https") || url.host_str().is_none() || !plain {
        return None;
    }
    let whole = url.as_str().trim_end_matches('/');
    Some(if whole.ends_with("/v1") { whole.to_owned() } else { format!("{whole}/v1") })
}

const LONGEST: usize = 320;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oauth::oauth_provider;

    fn facts(provider: &str, answer: Value) -> TokenFacts {
        let Value::Object(answer) = answer else { panic!("an object") };
        read(oauth_provider(provider).unwrap(), &answer)
    }

    fn id_token(claims: &Value) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    #[test]
    fn a_resource_becomes_a_base_url() {
        for resource in ["portal.example", "https://portal.example/", "https://portal.example/v1"] {
            let read = facts("qwen", json!({"resource_url": resource}));
            assert_eq!(read.base_url.as_deref(), Some("https://portal.example/v1"), "{resource}");
        }
        for resource in ["http://portal.example", "file:///etc", "a b", "", "https://u@portal.example"] {
            assert_eq!(facts("qwen", json!({"resource_url": resource})).base_url, None, "{resource}");
        }
    }

    #[test]
    fn the_identity_token_names_the_account() {
        let claims = json!({"email": "me@example.org", "https://api.openai.com/auth": {"chatgpt_account_id": "acc-1"}});
        let read = facts("openai", json!({"id_token": id_token(&claims)}));
        assert_eq!(read.account.as_deref(), Some("acc-1"));
        assert_eq!(read.identity.as_deref(), Some("me@example.org"));
        for broken in ["", "a.b", "a.!.c", "a.bm8.c"] {
            assert_eq!(facts("openai", json!({"id_token": broken})), TokenFacts::default(), "{broken}");
        }
    }

    #[test]
    fn the_first_place_that_is_there_counts() {
        let organization = json!({"organization": {"name": "Example Ltd"}});
        assert_eq!(facts("claude", organization).identity.as_deref(), Some("Example Ltd"));
        let own = json!({"resource_url": "http://sandbox.posthaste.internal/signed-in"});
        let base_url = facts("sandbox", own).base_url;
        assert_eq!(base_url.as_deref(), Some("http://sandbox.posthaste.internal/signed-in/v1"));
        let injected = json!({"account": {"email_address": "a\r\nx-evil: 1"}});
        assert_eq!(facts("claude", injected).identity, None);
    }
}
