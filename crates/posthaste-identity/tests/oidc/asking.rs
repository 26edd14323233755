//! How the provider is asked, and where.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use posthaste_admin::{DirectoryError, IdentityProvider as _, ProviderError};
use posthaste_core::SystemClock;
use posthaste_identity::{OidcOptions, OidcProvider};
use posthaste_testkit::{MemoryTransport, Reply};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

use crate::{
    keys::RsaKey,
    support::{CLIENT, CLIENT_SECRET, ISSUER, Rig, description, options, refused},
};

#[tokio::test]
async fn a_browser_is_sent_with_pkce_state_and_nonce_that_are_new_each_time() {
    let rig = Rig::new(&RsaKey::first("one"));
    let (one, two) = (rig.oidc.begin().await.unwrap(), rig.oidc.begin().await.unwrap());
    let url: Url = one.url.parse().unwrap();
    let part =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    assert!(one.url.starts_with(&format!("{ISSUER}/authorize?")), "{url}");
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "https://relay.example/users/oidc/callback"),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
        ("state", one.state.expose()),
        ("nonce", one.nonce.expose()),
    ] {
        assert_eq!(part(name).as_deref(), Some(value), "{name}");
    }
    let challenge = {
        use sha2::Digest as _;
        let hash = sha2::Sha256::digest(one.verifier.expose());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)
    };
    assert_eq!(part("code_challenge"), Some(challenge));
    assert!(!one.url.contains(one.verifier.expose()) && !one.url.contains(CLIENT_SECRET), "{url}");
    for (one, two) in [(&one.state, &two.state), (&one.nonce, &two.nonce), (&one.verifier, &two.verifier)] {
        assert_ne!(one.expose(), two.expose());
        assert!(one.expose().len() >= 22, "16 bytes of chance");
    }
}

#[tokio::test]
async fn a_code_is_shown_with_its_verifier_and_the_clients_secret() {
    let key = RsaKey::first("one");
    let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{CLIENT_SECRET}")));
    let public = OidcOptions { client_secret: None, ..options() };
    for (options, methods, header, in_body) in [
        (options(), Value::Null, Some(basic.as_str()), None),
        (options(), json!(["client_secret_basic", "client_secret_post"]), Some(basic.as_str()), None),
        (options(), json!(["client_secret_post"]), None, Some(CLIENT_SECRET)),
        (public, Value::Null, None, None),
    ] {
        let rig = Rig::told(&key, options);
        if !methods.is_null() {
            rig.says.lock().description["token_endpoint_auth_methods_supported"] = methods.clone();
        }
        let begun = rig.oidc.begin().await.unwrap();
        rig.finish(&begun, &key.signed(&rig.claims(&begun))).await.unwrap();
        let sent = rig.transport.sent();
        let sent = sent.iter().find(|sent| sent.uri.path().ends_with("/token")).unwrap();
        let shown = sent.headers.get("authorization").map(|value| value.to_str().unwrap());
        assert_eq!(shown, header, "{methods}");
        let part = |name: &str| {
            let mut parts = form_urlencoded::parse(&sent.body);
            parts.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        assert_eq!(part("client_secret").as_deref(), in_body, "{methods}");
        assert_eq!(part("grant_type").as_deref(), Some("authorization_code"));
        assert_eq!(part("code").as_deref(), Some("dummy-code"));
        assert_eq!(part("code_verifier").as_deref(), Some(begun.verifier.expose()));
        assert_eq!(part("redirect_uri").as_deref(), Some("https://relay.example/users/oidc/callback"));
    }
}

#[tokio::test]
async fn what_the_token_endpoint_refuses_is_told_apart() {
    let rig = Rig::new(&RsaKey::first("one"));
    let begun = rig.oidc.begin().await.unwrap();
    for (status, tokens, words) in [
        (401, json!({ "error": "invalid_client" }), "`oidc.client_id`"),
        (400, json!({ "error": "unauthorized_client" }), "`oidc.client_id`"),
        (400, json!({ "error": "invalid_grant" }), "begin again"),
        (200, json!({ "access_token": "dummy", "token_type": "Bearer" }), "cannot be used"),
        (200, json!({}), "cannot be used"),
        (403, json!("no"), "cannot be used"),
    ] {
        rig.says.lock().tokens = (status, tokens.clone());
        refused(rig.back(&begun, None).await, words, &tokens.to_string());
    }
    for status in [302, 500, 503] {
        rig.says.lock().tokens = (status, json!({}));
        let away = rig.back(&begun, None).await;
        assert!(matches!(away, Err(ProviderError::Away(_))), "{status}: {away:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_away_is_asked_again_after_a_moment() {
    let key = RsaKey::first("one");
    let rig = Rig::new(&key);
    rig.says.lock().away = vec!["openid-configuration"];
    let away = rig.oidc.begin().await.unwrap_err();
    assert!(words(&away).contains("503"), "{}", words(&away));
    rig.says.lock().away.clear();
    assert!(rig.oidc.begin().await.is_err(), "not at once");
    assert_eq!(rig.asked("openid-configuration"), 1);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    rig.log_in(&key).await.unwrap();
    rig.says.lock().away = vec!["openid-configuration", "token"];
    let begun = rig.oidc.begin().await.expect("where people log in is known");
    let away = rig.back(&begun, None).await;
    assert!(matches!(away, Err(ProviderError::Away(_))), "{away:?}");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_answer_is_waited_for_so_long() {
    let transport = MemoryTransport::new(|_| Reply::never());
    let oidc = OidcProvider::new(options(), Arc::new(transport), Arc::new(SystemClock)).unwrap();
    let away = oidc.begin().await.unwrap_err();
    assert!(words(&away).contains("deadline"), "{}", words(&away));
}

#[tokio::test]
async fn a_description_has_to_be_the_providers_and_lead_nowhere_in_the_clear() {
    for (field, value, told) in [
        ("issuer", json!("https://other.example"), "unexpected issuer"),
        ("issuer", json!(format!("{ISSUER}/")), "unexpected issuer"),
        ("authorization_endpoint", json!("http://id.example/authorize"), "has no TLS"),
        ("authorization_endpoint", json!("javascript:alert(1)"), "has no TLS"),
        ("token_endpoint", json!("http://id.example/token"), "has no TLS"),
        ("token_endpoint", json!("http://127.0.0.1/token"), "has no TLS"),
        ("jwks_uri", json!("http://id.example/keys"), "has no TLS"),
        ("jwks_uri", json!("file://id.example/keys"), "has no TLS"),
        ("jwks_uri", json!(7), "cannot be read at `jwks_uri`"),
    ] {
        let rig = Rig::new(&RsaKey::first("one"));
        rig.says.lock().description[field] = value.clone();
        let unfit = rig.oidc.begin().await.unwrap_err();
        assert!(words(&unfit).contains(told), "{field} {value}: {}", words(&unfit));
    }
}

#[tokio::test]
async fn only_a_provider_of_this_machine_or_one_that_may_is_at_a_private_address() {
    for (issuer, allow_private, may) in [
        (ISSUER, false, false),
        (ISSUER, true, true),
        ("https://10.1.2.3", false, false),
        ("https://127.0.0.1:8443", false, true),
        ("http://localhost:8080/realms/staff", false, true),
    ] {
        let options = OidcOptions { issuer: issuer.to_owned(), allow_private, ..options() };
        let rig = Rig::told(&RsaKey::first("one"), options);
        rig.oidc.begin().await.unwrap();
        assert!(rig.transport.sent().iter().all(|sent| sent.egress.allow_private == may), "{issuer}");
    }
    for issuer in ["http://id.example", "http://10.1.2.3", "ftp://id.example", "id.example", ""] {
        let options = OidcOptions { issuer: issuer.to_owned(), allow_private: true, ..options() };
        let transport = Arc::new(MemoryTransport::new(|_| Reply::json(200, &description(ISSUER))));
        assert!(OidcProvider::new(options, transport, Arc::new(SystemClock)).is_err(), "{issuer}");
    }
}

#[tokio::test]
async fn an_issuer_that_ends_with_a_slash_describes_itself_below_it() {
    let issuer = "https://id.example/application/o/posthaste/";
    let options = OidcOptions { issuer: issuer.to_owned(), ..options() };
    let rig = Rig::told(&RsaKey::first("one"), options);
    rig.oidc.begin().await.unwrap();
    let asked = rig.transport.sent()[0].uri.to_string();
    assert_eq!(asked, format!("{issuer}.well-known/openid-configuration"));
}

#[tokio::test]
async fn a_private_address_is_not_called() {
    let transport = Arc::new(HttpTransport::new(&UpstreamOptions::default()).unwrap());
    for issuer in ["https://10.1.2.3", "https://169.254.169.254/latest", "https://[fd00::1]"] {
        let options = OidcOptions { issuer: issuer.to_owned(), ..options() };
        let oidc = OidcProvider::new(options, Arc::clone(&transport) as _, Arc::new(SystemClock)).unwrap();
        let unfit = oidc.begin().await.unwrap_err();
        assert!(words(&unfit).contains("is refused"), "{issuer}: {}", words(&unfit));
    }
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let rig = Rig::new(&RsaKey::first("one"));
    let begun = rig.oidc.begin().await.unwrap();
    let shown = format!("{:?} {begun:?}", rig.oidc);
    assert!(shown.contains(ISSUER), "{shown}");
    assert!(!shown.contains(CLIENT_SECRET) && !shown.contains(begun.verifier.expose()), "{shown}");
}

/// An error with its causes.
fn words(error: &DirectoryError) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        text = format!("{text}; {cause}");
        next = cause.source();
    }
    text
}
