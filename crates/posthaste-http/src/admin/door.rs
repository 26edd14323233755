//! Who may come in.

use std::net::IpAddr;

use http::{HeaderMap, Method, header, request::Parts};
use posthaste_admin::{Actor, AdminError, Disclosed, KnownPerson, NotKnown, Who};
use posthaste_core::{ClientKey, Scope, Secret};

use super::{AdminFront, session};
use crate::extract::caller::presented_keys;

/// To whom an endpoint is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// To everybody: where one logs in.
    Open,
    /// To people who have logged in.
    Person,
    /// To people and tokens: what they ask for decides whether they may.
    Known,
    /// To those who present a client key that opens the relay's door.
    ClientKey,
    /// To people and tokens that may do this.
    Needs(Scope),
}

/// Who came in.
pub(super) struct Visitor {
    pub(super) actor: Actor,
    pub(super) person: Option<KnownPerson>,
    pub(super) client_key: Option<ClientKey>,
}

/// Finds out who comes and whether the door is open to him. Whatever is wrong with what was presented, nobody comes in by it.
pub(super) async fn enter(
    front: &AdminFront,
    door: Door,
    head: &Parts,
    address: Option<IpAddr>,
) -> Result<Visitor, AdminError> {
    let (method, headers) = (&head.method, &head.headers);
    let stranger =
        || Visitor { actor: Actor { who: Who::Stranger, address }, person: None, client_key: None };
    match door {
        Door::Open => {
            // Another site's page must not log its visitor in here either.
            session::refuse_other_sites(method, headers)?;
            return Ok(stranger());
        }
        Door::ClientKey => {
            let presented = presented_keys(headers, head.uri.query()).next();
            let presented = Disclosed::new(Secret::new(presented.unwrap_or_default()));
            let key = front.admin.holders().key(&presented, address).await?;
            return Ok(Visitor { client_key: Some(key), ..stranger() });
        }
        Door::Person | Door::Known | Door::Needs(_) => {}
    }
    let visitor = known(front, method, headers, address).await?;
    match door {
        Door::Needs(need) => visitor.actor.check(need)?,
        Door::Person if visitor.person.is_none() => {
            return Err(AdminError::Forbidden {
                need: "a person's log-in; tokens have no profile".to_owned(),
            });
        }
        Door::Person | Door::Known | Door::Open | Door::ClientKey => {}
    }
    Ok(visitor)
}

async fn known(
    front: &AdminFront,
    method: &Method,
    headers: &HeaderMap,
    address: Option<IpAddr>,
) -> Result<Visitor, AdminError> {
    if let Some(presented) = bearer(headers) {
        if let Some(who) = front.admin.tokens().actor(presented).await? {
            return Ok(Visitor { actor: Actor { who, address }, person: None, client_key: None });
        }
        // A browser sends no such header by itself, so that nothing else is asked for.
        let person = front.admin.sign_in().person(presented).await?.ok_or_else(unknown)?;
        return Ok(Visitor { actor: person.actor(address), person: Some(person), client_key: None });
    }
    // Named, so that who sent it knows that something on the way took it.
    let presented = session::cookie(headers).ok_or_else(|| unauthenticated(Some("authorization")))?;
    let person = front.admin.sign_in().person(&presented).await?.ok_or_else(unknown)?;
    session::refuse_forged(method, headers, &presented)?;
    Ok(Visitor { actor: person.actor(address), person: Some(person), client_key: None })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

fn unknown() -> AdminError {
    unauthenticated(None)
}

fn unauthenticated(missing: Option<&'static str>) -> AdminError {
    AdminError::Unauthenticated { what: NotKnown::LogInOrToken, missing }
}
