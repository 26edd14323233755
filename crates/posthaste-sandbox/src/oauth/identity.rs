//! An OpenID provider (OpenID Connect Core 1.0 and Discovery 1.0): people log in at it, and it signs who they are.
//!
//! `fault` beside the other parameters of the authorization address asks for misbehaviour later on, see `fault.rs`; what stands before
//! `/oidc` in the issuer asks for it from the beginning: `away` and `other-issuer`. `login_hint` says who it is, `groups` (with commas)
//! in which groups.

mod fault;
mod keys;

use http::{Method, Request, Response, StatusCode, header};
use posthaste_core::{Payload, RelayBody, Timestamp};
use serde_json::{Value, json};

pub(super) use self::fault::IdentityFault;
use self::keys::SigningKey;
use super::{
    OAuth,
    answer::{self, page},
    authorize::{Consent, SOMEONE, asked, challenge, consent},
    bounded::Bounded,
    client::Client,
    page,
    params::Params,
    refusal::Refusal,
    token::account_id,
    verifies,
};

/// What the provider does, by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdentityEndpoint {
    Configuration,
    Keys,
    Authorize,
    Token,
}

/// What the provider remembers.
#[derive(Debug, Default)]
pub(super) struct Identities {
    codes: Bounded<Login, MOST>,
    /// Whether it signs with its second key, and tells of it.
    rotated: bool,
}

/// A log-in whose code is with a browser.
#[derive(Clone, Debug)]
struct Login {
    client: &'static str,
    redirect_uri: String,
    challenge: String,
    nonce: Option<String>,
    subject: String,
    groups: Vec<String>,
    fault: Option<IdentityFault>,
    expires_at: Timestamp,
    used: bool,
}

impl OAuth {
    /// The answer to what is asked of the provider.
    pub(super) fn identity(
        &self,
        endpoint: IdentityEndpoint,
        request: &Request<Payload>,
    ) -> Response<RelayBody> {
        let issuer = issuer(request);
        if issuer.ends_with("/away/oidc") {
            return answer::json(StatusCode::SERVICE_UNAVAILABLE, &json!({}));
        }
        match (endpoint, request.method()) {
            (IdentityEndpoint::Configuration, &Method::GET) => {
                answer::json(StatusCode::OK, &configuration(&issuer))
            }
            (IdentityEndpoint::Keys, &Method::GET) => {
                let rotated = self.state.lock().identities.rotated;
                let last = if rotated { 2 } else { 1 };
                let keys: Vec<Value> = (1..=last).map(|n| self.signing_key(n).told()).collect();
                answer::json(StatusCode::OK, &json!({ "keys": keys }))
            }
            (IdentityEndpoint::Authorize, &Method::GET | &Method::POST) => self.log_in(request),
            (IdentityEndpoint::Token, &Method::POST) => {
                self.vouch(request, &issuer).unwrap_or_else(|refusal| refusal.answer())
            }
            _ => answer::method_not_allowed(),
        }
    }

    fn log_in(&self, request: &Request<Payload>) -> Response<RelayBody> {
        let wrong = |refusal: Refusal| page(StatusCode::BAD_REQUEST, page::error(&refusal.description));
        let params = match Params::of_page(request) {
            Ok(params) => params,
            Err(refusal) => return wrong(refusal),
        };
        let asked = match asked(&params) {
            Ok(asked) => asked,
            Err(refusal) => return wrong(refusal),
        };
        match self.login(asked.client.id, &params) {
            Ok(Some(code)) => asked.back(&[("code", &code)]),
            Ok(None) => page(StatusCode::OK, page::consent(asked.client.id, &params)),
            Err(refusal) => {
                asked.back(&[("error", refusal.error), ("error_description", &refusal.description)])
            }
        }
    }

    /// A code, once somebody has logged in.
    fn login(&self, client: &'static str, params: &Params) -> Result<Option<String>, Refusal> {
        if params.required("response_type")? != "code" {
            return Err(Refusal::new("unsupported_response_type", "the response type must be `code`"));
        }
        if !params.required("scope")?.split(' ').any(|scope| scope == "openid") {
            return Err(Refusal::new("invalid_scope", "the scope must hold `openid`"));
        }
        let challenge = challenge(params)?.ok_or_else(|| Refusal::invalid_request("PKCE is needed"))?;
        let fault = params.get("fault").map(|word| {
            IdentityFault::named(word).ok_or_else(|| Refusal::invalid_request("this fault is not known here"))
        });
        let subject = match consent(params)? {
            Consent::Refused => return Err(Refusal::new("access_denied", "the person refused")),
            Consent::Open => return Ok(None),
            Consent::Given(subject) => subject,
        };
        let groups = params.get("groups").unwrap_or_default().split(',').filter(|group| !group.is_empty());
        let login = Login {
            client,
            redirect_uri: params.required("redirect_uri")?.to_owned(),
            challenge: challenge.to_owned(),
            nonce: params.get("nonce").map(str::to_owned),
            subject: subject.to_owned(),
            groups: groups.map(str::to_owned).collect(),
            fault: fault.transpose()?,
            expires_at: self.now().plus(CODE_LIFETIME),
            used: false,
        };
        let mut state = self.state.lock();
        let code = self.name(&mut state, "identity", challenge);
        state.identities.codes.get_or(&code, || login);
        Ok(Some(code))
    }

    /// OpenID Connect Core 1.0, section 3.1.3.
    fn vouch(&self, request: &Request<Payload>, issuer: &str) -> Result<Response<RelayBody>, Refusal> {
        let params = Params::of_body(request)?;
        let client = Client::authenticated(request.headers(), &params)?;
        if params.required("grant_type")? != "authorization_code" {
            return Err(Refusal::new("unsupported_grant_type", "this grant_type is not known here"));
        }
        let presented = params.required("code")?;
        let verifier = params.required("code_verifier")?;
        let redirect_uri = params.required("redirect_uri")?;
        let now = self.now();
        let state = &mut *self.state.lock();
        let known = state.identities.codes.get_mut(presented);
        let login = known.ok_or_else(|| Refusal::invalid_grant("there is no such code"))?;
        let fits = login.client == client.id && login.redirect_uri == redirect_uri;
        if !fits || login.used || now >= login.expires_at {
            return Err(Refusal::invalid_grant("the code is used, has ended, or is somebody else's"));
        }
        if !verifies(&login.challenge, verifier) {
            return Err(Refusal::invalid_grant("the code_verifier does not fit the code_challenge"));
        }
        login.used = true;
        let login = login.clone();
        match login.fault {
            Some(IdentityFault::TokenAway) => return Ok(answer::json(StatusCode::BAD_GATEWAY, &json!({}))),
            Some(IdentityFault::NewKey) => state.identities.rotated = true,
            _ => {}
        }
        let mut tokens =
            json!({ "access_token": "sandbox-identity", "token_type": "Bearer", "expires_in": 300 });
        if login.fault != Some(IdentityFault::NoToken) {
            tokens["id_token"] = self.signed(&login, issuer, now).into();
        }
        Ok(answer::json(StatusCode::OK, &tokens))
    }

    fn signed(&self, login: &Login, issuer: &str, now: Timestamp) -> String {
        let (said, nonce) = (&login.subject, login.nonce.as_deref());
        let name = said.split('@').next().unwrap_or(SOMEONE);
        let mut claims = json!({
            "iss": issuer, "sub": account_id(said), "aud": login.client, "iat": now.as_secs(),
            "exp": now.plus(TOKEN_LIFETIME).as_secs(), "nonce": nonce, "preferred_username": name,
            "name": format!("{name} of the sandbox"), "email": said, "email_verified": true, "groups": login.groups,
        });
        match login.fault {
            Some(IdentityFault::OtherIssuer) => claims["iss"] = "https://other.example".into(),
            Some(IdentityFault::OtherAudience) => claims["aud"] = "somebody-else".into(),
            Some(IdentityFault::TwoAudiences) => claims["aud"] = json!([login.client, "somebody-else"]),
            Some(IdentityFault::OtherParty) => claims["azp"] = "somebody-else".into(),
            Some(IdentityFault::OtherNonce) => claims["nonce"] = "another".into(),
            Some(IdentityFault::NoNonce) => claims["nonce"] = Value::Null,
            Some(IdentityFault::Expired) => claims["exp"] = now.minus(TOKEN_LIFETIME).as_secs().into(),
            Some(IdentityFault::NoName) => claims["preferred_username"] = Value::Null,
            _ => {}
        }
        if let Some(fields) = claims.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        let first = self.signing_key(1);
        match login.fault {
            Some(IdentityFault::Unsigned) => keys::unsigned(&claims),
            Some(IdentityFault::KeyAsPassword) => first.as_password(&claims),
            Some(IdentityFault::NewKey) => self.signing_key(2).signed(&claims, None),
            Some(IdentityFault::UnknownKey) => self.signing_key(3).signed(&claims, None),
            Some(IdentityFault::Forged) => self.signing_key(3).signed(&claims, Some(first.name())),
            _ => first.signed(&claims, None),
        }
    }

    fn signing_key(&self, number: u32) -> SigningKey {
        SigningKey::of(self.seed, number)
    }
}

/// The endpoint of a path, if it is one of the provider's.
pub(super) fn endpoint(path: &str) -> Option<IdentityEndpoint> {
    let (_, name) = path.rsplit_once("/oidc/")?;
    Some(match name {
        ".well-known/openid-configuration" => IdentityEndpoint::Configuration,
        "keys" => IdentityEndpoint::Keys,
        "authorize" => IdentityEndpoint::Authorize,
        "token" => IdentityEndpoint::Token,
        _ => return None,
    })
}

/// The provider's name: where it was asked, as far as `/oidc`.
fn issuer(request: &Request<Payload>) -> String {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = named.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    let prefix = request.uri().path().rsplit_once("/oidc/").map_or("", |(prefix, _)| prefix);
    format!("http://{}{prefix}/oidc", host.unwrap_or_default())
}

fn configuration(issuer: &str) -> Value {
    let called = if issuer.ends_with("/other-issuer/oidc") { "https://other.example" } else { issuer };
    json!({
        "issuer": called,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
    })
}

const MOST: usize = 1_000;
const CODE_LIFETIME: std::time::Duration = std::time::Duration::from_secs(60);
const TOKEN_LIFETIME: std::time::Duration = std::time::Duration::from_secs(300);
