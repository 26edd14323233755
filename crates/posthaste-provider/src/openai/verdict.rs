//! Reading the verdict.

use posthaste_core::{AuthForm, CooldownScope, ProviderKind, Timestamp, Verdict};

use super::{limits::exhausted_window_reset, table::ROWS};
use crate::{
    AnswerHead,
    reset::retry_after,
    table::{Rests, judge_by},
};

pub(crate) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    judge_by(&ROWS, answer, || Rests { told: told(answer), day_ends: None, limited: limited(answer) })
}

/// When the vendor says that a limit ends: in the error, in a header, or in the message alone.
pub(super) fn told(answer: &AnswerHead<'_>) -> Option<Timestamp> {
    let AnswerHead { headers, now, .. } = *answer;
    let details = answer.error.map(|error| &error.details);
    let reset = details.and_then(|details| details.resets_at).filter(|reset| *reset > now);
    reset
        .or_else(|| retry_after(headers, now))
        .or_else(|| details?.wait.map(|wait| now.plus(wait)))
        .or_else(|| exhausted_window_reset(headers, now))
}

/// OpenAI's API counts each model for itself (<https://platform.openai.com/docs/guides/rate-limits>, checked 2026-11-26); a
/// ChatGPT plan counts them together, and of compatible vendors nothing is known.
fn limited(answer: &AnswerHead<'_>) -> CooldownScope {
    let account = answer.account;
    match (account.provider, account.auth) {
        (ProviderKind::OpenAi, AuthForm::OAuth) => CooldownScope::Account,
        (ProviderKind::OpenAi, _) => CooldownScope::Model(answer.model.as_str().to_owned()),
        _ => CooldownScope::Account,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use posthaste_core::{Cooldown, CooldownReason, Dialect};
    use posthaste_wire::read_error;
    use rstest::rstest;

    use super::*;
    use crate::{
        table::assert_each_row_is_met,
        testing::{account, model},
    };

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn rest(auth: AuthForm, status: u16, body: &str, headers: &[(&'static str, &str)]) -> Cooldown {
        let account = posthaste_core::Account { auth, ..account(ProviderKind::OpenAi, "openai") };
        let error = read_error(Dialect::OpenAiResponses, body.as_bytes());
        let headers: HeaderMap =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let verdict = judge(&AnswerHead {
            account: &account,
            model: &model("gpt-5.4"),
            dialect: Dialect::OpenAiResponses,
            status: StatusCode::from_u16(status).unwrap(),
            headers: &headers,
            error: error.as_ref(),
            now: NOW,
        });
        let Verdict::NextCandidate { cooldown: Some(cooldown) } = verdict else {
            panic!("the account rests: {verdict:?}");
        };
        cooldown
    }

    #[test]
    fn each_row_is_met_by_its_example() {
        let account = account(ProviderKind::OpenAi, "openai");
        assert_each_row_is_met(&ROWS, &account, &model("gpt-5.4"), Dialect::OpenAiResponses);
    }

    const TOKENS: &str = r#"{"error":{"message":"Rate limit reached for gpt-5.4 on tokens per min (TPM): Limit 10000, Used 6630, Requested 3787. Please try again in 2.502s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;

    #[rstest]
    #[case::retry_after(&[("retry-after", "30"), ("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "6m0s")], 1_030_000)]
    #[case::retry_after_ms(&[("retry-after-ms", "1500")], 1_001_500)]
    #[case::words(&[], 1_002_502)]
    fn a_rate_limit_ends_when_the_vendor_says(
        #[case] headers: &[(&'static str, &str)],
        #[case] until_millis: i64,
    ) {
        let cooldown = rest(AuthForm::Bearer, 429, TOKENS, headers);
        assert_eq!(cooldown.reason, CooldownReason::RateLimited);
        assert_eq!(cooldown.until, Some(Timestamp::from_millis(until_millis)));
        assert_eq!(cooldown.scope, CooldownScope::Model("gpt-5.4".to_owned()));
    }

    #[test]
    fn a_used_up_window_tells_the_end_where_nothing_else_does() {
        let headers = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "1m0s")];
        let cooldown = rest(AuthForm::Bearer, 429, "{}", &headers);
        assert_eq!(cooldown.until, Some(Timestamp::from_secs(1_060)));
    }

    /// In the body, in the body as the time that is left, and in the headers alone.
    #[rstest]
    #[case(r#"{"error":{"type":"usage_limit_reached","resets_at":5000,"resets_in_seconds":4000}}"#, 5_000)]
    #[case(r#"{"error":{"type":"usage_limit_reached","resets_in_seconds":3000}}"#, 4_000)]
    #[case(r#"{"error":{"type":"usage_limit_reached"}}"#, 9_000)]
    fn a_plan_rests_until_its_window_starts_anew(#[case] body: &str, #[case] until: i64) {
        let headers = [
            ("x-codex-primary-used-percent", "100"),
            ("x-codex-primary-window-minutes", "300"),
            ("x-codex-primary-reset-at", "9000"),
        ];
        let cooldown = rest(AuthForm::OAuth, 429, body, &headers);
        assert_eq!(cooldown.reason, CooldownReason::QuotaExhausted);
        assert_eq!(cooldown.until, Some(Timestamp::from_secs(until)));
        assert_eq!(cooldown.scope, CooldownScope::Account);
    }

    #[test]
    fn a_plan_s_event_under_a_200_parks_it_too() {
        let event = r#"{"type":"error","error":{"type":"usage_limit_reached","message":"The usage limit has been reached","resets_at":5000},"status_code":429}"#;
        let cooldown = rest(AuthForm::OAuth, 200, event, &[]);
        assert_eq!(cooldown.until, Some(Timestamp::from_secs(5_000)));
    }
}
