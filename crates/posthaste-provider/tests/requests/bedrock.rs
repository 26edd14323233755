//! AWS Bedrock. The signatures were computed with `botocore` 1.43, not with what is tested.

use posthaste_core::{Account, AuthForm, Credential, Dialect, Operation, Packing, Payload, ProviderKind};
use posthaste_provider::PrepareError;
use rstest::rstest;

use crate::support::{Ask, account, aws, invoke_body, key, packing, plain};

const VIRGINIA: &str = "https://bedrock-runtime.us-east-1.amazonaws.com";
const NOVA: &str = "us.amazon.nova-pro-v1:0";
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEXAMPLE==";
const CONVERSE: &str = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
const COUNT: &str = r#"{"input":{"converse":{"messages":[]}}}"#;
const MESSAGES: &str = r#"{"model":"claude-sonnet-4-5","max_tokens":16,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const INVOKE: &str = r#"{"max_tokens":16,"messages":[{"role":"user","content":"hi"}],"anthropic_version":"bedrock-2023-05-31"}"#;

fn bedrock(auth: AuthForm) -> Account {
    account(ProviderKind::Bedrock, VIRGINIA, auth)
}

/// An operation of the API: path, what is accepted, body, and its signatures without and with a session token.
struct Operating {
    operation: Operation,
    dialect: Dialect,
    streamed: bool,
    model: &'static str,
    path: &'static str,
    accept: &'static str,
    sent: &'static str,
    signature: &'static str,
    signature_with_token: &'static str,
}

impl Operating {
    fn body(&self) -> Payload {
        match self.dialect {
            Dialect::AnthropicMessages => invoke_body(MESSAGES, &[]),
            _ => plain(self.sent),
        }
    }

    fn ask<'a>(&'a self, account: &'a Account, credential: Credential) -> Ask<'a> {
        Ask {
            account,
            credential: Some(credential),
            operation: self.operation,
            dialect: self.dialect,
            model: self.model,
            streamed: self.streamed,
            client_headers: &[],
            body: self.body(),
        }
    }
}

const CONVERSING: Operating = Operating {
    operation: Operation::Chat,
    dialect: Dialect::BedrockConverse,
    streamed: false,
    model: NOVA,
    path: "/model/us.amazon.nova-pro-v1%3A0/converse",
    accept: "application/json",
    sent: CONVERSE,
    signature: "79841ab5481d7e590688b9ae3e8ee6fc1d5891eef4a2b4a76472b691070c59b9",
    signature_with_token: "7fb7d5256cb510c4a584641d413223c47eb88b2eb5eb64e46612e3598cb4984e",
};
const CONVERSING_STREAM: Operating = Operating {
    streamed: true,
    path: "/model/us.amazon.nova-pro-v1%3A0/converse-stream",
    accept: "application/vnd.amazon.eventstream",
    signature: "cb44061092807305f14f051018f4293a8d25e8499878fb6e1449b274dadb5e0c",
    signature_with_token: "12e44b68d5c087e8e2044fffb5f6313ef9d98001869b40476fc6d27c1b5125e6",
    ..CONVERSING
};
const INVOKING: Operating = Operating {
    dialect: Dialect::AnthropicMessages,
    model: CLAUDE,
    path: "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke",
    sent: INVOKE,
    signature: "e649e994af8abefbaed64632fb99e1f1deb616d7d16e798cf5983538497363db",
    signature_with_token: "0d2179204c497ad29019951fa383dee019b4827bfa11c448aa01590515cddcb3",
    ..CONVERSING
};
const INVOKING_STREAM: Operating = Operating {
    streamed: true,
    path: "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream",
    accept: "application/vnd.amazon.eventstream",
    signature: "66e13d2ff236386cceaad3b08b6ce9ac52fd044d348295b1250d8b6eabcc7bf9",
    signature_with_token: "ff06f2fdefd281ed5a8016ae43d8f90d474d1503a1481ec45655954c04db6cb9",
    ..INVOKING
};
const COUNTING: Operating = Operating {
    operation: Operation::CountTokens,
    model: CLAUDE,
    path: "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens",
    sent: COUNT,
    signature: "98403e50ec2bc649e66a71f66f3d7c599a7abd64536aa29399b27a9e4ad72464",
    signature_with_token: "c28eec41f1fb82442a22207baf9cfc16ab89c57c0a30b3d8e2e0df2effae5b17",
    ..CONVERSING
};

fn signed(region: &str, headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261126/{region}/bedrock/aws4_request, SignedHeaders={headers}, Signature={signature}"
    )
}

#[rstest]
#[case::converse(CONVERSING)]
#[case::converse_stream(CONVERSING_STREAM)]
#[case::invoke(INVOKING)]
#[case::invoke_stream(INVOKING_STREAM)]
#[case::count_tokens(COUNTING)]
fn requests_are_signed_with_keys(
    #[case] operating: Operating,
    #[values(AuthForm::AwsKeys, AuthForm::AwsChain)] auth: AuthForm,
) {
    let account = bedrock(auth);
    let Operating { path, accept, sent, signature, .. } = operating;
    let signed = signed("us-east-1", "content-type;host;x-amz-date", signature);
    let expected = format!(
        "POST {VIRGINIA}{path}
accept: {accept}
accept-encoding: identity
authorization: {signed}
content-type: application/json
x-amz-date: 20261126T120000Z

{sent}"
    );
    assert_eq!(operating.ask(&account, aws(None)).text(), expected);
}

#[rstest]
#[case::converse(CONVERSING)]
#[case::converse_stream(CONVERSING_STREAM)]
#[case::invoke(INVOKING)]
#[case::invoke_stream(INVOKING_STREAM)]
#[case::count_tokens(COUNTING)]
fn temporary_keys_bring_their_token(#[case] operating: Operating) {
    let account = bedrock(AuthForm::AwsKeys);
    let Operating { path, accept, sent, signature_with_token, .. } = operating;
    let headers = "content-type;host;x-amz-date;x-amz-security-token";
    let signed = signed("us-east-1", headers, signature_with_token);
    let expected = format!(
        "POST {VIRGINIA}{path}
accept: {accept}
accept-encoding: identity
authorization: {signed}
content-type: application/json
x-amz-date: 20261126T120000Z
x-amz-security-token: {TOKEN}

{sent}"
    );
    assert_eq!(operating.ask(&account, aws(Some(TOKEN))).text(), expected);
}

#[rstest]
#[case::converse(CONVERSING)]
#[case::converse_stream(CONVERSING_STREAM)]
#[case::invoke(INVOKING)]
#[case::invoke_stream(INVOKING_STREAM)]
#[case::count_tokens(COUNTING)]
fn api_keys_are_bearers(#[case] operating: Operating) {
    let account = bedrock(AuthForm::Bearer);
    let Operating { path, accept, sent, .. } = operating;
    let expected = format!(
        "POST {VIRGINIA}{path}
accept: {accept}
accept-encoding: identity
authorization: Bearer ABSKdummy
content-type: application/json

{sent}"
    );
    assert_eq!(operating.ask(&account, key("ABSKdummy")).text(), expected);
}

#[test]
fn a_profiles_arn_is_one_segment_of_the_path() {
    let account =
        account(ProviderKind::Bedrock, "https://bedrock-runtime.eu-west-1.amazonaws.com", AuthForm::AwsKeys);
    let arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abcdef012345";
    let text = Ask { model: arn, ..CONVERSING.ask(&account, aws(None)) }.text();
    let address = "POST https://bedrock-runtime.eu-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabcdef012345/converse\n";
    assert!(text.starts_with(address), "{text}");
    let signature = "8152f532143d8748277e4d4d47131b97156c18c411b42e7c3cfb59dfbb154bf4";
    assert!(text.contains(&signed("eu-west-1", "content-type;host;x-amz-date", signature)), "{text}");
}

#[test]
fn an_endpoint_of_ones_own_is_signed_for_its_region_with_its_port() {
    let base_url = "https://vpce-0a1b-2c3d.bedrock-runtime.eu-west-1.vpce.amazonaws.com:8443";
    let account = account(ProviderKind::Bedrock, base_url, AuthForm::AwsKeys);
    let text = CONVERSING.ask(&account, aws(None)).text();
    let signature = "13fa10b9f15c5fec75a361aaa81377e93e206c9f7dd90e9ba40747e537e60864";
    assert!(text.contains(&signed("eu-west-1", "content-type;host;x-amz-date", signature)), "{text}");
}

/// A client's own signature, credentials and addresses stay behind; its guardrail goes on, and is signed.
#[test]
fn of_a_clients_headers_only_bedrocks_own_travel() {
    let account = bedrock(AuthForm::AwsKeys);
    let client_headers = [
        ("authorization", "AWS4-HMAC-SHA256 Credential=cr_dummy/20261126/us-east-1/bedrock/aws4_request"),
        ("x-amz-date", "20200101T000000Z"),
        ("x-amz-security-token", "clients"),
        ("x-forwarded-for", "203.0.113.9"),
        ("user-agent", "Boto3/1.0"),
        ("x-amzn-bedrock-guardrailidentifier", "gr-1"),
        ("x-amzn-bedrock-guardrailversion", "DRAFT"),
    ];
    let text = Ask { client_headers: &client_headers, ..CONVERSING.ask(&account, aws(None)) }.text();
    let headers =
        "content-type;host;x-amz-date;x-amzn-bedrock-guardrailidentifier;x-amzn-bedrock-guardrailversion";
    let signature = "d82911130479d85fc221a79596af55c12656f111b7a6291190f4d6f184806aca";
    let expected = format!(
        "POST {VIRGINIA}{}
accept: application/json
accept-encoding: identity
authorization: {}
content-type: application/json
user-agent: Boto3/1.0
x-amz-date: 20261126T120000Z
x-amzn-bedrock-guardrailidentifier: gr-1
x-amzn-bedrock-guardrailversion: DRAFT

{CONVERSE}",
        CONVERSING.path,
        signed("us-east-1", headers, signature),
    );
    assert_eq!(text, expected);
}

#[test]
fn an_account_that_cannot_sign_says_why() {
    let account = bedrock(AuthForm::AwsKeys);
    let with = |credential| Ask { credential, ..CONVERSING.ask(&account, aws(None)) }.prepare().unwrap_err();
    assert!(matches!(with(None), PrepareError::NoCredential { .. }));
    assert!(matches!(with(Some(key("ABSKdummy"))), PrepareError::CredentialKind { .. }));
    assert!(matches!(with(Some(aws(Some("a\nb")))), PrepareError::CredentialForm { .. }));
    let keyless = bedrock(AuthForm::Bearer);
    let error = CONVERSING.ask(&keyless, aws(None)).prepare().unwrap_err();
    assert!(matches!(error, PrepareError::CredentialKind { .. }));
    let nowhere = crate::support::account(ProviderKind::Bedrock, "https://gw.example.com", AuthForm::AwsKeys);
    let error = CONVERSING.ask(&nowhere, aws(None)).prepare().unwrap_err();
    assert!(error.to_string().contains("--region"), "{error}");
}

#[test]
fn anthropics_bodies_are_packed_for_invoke_and_others_are_not() {
    let bedrock = account(ProviderKind::Bedrock, "https://gw.example.com", AuthForm::Bearer);
    assert_eq!(packing(&bedrock, Dialect::AnthropicMessages), Packing::Invoke);
    assert_eq!(packing(&bedrock, Dialect::BedrockConverse), Packing::Plain);
}
