//! Reading the verdict.

use jiff::{ToSpan, tz::TimeZone};
use posthaste_core::{CooldownScope, Timestamp, Verdict};

use super::table::ROWS;
use crate::{
    AnswerHead,
    reset::retry_after,
    table::{Rests, judge_by},
};

pub(crate) fn judge(answer: &AnswerHead<'_>) -> Verdict {
    judge_by(&ROWS, answer, || Rests {
        told: told(answer),
        day_ends: midnight_pacific(answer.now),
        limited: limited(answer),
    })
}

/// When the vendor says that a limit ends. There are no headers of its own for that, but a proxy may add `retry-after`.
fn told(answer: &AnswerHead<'_>) -> Option<Timestamp> {
    let details = answer.error.map(|error| &error.details);
    let reset = details.and_then(|details| details.resets_at).filter(|reset| *reset > answer.now);
    reset
        .or_else(|| details?.wait.map(|wait| answer.now.plus(wait)))
        .or_else(|| retry_after(answer.headers, answer.now))
}

/// Quotas are counted for each model.
fn limited(answer: &AnswerHead<'_>) -> CooldownScope {
    let named = answer.error.and_then(|error| error.details.model.as_deref());
    match named {
        // The name of a model without its version.
        Some(named) => CooldownScope::Models(named.to_owned()),
        None => CooldownScope::Model(answer.model.as_str().to_owned()),
    }
}

/// When the quotas of a day start anew (<https://ai.google.dev/gemini-api/docs/rate-limits>, checked 2026-11-26).
fn midnight_pacific(now: Timestamp) -> Option<Timestamp> {
    let zone = TimeZone::get("America/Los_Angeles").ok()?;
    let today = jiff::Timestamp::from(now).to_zoned_datetime(zone);
    let tomorrow = today.checked_add(1.day()).and_then(|tomorrow| tomorrow.start_of_day()).ok()?;
    Some(tomorrow.timestamp().into())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use posthaste_core::{Cooldown, CooldownReason, Dialect, ProviderKind};
    use posthaste_wire::read_error;
    use rstest::rstest;

    use super::*;
    use crate::{
        table::assert_each_row_is_met,
        testing::{account, model},
    };

    #[test]
    fn each_row_is_met_by_its_examples() {
        let account = account(ProviderKind::Gemini, "gemini");
        assert_each_row_is_met(&ROWS, &account, &model("gemini-3-pro"), Dialect::GeminiGenerate);
    }

    fn rest(now: &str, body: &str) -> Cooldown {
        let error = read_error(Dialect::GeminiGenerate, body.as_bytes());
        let verdict = judge(&AnswerHead {
            account: &account(ProviderKind::Gemini, "gemini"),
            model: &model("gemini-3-pro"),
            dialect: Dialect::GeminiGenerate,
            status: StatusCode::TOO_MANY_REQUESTS,
            headers: &HeaderMap::new(),
            error: error.as_ref(),
            now: now.parse().unwrap(),
        });
        let Verdict::NextCandidate { cooldown: Some(cooldown) } = verdict else {
            panic!("the account rests: {verdict:?}");
        };
        cooldown
    }

    fn quota(id: &str) -> String {
        format!(
            r#"{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","message":"m","details":[
            {{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{{"quotaId":"{id}","quotaDimensions":{{"model":"gemini-2.5-flash"}}}}]}},
            {{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"39s"}}]}}}}"#
        )
    }

    #[test]
    fn a_minute_s_quota_ends_when_the_vendor_says() {
        let cooldown = rest("2026-11-26T12:00:00Z", &quota("GenerateRequestsPerMinutePerProjectPerModel"));
        assert_eq!(cooldown.reason, CooldownReason::RateLimited);
        assert_eq!(cooldown.until, Some("2026-11-26T12:00:39Z".parse().unwrap()));
        assert_eq!(cooldown.scope, CooldownScope::Models("gemini-2.5-flash".to_owned()));
    }

    /// In winter, shortly before midnight, and on the days when the clocks go forward and back.
    #[rstest]
    #[case("2026-11-26T12:00:00Z", "2026-11-27T08:00:00Z")]
    #[case("2026-11-27T07:59:59Z", "2026-11-27T08:00:00Z")]
    #[case("2026-11-27T08:00:00Z", "2026-11-28T08:00:00Z")]
    #[case("2026-07-01T12:00:00Z", "2026-07-02T07:00:00Z")]
    #[case("2026-03-08T09:00:00Z", "2026-03-09T07:00:00Z")]
    #[case("2026-11-01T08:00:00Z", "2026-11-02T08:00:00Z")]
    fn a_day_s_quota_ends_at_midnight_in_california(#[case] now: &str, #[case] until: &str) {
        let cooldown = rest(now, &quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"));
        assert_eq!(cooldown.reason, CooldownReason::QuotaExhausted);
        assert_eq!(cooldown.until, Some(until.parse().unwrap()));
    }

    #[test]
    fn code_assist_tells_the_end_of_its_quotas() {
        let body = r#"{"error":{"code":429,"message":"Individual quota reached. Resets in 9h22m20s.","status":"RESOURCE_EXHAUSTED","details":[
            {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"QUOTA_EXHAUSTED","domain":"cloudcode-pa.googleapis.com",
             "metadata":{"quotaResetTimeStamp":"2026-09-20T21:03:14Z","model":"gemini-3.5-flash"}}]}}"#;
        let cooldown = rest("2026-09-20T11:40:54Z", body);
        assert_eq!(cooldown.reason, CooldownReason::QuotaExhausted);
        assert_eq!(cooldown.until, Some("2026-09-20T21:03:14Z".parse().unwrap()));
        assert_eq!(cooldown.scope, CooldownScope::Models("gemini-3.5-flash".to_owned()));
    }

    #[test]
    fn without_details_the_model_that_was_asked_rests() {
        let cooldown =
            rest("2026-11-26T12:00:00Z", r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#);
        assert_eq!(cooldown.until, None);
        assert_eq!(cooldown.scope, CooldownScope::Model("gemini-3-pro".to_owned()));
    }
}
