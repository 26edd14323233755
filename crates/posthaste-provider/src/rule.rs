//! What a vendor's own errors mean: rows of data that go before the dialect's general table.

use posthaste_core::{Cooldown, CooldownReason, CooldownScope, Timestamp, Verdict};

use crate::{
    AnswerHead,
    plan_window::{PlanWindow, told_reset},
    preset,
    reset::retry_after,
    resting::why,
};

/// One row. It fits when all that it names fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorRule {
    /// The status; 0 for any.
    pub status: u16,
    /// The error's `code` or `type`, whichever the vendor uses; empty for any.
    pub code: &'static str,
    /// What the message holds, in lower case; empty for any.
    pub text: &'static str,
    /// What it means.
    pub means: Means,
    /// What the operator can do; empty where nothing has to be done.
    pub advice: &'static str,
}

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The client's fault.
    ClientFault,
    /// Too many requests for a short time.
    RateLimited,
    /// The vendor has too much to do.
    Overloaded,
    /// A balance or a window is used up.
    Quota(Reset),
    /// The credential is not accepted.
    Unauthorised,
    /// The account is blocked or may not do this.
    Forbidden,
    /// The account may not use this model.
    ModelForbidden,
}

/// When a used-up quota comes back. A moment that the answer tells goes before all of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Nobody knows.
    Unknown,
    /// At the start of the next day, UTC.
    Day,
    /// With its window.
    Window(PlanWindow),
}

impl Means {
    /// The plan's window that is used up.
    pub const fn window(self) -> Option<PlanWindow> {
        match self {
            Self::Quota(Reset::Window(window)) => Some(window),
            _ => None,
        }
    }
}

/// A row, in the order of the fields.
pub(crate) const fn rule(
    status: u16,
    code: &'static str,
    text: &'static str,
    means: Means,
    advice: &'static str,
) -> ErrorRule {
    ErrorRule { status, code, text, means, advice }
}

/// The row of the account's preset that fits an answer.
pub fn rule_of(answer: &AnswerHead<'_>) -> Option<&'static ErrorRule> {
    let rules = preset(&answer.account.preset.0)?.rules;
    let lower = answer.error.map(|error| error.message.to_lowercase()).unwrap_or_default();
    rules.iter().find(|rule| {
        let status = rule.status == 0 || rule.status == answer.status.as_u16();
        let code = rule.code.is_empty()
            || answer
                .error
                .is_some_and(|error| error.kind == rule.code || error.code.as_deref() == Some(rule.code));
        // Without a word of the API nothing but a status of the vendor's own can be known.
        let said = answer.error.is_some() || rule.code.is_empty() && rule.text.is_empty() && rule.status != 0;
        status && code && said && (rule.text.is_empty() || lower.contains(rule.text))
    })
}

/// The verdict of the account's preset; `None` when it has nothing to say.
pub(crate) fn judge(answer: &AnswerHead<'_>) -> Option<Verdict> {
    let rule = rule_of(answer)?;
    let rest = |reason, scope, until| {
        let why = why(answer, answer.error);
        Verdict::NextCandidate { cooldown: Some(Cooldown { reason, scope, until, why }) }
    };
    let advised = retry_after(answer.headers, answer.now);
    Some(match rule.means {
        Means::ClientFault => Verdict::ClientFault,
        Means::RateLimited => rest(CooldownReason::RateLimited, CooldownScope::Account, advised),
        Means::Overloaded => rest(CooldownReason::Overloaded, CooldownScope::Account, advised),
        Means::Quota(reset) => {
            let until = quota_reset(answer, reset).or(advised);
            rest(CooldownReason::QuotaExhausted, CooldownScope::Account, until)
        }
        Means::Unauthorised => Verdict::Reauthenticate,
        Means::Forbidden => rest(CooldownReason::Forbidden, CooldownScope::Account, None),
        Means::ModelForbidden => {
            rest(CooldownReason::Forbidden, CooldownScope::Model(answer.model.as_str().to_owned()), None)
        }
    })
}

fn quota_reset(answer: &AnswerHead<'_>, reset: Reset) -> Option<Timestamp> {
    let told = answer.error.and_then(|error| told_reset(&error.message, answer.now));
    told.or_else(|| match reset {
        Reset::Unknown => None,
        Reset::Day => Some(next_day(answer.now)),
        Reset::Window(window) => window.next_reset(answer.account.settings.plan_day, answer.now),
    })
}

fn next_day(now: Timestamp) -> Timestamp {
    Timestamp::from_secs((now.as_secs().div_euclid(DAY) + 1) * DAY)
}

const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use posthaste_core::{Dialect, ProviderKind};
    use posthaste_wire::read_error;
    use rstest::rstest;

    use super::*;
    use crate::{
        provider,
        testing::{account, model},
    };

    const NOW: &str = "2026-11-26T00:00:00Z";

    fn verdict(preset: &str, status: u16, code: &str, message: &str) -> Verdict {
        let body = format!(r#"{{"error":{{"message":"{message}","code":"{code}"}}}}"#);
        let mut account = account(ProviderKind::OpenAiCompatible, preset);
        account.settings.plan_day = Some(28);
        let error = read_error(Dialect::OpenAiChat, body.as_bytes());
        provider(account.provider).judge(&AnswerHead {
            account: &account,
            model: &model("glm-5"),
            dialect: Dialect::OpenAiChat,
            status: StatusCode::from_u16(status).unwrap(),
            headers: &HeaderMap::new(),
            error: error.as_ref(),
            now: NOW.parse().unwrap(),
        })
    }

    #[rstest]
    #[case::told(
        "glm-coding-plan",
        429,
        "1308",
        "Usage limit reached for 5 hour. Your limit will reset at 2026-11-26 09:30:00",
        Some("2026-11-26T01:30:00Z")
    )]
    #[case::week("glm-coding-plan", 429, "1310", "Weekly limit exhausted", Some("2026-11-29T16:00:00Z"))]
    #[case::month("glm-coding-plan", 429, "1310", "Monthly limit exhausted", Some("2026-11-27T16:00:00Z"))]
    #[case::arrears("glm-coding-plan", 429, "1113", "Insufficient balance", None)]
    #[case::hours("dashscope-coding-plan", 429, "x", "Hour allocated quota exceeded.", None)]
    #[case::alibabas_week(
        "dashscope-coding-plan",
        429,
        "x",
        "week allocated quota exceeded",
        Some("2026-11-29T16:00:00Z")
    )]
    #[case::alibabas_month(
        "dashscope-coding-plan",
        429,
        "x",
        "month allocated quota exceeded",
        Some("2026-11-27T16:00:00Z")
    )]
    #[case::qwens_day(
        "qwen",
        429,
        "insufficient_quota",
        "Free allocated quota exceeded.",
        Some("2026-11-26T16:00:00Z")
    )]
    #[case::moonshot("moonshot", 403, "exceeded_current_quota_error", "pay", None)]
    #[case::openrouter(
        "openrouter",
        429,
        "429",
        "Rate limit exceeded: free-models-per-day",
        Some("2026-11-27T00:00:00Z")
    )]
    fn a_used_up_quota_rests_until_its_true_reset(
        #[case] preset: &str,
        #[case] status: u16,
        #[case] code: &str,
        #[case] message: &str,
        #[case] until: Option<&str>,
    ) {
        let Verdict::NextCandidate { cooldown: Some(cooldown) } = verdict(preset, status, code, message)
        else {
            panic!("the account rests");
        };
        assert_eq!(cooldown.reason, CooldownReason::QuotaExhausted);
        assert_eq!(cooldown.until, until.map(|until| until.parse().unwrap()));
    }

    #[rstest]
    #[case("dashscope", 429, "insufficient_quota", CooldownReason::RateLimited)]
    #[case("glm-coding-plan", 429, "1302", CooldownReason::RateLimited)]
    #[case("glm-coding-plan", 429, "1305", CooldownReason::Overloaded)]
    #[case("glm-coding-plan", 429, "1313", CooldownReason::Forbidden)]
    #[case("groq", 413, "rate_limit_exceeded", CooldownReason::RateLimited)]
    #[case("moonshot", 429, "engine_overloaded_error", CooldownReason::Overloaded)]
    fn passing_trouble_is_told_apart(
        #[case] preset: &str,
        #[case] status: u16,
        #[case] code: &str,
        #[case] reason: CooldownReason,
    ) {
        let Verdict::NextCandidate { cooldown: Some(cooldown) } = verdict(preset, status, code, "m") else {
            panic!("the account rests");
        };
        assert_eq!(cooldown.reason, reason);
    }

    #[test]
    fn a_model_that_is_not_in_the_plan_rests_alone() {
        let Verdict::NextCandidate { cooldown: Some(cooldown) } =
            verdict("glm-coding-plan", 429, "1311", "m")
        else {
            panic!("the model rests");
        };
        assert_eq!(cooldown.scope, CooldownScope::Model("glm-5".to_owned()));
    }

    #[rstest]
    #[case("glm-coding-plan", 400, "1301")]
    #[case("dashscope-coding-plan", 400, "data_inspection_failed")]
    #[case("deepseek", 422, "x")]
    fn the_clients_fault_harms_nobody(#[case] preset: &str, #[case] status: u16, #[case] code: &str) {
        assert_eq!(verdict(preset, status, code, "m"), Verdict::ClientFault);
    }

    #[rstest]
    #[case("glm-coding-plan", 401, "1002")]
    #[case("moonshot", 401, "invalid_authentication_error")]
    fn a_refused_key_is_told(#[case] preset: &str, #[case] status: u16, #[case] code: &str) {
        assert_eq!(verdict(preset, status, code, "m"), Verdict::Reauthenticate);
    }

    #[test]
    fn what_no_row_knows_is_left_to_the_dialects_table() {
        assert!(matches!(verdict("glm-coding-plan", 500, "1234", "m"), Verdict::NextCandidate { .. }));
        assert_eq!(verdict("glm-coding-plan", 400, "1210", "m"), Verdict::ClientFault);
    }
}
