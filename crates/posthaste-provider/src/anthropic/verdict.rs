//! Reading the verdict.
//!
//! Source of the table: <https://docs.anthropic.com/en/api/errors>, and recorded answers of 2026-11-23.

use posthaste_core::{Cooldown, CooldownReason, CooldownScope, Timestamp, Verdict};
use posthaste_wire::UpstreamError;

use super::limits::{exhausted_window_reset, plan_window_reset, plan_window_used_up, used_up_family};
use crate::{
    AnswerHead,
    reset::retry_after,
    resting::{resting, why},
};

pub(super) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    let error = answer.error;
    let kind = error.map_or("", |error| error.kind.as_str());
    let rest = |reason| rest(answer, error, reason);
    match (answer.status.as_u16(), kind) {
        // The balance, said as if the request were wrong: "Your credit balance is too low …".
        (400, _) | (200, "invalid_request_error") if says_low_balance(error) => {
            rest(CooldownReason::QuotaExhausted)
        }
        (400, _) if says_blocked(error) => rest(CooldownReason::Forbidden),
        (_, "overloaded_error") | (503 | 529, _) => rest(CooldownReason::Overloaded),
        (_, "rate_limit_error") | (429, _) => rest(limit_reason(answer)),
        // A firewall's page, or a proxy on the way: not a word of the API on the account.
        (401 | 403, _) if error.is_none() => rest(CooldownReason::Failing),
        // The organisation was switched off, or the token was taken back: no other token of the same sign-in helps.
        (401 | 403, _) if says_blocked(error) => rest(CooldownReason::Forbidden),
        (_, "authentication_error") | (401, _) => Verdict::Reauthenticate,
        (_, "billing_error") | (402, _) => rest(CooldownReason::QuotaExhausted),
        (_, "permission_error") | (403, _) => rest(CooldownReason::Forbidden),
        // A missing model is the client's fault; a 404 without the API's body is a wrong base URL.
        (404, "") => rest(CooldownReason::Failing),
        (_, "api_error" | "timeout_error") | (500..=599, _) => rest(CooldownReason::Failing),
        // Timed out or clashed on the way in: nobody's fault, and nothing was done.
        (408 | 409, _) => Verdict::NextCandidate { cooldown: None },
        (400..=499, _) | (200, "invalid_request_error" | "not_found_error" | "request_too_large") => {
            Verdict::ClientFault
        }
        // An error event of a kind that is not known yet.
        (200, _) if error.is_some() => rest(CooldownReason::Failing),
        (200..=299, _) => Verdict::Deliver,
        // Redirects and other codes: not an API.
        _ => rest(CooldownReason::Failing),
    }
}

fn rest(answer: &AnswerHead<'_>, error: Option<&UpstreamError>, reason: CooldownReason) -> Verdict {
    if reason == CooldownReason::QuotaExhausted
        && let Some(family) = used_up_family(answer.headers)
        && answer.model.as_str().starts_with(family.begins)
    {
        let until = family.resets_at.filter(|reset| *reset > answer.now);
        let scope = CooldownScope::Models(family.begins.to_owned());
        let why = why(answer, error);
        return Verdict::NextCandidate { cooldown: Some(Cooldown { reason, scope, until, why }) };
    }
    resting(answer, error, reason, until(answer, reason))
}

fn until(answer: &AnswerHead<'_>, reason: CooldownReason) -> Option<Timestamp> {
    let AnswerHead { headers, now, .. } = *answer;
    let advised = retry_after(headers, now);
    match reason {
        CooldownReason::QuotaExhausted => plan_window_reset(headers).filter(|reset| *reset > now).or(advised),
        CooldownReason::RateLimited => exhausted_window_reset(headers, now).max(advised),
        CooldownReason::Overloaded | CooldownReason::Failing => advised,
        CooldownReason::Unauthorised | CooldownReason::Forbidden => None,
    }
}

fn limit_reason(answer: &AnswerHead<'_>) -> CooldownReason {
    if plan_window_used_up(answer.headers) {
        CooldownReason::QuotaExhausted
    } else {
        CooldownReason::RateLimited
    }
}

fn says_low_balance(error: Option<&UpstreamError>) -> bool {
    error.is_some_and(|error| error.message.contains("credit balance is too low"))
}

/// Said with a 400, 401 or 403, each under several types (recorded answers and public reports, 2026-11-23).
fn says_blocked(error: Option<&UpstreamError>) -> bool {
    const WORDS: [&str; 3] = [
        "organization has been disabled",
        "account has been disabled",
        "OAuth authentication is currently not allowed",
    ];
    error.is_some_and(|error| WORDS.iter().any(|words| error.message.contains(words)))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use posthaste_core::{Dialect, ProviderKind};
    use posthaste_wire::read_error;
    use rstest::rstest;

    use super::*;
    use crate::testing::{account, model};

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn verdict(status: u16, kind: &str, headers: &[(&'static str, &str)]) -> Verdict {
        verdict_of(
            status,
            &format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#),
            headers,
        )
    }

    fn verdict_of(status: u16, body: &str, headers: &[(&'static str, &str)]) -> Verdict {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let status = StatusCode::from_u16(status).unwrap();
        let error = read_error(Dialect::AnthropicMessages, body.as_bytes());
        let dialect = Dialect::AnthropicMessages;
        judge(&AnswerHead {
            account: &account(ProviderKind::Anthropic, "anthropic"),
            model: &model("claude-haiku-4-5"),
            dialect,
            status,
            headers: &headers,
            error: error.as_ref(),
            now: NOW,
        })
    }

    fn reason(verdict: Verdict) -> Option<CooldownReason> {
        match verdict {
            Verdict::NextCandidate { cooldown } => cooldown.map(|cooldown| cooldown.reason),
            _ => None,
        }
    }

    #[rstest]
    #[case(402, "billing_error", CooldownReason::QuotaExhausted)]
    #[case(403, "permission_error", CooldownReason::Forbidden)]
    #[case(429, "rate_limit_error", CooldownReason::RateLimited)]
    #[case(500, "api_error", CooldownReason::Failing)]
    #[case(502, "", CooldownReason::Failing)]
    #[case(503, "", CooldownReason::Overloaded)]
    #[case(504, "timeout_error", CooldownReason::Failing)]
    #[case(529, "overloaded_error", CooldownReason::Overloaded)]
    #[case(200, "overloaded_error", CooldownReason::Overloaded)]
    #[case(200, "api_error", CooldownReason::Failing)]
    #[case(200, "brand_new_error", CooldownReason::Failing)]
    #[case(302, "", CooldownReason::Failing)]
    fn the_next_candidate_is_asked(
        #[case] status: u16,
        #[case] kind: &str,
        #[case] expected: CooldownReason,
    ) {
        assert_eq!(reason(verdict(status, kind, &[])), Some(expected));
    }

    #[rstest]
    #[case(400, "invalid_request_error")]
    #[case(404, "not_found_error")]
    #[case(413, "request_too_large")]
    #[case(422, "invalid_request_error")]
    #[case(200, "invalid_request_error")]
    fn the_clients_fault_harms_nobody(#[case] status: u16, #[case] kind: &str) {
        assert_eq!(verdict(status, kind, &[]), Verdict::ClientFault);
    }

    #[test]
    fn a_refused_credential_is_renewed() {
        assert_eq!(verdict(401, "authentication_error", &[]), Verdict::Reauthenticate);
    }

    #[test]
    fn a_404_that_is_not_the_apis_is_a_wrong_base_url() {
        assert_eq!(reason(verdict_of(404, "<html>nginx</html>", &[])), Some(CooldownReason::Failing));
    }

    /// A firewall's page says nothing of the account, and would otherwise park it for hours.
    #[rstest]
    #[case(401, "<html>Authorization Required</html>")]
    #[case(403, "<html>Attention Required! | Cloudflare</html>")]
    #[case(403, r#"{"detail":"blocked"}"#)]
    #[case(403, "")]
    fn a_refusal_that_is_not_the_apis_is_passing_trouble(#[case] status: u16, #[case] body: &str) {
        assert_eq!(reason(verdict_of(status, body, &[])), Some(CooldownReason::Failing));
    }

    #[test]
    fn a_refusal_of_a_kind_that_is_not_known_is_believed() {
        assert_eq!(verdict(401, "brand_new_error", &[]), Verdict::Reauthenticate);
        assert_eq!(reason(verdict(403, "brand_new_error", &[])), Some(CooldownReason::Forbidden));
    }

    #[test]
    fn a_low_balance_is_no_fault_of_the_client() {
        let body = r#"{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}"#;
        assert_eq!(reason(verdict_of(400, body, &[])), Some(CooldownReason::QuotaExhausted));
    }

    #[test]
    fn cooldown_ends_when_the_headers_say() {
        let until = |headers| match verdict(429, "rate_limit_error", headers) {
            Verdict::NextCandidate { cooldown: Some(cooldown) } => cooldown.until.map(Timestamp::as_secs),
            other => panic!("{other:?}"),
        };
        assert_eq!(until(&[]), None);
        assert_eq!(until(&[("retry-after", "30")]), Some(1_030));
        assert_eq!(
            until(&[
                ("retry-after", "30"),
                ("anthropic-ratelimit-tokens-remaining", "0"),
                ("anthropic-ratelimit-tokens-reset", "1970-01-01T00:17:30Z"),
            ]),
            Some(1_050)
        );
    }

    #[test]
    fn a_used_up_plan_window_rests_until_its_reset() {
        let verdict = verdict(
            429,
            "rate_limit_error",
            &[
                ("anthropic-ratelimit-unified-status", "rejected"),
                ("anthropic-ratelimit-unified-reset", "19000"),
                ("retry-after", "5"),
            ],
        );
        let Verdict::NextCandidate { cooldown: Some(cooldown) } = verdict else { panic!("{verdict:?}") };
        assert_eq!(cooldown.reason, CooldownReason::QuotaExhausted);
        assert_eq!(cooldown.until, Some(Timestamp::from_secs(19_000)));
        assert_eq!(cooldown.why, "429 rate_limit_error: m");
    }

    fn asking_for(name: &str, headers: &[(&'static str, &str)]) -> Cooldown {
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let body = r#"{"type":"error","error":{"type":"rate_limit_error","message":"m"}}"#;
        let error = read_error(Dialect::AnthropicMessages, body.as_bytes());
        let verdict = judge(&AnswerHead {
            account: &account(ProviderKind::Anthropic, "anthropic"),
            model: &model(name),
            dialect: Dialect::AnthropicMessages,
            status: StatusCode::TOO_MANY_REQUESTS,
            headers: &headers,
            error: error.as_ref(),
            now: NOW,
        });
        match verdict {
            Verdict::NextCandidate { cooldown: Some(cooldown) } => cooldown,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_familys_window_is_used_up_for_the_family_alone() {
        let headers = [
            ("anthropic-ratelimit-unified-status", "rejected"),
            ("anthropic-ratelimit-unified-reset", "19000"),
            ("anthropic-ratelimit-unified-5h-status", "allowed"),
            ("anthropic-ratelimit-unified-7d-status", "allowed"),
            ("anthropic-ratelimit-unified-7d_opus-status", "rejected"),
            ("anthropic-ratelimit-unified-7d_opus-reset", "25000"),
        ];
        let opus = asking_for("claude-opus-4-8", &headers);
        assert_eq!(opus.scope, CooldownScope::Models("claude-opus".to_owned()));
        assert_eq!(opus.until, Some(Timestamp::from_secs(25_000)));
        assert_eq!(asking_for("claude-haiku-4-5", &headers).scope, CooldownScope::Account);
        let claimed =
            [headers[0], headers[1], ("anthropic-ratelimit-unified-representative-claim", "seven_day_opus")];
        assert_eq!(asking_for("claude-opus-4-8", &claimed).until, Some(Timestamp::from_secs(19_000)));
        let whole =
            [headers[0], headers[1], ("anthropic-ratelimit-unified-7d-status", "rejected"), headers[4]];
        assert_eq!(asking_for("claude-opus-4-8", &whole).scope, CooldownScope::Account);
    }

    #[rstest]
    #[case(403, "permission_error", "OAuth authentication is currently not allowed for this organization.")]
    #[case(400, "invalid_request_error", "This organization has been disabled.")]
    #[case(401, "authentication_error", "Your account has been disabled.")]
    fn a_blocked_account_is_not_asked_to_log_in_again(
        #[case] status: u16,
        #[case] kind: &str,
        #[case] message: &str,
    ) {
        let body = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#);
        assert_eq!(reason(verdict_of(status, &body, &[])), Some(CooldownReason::Forbidden));
    }
}
