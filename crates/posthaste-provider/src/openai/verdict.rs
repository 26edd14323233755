//! Reading the verdict.
//!
//! Source of the table: <https://platform.openai.com/docs/guides/error-codes>, and recorded answers of 2026-11-23.

use posthaste_core::{CooldownReason, Verdict};
use posthaste_wire::UpstreamError;

use crate::{AnswerHead, reset::retry_after, resting::resting};

pub(crate) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    let error = answer.error;
    let says = |word: &str| error.is_some_and(|error| told(error, word));
    let rest = |reason| resting(answer, error, reason, retry_after(answer.headers, answer.now));
    match answer.status.as_u16() {
        // No waiting mends a balance; a plan's window names its own reset.
        402 => rest(CooldownReason::QuotaExhausted),
        _ if says("insufficient_quota")
            || says("usage_limit_reached")
            || says("billing_hard_limit_reached") =>
        {
            rest(CooldownReason::QuotaExhausted)
        }
        429 => rest(CooldownReason::RateLimited),
        _ if says("rate_limit_exceeded") || says("slow_down") || says("rate_limit_error") => {
            rest(CooldownReason::RateLimited)
        }
        503 => rest(CooldownReason::Overloaded),
        _ if says("server_is_overloaded") || says("overloaded_error") => rest(CooldownReason::Overloaded),
        // A firewall's page, or a proxy on the way: not a word of the API on the account.
        401 | 403 if error.is_none() => rest(CooldownReason::Failing),
        401 => Verdict::Reauthenticate,
        _ if says("invalid_api_key") || says("authentication_error") => Verdict::Reauthenticate,
        403 => rest(CooldownReason::Forbidden),
        // A missing model is the client's fault; a 404 without the API's body is a wrong base URL.
        404 if error.is_none() => rest(CooldownReason::Failing),
        // Timed out or clashed on the way in: nobody's fault, and nothing was done.
        408 | 409 => Verdict::NextCandidate { cooldown: None },
        400..=499 => Verdict::ClientFault,
        500..=599 => rest(CooldownReason::Failing),
        // An error under a 200: the client's where it says so, else the vendor's.
        200..=299 if says("invalid_request_error") || says("invalid_prompt") => Verdict::ClientFault,
        200..=299 if error.is_some() => rest(CooldownReason::Failing),
        200..=299 => Verdict::Deliver,
        // Redirects and other codes: not an API.
        _ => rest(CooldownReason::Failing),
    }
}

/// Whether an error is of a class, which vendors put into `type` or into `code`.
fn told(error: &UpstreamError, word: &str) -> bool {
    error.kind == word || error.code.as_deref() == Some(word)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use posthaste_core::{Dialect, ProviderKind, Timestamp};
    use posthaste_wire::read_error;
    use rstest::rstest;

    use super::*;
    use crate::testing::{account, model};

    fn verdict(status: u16, body: &str) -> Verdict {
        let error = read_error(Dialect::OpenAiChat, body.as_bytes());
        let status = StatusCode::from_u16(status).unwrap();
        let headers = HeaderMap::from_iter([("retry-after".parse().unwrap(), "30".parse().unwrap())]);
        let dialect = Dialect::OpenAiChat;
        judge(&AnswerHead {
            account: &account(ProviderKind::OpenAi, "openai"),
            model: &model("gpt-5.4"),
            dialect,
            status,
            headers: &headers,
            error: error.as_ref(),
            now: Timestamp::EPOCH,
        })
    }

    fn body(kind: &str, code: &str) -> String {
        format!(r#"{{"error":{{"message":"m","type":"{kind}","param":null,"code":"{code}"}}}}"#)
    }

    #[rstest]
    #[case(429, "insufficient_quota", "insufficient_quota", CooldownReason::QuotaExhausted)]
    #[case(429, "tokens", "rate_limit_exceeded", CooldownReason::RateLimited)]
    #[case(402, "unknown_error", "invalid_request_error", CooldownReason::QuotaExhausted)]
    #[case(403, "invalid_request_error", "unsupported_country_region_territory", CooldownReason::Forbidden)]
    #[case(500, "server_error", "x", CooldownReason::Failing)]
    #[case(503, "service_unavailable_error", "server_is_overloaded", CooldownReason::Overloaded)]
    #[case(200, "server_error", "x", CooldownReason::Failing)]
    #[case(200, "x", "rate_limit_exceeded", CooldownReason::RateLimited)]
    fn an_accounts_trouble_makes_it_rest(
        #[case] status: u16,
        #[case] kind: &str,
        #[case] code: &str,
        #[case] reason: CooldownReason,
    ) {
        let Verdict::NextCandidate { cooldown: Some(cooldown) } = verdict(status, &body(kind, code)) else {
            panic!("the account rests");
        };
        assert_eq!(cooldown.reason, reason);
        assert_eq!(cooldown.until, Some(Timestamp::from_secs(30)));
    }

    #[test]
    fn a_clients_fault_harms_nobody() {
        assert_eq!(verdict(400, &body("invalid_request_error", "x")), Verdict::ClientFault);
        assert_eq!(verdict(404, &body("invalid_request_error", "model_not_found")), Verdict::ClientFault);
        assert_eq!(verdict(200, &body("invalid_request_error", "x")), Verdict::ClientFault);
        assert_eq!(verdict(401, &body("invalid_request_error", "invalid_api_key")), Verdict::Reauthenticate);
        assert!(matches!(verdict(404, "<html>"), Verdict::NextCandidate { .. }));
    }
}
