//! An authorization server beside the imitation vendor's API, so that every login can be tried with no vendor at all.
//!
//! Authorization code with PKCE (RFC 6749 §4.1, RFC 7636), device authorization (RFC 8628) and refresh tokens that
//! rotate (RFC 9700 §4.14.2). Words in the scope ask for misbehaviour, as names of models do in the API; see `wish.rs`.
//! Beside it an OpenID provider, at which people log in to the relay itself; see `identity.rs`.
//! Whatever is made is made from the seed, the clock and the requests before, never from chance.

mod answer;
mod authorize;
mod bounded;
mod client;
mod codes;
mod device;
mod family;
mod holder;
mod identity;
mod page;
mod params;
mod refusal;
mod ticket;
mod token;
mod wish;

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, Request, Response};
use parking_lot::Mutex;
use posthaste_core::{Clock, Payload, RelayBody, Timestamp};
use sha2::{Digest, Sha256};

pub use client::{SANDBOX_CLIENT_ID, SANDBOX_CONFIDENTIAL_CLIENT_ID, SANDBOX_CONFIDENTIAL_CLIENT_SECRET};
pub(crate) use holder::Holder;

use codes::Codes;
use device::Devices;
use family::Families;
use identity::{Identities, IdentityEndpoint};

/// The server and what it remembers; everything that it remembers is bounded.
pub(crate) struct OAuth {
    seed: u64,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    codes: Codes,
    devices: Devices,
    families: Families,
    identities: Identities,
    /// How many names were made up.
    made: u64,
}

/// What the server does, by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// Where a person gives or refuses consent.
    Authorize,
    /// Where a person sees the code, for logins that take it by hand.
    ShowCode,
    Token,
    DeviceAuthorization,
    /// Where a person enters the code that a device shows.
    Activate,
    UserInfo,
    /// One of the OpenID provider's.
    Identity(IdentityEndpoint),
}

impl OAuth {
    pub(crate) fn new(seed: u64, clock: Arc<dyn Clock>) -> Self {
        Self { seed, clock, state: Mutex::default() }
    }

    /// The answer; `None` when there shall never be one.
    pub(crate) fn answer(
        &self,
        endpoint: Endpoint,
        request: &Request<Payload>,
    ) -> Option<Response<RelayBody>> {
        Some(match (endpoint, request.method()) {
            (Endpoint::Authorize, &Method::GET | &Method::POST) => self.authorize(request),
            (Endpoint::ShowCode, &Method::GET) => authorize::show_code(request),
            (Endpoint::Token, &Method::POST) => return self.token(request),
            (Endpoint::DeviceAuthorization, &Method::POST) => self.authorize_device(request),
            (Endpoint::Activate, &Method::GET | &Method::POST) => self.activate(request),
            (Endpoint::UserInfo, &Method::GET) => self.user_info(request),
            (Endpoint::Identity(endpoint), _) => self.identity(endpoint, request),
            _ => answer::method_not_allowed(),
        })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A name that this server has not given before, and that no other one gives in answer to other requests.
    fn name(&self, state: &mut State, purpose: &str, from: &str) -> String {
        state.made += 1;
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(state.made.to_be_bytes())
            .chain_update(self.now().as_micros().to_be_bytes())
            .chain_update([purpose, "\n", from].concat());
        URL_SAFE_NO_PAD.encode(&digest.finalize()[..NAME_LEN])
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// The endpoint of a path, if it is one of this server's; anything may stand before it.
pub(crate) fn endpoint(path: &str) -> Option<Endpoint> {
    if let Some(endpoint) = identity::endpoint(path) {
        return Some(Endpoint::Identity(endpoint));
    }
    let (_, name) = path.rsplit_once("/oauth/")?;
    Some(match name {
        "authorize" => Endpoint::Authorize,
        "code" => Endpoint::ShowCode,
        "token" => Endpoint::Token,
        "device" => Endpoint::DeviceAuthorization,
        "activate" => Endpoint::Activate,
        "userinfo" => Endpoint::UserInfo,
        _ => return None,
    })
}

/// Whether a verifier fits the challenge that was given before it (RFC 7636 §4.6).
fn verifies(challenge: &str, verifier: &str) -> bool {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) == challenge
}

/// A SHA-256 in base64url (RFC 7636 §4.2).
fn is_challenge(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|digest| digest.len() == 32)
}

/// Bytes.
const NAME_LEN: usize = 18;
