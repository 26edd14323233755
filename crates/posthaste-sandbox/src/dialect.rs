//! What the dialects do differently once a request is known to be theirs.

use http::{HeaderValue, Response, StatusCode, header};
use posthaste_core::{RelayBody, full_body};
use sha2::{Digest, Sha256};

use crate::{
    azure, bedrock,
    brain::short_id,
    error::{ApiError, ErrorKind, Trouble},
    gemini, messages, openai,
};

/// A wire API, as far as errors, models and ids go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Messages,
    /// Chat Completions, Responses and what stands around them.
    OpenAi,
    Azure,
    Gemini {
        /// Whether errors stand in an array, as the answers of a stream without server-sent events do.
        array: bool,
    },
    /// Gemini for people who signed in.
    CodeAssist {
        array: bool,
    },
    Bedrock,
}

impl Dialect {
    /// Whether the sandbox answers for a model of this name here.
    pub(crate) fn serves(self, model: &str) -> bool {
        match self {
            Self::Messages => messages::models::is_served(model),
            Self::OpenAi | Self::Azure => openai::family::is_served(model),
            Self::Gemini { .. } | Self::CodeAssist { .. } => gemini::models::is_served(model),
            Self::Bedrock => bedrock::models::is_served(model),
        }
    }

    /// The error for a model that is not [served](Self::serves).
    pub(crate) fn unknown_model(self, model: &str) -> ApiError {
        match self {
            Self::Messages => messages::models::unknown(model),
            Self::OpenAi => openai::error::unknown_model(model),
            Self::Azure => azure::no_deployment(),
            Self::Gemini { .. } | Self::CodeAssist { .. } => gemini::models::unknown(model),
            Self::Bedrock => bedrock::models::unknown(),
        }
    }

    /// The error for a path that is none of this dialect's.
    pub(crate) fn no_such_path(self) -> ApiError {
        match self {
            Self::Messages => ApiError::new(ErrorKind::NotFound, "Not Found"),
            Self::OpenAi => ApiError::new(ErrorKind::NotFound, "Invalid URL"),
            Self::Gemini { .. } | Self::CodeAssist { .. } => {
                ApiError::new(ErrorKind::NotFound, "Method not found.")
            }
            Self::Azure => azure::no_resource(),
            Self::Bedrock => {
                ApiError::new(ErrorKind::NotFound, "Unknown operation").coded("UnknownOperationException")
            }
        }
    }

    /// The vendor's words for what a fault model asks for.
    pub(crate) fn trouble(self, trouble: Trouble) -> ApiError {
        match self {
            Self::Messages => messages::error::of(trouble),
            Self::OpenAi => openai::error::of(trouble),
            Self::Azure => azure::of(trouble),
            Self::Gemini { .. } => gemini::error::of(trouble, false),
            Self::CodeAssist { .. } => gemini::error::of(trouble, true),
            Self::Bedrock => bedrock::error::of(trouble),
        }
    }

    /// The error for an access token that is not good.
    pub(crate) fn refused_token(self, why: &'static str) -> ApiError {
        let error = match self {
            // Google tells a bad key from a bad token.
            Self::Gemini { .. } => gemini::error::of(Trouble::BadKey, true),
            _ => self.trouble(Trouble::BadKey),
        };
        ApiError { message: why.to_owned(), ..error }
    }

    /// The body of an answer with this error.
    pub(crate) fn error_body(self, error: &ApiError, request_id: &str) -> String {
        match self {
            Self::Messages => messages::error::body(error, request_id),
            Self::OpenAi => openai::error::body(error),
            Self::Azure => azure::body(error),
            Self::Gemini { array: true } | Self::CodeAssist { array: true } => {
                format!("[{}\n]", gemini::error::body(error))
            }
            Self::Gemini { .. } | Self::CodeAssist { .. } => gemini::error::body(error),
            Self::Bedrock => bedrock::error::body(error),
        }
    }

    /// The answer with this error.
    pub(crate) fn refusal(self, error: &ApiError, request_id: &str) -> Response<RelayBody> {
        let mut response = Response::new(full_body(self.error_body(error, request_id)));
        *response.status_mut() = self.status(error);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Google tells the wait in the body.
        let in_body = matches!(self, Self::Gemini { .. } | Self::CodeAssist { .. });
        if let Some(seconds) = error.retry_after.filter(|_| !in_body) {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self == Self::Bedrock {
            let name = HeaderValue::from_static(bedrock::error::name(error));
            headers.insert("x-amzn-errortype", name);
        }
        if self == Self::Messages && error.kind == ErrorKind::Authentication {
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        response
    }

    /// An id for an answer, out of a digest of what was asked.
    pub(crate) fn request_id(self, digest: Sha256) -> String {
        match self {
            Self::Bedrock => uuid(&digest.finalize()),
            _ => format!("req_{}", short_id(digest)),
        }
    }

    /// The header that tells the request's id.
    pub(crate) const fn id_header(self) -> &'static str {
        match self {
            Self::Messages => "request-id",
            Self::OpenAi => "x-request-id",
            Self::Azure => "apim-request-id",
            Self::Gemini { .. } | Self::CodeAssist { .. } => "x-goog-request-id",
            Self::Bedrock => "x-amzn-requestid",
        }
    }

    fn status(self, error: &ApiError) -> StatusCode {
        match self {
            Self::Messages => messages::error::status(error.kind),
            Self::OpenAi | Self::Azure => openai::error::status(error.kind),
            Self::Gemini { .. } | Self::CodeAssist { .. } => gemini::error::status(error.kind),
            Self::Bedrock => bedrock::error::status(error.kind),
        }
    }
}

/// The first bytes of a digest in the form of a UUID.
fn uuid(digest: &[u8]) -> String {
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}
