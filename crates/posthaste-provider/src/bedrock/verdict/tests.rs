//! Every row of the table of troubles, with the words that AWS uses.

use http::{HeaderMap, StatusCode};
use posthaste_core::{Account, AuthForm, ModelMap, ModelPattern, Packing, ProviderKind, Surface, Timestamp};
use posthaste_wire::{
    Framing, StreamTap, UpstreamError,
    event_stream::{write_event, write_exception},
    read_error_answer,
};
use rstest::rstest;

use super::*;
use crate::{
    bedrock::advice::advise,
    testing::{account, model},
};

const MODEL: &str = "us.anthropic.claude-sonnet-4-6";

/// An answer with AWS's header and body.
struct Told {
    status: u16,
    headers: HeaderMap,
    error: Option<UpstreamError>,
}

impl Told {
    fn new(status: u16, kind: &str, message: &str) -> Self {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            let kind = format!("{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/");
            headers.insert("x-amzn-errortype", kind.parse().unwrap());
        }
        let body = format!(r#"{{"message":"{message}"}}"#);
        let error = read_error_answer(Dialect::BedrockConverse, &headers, body.as_bytes());
        assert!(error.is_some());
        Self { status, headers, error }
    }

    fn head<'a>(&'a self, account: &'a Account, model: &'a posthaste_core::ModelName) -> AnswerHead<'a> {
        AnswerHead {
            account,
            model,
            dialect: Dialect::BedrockConverse,
            status: StatusCode::from_u16(self.status).unwrap(),
            headers: &self.headers,
            error: self.error.as_ref(),
            now: Timestamp::from_secs(1_000),
        }
    }
}

fn bedrock(auth: AuthForm) -> Account {
    let mut account = account(ProviderKind::Bedrock, "bedrock");
    account.auth = auth;
    account.base_url = "https://bedrock-runtime.us-east-1.amazonaws.com".to_owned();
    account
}

fn verdict(told: &Told) -> Verdict {
    judge(&told.head(&bedrock(AuthForm::AwsKeys), &model(MODEL)))
}

fn cooldown(verdict: Verdict) -> Cooldown {
    match verdict {
        Verdict::NextCandidate { cooldown: Some(cooldown) } => cooldown,
        other => panic!("a rest was expected, not {other:?}"),
    }
}

#[rstest]
// https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html#ts-throttling-exception; recorded
#[case(
    429,
    "ThrottlingException",
    "Too many tokens, please wait before trying again.",
    CooldownReason::RateLimited
)]
#[case(
    429,
    "ThrottlingException",
    "Too many requests, please wait before trying again.",
    CooldownReason::RateLimited
)]
#[case(
    429,
    "ThrottlingException",
    "Too many tokens per day, please wait before trying again.",
    CooldownReason::QuotaExhausted
)]
#[case(429, "", "slow down", CooldownReason::RateLimited)]
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors
#[case(
    429,
    "ModelNotReadyException",
    "The model specified in the request is not ready to serve inference requests.",
    CooldownReason::Overloaded
)]
#[case(408, "ModelTimeoutException", "The request took too long to process.", CooldownReason::Failing)]
#[case(
    424,
    "ModelErrorException",
    "The request failed due to an error while processing the model.",
    CooldownReason::Failing
)]
#[case(
    424,
    "ModelStreamErrorException",
    "An error occurred while streaming the response.",
    CooldownReason::Failing
)]
#[case(424, "", "failed dependency", CooldownReason::Failing)]
// https://github.com/aws-samples/amazon-bedrock-workshop/issues/87
#[case(
    403,
    "AccessDeniedException",
    "You don't have access to the model with the specified model ID.",
    CooldownReason::Forbidden
)]
#[case(
    403,
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/a is not authorized to perform: bedrock:InvokeModel on resource: b",
    CooldownReason::Forbidden
)]
#[case(
    403,
    "BadCScoreException",
    "Your account is not authorized to access this model",
    CooldownReason::Forbidden
)]
// …troubleshooting-api-error-codes.html#ts-ftu-form
#[case(
    404,
    "FTUFormNotFilled",
    "Model use case details have not been submitted for this account.",
    CooldownReason::Forbidden
)]
#[case(
    404,
    "ResourceNotFoundException",
    "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form before using the model.",
    CooldownReason::Forbidden
)]
fn what_concerns_one_model_rests_that_model(
    #[case] status: u16,
    #[case] kind: &str,
    #[case] message: &str,
    #[case] reason: CooldownReason,
) {
    let rest = cooldown(verdict(&Told::new(status, kind, message)));
    assert_eq!((rest.reason, rest.scope), (reason, CooldownScope::Model(MODEL.to_owned())));
    assert!(rest.why.contains(&message[..8]), "{}", rest.why);
}

#[rstest]
#[case(
    400,
    "ServiceQuotaExceededException",
    "Your request exceeds the service quota for your account.",
    CooldownReason::QuotaExhausted
)]
#[case(
    503,
    "ServiceUnavailableException",
    "Bedrock is unable to process your request.",
    CooldownReason::Overloaded
)]
#[case(503, "", "busy", CooldownReason::Overloaded)]
#[case(500, "InternalServerException", "An internal server error occurred.", CooldownReason::Failing)]
#[case(500, "InternalFailure", "The request processing has failed.", CooldownReason::Failing)]
#[case(502, "", "bad gateway", CooldownReason::Failing)]
// https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
#[case(
    403,
    "OptInRequired",
    "The AWS access key ID needs a subscription for the service.",
    CooldownReason::Forbidden
)]
#[case(400, "NotAuthorized", "You do not have permission to perform this action.", CooldownReason::Forbidden)]
// https://github.com/kirodotdev/Kiro/issues/11191
#[case(400, "ValidationException", "Operation not allowed", CooldownReason::Forbidden)]
#[case(
    403,
    "InvalidSignatureException",
    "Credential should be scoped to a valid region, not 'us-east-9'.",
    CooldownReason::Forbidden
)]
// A wrong base URL: AWS knows no such operation.
#[case(404, "UnknownOperationException", "none", CooldownReason::Failing)]
#[case(302, "", "elsewhere", CooldownReason::Failing)]
fn what_concerns_the_account_rests_it(
    #[case] status: u16,
    #[case] kind: &str,
    #[case] message: &str,
    #[case] reason: CooldownReason,
) {
    let rest = cooldown(verdict(&Told::new(status, kind, message)));
    assert_eq!((rest.reason, rest.scope), (reason, CooldownScope::Account));
}

#[rstest]
// https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html; the first two recorded
#[case(403, "UnrecognizedClientException", "The security token included in the request is invalid.")]
#[case(403, "ExpiredTokenException", "The security token included in the request is expired")]
#[case(403, "InvalidClientTokenId", "The AWS access key ID provided does not exist in our records.")]
#[case(
    403,
    "InvalidSignatureException",
    "The request signature we calculated does not match the signature you provided."
)]
#[case(
    403,
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided."
)]
#[case(400, "IncompleteSignature", "The request signature does not conform to AWS standards.")]
#[case(403, "MissingAuthenticationTokenException", "Missing Authentication Token")]
#[case(400, "RequestExpired", "The request reached the service more than 15 minutes after the date stamp.")]
// https://github.com/ai4s-research/open-science/issues/53
#[case(403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.")]
#[case(403, "AccessDeniedException", "Bearer Token has expired")]
#[case(401, "", "who are you")]
#[case(403, "BrandNewException", "no")]
fn refused_keys_are_renewed(#[case] status: u16, #[case] kind: &str, #[case] message: &str) {
    assert_eq!(verdict(&Told::new(status, kind, message)), Verdict::Reauthenticate);
}

#[rstest]
// https://github.com/aws/aws-sdk-php/issues/537
#[case(
    "Signature expired: 20150411T064107Z is now earlier than 20150411T064135Z (20150411T064635Z - 5 min.)"
)]
// https://github.com/JuliaCloud/AWS.jl/issues/206
#[case(
    "Signature not yet current: 20201002T065532Z is still later than 20201002T062118Z (20201002T061618Z + 5 min.)"
)]
fn a_clock_that_is_off_is_told_as_such(#[case] message: &str) {
    for kind in ["InvalidSignatureException", "SignatureDoesNotMatch"] {
        let told = Told::new(403, kind, message);
        let rest = cooldown(verdict(&told));
        assert_eq!((rest.reason, &rest.scope), (CooldownReason::Failing, &CooldownScope::Account));
        assert!(rest.why.starts_with("this machine's clock"), "{}", rest.why);
        assert!(rest.why.contains(&message[..20]), "{}", rest.why);
        assert!(advise(&told.head(&bedrock(AuthForm::AwsKeys), &model(MODEL))).unwrap().contains("NTP"));
    }
}

#[rstest]
// Recorded.
#[case(
    400,
    "ValidationException",
    "The model returned the following errors: Input Tokens Exceeded: Number of input tokens exceeds maximum length."
)]
#[case(400, "ValidationError", "The input fails to satisfy the constraints.")]
#[case(400, "BrandNewException", "no")]
#[case(413, "RequestEntityTooLargeException", "too large")]
fn a_clients_fault_harms_nobody(#[case] status: u16, #[case] kind: &str, #[case] message: &str) {
    assert_eq!(verdict(&Told::new(status, kind, message)), Verdict::ClientFault);
}

#[rstest]
// The first two recorded.
#[case(400, "ValidationException", "The provided model identifier is invalid.")]
#[case(404, "ResourceNotFoundException", "This model version has reached the end of its life.")]
// https://github.com/strands-agents/harness-sdk/issues/38
#[case(
    400,
    "ValidationException",
    "Invocation of model ID anthropic.claude-sonnet-4-6 with on-demand throughput isn’t supported."
)]
fn a_model_that_is_not_here_may_be_elsewhere(#[case] status: u16, #[case] kind: &str, #[case] message: &str) {
    assert_eq!(verdict(&Told::new(status, kind, message)), Verdict::NotServed);
}

/// What the operator's map named wrongly is not the client's fault, and another account may serve.
#[rstest]
#[case(404, "ResourceNotFoundException", "This model version has reached the end of its life.")]
#[case(400, "ValidationException", "The provided model identifier is invalid.")]
#[case(400, "ValidationException", "Invocation of model ID x with on-demand throughput isn’t supported.")]
fn a_wrong_model_of_the_map_rests_that_model(#[case] status: u16, #[case] kind: &str, #[case] message: &str) {
    let mut account = bedrock(AuthForm::AwsKeys);
    account.model_map = ModelMap(vec![(ModelPattern::new("claude-*"), model(MODEL))]);
    let told = Told::new(status, kind, message);
    let rest = cooldown(judge(&told.head(&account, &model(MODEL))));
    assert_eq!(rest.scope, CooldownScope::Model(MODEL.to_owned()));
    assert_eq!(judge(&told.head(&account, &model("us.amazon.nova-pro-v1:0"))), Verdict::NotServed);
}

#[test]
fn a_page_that_is_not_aws_is_passing_trouble() {
    for status in [401, 403, 404] {
        let told = Told { status, headers: HeaderMap::new(), error: None };
        assert_eq!(cooldown(verdict(&told)).reason, CooldownReason::Failing, "{status}");
    }
}

#[test]
fn a_good_answer_is_delivered() {
    let told = Told { status: 200, headers: HeaderMap::new(), error: None };
    assert_eq!(verdict(&told), Verdict::Deliver);
}

/// An exception within a stream, as the tap reads it: of Converse's events and of Anthropic's within chunks.
fn in_stream(packing: Packing, exception: &str) -> Verdict {
    let dialect = match packing {
        Packing::Invoke => Dialect::AnthropicMessages,
        _ => Dialect::BedrockConverse,
    };
    let mut stream = Vec::new();
    if packing == Packing::Plain {
        write_event(&mut stream, "messageStart", br#"{"role":"assistant"}"#).unwrap();
    }
    write_exception(&mut stream, exception, br#"{"message":"as AWS says"}"#).unwrap();
    let mut tap = StreamTap::with_framing(dialect, Framing::of(Surface { dialect, packing }));
    tap.push(&stream).unwrap();
    let told = Told { status: 200, headers: HeaderMap::new(), error: tap.error().cloned() };
    assert!(told.error.is_some(), "{exception}");
    let (account, model) = (bedrock(AuthForm::AwsKeys), model(MODEL));
    judge(&AnswerHead { dialect, ..told.head(&account, &model) })
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html#API_runtime_ConverseStream_ResponseSyntax>
#[rstest]
#[case("throttlingException", CooldownReason::RateLimited)]
#[case("serviceUnavailableException", CooldownReason::Overloaded)]
#[case("internalServerException", CooldownReason::Failing)]
#[case("modelStreamErrorException", CooldownReason::Failing)]
#[case("modelTimeoutException", CooldownReason::Failing)]
fn exceptions_within_a_stream_are_judged_as_answers_are(
    #[case] exception: &str,
    #[case] reason: CooldownReason,
) {
    for packing in [Packing::Plain, Packing::Invoke] {
        assert_eq!(cooldown(in_stream(packing, exception)).reason, reason, "{packing:?}");
    }
}

#[test]
fn a_wrong_request_within_a_stream_is_the_clients() {
    for packing in [Packing::Plain, Packing::Invoke] {
        assert_eq!(in_stream(packing, "validationException"), Verdict::ClientFault);
    }
}

#[test]
fn a_model_that_spoils_its_answer_is_not_the_accounts_fault() {
    let error = UpstreamError {
        kind: "malformed_tool_use".to_owned(),
        ..Told::new(200, "", "spoiled").error.unwrap()
    };
    let told = Told { status: 200, headers: HeaderMap::new(), error: Some(error) };
    assert_eq!(verdict(&told), Verdict::NextCandidate { cooldown: None });
}

#[rstest]
#[case(AuthForm::AwsKeys, 403, "UnrecognizedClientException", "invalid", "--aws-access-key-id")]
#[case(AuthForm::AwsChain, 403, "ExpiredTokenException", "expired", "aws sts get-caller-identity")]
#[case(AuthForm::Bearer, 403, "AccessDeniedException", "Bearer Token has expired", "--api-key")]
#[case(
    AuthForm::AwsKeys,
    403,
    "AccessDeniedException",
    "You don't have access to the model",
    "bedrock:InvokeModel"
)]
#[case(AuthForm::AwsKeys, 404, "FTUFormNotFilled", "use case", "form")]
#[case(AuthForm::AwsKeys, 400, "ValidationException", "x with on-demand throughput isn’t supported", "--map")]
#[case(
    AuthForm::AwsKeys,
    400,
    "ValidationException",
    "The provided model identifier is invalid.",
    "us-east-1"
)]
#[case(AuthForm::AwsKeys, 404, "ResourceNotFoundException", "end of its life", "--map")]
#[case(AuthForm::AwsKeys, 429, "ThrottlingException", "Too many tokens", "Service Quotas")]
#[case(AuthForm::AwsKeys, 429, "ThrottlingException", "Too many tokens per day", "today's")]
#[case(
    AuthForm::AwsKeys,
    403,
    "InvalidSignatureException",
    "Credential should be scoped to a valid region",
    "--region"
)]
#[case(AuthForm::AwsKeys, 400, "ValidationException", "Operation not allowed", "support")]
fn the_advice_says_what_to_do(
    #[case] auth: AuthForm,
    #[case] status: u16,
    #[case] kind: &str,
    #[case] message: &str,
    #[case] hint: &str,
) {
    let told = Told::new(status, kind, message);
    let advice = advise(&told.head(&bedrock(auth), &model(MODEL))).unwrap();
    assert!(advice.contains(hint), "{advice}");
}
