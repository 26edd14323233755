//! Errors in the vendor's form (<https://docs.anthropic.com/en/api/errors>).

use http::StatusCode;
use serde::Serialize;

use crate::error::{ApiError, ErrorKind, Trouble};

/// The vendor's words for what a fault model asks for.
pub(crate) fn of(trouble: Trouble) -> ApiError {
    match trouble {
        Trouble::ContextTooLong => ApiError::invalid("prompt is too long: 200001 tokens > 200000 maximum"),
        Trouble::BadKey => ApiError::new(ErrorKind::Authentication, "invalid x-api-key"),
        Trouble::NoCredit => {
            let message = "Your credit balance is too low to access the Anthropic API.";
            ApiError::new(ErrorKind::Billing, message)
        }
        Trouble::Forbidden => {
            ApiError::new(ErrorKind::Permission, "Your account does not have access to this resource.")
        }
        Trouble::RateLimited { retry_after } => {
            let message =
                "This request would exceed your organization's rate limit of 50 requests per minute.";
            ApiError { retry_after, ..ApiError::new(ErrorKind::RateLimit, message) }
        }
        Trouble::Internal => ApiError::new(ErrorKind::Api, "Internal server error"),
        Trouble::TimedOut => ApiError::new(ErrorKind::Timeout, "The request timed out."),
        Trouble::Overloaded => ApiError::new(ErrorKind::Overloaded, "Overloaded"),
    }
}

/// The body of an answer with this error, and the data of an `error` event.
pub(crate) fn body(error: &ApiError, request_id: &str) -> String {
    let body = ErrorBody {
        r#type: "error",
        error: ErrorDetail { r#type: name(error.kind), message: &error.message },
        request_id,
    };
    serde_json::to_string(&body).expect("strings become JSON")
}

pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorKind::Authentication => StatusCode::UNAUTHORIZED,
        ErrorKind::Billing => StatusCode::PAYMENT_REQUIRED,
        ErrorKind::Permission => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RateLimit => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Api => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        // The vendor's own.
        ErrorKind::Overloaded => StatusCode::from_u16(529).expect("a status has three digits"),
    }
}

/// What went wrong, as `error.type` names it.
const fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "invalid_request_error",
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::Billing => "billing_error",
        ErrorKind::Permission => "permission_error",
        ErrorKind::NotFound => "not_found_error",
        ErrorKind::RequestTooLarge => "request_too_large",
        ErrorKind::RateLimit => "rate_limit_error",
        ErrorKind::Api => "api_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Overloaded => "overloaded_error",
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    r#type: &'static str,
    error: ErrorDetail<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct ErrorDetail<'a> {
    r#type: &'static str,
    message: &'a str,
}
