//! What an endpoint works with.

use std::sync::Arc;

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue};
use parking_lot::Mutex;
use posthaste_admin::{
    Acted, Actor, Admin, AdminError, Command, KnownPerson, NotKnown, Replied, SignedIn, Visit,
};
use posthaste_core::{ClientKey, Secret};

use super::{session, ticket};

/// A request whose sender may have it.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) admin: Admin,
    pub(super) actor: Actor,
    pub(super) person: Option<KnownPerson>,
    pub(super) client_key: Option<ClientKey>,
    pub(super) visit: Visit,
    /// Whether it came over TLS.
    pub(super) secure: bool,
    /// Whether the peer's word counts on where requests come from.
    pub(super) by_trusted_proxy: bool,
    /// The session's token where the request came with the cookie.
    pub(super) cookie: Option<String>,
    /// The request's head, as it came.
    pub(super) headers: HeaderMap,
    /// What the server noted of it.
    pub(super) extensions: Extensions,
    /// The relay's own routes, where there is a relay.
    pub(super) relayed: Option<Router>,
    /// The largest body that the relay takes from clients.
    pub(super) max_body_bytes: usize,
    pub(super) version: &'static str,
    pub(super) parameters: Arc<Vec<(String, String)>>,
    pub(super) query: Option<String>,
    pub(super) body: Bytes,
    /// The body where the work itself reads it, piece by piece.
    pub(super) unread: Arc<Mutex<Option<Body>>>,
    pub(super) set_cookies: Arc<Mutex<Vec<HeaderValue>>>,
    /// The version that the record has to have, where the sender says so.
    pub(super) seen: Option<u64>,
    /// The version of the record that was told or changed.
    pub(super) record_version: Arc<Mutex<Option<u64>>>,
}

impl Asked {
    /// A parameter of the path.
    pub(super) fn parameter(&self, name: &str) -> String {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Has a command carried out for whoever asked.
    pub(super) async fn act<T: Replied>(&self, command: Command) -> Result<T, AdminError> {
        let Acted { reply, version } = self.admin.act_on(&self.actor, command, self.seen).await?;
        *self.record_version.lock() = version;
        T::from_reply(reply)
            .ok_or_else(|| AdminError::internal("a reply", "it is of another kind than the command asks for"))
    }

    /// The person who asks. Endpoints that call this have a door for people only.
    pub(super) fn person(&self) -> Result<&KnownPerson, AdminError> {
        let unknown = AdminError::Unauthenticated { what: NotKnown::LogIn, missing: None };
        self.person.as_ref().ok_or(unknown)
    }

    /// The client key that was presented. Endpoints that call this have a door for those only.
    pub(super) fn client_key(&self) -> Result<&ClientKey, AdminError> {
        let unknown = AdminError::Unauthenticated { what: NotKnown::SendClientKey, missing: None };
        self.client_key.as_ref().ok_or(unknown)
    }

    /// Gives the browser its session.
    pub(super) fn give_session(&self, signed: &SignedIn) {
        self.set_cookies.lock().extend(session::set(&signed.token, self.secure));
    }

    /// Takes the browser's session away.
    pub(super) fn take_session(&self) {
        self.set_cookies.lock().push(session::clear());
    }

    /// What the browser keeps of a log-in at the identity provider.
    pub(super) fn ticket(&self) -> Option<String> {
        ticket::read(&self.headers)
    }

    /// Has the browser keep that, or forget it.
    pub(super) fn keep_ticket(&self, ticket: Option<&Secret>) {
        let cookie = match ticket {
            Some(ticket) => ticket::set(ticket, self.secure),
            None => Some(ticket::clear()),
        };
        self.set_cookies.lock().extend(cookie);
    }
}
