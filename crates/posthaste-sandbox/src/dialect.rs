//! What the dialects do differently once a request is known to be theirs.

use http::{HeaderValue, Response, StatusCode, header};
use posthaste_core::{RelayBody, full_body};
use sha2::Sha256;

use crate::{
    azure,
    brain::short_id,
    error::{ApiError, ErrorKind, Trouble},
    messages, openai,
};

/// A wire API, as far as errors, models and ids go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Messages,
    /// Chat Completions, Responses and what stands around them.
    OpenAi,
    Azure,
}

impl Dialect {
    /// Whether the sandbox answers for a model of this name here.
    pub(crate) fn serves(self, model: &str) -> bool {
        match self {
            Self::Messages => messages::models::is_served(model),
            Self::OpenAi | Self::Azure => openai::family::is_served(model),
        }
    }

    /// The error for a model that is not [served](Self::serves).
    pub(crate) fn unknown_model(self, model: &str) -> ApiError {
        match self {
            Self::Messages => messages::models::unknown(model),
            Self::OpenAi => openai::error::unknown_model(model),
            Self::Azure => azure::no_deployment(),
        }
    }

    /// The error for a path that is none of this dialect's.
    pub(crate) fn no_such_path(self) -> ApiError {
        match self {
            Self::Messages => ApiError::new(ErrorKind::NotFound, "Not Found"),
            Self::OpenAi => ApiError::new(ErrorKind::NotFound, "Invalid URL"),
            Self::Azure => azure::no_resource(),
        }
    }

    /// The vendor's words for what a fault model asks for.
    pub(crate) fn trouble(self, trouble: Trouble) -> ApiError {
        match self {
            Self::Messages => messages::error::of(trouble),
            Self::OpenAi => openai::error::of(trouble),
            Self::Azure => azure::of(trouble),
        }
    }

    /// The body of an answer with this error.
    pub(crate) fn error_body(self, error: &ApiError, request_id: &str) -> String {
        match self {
            Self::Messages => messages::error::body(error, request_id),
            Self::OpenAi => openai::error::body(error),
            Self::Azure => azure::body(error),
        }
    }

    /// The answer with this error.
    pub(crate) fn refusal(self, error: &ApiError, request_id: &str) -> Response<RelayBody> {
        let mut response = Response::new(full_body(self.error_body(error, request_id)));
        *response.status_mut() = self.status(error);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = error.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self == Self::Messages && error.kind == ErrorKind::Authentication {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        response
    }

    /// An id for an answer, out of a digest of what was asked.
    pub(crate) fn request_id(self, digest: Sha256) -> String {
        match self {
            Self::Messages | Self::OpenAi | Self::Azure => format!("req_{}", short_id(digest)),
        }
    }

    /// The header that tells the request's id.
    pub(crate) const fn id_header(self) -> &'static str {
        match self {
            Self::Messages => "request-id",
            Self::OpenAi => "x-request-id",
            Self::Azure => "apim-request-id",
        }
    }

    fn status(self, error: &ApiError) -> StatusCode {
        match self {
            Self::Messages => messages::error::status(error.kind),
            Self::OpenAi | Self::Azure => openai::error::status(error.kind),
        }
    }
}
