//! The token endpoint (RFC 6749 §3.2): codes, device codes and refresh tokens become access tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use posthaste_core::{Payload, RelayBody, boxed_body, full_body};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    OAuth, State,
    answer::{self, made},
    client::Client,
    family::Families,
    params::Params,
    refusal::Refusal,
    ticket::{Kind, Ticket},
    verifies,
    wish::{SLOW, Scope, Trouble},
};
use crate::{
    SANDBOX_BASE_URL,
    paced::{PacedBody, Step},
};

/// What comes of a request that is not refused.
enum Granted {
    /// Tokens, and what happens to them on the way.
    Tokens(Value, Option<Trouble>),
    /// Nothing was done.
    Nothing(Trouble),
}

impl OAuth {
    /// The answer; `None` when there shall never be one.
    pub(super) fn token(&self, request: &Request<Payload>) -> Option<Response<RelayBody>> {
        match self.granted(request) {
            Err(refusal) => Some(refusal.answer()),
            Ok(Granted::Tokens(tokens, trouble)) => Some(sent(&tokens, trouble)),
            Ok(Granted::Nothing(trouble)) => nothing(trouble),
        }
    }

    fn granted(&self, request: &Request<Payload>) -> Result<Granted, Refusal> {
        let params = Params::of_body(request)?;
        let client = Client::authenticated(request.headers(), &params)?;
        match params.required("grant_type")? {
            "authorization_code" => self.code(client, &params),
            "urn:ietf:params:oauth:grant-type:device_code" => self.device_code(client, &params),
            "refresh_token" => self.refresh(client, &params),
            _ => Err(Refusal::new("unsupported_grant_type", "this grant_type is not known here")),
        }
    }

    /// RFC 6749 §4.1.3, RFC 7636 §4.5.
    fn code(&self, client: &Client, params: &Params) -> Result<Granted, Refusal> {
        let presented = params.required("code")?;
        let redirect_uri = params.required("redirect_uri")?;
        let verifier = params.required("code_verifier")?;
        let state = &mut *self.state.lock();
        let code = state.codes.get(presented)?.clone();
        if code.ticket.client != client.id {
            return Err(Refusal::invalid_grant("the code belongs to another client"));
        }
        if code.used {
            state.families.revoke(&code.ticket);
            return Err(Refusal::invalid_grant("the code was used before; what came of it ends"));
        }
        if self.now() >= code.expires_at {
            return Err(Refusal::invalid_grant("the code has ended"));
        }
        if code.redirect_uri != redirect_uri {
            return Err(Refusal::invalid_grant(
                "the redirect_uri is not the one that the code was asked for with",
            ));
        }
        if !verifies(&code.challenge, verifier) {
            return Err(Refusal::invalid_grant("the code_verifier does not fit the code_challenge"));
        }
        let scope = code.ticket.scope();
        in_json(&scope, params)?;
        if scope.has("json-only") && params.get("state") != code.state.as_deref() {
            return Err(Refusal::invalid_request(
                "the state is not the one that the code was asked for with",
            ));
        }
        let trouble = scope.trouble_at_exchange();
        if let Some(nothing) = done_before(trouble)? {
            return Ok(nothing);
        }
        state.codes.use_up(presented);
        Ok(Granted::Tokens(self.issue(state, code.ticket, &scope, true), trouble))
    }

    /// RFC 8628 §3.4.
    fn device_code(&self, client: &Client, params: &Params) -> Result<Granted, Refusal> {
        let presented = params.required("device_code")?;
        let state = &mut *self.state.lock();
        let device = state.devices.polled(presented, client, self.now())?;
        if let Some(challenge) = &device.challenge
            && !verifies(challenge, params.required("code_verifier")?)
        {
            return Err(Refusal::invalid_grant("the code_verifier does not fit the code_challenge"));
        }
        let ticket = device.ticket.clone();
        let scope = ticket.scope();
        in_json(&scope, params)?;
        let trouble = scope.trouble_at_exchange();
        if let Some(nothing) = done_before(trouble)? {
            return Ok(nothing);
        }
        state.devices.use_up(presented);
        Ok(Granted::Tokens(self.issue(state, ticket, &scope, true), trouble))
    }

    /// RFC 6749 §6.
    fn refresh(&self, client: &Client, params: &Params) -> Result<Granted, Refusal> {
        let presented = params.required("refresh_token")?;
        let ticket = Ticket::read(Kind::Refresh, self.seed, presented);
        let ticket = ticket.ok_or_else(|| Refusal::invalid_grant("there is no such refresh token"))?;
        if ticket.client != client.id {
            return Err(Refusal::invalid_grant("the refresh token belongs to another client"));
        }
        let granted = ticket.scope();
        in_json(&granted, params)?;
        let scope = granted.narrowed(params.get("scope"))?;
        let state = &mut *self.state.lock();
        let earlier = state.families.asked(&ticket)?;
        let trouble = granted.trouble_at_refresh(earlier);
        if let Some(nothing) = done_before(trouble)? {
            return Ok(nothing);
        }
        let rotates = !granted.has("no-rotation");
        Ok(Granted::Tokens(self.issue(state, ticket, &scope, rotates), trouble))
    }

    /// Makes an access token for `scope`, and a refresh token for all that was granted.
    fn issue(&self, state: &mut State, ticket: Ticket, scope: &Scope, with_refresh: bool) -> Value {
        let granted = ticket.scope();
        let now = self.now();
        let access = Ticket {
            serial: state.families.number(&ticket),
            expires_at: Some(now.plus(granted.lifetime())),
            ..Ticket::new(&ticket.client, &ticket.subject, scope, &ticket.family)
        };
        let id = account_id(&ticket.subject);
        let mut tokens = json!({
            "access_token": access.written(Kind::Access, self.seed),
            "token_type": "Bearer",
            "scope": scope.as_str(),
            "account": { "uuid": id, "email_address": ticket.subject },
        });
        if !granted.has("no-expiry") {
            tokens["expires_in"] = granted.lifetime().as_secs().into();
        }
        if granted.has("resource-url") {
            tokens["resource_url"] = [SANDBOX_BASE_URL, super::holder::SIGNED_IN].concat().into();
        }
        if granted.has("openid") {
            let issued_at = now.as_secs();
            let ends = now.plus(granted.lifetime()).as_secs();
            tokens["id_token"] = id_token(&json!({
                "iss": SANDBOX_BASE_URL, "sub": id, "aud": ticket.client, "email": ticket.subject,
                "iat": issued_at, "exp": ends,
            }))
            .into();
        }
        if with_refresh && !granted.has("no-refresh") {
            tokens["refresh_token"] = self.next_refresh(&mut state.families, ticket).into();
        }
        tokens
    }

    fn next_refresh(&self, families: &mut Families, ticket: Ticket) -> String {
        let ticket = Ticket { serial: families.number(&ticket), ..ticket };
        families.rotate(&ticket);
        ticket.written(Kind::Refresh, self.seed)
    }
}

/// An account's id at the vendor, in the form of a UUID.
pub(super) fn account_id(subject: &str) -> String {
    let digest = Sha256::digest(["account of ", subject].concat());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An unsigned JWT (RFC 7519 §6): whoever takes it straight from this endpoint needs no signature.
fn id_token(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    [&part(&json!({ "alg": "none", "typ": "JWT" })), ".", &part(claims), "."].concat()
}

/// Some vendors take nothing but JSON.
fn in_json(scope: &Scope, params: &Params) -> Result<(), Refusal> {
    if scope.has("json-only") && !params.is_json {
        return Err(Refusal::invalid_request("the body must be JSON here"));
    }
    Ok(())
}

/// Trouble that comes before anything is done; the rest of it is with the answer.
fn done_before(trouble: Option<Trouble>) -> Result<Option<Granted>, Refusal> {
    match trouble {
        None | Some(Trouble::Lost | Trouble::Slow) => Ok(None),
        Some(Trouble::InvalidGrant) => {
            Err(Refusal::invalid_grant("the grant is not good any more, as the scope asks"))
        }
        Some(trouble) => Ok(Some(Granted::Nothing(trouble))),
    }
}

fn sent(tokens: &Value, trouble: Option<Trouble>) -> Response<RelayBody> {
    let body = Bytes::from(tokens.to_string());
    let steps = match trouble {
        Some(Trouble::Lost) => vec![Step::Send(body.slice(..body.len() / 2)), Step::Yield, Step::Break],
        Some(Trouble::Slow) => vec![Step::Wait(SLOW), Step::Send(body)],
        _ => return answer::json(StatusCode::OK, tokens),
    };
    made(StatusCode::OK, "application/json", boxed_body(PacedBody::new(steps)))
}

/// What is answered when nothing was done.
fn nothing(trouble: Trouble) -> Option<Response<RelayBody>> {
    let page = |status, text: &'static str| made(status, "text/html", full_body(text));
    Some(match trouble {
        Trouble::Hang => return None,
        Trouble::Busy => {
            let body =
                json!({ "error": "temporarily_unavailable", "error_description": "too many requests" });
            let mut response = answer::json(StatusCode::TOO_MANY_REQUESTS, &body);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Trouble::Garbage => page(StatusCode::OK, "<html>Welcome to this network!"),
        _ => page(StatusCode::INTERNAL_SERVER_ERROR, "<html>Internal Server Error"),
    })
}
