//! Errors in the service's form: a message in the body, the kind in a header, or an exception in a stream.

use bytes::Bytes;
use http::StatusCode;
use posthaste_wire::event_stream::write_exception;
use serde::Serialize;

use crate::error::{ApiError, ErrorKind, Trouble};

/// The service's words for what a fault model asks for.
pub(crate) fn of(trouble: Trouble) -> ApiError {
    match trouble {
        Trouble::ContextTooLong => ApiError::invalid(
            "The model returned the following errors: Input is too long for requested model.",
        ),
        Trouble::BadKey => {
            ApiError::new(ErrorKind::Authentication, "The security token included in the request is invalid.")
        }
        Trouble::NoCredit => ApiError::new(
            ErrorKind::Billing,
            "Model access is denied due to INVALID_PAYMENT_INSTRUMENT:A valid payment instrument must be provided.",
        ),
        Trouble::Forbidden => ApiError::new(
            ErrorKind::Permission,
            "You don't have access to the model with the specified model ID.",
        ),
        // The service tells nobody how long to wait.
        Trouble::RateLimited { .. } => {
            ApiError::new(ErrorKind::RateLimit, "Too many requests, please wait before trying again.")
        }
        Trouble::Internal => ApiError::new(
            ErrorKind::Api,
            "The system encountered an unexpected error during processing. Try your request again.",
        ),
        Trouble::TimedOut => {
            ApiError::new(ErrorKind::Timeout, "Model has timed out in processing the request.")
        }
        Trouble::Overloaded => ApiError::new(
            ErrorKind::Overloaded,
            "The service is unable to process your request at this time. Try your request again.",
        ),
    }
}

pub(crate) fn body(error: &ApiError) -> String {
    serde_json::to_string(&Body { message: &error.message }).expect("strings become JSON")
}

/// The exception's name, as the header `x-amzn-errortype` tells it.
pub(crate) fn name(error: &ApiError) -> &'static str {
    match error.kind {
        ErrorKind::InvalidRequest | ErrorKind::RequestTooLarge => error.code.unwrap_or("ValidationException"),
        ErrorKind::Authentication => "UnrecognizedClientException",
        ErrorKind::Billing | ErrorKind::Permission => "AccessDeniedException",
        ErrorKind::NotFound => error.code.unwrap_or("ResourceNotFoundException"),
        ErrorKind::RateLimit => "ThrottlingException",
        ErrorKind::Api => "InternalServerException",
        ErrorKind::Timeout => "ModelTimeoutException",
        ErrorKind::Overloaded => "ServiceUnavailableException",
    }
}

pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::RequestTooLarge => StatusCode::BAD_REQUEST,
        ErrorKind::Authentication | ErrorKind::Billing | ErrorKind::Permission => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::RateLimit => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Api => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Timeout => StatusCode::REQUEST_TIMEOUT,
        ErrorKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The error as a stream's exception. A stream knows five of them.
pub(super) fn event(error: &ApiError, _: &str, _: usize) -> Bytes {
    let name = match error.kind {
        ErrorKind::RateLimit => "throttlingException",
        ErrorKind::Overloaded => "serviceUnavailableException",
        ErrorKind::Api => "internalServerException",
        ErrorKind::Timeout => "modelStreamErrorException",
        _ => "validationException",
    };
    let mut framed = Vec::new();
    write_exception(&mut framed, name, body(error).as_bytes()).expect("a message is short");
    framed.into()
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
}
