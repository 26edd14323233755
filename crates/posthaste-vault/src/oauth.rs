//! Logging in with OAuth 2.0 and keeping the tokens that come of it.
//!
//! - [`OAuthProvider`]: what is publicly known of a vendor's endpoints, as data; no client of any vendor is in it.
//! - [`OAuthClients`]: the operator's own OAuth clients, from the configuration.
//! - [`OAuthFlows`]: authorization code with PKCE (RFC 6749 §4.1, RFC 7636), device authorization (RFC 8628), refresh.
//! - [`Loopback`]: takes the browser's redirect on this machine (RFC 8252 §7.3).

mod answer;
mod client;
mod error;
mod exchange;
mod facts;
mod flows;
mod loopback;
mod pasted;
mod provider;
mod ticket;

pub use client::{OAuthClient, OAuthClients, OAuthSettings};
pub use error::OAuthError;
pub use flows::{CodeStart, DevicePoll, DeviceStart, OAuthFlows};
pub use loopback::Loopback;
pub use provider::{Fact, FactSource, OAuthProvider, TokenBody, TokenCheck, oauth_provider, oauth_providers};
pub use ticket::LoginTicket;
