//! Errors in OpenAI's form (<https://platform.openai.com/docs/guides/error-codes>).

use http::StatusCode;
use serde::Serialize;

use crate::error::{ApiError, ErrorKind, Trouble};

/// The vendor's words for what a fault model asks for.
pub(crate) fn of(trouble: Trouble) -> ApiError {
    match trouble {
        Trouble::ContextTooLong => ApiError::invalid(
            "This model's maximum context length is 200000 tokens. However, your messages resulted in 200001 tokens. \
             Please reduce the length of the messages.",
        )
        .about("messages")
        .coded("context_length_exceeded"),
        Trouble::BadKey => ApiError::new(
            ErrorKind::Authentication,
            "Incorrect API key provided: sk-dummy. You can find your API key at \
             https://platform.openai.com/account/api-keys.",
        )
        .coded("invalid_api_key"),
        Trouble::NoCredit => ApiError::new(
            ErrorKind::Billing,
            "You exceeded your current quota, please check your plan and billing details.",
        )
        .coded("insufficient_quota"),
        Trouble::Forbidden => {
            ApiError::new(ErrorKind::Permission, "Country, region, or territory not supported")
                .coded("unsupported_country_region_territory")
        }
        Trouble::RateLimited { retry_after } => {
            let message = "Rate limit reached for requests per min (RPM): Limit 50, Used 50, Requested 1.";
            let error = ApiError::new(ErrorKind::RateLimit, message).coded("rate_limit_exceeded");
            ApiError { retry_after, ..error }
        }
        Trouble::Internal => ApiError::new(
            ErrorKind::Api,
            "The server had an error while processing your request. Sorry about that!",
        ),
        Trouble::TimedOut => ApiError::new(ErrorKind::Timeout, "Request timed out."),
        Trouble::Overloaded => ApiError::new(
            ErrorKind::Overloaded,
            "The server is currently overloaded. Please try again later.",
        )
        .coded("server_is_overloaded"),
    }
}

/// The error for a model that is not served.
pub(crate) fn unknown_model(model: &str) -> ApiError {
    let message = format!("The model `{model}` does not exist or you do not have access to it.");
    ApiError::new(ErrorKind::NotFound, message).coded("model_not_found")
}

/// The body of an answer with this error, and the data of such an event.
pub(crate) fn body(error: &ApiError) -> String {
    serde_json::to_string(&ErrorBody { error: Detail::of(error) }).expect("strings become JSON")
}

/// The data of a stream's `error` event, as Responses have it.
pub(crate) fn event(error: &ApiError, sequence_number: usize) -> String {
    let event = Event { r#type: "error", sequence_number, error: Detail::of(error) };
    serde_json::to_string(&event).expect("strings become JSON")
}

pub(crate) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidRequest => StatusCode::BAD_REQUEST,
        ErrorKind::Authentication => StatusCode::UNAUTHORIZED,
        ErrorKind::Permission => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Billing | ErrorKind::RateLimit => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Api => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What went wrong, as `error.type` names it.
pub(crate) const fn name(kind: ErrorKind) -> &'static str {
    match kind {
        // The vendor calls a wrong key an invalid request too.
        ErrorKind::InvalidRequest
        | ErrorKind::Authentication
        | ErrorKind::NotFound
        | ErrorKind::RequestTooLarge => "invalid_request_error",
        ErrorKind::Billing => "insufficient_quota",
        ErrorKind::Permission => "request_forbidden",
        ErrorKind::RateLimit => "requests",
        ErrorKind::Api | ErrorKind::Timeout => "server_error",
        ErrorKind::Overloaded => "service_unavailable_error",
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Event<'a> {
    r#type: &'static str,
    sequence_number: usize,
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

impl<'a> Detail<'a> {
    fn of(error: &'a ApiError) -> Self {
        Self {
            message: &error.message,
            r#type: name(error.kind),
            param: error.param.as_deref(),
            code: error.code,
        }
    }
}
