//! Shaping a request: what all vendors share.

use http::Method;
use posthaste_core::{Dialect, Payload};

use crate::{
    Outbound, PrepareError,
    auth::{write_content_headers, write_credential},
    headers::copy_client_headers,
};

/// What differs between the vendors' requests; the body and who asks stand in the [`Outbound`].
#[derive(Debug)]
pub(crate) struct Shape {
    /// Where it goes: the account's base URL, the path and the query.
    pub(crate) address: String,
    /// Which form of answer is expected.
    pub(crate) accept: &'static str,
    /// Whose list of client headers holds; `None` lets none of them travel.
    pub(crate) client_headers: Option<Dialect>,
}

impl Shape {
    /// The shape for vendors that want the headers of the body's own dialect, unless it was translated: what a client says
    /// about its own dialect may be false in another.
    pub(crate) fn of(outbound: &Outbound<'_>, address: String, accept: &'static str) -> Self {
        let client_headers = (!outbound.translated).then_some(outbound.dialect);
        Self { address, accept, client_headers }
    }

    /// The request, with the account's credential in a header.
    ///
    /// # Errors
    /// When the address or the credential cannot be written into a request.
    pub(crate) fn request(self, outbound: &Outbound<'_>) -> Result<http::Request<Payload>, PrepareError> {
        let mut request = self.without_credential(outbound)?;
        write_credential(outbound.account, outbound.credential, request.headers_mut())?;
        Ok(request)
    }

    /// The request without the credential, for vendors that want it signed.
    ///
    /// # Errors
    /// When the address cannot be written into a request.
    pub(crate) fn without_credential(
        self,
        outbound: &Outbound<'_>,
    ) -> Result<http::Request<Payload>, PrepareError> {
        let mut request = http::Request::builder()
            .method(Method::POST)
            .uri(self.address)
            .body(outbound.body.clone())
            .map_err(|source| PrepareError::Address { account: outbound.account.name.clone(), source })?;
        let headers = request.headers_mut();
        headers.reserve(ROOM);
        if let Some(dialect) = self.client_headers {
            copy_client_headers(dialect, outbound.client_headers, headers);
        }
        write_content_headers(self.accept, headers);
        Ok(request)
    }
}

/// What a JSON API is told to expect when the answer is whole.
pub(crate) const JSON: &str = "application/json";

/// What a JSON API is told to expect when the answer is a stream of events.
pub(crate) const EVENTS: &str = "text/event-stream";

/// JSON or events, as the client asked.
pub(crate) const fn json_or_events(streamed: bool) -> &'static str {
    if streamed { EVENTS } else { JSON }
}

/// Room for as many headers as clients' SDKs send.
const ROOM: usize = 16;
