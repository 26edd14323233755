//! Every row of the table of troubles, with the words that Azure uses.

use http::{HeaderMap, StatusCode};
use posthaste_core::{
    Account, AuthForm, Dialect, ModelMap, ModelName, ModelPattern, ProviderKind, Timestamp,
};
use posthaste_wire::{UpstreamError, read_error};
use rstest::rstest;

use super::*;
use crate::{
    azure_openai::advice::advise,
    testing::{account, model},
};

const NOW: Timestamp = Timestamp::from_secs(1_000);

struct Told {
    status: u16,
    headers: HeaderMap,
    error: Option<UpstreamError>,
}

impl Told {
    fn new(status: u16, body: &str, headers: &[(&'static str, &str)]) -> Self {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Self { status, headers, error: read_error(Dialect::OpenAiChat, body.as_bytes()) }
    }

    fn head<'a>(&'a self, account: &'a Account, model: &'a ModelName) -> AnswerHead<'a> {
        AnswerHead {
            account,
            model,
            dialect: Dialect::OpenAiChat,
            status: StatusCode::from_u16(self.status).unwrap(),
            headers: &self.headers,
            error: self.error.as_ref(),
            now: NOW,
        }
    }
}

fn azure() -> Account {
    let mut account = account(ProviderKind::AzureOpenAi, "azure-openai");
    account.auth = AuthForm::ApiKey;
    account.base_url = "https://res.openai.azure.com".to_owned();
    account
}

fn verdict(told: &Told) -> Verdict {
    judge(&told.head(&azure(), &model("house-gpt")))
}

fn cooldown(verdict: Verdict) -> Cooldown {
    match verdict {
        Verdict::NextCandidate { cooldown: Some(cooldown) } => cooldown,
        other => panic!("a rest was expected, not {other:?}"),
    }
}

/// Recorded; <https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter>
const FILTERED: &str = r#"{"error":{"message":"The response was filtered due to the prompt triggering Azure Content management policy.","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation","content_filter_result":{"hate":{"filtered":true,"severity":"high"}}}}}"#;
/// Recorded.
const TOKENS: &str = r#"{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2023-05-15 have exceeded token rate limit of your current AIServices S0 pricing tier. Please retry after 86400 seconds."}}"#;
/// Recorded.
const REACHED: &str = r#"{"error":{"code":"RateLimitReached","message":"Your requests to grok for grok in westeurope have exceeded rate limit.","details":"x"}}"#;
/// Recorded.
const NO_DEPLOYMENT: &str = r#"{"error":{"type":"invalid_request_error","code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}}"#;
const NO_PATH: &str = r#"{"error":{"code":"404","message":"Resource not found"}}"#;
/// Recorded.
const BAD_KEY: &str = r#"{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription and use a correct regional API endpoint for your resource."}}"#;
/// <https://learn.microsoft.com/azure/ai-foundry/openai/how-to/managed-identity>
const NO_ROLE: &str = r#"{"error":{"code":"PermissionDenied","message":"The principal `0000` lacks the required data action `Microsoft.CognitiveServices/accounts/OpenAI/deployments/chat/completions/action`."}}"#;
/// <https://learn.microsoft.com/azure/ai-services/disable-local-auth>
const KEYS_OFF: &str = r#"{"error":{"code":"AuthenticationTypeDisabled","message":"Key based authentication is disabled for this resource."}}"#;
/// <https://learn.microsoft.com/azure/ai-services/cognitive-services-virtual-networks>
const FIREWALL: &str =
    r#"{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}"#;
/// <https://github.com/openai/openai-agents-python/issues/663>
const OLD: &str = r#"{"error":{"code":"BadRequest","message":"Azure OpenAI Responses API is enabled only for api-version 2025-03-01-preview and later"}}"#;
const WRONG: &str = r#"{"error":{"code":"OperationNotSupported","message":"The chatCompletion operation does not work with the specified model, text-embedding-3-small."}}"#;

#[rstest]
#[case(400, FILTERED)]
#[case(400, r#"{"error":{"code":"BadRequest","message":"x"}}"#)]
#[case(422, r#"{"error":{"code":"422","message":"x"}}"#)]
fn a_clients_fault_harms_nobody(#[case] status: u16, #[case] body: &str) {
    assert_eq!(verdict(&Told::new(status, body, &[])), Verdict::ClientFault);
}

#[test]
fn a_used_up_quota_rests_the_deployment_until_its_reset() {
    let rest = cooldown(verdict(&Told::new(429, REACHED, &[("retry-after", "1"), ("retry-after-ms", "0")])));
    assert_eq!(rest.reason, CooldownReason::RateLimited);
    assert_eq!(rest.scope, CooldownScope::Model("house-gpt".to_owned()));
    assert_eq!(rest.until, Some(Timestamp::from_secs(1_001)));

    let rest = cooldown(verdict(&Told::new(429, REACHED, &[("retry-after-ms", "2500")])));
    assert_eq!(rest.until, Some(Timestamp::from_millis(1_002_500)));

    let rest = cooldown(verdict(&Told::new(
        429,
        REACHED,
        &[("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "17")],
    )));
    assert_eq!(rest.until, Some(Timestamp::from_secs(1_017)));
    assert_eq!(cooldown(verdict(&Told::new(429, REACHED, &[]))).until, None);
}

#[test]
fn a_trials_day_is_a_quota_and_its_wait_stands_in_the_message() {
    let rest = cooldown(verdict(&Told::new(429, TOKENS, &[])));
    assert_eq!(rest.reason, CooldownReason::QuotaExhausted);
    assert_eq!(rest.until, Some(Timestamp::from_secs(1_000 + 86_400)));
    let rest = cooldown(verdict(&Told::new(429, TOKENS, &[("retry-after", "30")])));
    assert_eq!((rest.reason, rest.until), (CooldownReason::RateLimited, Some(Timestamp::from_secs(1_030))));
}

#[rstest]
#[case(404, NO_DEPLOYMENT)]
#[case(400, OLD)]
#[case(400, WRONG)]
fn what_one_account_has_not_another_may_have(#[case] status: u16, #[case] body: &str) {
    assert_eq!(verdict(&Told::new(status, body, &[])), Verdict::NotServed);
}

#[test]
fn a_missing_deployment_of_the_map_rests_that_name_alone() {
    let mut account = azure();
    account.model_map = ModelMap(vec![(ModelPattern::new("gpt-*"), model("house-gpt"))]);
    let rest = cooldown(judge(&Told::new(404, NO_DEPLOYMENT, &[]).head(&account, &model("house-gpt"))));
    assert_eq!(rest.reason, CooldownReason::Forbidden);
    assert_eq!(rest.scope, CooldownScope::Model("house-gpt".to_owned()));
}

#[rstest]
#[case(404, NO_PATH, CooldownReason::Failing)]
#[case(404, "<html>", CooldownReason::Failing)]
#[case(401, NO_ROLE, CooldownReason::Forbidden)]
#[case(403, NO_ROLE, CooldownReason::Forbidden)]
#[case(403, KEYS_OFF, CooldownReason::Forbidden)]
#[case(403, FIREWALL, CooldownReason::Forbidden)]
#[case(403, "<html>", CooldownReason::Failing)]
#[case(
    429,
    r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota"}}"#,
    CooldownReason::QuotaExhausted
)]
#[case(500, r#"{"error":{"code":"InternalServerError","message":"x"}}"#, CooldownReason::Failing)]
#[case(503, r#"{"error":{"code":"ServiceUnavailable","message":"x"}}"#, CooldownReason::Overloaded)]
fn what_concerns_the_account_rests_it(
    #[case] status: u16,
    #[case] body: &str,
    #[case] reason: CooldownReason,
) {
    let rest = cooldown(verdict(&Told::new(status, body, &[])));
    assert_eq!((rest.reason, rest.scope), (reason, CooldownScope::Account));
}

#[test]
fn a_refused_key_is_renewed() {
    assert_eq!(verdict(&Told::new(401, BAD_KEY, &[])), Verdict::Reauthenticate);
}

#[test]
fn another_account_is_asked_after_a_time_out_and_nobody_blamed() {
    let body = r#"{"error":{"code":"Timeout","message":"The operation was timeout."}}"#;
    assert_eq!(verdict(&Told::new(408, body, &[])), Verdict::NextCandidate { cooldown: None });
}

#[rstest]
#[case(400, FILTERED, "content filter")]
#[case(429, REACHED, "in West Europe")]
#[case(404, NO_DEPLOYMENT, "--map 'house-gpt=DEPLOYMENT'")]
#[case(404, NO_PATH, "--api-version 2024-10-21")]
#[case(400, OLD, "--api-version 2025-04-01-preview")]
#[case(400, WRONG, "--map")]
#[case(401, BAD_KEY, "https://res.openai.azure.com")]
#[case(401, NO_ROLE, "Cognitive Services OpenAI User")]
#[case(403, KEYS_OFF, "--auth entra")]
#[case(403, FIREWALL, "Networking")]
fn the_advice_says_what_to_do(#[case] status: u16, #[case] body: &str, #[case] hint: &str) {
    let told = Told::new(status, body, &[("x-ms-region", "West Europe")]);
    let advice = advise(&told.head(&azure(), &model("house-gpt"))).unwrap();
    assert!(advice.contains(hint), "{advice}");
}

#[test]
fn the_advice_on_a_path_names_the_version_that_was_tried() {
    let mut account = azure();
    account.settings.api_version = Some("2023-05-15".to_owned());
    let told = Told::new(404, NO_PATH, &[]);
    let advice = advise(&told.head(&account, &model("house-gpt"))).unwrap();
    assert!(advice.contains("2023-05-15"), "{advice}");
}
