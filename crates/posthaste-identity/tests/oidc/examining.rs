//! What is in the way of log-ins at a provider.

use std::sync::Arc;

use posthaste_admin::{FindingState, IdentityProvider as _, SignInFinding, SignInStep as Step};
use posthaste_core::SystemClock;
use posthaste_identity::{OidcOptions, OidcProvider};
use posthaste_upstream::{HttpTransport, UpstreamOptions};
use serde_json::{Value, json};

use crate::{
    keys::RsaKey,
    support::{CLIENT_SECRET, ISSUER, Rig, options},
};

async fn examine(rig: &Rig) -> Vec<SignInFinding> {
    let found = rig.oidc.examine().await;
    assert!(!format!("{found:?}").contains(CLIENT_SECRET), "{found:?}");
    found
}

fn of(found: &[SignInFinding], step: Step) -> &SignInFinding {
    found.iter().find(|finding| finding.step == step).unwrap_or_else(|| panic!("{step:?}: {found:?}"))
}

/// A provider that knows the relay, and no code.
fn furnished(options: OidcOptions) -> Rig {
    let rig = Rig::told(&RsaKey::first("one"), options);
    rig.says.lock().tokens = (400, json!({ "error": "invalid_grant" }));
    rig
}

#[tokio::test]
async fn everything_is_told_where_everything_is_right() {
    let rig = furnished(options());
    let found = examine(&rig).await;
    let steps: Vec<_> = found.iter().map(|finding| finding.step).collect();
    let wanted = [
        Step::Description,
        Step::Issuer,
        Step::Endpoints,
        Step::Signatures,
        Step::ClientAuthentication,
        Step::Pkce,
        Step::Scopes,
        Step::Claims,
        Step::Keys,
        Step::Client,
        Step::Redirect,
    ];
    assert_eq!(steps, wanted, "{found:?}");
    assert!(found.iter().all(|finding| finding.state == FindingState::Good), "{found:?}");
    assert_eq!(of(&found, Step::Issuer).found, ISSUER);
    assert_eq!(of(&found, Step::Keys).found, "1: RSA `one`");
    assert!(of(&found, Step::ClientAuthentication).found.contains("client_secret_basic"), "{found:?}");
    let redirect = &of(&found, Step::Redirect).found;
    assert!(redirect.contains("https://relay.example/users/oidc/callback"), "{redirect}");
    // What is found is what there is now, not what was known before.
    rig.says.lock().description["issuer"] = json!("https://id.example/realms/others");
    assert_eq!(of(&examine(&rig).await, Step::Issuer).state, FindingState::Bad);
}

#[tokio::test]
async fn what_a_description_lacks_is_told() {
    let cases: [(&str, Value, Step, FindingState, &str); 14] = [
        ("issuer", json!(format!("{ISSUER}/")), Step::Issuer, FindingState::Bad, "letter by letter"),
        ("token_endpoint", Value::Null, Step::Endpoints, FindingState::Bad, "https"),
        ("token_endpoint", json!("http://id.example/token"), Step::Endpoints, FindingState::Bad, "https"),
        ("authorization_endpoint", json!("http://127.0.0.1/a"), Step::Endpoints, FindingState::Bad, "https"),
        ("jwks_uri", json!("http://id.example/keys"), Step::Endpoints, FindingState::Bad, "https"),
        ("jwks_uri", json!(7), Step::Description, FindingState::Bad, "oidc.issuer"),
        (
            "id_token_signing_alg_values_supported",
            json!(["HS256"]),
            Step::Signatures,
            FindingState::Bad,
            "RS256",
        ),
        (
            "token_endpoint_auth_methods_supported",
            json!(["private_key_jwt"]),
            Step::ClientAuthentication,
            FindingState::Bad,
            "client_secret_basic",
        ),
        (
            "token_endpoint_auth_methods_supported",
            json!(["client_secret_post"]),
            Step::ClientAuthentication,
            FindingState::Good,
            "client_secret_post",
        ),
        ("code_challenge_methods_supported", json!(["plain"]), Step::Pkce, FindingState::Doubtful, "S256"),
        ("code_challenge_methods_supported", json!(["S256"]), Step::Pkce, FindingState::Good, "S256"),
        ("scopes_supported", json!(["openid"]), Step::Scopes, FindingState::Doubtful, "email"),
        (
            "claims_supported",
            json!(["name", "email", "sub"]),
            Step::Claims,
            FindingState::Doubtful,
            "realm_access",
        ),
        (
            "claims_supported",
            json!(["name", "email", "preferred_username", "realm_access"]),
            Step::Claims,
            FindingState::Good,
            "preferred_username",
        ),
    ];
    for (field, value, step, state, words) in cases {
        let rig = furnished(options());
        rig.says.lock().description[field] = value.clone();
        let found = examine(&rig).await;
        let one = of(&found, step);
        assert_eq!(one.state, state, "{field} {value}: {one:?}");
        let told = format!("{} {}", one.found, one.advice.clone().unwrap_or_default());
        assert!(told.contains(words), "{field} {value}: {told}");
        // The address to register is told in any case.
        assert_eq!(found.last().unwrap().step, Step::Redirect, "{field} {value}");
    }
}

#[tokio::test]
async fn whether_the_provider_knows_the_relay_shows_at_the_token_endpoint() {
    let rig = furnished(options());
    for (status, answer, state) in [
        (401, json!({ "error": "invalid_client" }), FindingState::Bad),
        (400, json!({ "error": "unauthorized_client" }), FindingState::Bad),
        (400, json!({ "error": "invalid_grant" }), FindingState::Good),
        (200, json!({}), FindingState::Doubtful),
        (503, json!({}), FindingState::Bad),
    ] {
        rig.says.lock().tokens = (status, answer.clone());
        let found = examine(&rig).await;
        assert_eq!(of(&found, Step::Client).state, state, "{answer}: {found:?}");
    }
    let public = furnished(OidcOptions { client_secret: None, ..options() });
    let found = examine(&public).await;
    assert!(of(&found, Step::ClientAuthentication).found.contains("public client"), "{found:?}");
}

#[tokio::test]
async fn a_provider_without_keys_or_description_is_told() {
    let rig = furnished(options());
    rig.says.lock().keys.clear();
    let found = examine(&rig).await;
    assert_eq!(of(&found, Step::Keys).state, FindingState::Bad, "{found:?}");
    assert!(!found.iter().any(|finding| finding.step == Step::Client), "{found:?}");
    for away in ["keys", "openid-configuration"] {
        let rig = furnished(options());
        rig.says.lock().away = vec![away];
        let found = examine(&rig).await;
        let bad: Vec<_> = found.iter().filter(|finding| finding.state == FindingState::Bad).collect();
        assert!(bad.len() == 1 && bad[0].found.contains("503"), "{away}: {found:?}");
    }
}

#[tokio::test]
async fn a_private_address_is_not_called_for_a_test_either() {
    let transport = Arc::new(HttpTransport::new(&UpstreamOptions::default()).unwrap());
    for issuer in ["https://10.1.2.3", "https://169.254.169.254/latest", "https://[fd00::1]"] {
        let options = OidcOptions { issuer: issuer.to_owned(), ..options() };
        let oidc = OidcProvider::new(options, Arc::clone(&transport) as _, Arc::new(SystemClock)).unwrap();
        let found = oidc.examine().await;
        let first = &found[0];
        assert_eq!((first.step, first.state), (Step::Description, FindingState::Bad), "{found:?}");
        assert!(first.found.contains("is refused"), "{issuer}: {first:?}");
    }
}
