//! A provider to ask, which says what a test wants.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_admin::{BegunLogin, IdentityProvider as _, ProviderError, ReturnedLogin, Vouched};
use posthaste_core::{Clock as _, Role, Secret};
use posthaste_identity::{GroupRoles, OidcClaims, OidcOptions, OidcProvider};
use posthaste_testkit::{FakeClock, MemoryTransport, Reply};
use serde_json::{Value, json};

use crate::keys::RsaKey;

pub(crate) const ISSUER: &str = "https://id.example/realms/staff";
pub(crate) const CLIENT: &str = "posthaste";
pub(crate) const CLIENT_SECRET: &str = "dummy-client-secret";

/// How a relay asks it.
pub(crate) fn options() -> OidcOptions {
    let claim = str::to_owned;
    OidcOptions {
        issuer: ISSUER.to_owned(),
        allow_private: false,
        client_id: CLIENT.to_owned(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        redirect: "https://relay.example/users/oidc/callback".to_owned(),
        label: "Staff".to_owned(),
        claims: OidcClaims {
            name: claim("preferred_username"),
            display_name: claim("name"),
            email: claim("email"),
            groups: claim("/realm_access/roles"),
        },
        roles: GroupRoles {
            by_group: vec![("relay-admins".to_owned(), Role::Admin), ("staff".to_owned(), Role::User)],
            otherwise: Some(Role::Viewer),
        },
        connect_timeout: Duration::from_secs(5),
        timeout: Duration::from_secs(10),
    }
}

/// What the provider says of itself.
pub(crate) fn description(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
    })
}

/// What the provider says now.
pub(crate) struct Says {
    pub(crate) description: Value,
    pub(crate) keys: Vec<Value>,
    pub(crate) tokens: (u16, Value),
    /// What cannot be asked for.
    pub(crate) away: Vec<&'static str>,
    /// How often what was asked for.
    pub(crate) asked: BTreeMap<String, u32>,
}

/// A relay, its clock and the provider.
pub(crate) struct Rig {
    pub(crate) oidc: OidcProvider,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) says: Arc<Mutex<Says>>,
    pub(crate) transport: MemoryTransport,
}

impl Rig {
    /// A provider that signs with this key.
    pub(crate) fn new(key: &RsaKey) -> Self {
        Self::told(key, options())
    }

    pub(crate) fn told(key: &RsaKey, options: OidcOptions) -> Self {
        let says = Arc::new(Mutex::new(Says {
            description: description(&options.issuer),
            keys: vec![key.told()],
            tokens: (200, Value::Null),
            away: Vec::new(),
            asked: BTreeMap::new(),
        }));
        let said = Arc::clone(&says);
        let transport = MemoryTransport::new(move |sent| {
            let mut says = said.lock();
            let what = sent.uri.path().rsplit('/').next().unwrap().to_owned();
            *says.asked.entry(what.clone()).or_default() += 1;
            match what.as_str() {
                what if says.away.contains(&what) => Reply::json(503, &json!({})),
                "openid-configuration" => Reply::json(200, &says.description),
                "keys" => Reply::json(200, &json!({ "keys": says.keys })),
                "token" => Reply::json(says.tokens.0, &says.tokens.1),
                other => panic!("nobody asks for {other}"),
            }
        });
        let clock = Arc::new(FakeClock::default());
        let oidc = OidcProvider::new(options, Arc::new(transport.clone()), Arc::clone(&clock) as _).unwrap();
        Self { oidc, clock, says, transport }
    }

    /// What a token says with which everything is right.
    pub(crate) fn claims(&self, begun: &BegunLogin) -> Value {
        let now = self.clock.now().as_secs();
        json!({
            "iss": ISSUER, "sub": "1f3c", "aud": CLIENT, "azp": CLIENT, "iat": now, "exp": now + 300,
            "nonce": begun.nonce.expose(), "preferred_username": "Ada", "name": "Ada Lovelace",
            "email": "ada@example.com", "email_verified": true,
            "realm_access": { "roles": ["staff", "relay-admins"] },
        })
    }

    /// Comes back with a code for this token.
    pub(crate) async fn finish(&self, begun: &BegunLogin, token: &str) -> Result<Vouched, ProviderError> {
        let tokens = json!({ "access_token": "dummy", "token_type": "Bearer", "id_token": token });
        self.says.lock().tokens = (200, tokens);
        self.back(begun, None).await
    }

    /// Comes back with a code, for whatever the provider gives for it.
    pub(crate) async fn back(
        &self,
        begun: &BegunLogin,
        issuer: Option<&str>,
    ) -> Result<Vouched, ProviderError> {
        let code = Secret::new("dummy-code");
        let (nonce, verifier) = (&begun.nonce, &begun.verifier);
        self.oidc.finish(ReturnedLogin { code: &code, issuer, nonce, verifier }).await
    }

    /// The whole way with a token in which everything is right.
    pub(crate) async fn log_in(&self, key: &RsaKey) -> Result<Vouched, ProviderError> {
        let begun = self.oidc.begin().await.unwrap();
        let token = key.signed(&self.claims(&begun));
        self.finish(&begun, &token).await
    }

    pub(crate) fn asked(&self, what: &str) -> u32 {
        self.says.lock().asked.get(what).copied().unwrap_or_default()
    }
}

/// The claims with one of them otherwise; null takes it away.
pub(crate) fn but(mut claims: Value, name: &str, value: Value) -> Value {
    let fields = claims.as_object_mut().unwrap();
    if value.is_null() {
        fields.remove(name);
    } else {
        fields.insert(name.to_owned(), value);
    }
    claims
}

/// That a log-in is refused in these words.
pub(crate) fn refused(outcome: Result<Vouched, ProviderError>, words: &str, case: &str) {
    match outcome {
        Err(ProviderError::Refused { what, .. }) if what.contains(words) => {}
        other => panic!("{case}: {words}: {other:?}"),
    }
}
