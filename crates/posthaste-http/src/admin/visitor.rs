//! Who comes to a page: found out as for the admin API, so that there is one door.

use http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use posthaste_admin::{Actor, Admin, AdminError, KnownPerson, Visit, Who, csrf_token};
use posthaste_core::Secret;
use subtle::ConstantTimeEq;

use super::{AdminFront, mask, serve, session, ticket};
use crate::extract::address::{self, Peer};

/// Who comes to a page.
#[derive(Clone, Debug)]
pub struct PageVisitor {
    /// Where from.
    pub visit: Visit,
    /// Who, where a session is presented that goes on.
    pub person: Option<KnownPerson>,
    /// Whether the page was asked for over TLS.
    pub secure: bool,
    session: Option<String>,
    ticket: Option<String>,
}

impl PageVisitor {
    /// As one who acts.
    pub fn actor(&self) -> Actor {
        let address = self.visit.address;
        match &self.person {
            Some(person) => person.actor(address),
            None => Actor { who: Who::Stranger, address },
        }
    }

    /// What the page's forms send along as `csrf`; empty for whom nobody knows.
    pub fn csrf(&self) -> String {
        self.token().map(|token| mask::put_on(&token)).unwrap_or_default()
    }

    fn token(&self) -> Option<String> {
        self.session.as_deref().filter(|_| self.person.is_some()).map(csrf_token)
    }

    /// Refuses a form that no page of this session's sent.
    ///
    /// # Errors
    /// [`AdminError::Forbidden`].
    pub fn check_form(&self, csrf: &str) -> Result<(), AdminError> {
        let sent = mask::take_off(csrf);
        if let (Some(own), Some(sent)) = (self.token(), sent)
            && bool::from(sent.as_bytes().ct_eq(own.as_bytes()))
        {
            return Ok(());
        }
        Err(AdminError::Forbidden { need: "a form of a page of this log-in; load the page again".to_owned() })
    }

    /// What of a log-in at the identity provider the browser has kept.
    pub fn ticket(&self) -> Option<&str> {
        self.ticket.as_deref()
    }

    /// What gives the browser a session.
    pub fn begin_session(&self, token: &Secret) -> Option<HeaderValue> {
        session::set(token, self.secure)
    }

    /// What takes it away.
    pub fn end_session(&self) -> HeaderValue {
        session::clear()
    }
}

impl AdminFront {
    /// The services.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Finds out who comes to a page, and refuses another site's page that wants to change something here.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] and [`AdminError::Forbidden`] for a host or a site that is not ours, or when the store fails.
    pub async fn visitor(&self, head: &Parts) -> Result<PageVisitor, AdminError> {
        serve::check_host(self, &head.headers, head.uri.authority())?;
        session::refuse_other_sites(&head.method, &head.headers)?;
        let options = self.options.now();
        let address =
            address::of_client(Peer::of(&head.extensions), &head.headers, &options.trusted_proxies).ok();
        let agent = head.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let presented = session::cookie(&head.headers);
        let person = match &presented {
            Some(presented) => self.admin.sign_in().person(presented).await?,
            None => None,
        };
        Ok(PageVisitor {
            visit: Visit { address, agent: agent.unwrap_or_default().to_owned() },
            person,
            secure: serve::secure(self, head),
            session: presented,
            ticket: ticket::read(&head.headers),
        })
    }
}

/// Whether whoever asks for the relay's base address is a person with a browser.
pub(crate) fn wants_page(method: &Method, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    method == Method::GET && accept.contains("text/html")
}
