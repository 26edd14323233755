//! Which identity tokens are believed.

use posthaste_admin::{IdentityProvider as _, VouchedRole};
use posthaste_core::{Clock as _, Role, SignIn};
use serde_json::{Value, json};

use crate::{
    keys::{RsaKey, by_password, unsigned, with_signature},
    support::{CLIENT, CLIENT_SECRET, ISSUER, Rig, but, refused},
};

#[tokio::test]
async fn a_token_of_the_providers_tells_who_it_is() {
    let key = RsaKey::first("one");
    let ada = Rig::new(&key).log_in(&key).await.unwrap();
    assert_eq!(ada.sign_in, SignIn::Oidc { issuer: ISSUER.to_owned(), subject: "1f3c".to_owned() });
    assert_eq!((ada.name.as_str(), ada.display_name.as_deref()), ("Ada", Some("Ada Lovelace")));
    assert_eq!(ada.email.as_deref(), Some("ada@example.com"));
    assert_eq!(ada.role, VouchedRole::Always(Role::Admin), "of several groups the most counts");
}

#[tokio::test]
async fn groups_say_what_a_person_may_and_mail_counts_when_it_is_verified() {
    let key = RsaKey::first("one");
    let rig = Rig::new(&key);
    for (roles, role) in [
        (json!(["staff"]), Role::User),
        (json!([]), Role::Viewer),
        (json!(["Relay-Admins"]), Role::Viewer),
        (json!("relay-admins"), Role::Admin),
    ] {
        let begun = rig.oidc.begin().await.unwrap();
        let claims = but(rig.claims(&begun), "realm_access", json!({ "roles": roles }));
        let claims = but(claims, "email_verified", json!(false));
        let vouched = rig.finish(&begun, &key.signed(&claims)).await.unwrap();
        assert_eq!((vouched.role, vouched.email), (VouchedRole::Always(role), None), "{roles}");
    }
}

#[tokio::test]
async fn what_a_token_says_has_to_be_right() {
    let key = RsaKey::first("one");
    let rig = Rig::new(&key);
    let now = rig.clock.now().as_secs();
    for (claim, value, words) in [
        ("iss", json!("https://other.example"), "by another provider"),
        ("iss", json!(format!("{ISSUER}/")), "by another provider"),
        ("iss", Value::Null, "cannot be used"),
        ("aud", json!("somebody-else"), "to somebody else"),
        ("aud", json!([]), "to somebody else"),
        ("aud", json!([CLIENT, "somebody-else"]), "to somebody else"),
        ("aud", Value::Null, "to somebody else"),
        ("azp", json!("somebody-else"), "to somebody else"),
        ("nonce", json!("another"), "in another log-in"),
        ("nonce", json!(""), "in another log-in"),
        ("nonce", Value::Null, "in another log-in"),
        ("exp", json!(now - 3_600), "has ended"),
        ("exp", Value::Null, "cannot be used"),
        ("iat", json!(now + 3_600), "is yet to come"),
        ("sub", json!(""), "cannot be used"),
        ("sub", json!("a".repeat(256)), "cannot be used"),
        ("sub", Value::Null, "cannot be used"),
        ("preferred_username", Value::Null, "tells no name"),
        ("preferred_username", json!(7), "cannot be used"),
    ] {
        let begun = rig.oidc.begin().await.unwrap();
        let case = format!("{claim}: {value}");
        let token = key.signed(&but(rig.claims(&begun), claim, value));
        refused(rig.finish(&begun, &token).await, words, &case);
    }
}

#[tokio::test]
async fn a_token_is_signed_by_the_provider_alone() {
    let key = RsaKey::first("one");
    let rig = Rig::new(&key);
    let begun = rig.oidc.begin().await.unwrap();
    let claims = rig.claims(&begun);
    let good = key.signed(&claims);
    let signature = good.rsplit('.').next().unwrap();
    let head = json!({ "alg": "RS256", "kid": "one" });
    let other_claims = but(claims.clone(), "preferred_username", json!("root"));
    let none = unsigned(&json!({ "alg": "none" }), &claims);
    for (case, token, words) in [
        ("other claims under a signature", format!("{}.{signature}", unsigned(&head, &other_claims)), SIGNED),
        ("another key by its name", RsaKey::second("one").signed(&claims), SIGNED),
        ("a key of no name", RsaKey::second("two").signed(&claims), SIGNED),
        ("no algorithm and no signature", with_signature(&none, b""), SIGNED),
        ("no algorithm", format!("{none}.{signature}"), SIGNED),
        ("no signature", with_signature(&unsigned(&head, &claims), b""), SIGNED),
        ("the public key is the password", key.as_password(&claims), SIGNED),
        (
            "the client's secret is the password",
            by_password(CLIENT_SECRET.as_bytes(), "one", &claims),
            SIGNED,
        ),
        ("another algorithm", key.signed_as(&json!({ "alg": "PS256", "kid": "one" }), &claims), SIGNED),
        ("a head that wants more", key.signed_as(&critical(), &claims), "cannot be believed"),
        ("no token at all", "abc".to_owned(), "cannot be used"),
    ] {
        refused(rig.finish(&begun, &token).await, words, case);
    }
    rig.finish(&begun, &good).await.unwrap();
}

#[tokio::test]
async fn clocks_may_be_a_minute_apart() {
    let key = RsaKey::first("one");
    let rig = Rig::new(&key);
    let now = rig.clock.now().as_secs();
    for (claim, at, is_believed) in
        [("exp", now - 59, true), ("exp", now - 60, false), ("iat", now + 60, true), ("iat", now + 61, false)]
    {
        let begun = rig.oidc.begin().await.unwrap();
        let token = key.signed(&but(rig.claims(&begun), claim, json!(at)));
        let outcome = rig.finish(&begun, &token).await;
        assert_eq!(outcome.is_ok(), is_believed, "{claim} {}: {outcome:?}", at - now);
    }
}

#[tokio::test]
async fn an_answer_comes_from_the_provider_that_is_believed() {
    let key = RsaKey::first("one");
    let rig = Rig::new(&key);
    let begun = rig.oidc.begin().await.unwrap();
    let other = rig.back(&begun, Some("https://other.example")).await;
    refused(other, "by another provider", "iss of the answer");
    assert_eq!(rig.asked("token"), 0, "the code of another provider goes nowhere");
}

fn critical() -> Value {
    json!({ "alg": "RS256", "kid": "one", "crit": ["exp"] })
}

const SIGNED: &str = "is not signed";
