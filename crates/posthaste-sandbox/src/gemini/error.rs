//! Errors in Google's form (<https://cloud.google.com/apis/design/errors>).

use http::StatusCode;
use serde::Serialize;

use crate::error::{ApiError, ErrorKind, Trouble};

/// The vendor's words for what a fault model asks for. `signed_in` is Code Assist, which knows people, not keys.
pub(crate) fn of(trouble: Trouble, signed_in: bool) -> ApiError {
    match trouble {
        Trouble::ContextTooLong => ApiError::invalid(
            "The input token count (200001) exceeds the maximum number of tokens allowed (200000).",
        ),
        Trouble::BadKey if signed_in => ApiError::new(
            ErrorKind::Authentication,
            "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other \
             valid authentication credential.",
        ),
        // The vendor calls a wrong key an invalid argument.
        Trouble::BadKey => {
            ApiError::invalid("API key not valid. Please pass a valid API key.").coded(BAD_KEY)
        }
        Trouble::NoCredit => ApiError::new(
            ErrorKind::Billing,
            "You exceeded your current quota, please check your plan and billing details.",
        ),
        Trouble::Forbidden => ApiError::new(ErrorKind::Permission, "The caller does not have permission"),
        Trouble::RateLimited { retry_after } => {
            let wait = retry_after.map(|seconds| format!("\nPlease retry in {seconds}s."));
            let message = format!(
                "You exceeded your current quota, please check your plan and billing details.{}",
                wait.unwrap_or_default()
            );
            ApiError { retry_after, ..ApiError::new(ErrorKind::RateLimit, message) }
        }
        Trouble::Internal => ApiError::new(
            ErrorKind::Api,
            "An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting",
        ),
        Trouble::TimedOut => {
            ApiError::new(ErrorKind::Timeout, "Deadline expired before operation could complete.")
        }
        Trouble::Overloaded => {
            ApiError::new(ErrorKind::Overloaded, "The model is overloaded. Please try again later.")
        }
    }
}

/// The body of an answer with this error.
pub(crate) fn body(error: &ApiError) -> String {
    let status = status(error.kind);
    let body = ErrorBody {
        error: Detail {
            code: status.as_u16(),
            message: &error.message,
            status: name(error.kind),
            details: details(error),
        },
    };
    serde_json::to_string(&body).expect("strings become JSON")
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

const fn name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::RequestTooLarge => "INVALID_ARGUMENT",
        ErrorKind::Authentication => "UNAUTHENTICATED",
        ErrorKind::Permission => "PERMISSION_DENIED",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::Billing | ErrorKind::RateLimit => "RESOURCE_EXHAUSTED",
        ErrorKind::Api => "INTERNAL",
        ErrorKind::Timeout => "DEADLINE_EXCEEDED",
        ErrorKind::Overloaded => "UNAVAILABLE",
    }
}

/// What a program reads: there are no headers for it.
fn details(error: &ApiError) -> Vec<ErrorDetail> {
    let quota = |quota_id| ErrorDetail::QuotaFailure {
        violations: [Violation {
            quota_metric: "generativelanguage.googleapis.com/generate_content_requests",
            quota_id,
        }],
    };
    match error.kind {
        ErrorKind::InvalidRequest if error.code == Some(BAD_KEY) => {
            vec![ErrorDetail::ErrorInfo { reason: BAD_KEY, domain: "googleapis.com" }]
        }
        ErrorKind::Billing => vec![quota("GenerateRequestsPerDayPerProjectPerModel")],
        ErrorKind::RateLimit => {
            let wait = error.retry_after.map(|seconds| format!("{seconds}s"));
            let wait = wait.map(|retry_delay| ErrorDetail::RetryInfo { retry_delay });
            std::iter::once(quota("GenerateRequestsPerMinutePerProjectPerModel")).chain(wait).collect()
        }
        _ => Vec::new(),
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: Detail<'a>,
}

#[derive(Serialize)]
struct Detail<'a> {
    code: u16,
    message: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<ErrorDetail>,
}

#[derive(Serialize)]
#[serde(tag = "@type")]
enum ErrorDetail {
    #[serde(rename = "type.googleapis.com/google.rpc.ErrorInfo")]
    ErrorInfo { reason: &'static str, domain: &'static str },
    #[serde(rename = "type.googleapis.com/google.rpc.QuotaFailure")]
    QuotaFailure { violations: [Violation; 1] },
    #[serde(rename = "type.googleapis.com/google.rpc.RetryInfo", rename_all = "camelCase")]
    RetryInfo { retry_delay: String },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Violation {
    quota_metric: &'static str,
    quota_id: &'static str,
}

const BAD_KEY: &str = "API_KEY_INVALID";
