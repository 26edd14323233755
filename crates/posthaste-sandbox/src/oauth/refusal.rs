//! Errors as RFC 6749 §5.2 and RFC 8628 §3.5 have them.

use std::borrow::Cow;

use http::{HeaderValue, Response, StatusCode, header};
use posthaste_core::RelayBody;
use serde_json::json;

use super::answer;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The code of the RFC.
    pub(super) error: &'static str,
    pub(super) description: Cow<'static, str>,
    status: StatusCode,
}

impl Refusal {
    pub(super) fn new(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self { error, description: description.into(), status: StatusCode::BAD_REQUEST }
    }

    pub(super) fn invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_request", description)
    }

    pub(super) fn invalid_grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_grant", description)
    }

    /// The one that has a status of its own.
    pub(super) fn invalid_client(description: &'static str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", description) }
    }

    /// As the token endpoint says it.
    pub(super) fn answer(&self) -> Response<RelayBody> {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = answer::json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"sandbox\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
