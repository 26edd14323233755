//! Who is at the other end.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, header};
use posthaste_admin::{Actor, AdminError, AdminFailure, FailureKind, Who};
use posthaste_core::{Fault, FaultKind, Origin, Secret};
use posthaste_gateway::{Caller, Visitor};

use super::{origin, seats::SeatOwner};
use crate::{
    AdminFront, admin,
    extract::{
        address::{self, Peer},
        caller::presented_keys,
    },
    routes::Front,
};

/// Where a connection comes from, as the request that opened it told.
pub(super) struct Visit {
    pub(super) front: Front,
    pub(super) headers: HeaderMap,
    pub(super) peer: Peer,
}

/// Somebody who is known.
pub(super) enum Known {
    /// An operator, who may watch.
    Operator(Box<Operator>),
    /// The holder of a client key, who may ask models.
    Client(Secret, Caller),
}

/// An operator, and how it is found out again who that is.
pub(super) struct Operator {
    pub(super) admin: AdminFront,
    pub(super) actor: Actor,
    presented: Secret,
}

impl Known {
    /// Whose connection it is.
    pub(super) fn owner(&self) -> SeatOwner {
        match self {
            Self::Client(_, caller) => SeatOwner::Known(caller.key().id.uuid()),
            Self::Operator(operator) => match &operator.actor.who {
                Who::User { id, .. } => SeatOwner::Known(id.uuid()),
                Who::Token { id, .. } => SeatOwner::Known(id.uuid()),
                Who::Machine { .. } | Who::Stranger => SeatOwner::Stranger,
            },
        }
    }
}

impl Visit {
    /// Whoever the request that opens the connection presents; `None` where it presents nothing, which may come by message.
    ///
    /// # Errors
    /// Where nothing that is presented is known, or what is known may not come in.
    pub(super) async fn presented(&self) -> Result<Option<Known>, Fault> {
        origin::check(&self.front, &self.headers)?;
        let by_protocol = origin::protocols(&self.headers).filter_map(|name| name.strip_prefix(AUTH));
        let mut refusal = None;
        // As over HTTP, the first one that is known counts. None is taken from the query, which ends up in logs.
        for presented in presented_keys(&self.headers, None).chain(by_protocol) {
            match self.enter(presented).await {
                Err(fault) if fault.kind == FaultKind::Unauthenticated => refusal = Some((fault, presented)),
                outcome => return outcome.map(Some),
            }
        }
        match refusal {
            Some((fault, presented)) => {
                self.front.relay.turned_away(&self.visitor(), presented).await;
                Err(fault)
            }
            None => self.by_cookie().await,
        }
    }

    /// Whose this secret is: an API token's, a client key's, or a session's.
    pub(super) async fn enter(&self, presented: &str) -> Result<Known, Fault> {
        if let Some(admin) = &self.front.admin
            && let Some(who) = admin.admin.tokens().actor(presented).await.map_err(|error| fault(&error))?
        {
            return self.operator(admin, Actor { who, address: self.address() }, presented);
        }
        let unknown = match self.caller(presented).await {
            Ok(caller) => return Ok(Known::Client(Secret::new(presented), caller)),
            Err(unknown) if unknown.kind == FaultKind::Unauthenticated => unknown,
            Err(refused) => return Err(refused),
        };
        match self.session(presented).await? {
            Some((admin, actor)) => self.operator(admin, actor, presented),
            None => Err(unknown),
        }
    }

    /// The caller whose client key this is, if it opens the door now.
    pub(super) async fn caller(&self, presented: &str) -> Result<Caller, Fault> {
        self.front.relay.let_in(Some(presented), &self.visitor()).await
    }

    fn visitor(&self) -> Visitor<'_> {
        Visitor {
            address: address::of_client(self.peer, &self.headers, &self.front.options.now().trusted_proxies),
            user_agent: self.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()),
        }
    }

    /// A browser sends its cookie wherever a page wants it to, and tells which page that was: without that word, the cookie counts
    /// for nothing.
    async fn by_cookie(&self) -> Result<Option<Known>, Fault> {
        if !self.headers.contains_key(header::ORIGIN) {
            return Ok(None);
        }
        let Some(presented) = admin::session_cookie(&self.headers) else { return Ok(None) };
        match self.session(&presented).await? {
            Some((admin, actor)) => self.operator(admin, actor, &presented).map(Some),
            // A session that is over keeps nobody from logging in by message.
            None => Ok(None),
        }
    }

    async fn session(&self, presented: &str) -> Result<Option<(&AdminFront, Actor)>, Fault> {
        let Some(admin) = &self.front.admin else { return Ok(None) };
        let person = admin.admin.sign_in().person(presented).await.map_err(|error| fault(&error))?;
        Ok(person.map(|person| (admin, person.actor(self.address()))))
    }

    fn operator(&self, admin: &AdminFront, actor: Actor, presented: &str) -> Result<Known, Fault> {
        admin::check_host(admin, &self.headers, None).map_err(|error| fault(&error))?;
        if !super::topic::Topic::ALL.into_iter().any(|topic| actor.may(topic.need())) {
            let message = "this log-in may see nothing of what is told here: it needs the role `viewer` or more, or a token with a scope such as system:read";
            return Err(Fault::new(FaultKind::PermissionDenied, Origin::Client, message));
        }
        let operator = Operator { admin: admin.clone(), actor, presented: Secret::new(presented) };
        Ok(Known::Operator(Box::new(operator)))
    }

    fn address(&self) -> Option<IpAddr> {
        address::of_client(self.peer, &self.headers, &self.front.options.now().trusted_proxies).ok()
    }
}

impl Operator {
    /// Looks again who that is and what they may do; `false` when that is over. A store that is away ends nothing.
    pub(super) async fn is_known_still(&mut self) -> bool {
        let presented = self.presented.expose();
        let service = &self.admin.admin;
        let found = match &self.actor.who {
            Who::Token { .. } => service.tokens().actor(presented).await,
            _ => service
                .sign_in()
                .still(presented)
                .await
                .map(|person| person.map(|person| person.actor(self.actor.address).who)),
        };
        match found {
            Ok(Some(who)) => {
                self.actor.who = who;
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::debug!(%error, "whether an operator is still known cannot be looked up");
                true
            }
        }
    }
}

/// What operators' services refuse, as a fault.
pub(super) fn fault(error: &AdminError) -> Fault {
    let AdminFailure { kind, message, .. } = AdminFailure::from(error);
    let (kind, origin) = match kind {
        FailureKind::Invalid | FailureKind::Conflict => (FaultKind::InvalidRequest, Origin::Client),
        FailureKind::NotFound => (FaultKind::NotFound, Origin::Client),
        FailureKind::Forbidden => (FaultKind::PermissionDenied, Origin::Client),
        FailureKind::Unauthenticated => (FaultKind::Unauthenticated, Origin::Client),
        FailureKind::TooMany => (FaultKind::RateLimited, Origin::Client),
        FailureKind::Upstream => (FaultKind::UpstreamFailed, Origin::Relay),
        FailureKind::Internal => (FaultKind::Overloaded, Origin::Relay),
    };
    Fault::new(kind, origin, message)
}

/// Before a secret among the sub-protocols: browsers' pages can set no header, but name these.
const AUTH: &str = "posthaste.auth.";

/// The one sub-protocol that is spoken.
pub(super) const PROTOCOL: &str = "posthaste.v1";

/// Whether a page named a secret and nothing that could be agreed on, which browsers do not forgive.
pub(super) fn lacks_protocol(headers: &HeaderMap) -> bool {
    let mut named = origin::protocols(headers).peekable();
    named.peek().is_some() && !named.any(|name| name == PROTOCOL)
}

/// The headers without what nobody needs once the connection is open.
pub(super) fn lasting(headers: HeaderMap) -> HeaderMap {
    let mut headers = crate::socket::lasting(headers);
    for name in [header::COOKIE, header::AUTHORIZATION, header::ORIGIN] {
        headers.remove(name);
    }
    for name in ["x-api-key", "x-goog-api-key", "api-key"] {
        headers.remove(name);
    }
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static("posthaste-websocket"));
    headers
}
