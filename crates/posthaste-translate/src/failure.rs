//! What an upstream's error is, in whatever words it was told.

use posthaste_core::FaultKind;
use posthaste_wire::UpstreamError;

/// The kind of an error by its code, which is the finer word, else by its class; none for words that nobody else uses.
///
/// Clients choose their retries by the words, so those of one dialect must become those of another.
pub(crate) fn kind_of(error: &UpstreamError) -> Option<FaultKind> {
    error.code.as_deref().and_then(kind_of_word).or_else(|| kind_of_word(&error.kind))
}

fn kind_of_word(word: &str) -> Option<FaultKind> {
    // DashScope's codes, of which there are several.
    if word.starts_with("Throttling") {
        return Some(FaultKind::RateLimited);
    }
    // Bedrock's words begin with a small letter in streams.
    let told = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
    WORDS.iter().find(|(_, words)| told(words)).map(|(kind, _)| *kind)
}

/// The words of Anthropic, OpenAI, Google and AWS, and the statuses that vendors use as codes.
///
/// Sources: <https://platform.claude.com/docs/en/api/errors>, <https://platform.openai.com/docs/guides/error-codes>,
/// <https://cloud.google.com/apis/design/errors> and `ConverseStreamOutput` of
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>.
const WORDS: [(FaultKind, &[&str]); 10] = [
    (
        FaultKind::RateLimited,
        &[
            "rate_limit_error",
            "rate_limit_exceeded",
            "slow_down",
            "usage_limit_reached",
            "RESOURCE_EXHAUSTED",
            "ThrottlingException",
            "429",
        ],
    ),
    (
        FaultKind::QuotaExhausted,
        &[
            "insufficient_quota",
            "billing_error",
            "usage_limit_reached",
            "ServiceQuotaExceededException",
            "402",
        ],
    ),
    (
        FaultKind::Overloaded,
        &[
            "overloaded_error",
            "server_is_overloaded",
            "service_unavailable_error",
            "ServiceUnavailableException",
            "ModelNotReadyException",
            "503",
            "529",
            "UNAVAILABLE",
        ],
    ),
    (FaultKind::Timeout, &["timeout_error", "timeout", "DEADLINE_EXCEEDED", "ModelTimeoutException", "504"]),
    (
        FaultKind::InvalidRequest,
        &[
            "invalid_request_error",
            "invalid_prompt",
            "context_length_exceeded",
            "content_filter",
            "content_policy_violation",
            "INVALID_ARGUMENT",
            "FAILED_PRECONDITION",
            "ValidationException",
            "400",
        ],
    ),
    (
        FaultKind::Unauthenticated,
        &["authentication_error", "invalid_api_key", "UNAUTHENTICATED", "UnrecognizedClientException", "401"],
    ),
    (FaultKind::PermissionDenied, &["permission_error", "permission_denied", "AccessDeniedException", "403"]),
    (
        FaultKind::NotFound,
        &["not_found_error", "not_found", "model_not_found", "ResourceNotFoundException", "404"],
    ),
    (FaultKind::TooLarge, &["request_too_large", "413"]),
    (
        FaultKind::UpstreamFailed,
        &[
            "api_error",
            "server_error",
            "upstream_failed",
            "INTERNAL",
            "UNKNOWN",
            "InternalServerException",
            "ModelErrorException",
            "ModelStreamErrorException",
            "500",
            "502",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(kind: &str, code: Option<&str>) -> Option<FaultKind> {
        let (kind, code) = (kind.to_owned(), code.map(str::to_owned));
        kind_of(&UpstreamError::new(kind, code, ""))
    }

    #[test]
    fn the_code_is_the_finer_word() {
        assert_eq!(kind("invalid_request_error", Some("invalid_api_key")), Some(FaultKind::Unauthenticated));
        assert_eq!(kind("invalid_request_error", Some("string_too_long")), Some(FaultKind::InvalidRequest));
        assert_eq!(kind("UNAVAILABLE", Some("502")), Some(FaultKind::UpstreamFailed));
        assert_eq!(kind("error", Some("Throttling.RateQuota")), Some(FaultKind::RateLimited));
    }

    #[test]
    fn words_of_streams_are_those_of_answers() {
        assert_eq!(kind("throttlingException", None), Some(FaultKind::RateLimited));
        assert_eq!(kind("modelStreamErrorException", None), Some(FaultKind::UpstreamFailed));
        assert_eq!(kind("error", None), None);
    }
}
