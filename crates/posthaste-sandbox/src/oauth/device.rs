//! Logging in a device that has no browser (RFC 8628).

use std::time::Duration;

use http::{Request, Response, StatusCode, header};
use posthaste_core::{Payload, RelayBody, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    OAuth,
    answer::{self, page},
    authorize::{Consent, SOMEONE, challenge, consent},
    bounded::Bounded,
    client::Client,
    page,
    params::Params,
    refusal::Refusal,
    ticket::Ticket,
    wish::Scope,
};
use crate::SANDBOX_BASE_URL;

#[derive(Debug, Default)]
pub(super) struct Devices(Bounded<Device, MOST>);

/// A device that waits for a person's consent.
#[derive(Clone, Debug)]
pub(super) struct Device {
    /// What the tokens will say; who consents is filled in then.
    pub(super) ticket: Ticket,
    user_code: String,
    pub(super) challenge: Option<String>,
    expires_at: Timestamp,
    interval: Duration,
    polled_at: Option<Timestamp>,
    polls: u32,
    answer: Option<Answer>,
    used: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Allowed,
    Refused,
}

impl OAuth {
    /// The device authorization endpoint (RFC 8628 §3.1).
    pub(super) fn authorize_device(&self, request: &Request<Payload>) -> Response<RelayBody> {
        self.device_begun(request).unwrap_or_else(|refusal| refusal.answer())
    }

    fn device_begun(&self, request: &Request<Payload>) -> Result<Response<RelayBody>, Refusal> {
        let params = Params::of_body(request)?;
        let client = Client::authenticated(request.headers(), &params)?;
        let scope = Scope::asked(params.get("scope"))?;
        let challenge = challenge(&params)?;
        let mut state = self.state.lock();
        let from = challenge.unwrap_or_default();
        let device_code = self.name(&mut state, "device", from);
        let family = self.name(&mut state, "family", from);
        let user_code = user_code(&self.name(&mut state, "user", from));
        let device = Device {
            ticket: Ticket::new(client.id, SOMEONE, &scope, &family),
            user_code: user_code.clone(),
            challenge: challenge.map(str::to_owned),
            expires_at: self.now().plus(scope.device_lifetime()),
            interval: scope.interval(),
            polled_at: None,
            polls: 0,
            answer: None,
            used: false,
        };
        state.devices.0.get_or(&device_code, || device);
        let page = [&*reached_at(request), "/oauth/activate"].concat();
        let body = json!({
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?user_code={user_code}"),
            "expires_in": scope.device_lifetime().as_secs(),
            "interval": scope.interval().as_secs(),
        });
        Ok(answer::json(StatusCode::OK, &body))
    }

    /// The page on which a person enters the code (RFC 8628 §3.3).
    pub(super) fn activate(&self, request: &Request<Payload>) -> Response<RelayBody> {
        let read = Params::of_page(request);
        let answered = match &read {
            Ok(params) => self.activated(params),
            Err(refusal) => return page(StatusCode::BAD_REQUEST, page::error(&refusal.description)),
        };
        let user_code = read.as_ref().ok().and_then(|params| params.get("user_code"));
        match answered {
            Ok(Some(approved)) => page(StatusCode::OK, page::done(approved)),
            Ok(None) => page(StatusCode::OK, page::activate(user_code, None)),
            Err(refusal) => {
                page(StatusCode::BAD_REQUEST, page::activate(user_code, Some(&refusal.description)))
            }
        }
    }

    /// Whether the device was allowed; `None` when the person has said nothing yet.
    fn activated(&self, params: &Params) -> Result<Option<bool>, Refusal> {
        let consent = consent(params)?;
        let approved = match consent {
            Consent::Open => return Ok(None),
            Consent::Given(_) => true,
            Consent::Refused => false,
        };
        let typed: String = params.required("user_code")?.chars().filter(char::is_ascii_alphabetic).collect();
        let typed = typed.to_ascii_uppercase();
        let now = self.now();
        let mut state = self.state.lock();
        let mut waiting = state.devices.0.values_mut().filter(|device| device.expires_at > now);
        let device =
            waiting.find(|device| device.user_code.replace('-', "") == typed && device.answer.is_none());
        let device = device.ok_or_else(|| Refusal::invalid_request("no device waits with this code"))?;
        if let Consent::Given(subject) = consent {
            subject.clone_into(&mut device.ticket.subject);
        }
        device.answer = Some(if approved { Answer::Allowed } else { Answer::Refused });
        Ok(Some(approved))
    }
}

impl Devices {
    /// The device that polls, once it was allowed (RFC 8628 §3.5).
    pub(super) fn polled(&mut self, code: &str, client: &Client, now: Timestamp) -> Result<&Device, Refusal> {
        let unknown = || Refusal::invalid_grant("there is no such device code");
        let device = self.0.get_mut(code).filter(|device| device.ticket.client == client.id);
        let device = device.filter(|device| !device.used).ok_or_else(unknown)?;
        if now >= device.expires_at {
            return Err(Refusal::new("expired_token", "the device code has ended"));
        }
        let too_soon = device.polled_at.is_some_and(|at| now.since(at) + LENIENCE < device.interval);
        device.polled_at = Some(now);
        device.polls += 1;
        if too_soon || (device.polls == 1 && device.ticket.scope().has("slow-down-once")) {
            device.interval += SLOWER;
            return Err(Refusal::new("slow_down", "too many questions: wait five seconds more between two"));
        }
        let scope = device.ticket.scope();
        if device.answer.is_none() && device.polls >= POLLS_TO_CONSENT {
            device.answer = match () {
                () if scope.has("auto-approve") => Some(Answer::Allowed),
                () if scope.has("auto-deny") => Some(Answer::Refused),
                () => None,
            };
        }
        match device.answer {
            None => Err(Refusal::new("authorization_pending", "nobody has answered yet")),
            Some(Answer::Refused) => Err(Refusal::new("access_denied", "the person refused")),
            Some(Answer::Allowed) => Ok(device),
        }
    }

    pub(super) fn use_up(&mut self, code: &str) {
        if let Some(device) = self.0.get_mut(code) {
            device.used = true;
        }
    }
}

/// Where this server is reached by whoever asks: in this process by its own name, through a listener by the listener's.
fn reached_at(request: &Request<Payload>) -> String {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    host.map_or_else(|| SANDBOX_BASE_URL.to_owned(), |host| format!("http://{host}"))
}

/// Eight letters without vowels, in two groups (RFC 8628 §6.1).
fn user_code(name: &str) -> String {
    let digest = Sha256::digest(name);
    let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
    let letters: String = digest.iter().take(8).map(letter).collect();
    [&letters[..4], &letters[4..]].join("-")
}

const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const MOST: usize = 1_000;
/// RFC 8628 §3.5.
const SLOWER: Duration = Duration::from_secs(5);
/// The device's clock and this one do not tick together.
const LENIENCE: Duration = Duration::from_millis(100);
/// The first question always finds the person still thinking.
const POLLS_TO_CONSENT: u32 = 2;
