//! The authorization endpoint (RFC 6749 §4.1.1, RFC 7636 §4.3): who may ask, what a person answers, and the way back.

use http::{Request, Response, StatusCode};
use posthaste_core::{Payload, RelayBody};
use url::Url;

use super::{
    OAuth,
    answer::{self, page},
    client::{Client, may_redirect},
    codes::Code,
    is_challenge, page,
    params::Params,
    refusal::Refusal,
    ticket::Ticket,
    wish::Scope,
};

/// A request that the browser may be sent back from.
pub(super) struct Asked<'p> {
    pub(super) client: &'static Client,
    redirect_uri: &'p str,
    params: &'p Params,
}

/// What a person answered.
pub(super) enum Consent<'p> {
    /// Nothing yet.
    Open,
    Given(&'p str),
    Refused,
}

impl OAuth {
    pub(super) fn authorize(&self, request: &Request<Payload>) -> Response<RelayBody> {
        let params = match Params::of_page(request) {
            Ok(params) => params,
            Err(refusal) => return page(StatusCode::BAD_REQUEST, page::error(&refusal.description)),
        };
        // Nobody is sent to an address that the client did not register (RFC 6749 §4.1.2.1).
        let asked = match asked(&params) {
            Ok(asked) => asked,
            Err(refusal) => return page(StatusCode::BAD_REQUEST, page::error(&refusal.description)),
        };
        match self.decided(&asked) {
            Ok(Some(code)) => asked.back(&[("code", &code)]),
            Ok(None) => page(StatusCode::OK, page::consent(asked.client.id, &params)),
            Err(refusal) => {
                asked.back(&[("error", refusal.error), ("error_description", &refusal.description)])
            }
        }
    }

    /// A code, once there is consent.
    fn decided(&self, asked: &Asked<'_>) -> Result<Option<String>, Refusal> {
        let params = asked.params;
        if params.required("response_type")? != "code" {
            return Err(Refusal::new("unsupported_response_type", "the response type must be `code`"));
        }
        let scope = Scope::asked(params.get("scope"))?;
        let challenge = challenge(params)?.ok_or_else(|| Refusal::invalid_request("PKCE is needed"))?;
        let subject = match consent(params)? {
            Consent::Refused => return Err(Refusal::new("access_denied", "the person refused")),
            Consent::Open if !scope.has("auto-approve") => return Ok(None),
            Consent::Open => SOMEONE,
            Consent::Given(subject) => subject,
        };
        let mut state = self.state.lock();
        let code = self.name(&mut state, "code", challenge);
        let family = self.name(&mut state, "family", challenge);
        let entry = Code {
            ticket: Ticket::new(asked.client.id, subject, &scope, &family),
            redirect_uri: asked.redirect_uri.to_owned(),
            challenge: challenge.to_owned(),
            state: params.get("state").map(str::to_owned),
            expires_at: self.now().plus(CODE_LIFETIME),
            used: false,
        };
        state.codes.put(&code, entry);
        Ok(Some(code))
    }
}

impl Asked<'_> {
    /// Sends the browser back, with the state that it brought.
    pub(super) fn back(&self, said: &[(&str, &str)]) -> Response<RelayBody> {
        let mut url = Url::parse(self.redirect_uri).expect("what may be redirected to is a URL");
        url.query_pairs_mut().extend_pairs(said);
        if let Some(state) = self.params.get("state") {
            url.query_pairs_mut().append_pair("state", state);
        }
        answer::redirect(&url)
    }
}

pub(super) fn asked(params: &Params) -> Result<Asked<'_>, Refusal> {
    let client = Client::named(params.required("client_id")?);
    let client = client.ok_or_else(|| Refusal::invalid_client("there is no such client"))?;
    let redirect_uri = params.required("redirect_uri")?;
    if !may_redirect(redirect_uri) {
        return Err(Refusal::invalid_request("this redirect_uri is not registered for the client"));
    }
    Ok(Asked { client, redirect_uri, params })
}

/// The challenge, if there is one; by another method than SHA-256 there is none.
pub(super) fn challenge(params: &Params) -> Result<Option<&str>, Refusal> {
    let Some(challenge) = params.get("code_challenge") else { return Ok(None) };
    if params.get("code_challenge_method") != Some("S256") {
        return Err(Refusal::invalid_request("the code_challenge_method must be S256"));
    }
    if !is_challenge(challenge) {
        return Err(Refusal::invalid_request("the code_challenge is no SHA-256 in base64url"));
    }
    Ok(Some(challenge))
}

/// What the person answered: `approve` is `1` or `0`, `login_hint` says who it is.
pub(super) fn consent(params: &Params) -> Result<Consent<'_>, Refusal> {
    let subject = params.get("login_hint").unwrap_or(SOMEONE);
    if subject.len() > LONGEST_NAME {
        return Err(Refusal::invalid_request("the login_hint is too long"));
    }
    match params.get("approve") {
        None => Ok(Consent::Open),
        Some("1") => Ok(Consent::Given(subject)),
        Some("0") => Ok(Consent::Refused),
        Some(_) => Err(Refusal::invalid_request("approve must be 1 or 0")),
    }
}

/// The page for logins that take the code by hand: it shows `CODE#STATE`.
pub(super) fn show_code(request: &Request<Payload>) -> Response<RelayBody> {
    match Params::of_query(request) {
        Ok(params) => page(StatusCode::OK, page::code(&params)),
        Err(refusal) => page(StatusCode::BAD_REQUEST, page::error(&refusal.description)),
    }
}

/// Who consents when nobody says who they are.
pub(super) const SOMEONE: &str = "someone@sandbox.example";
const LONGEST_NAME: usize = 200;
/// The most that RFC 6749 §4.1.2 recommends.
const CODE_LIFETIME: std::time::Duration = std::time::Duration::from_secs(10 * 60);
