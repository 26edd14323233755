//! Keys of roles, from AWS's token service.

use posthaste_core::{Egress, TransportError};
use posthaste_testkit::Reply;
use posthaste_vault::aws_chain::{AwsAsk, AwsChainError};

use crate::support::{FakeMachine, bench, keys, roles_keys, sts, text};

/// The keys of AWS's own examples.
const CREDENTIALS: &str = "\
[base]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
";
const CONFIG: &str = "\
[profile night]
role_arn = arn:aws:iam::123456789012:role/relay
source_profile = base
role_session_name = night
external_id = x 1
duration_seconds = 900
region = eu-west-1
[profile far]
role_arn = arn:aws:iam::999999999999:role/far
source_profile = night
";

fn header<'a>(sent: &'a posthaste_testkit::Sent, name: &str) -> &'a str {
    sent.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The signature was computed with `botocore` 1.43.
#[tokio::test]
async fn a_role_is_assumed_with_a_signed_request() {
    let machine = FakeMachine::new().config(CONFIG).credentials(CREDENTIALS);
    let bench = bench(machine, |_| sts("AssumeRole", "ASIAROLE"));
    assert_eq!(bench.profile("night").await, Ok(roles_keys("ASIAROLE")));
    let sent = &bench.sent()[0];
    assert_eq!(
        (sent.method.as_str(), sent.uri.to_string().as_str()),
        ("POST", "https://sts.eu-west-1.amazonaws.com/")
    );
    assert_eq!(
        sent.body,
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Frelay&RoleSessionName=night&ExternalId=x+1&DurationSeconds=900"
    );
    assert_eq!(header(sent, "content-type"), "application/x-www-form-urlencoded; charset=utf-8");
    assert_eq!(header(sent, "x-amz-date"), "20261126T120000Z");
    assert_eq!(
        header(sent, "authorization"),
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261126/eu-west-1/sts/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=3e4e7a0022ac191cb15de806cd646f5d35d2e14bfcff89e8765da2e03eea6b1c"
    );
    assert_eq!(sent.headers.len(), 3);
    assert!(sent.headers["authorization"].is_sensitive());
    assert_eq!(sent.egress, Egress::direct(false), "AWS is asked through the account's own way out");
}

#[tokio::test]
async fn roles_are_assumed_one_with_the_keys_of_the_other() {
    let machine = FakeMachine::new().config(CONFIG).credentials(CREDENTIALS);
    let bench = bench(machine, |sent| {
        let first = sent.body.windows(10).any(|part| part == b"role%2Frel");
        sts("AssumeRole", if first { "ASIANEAR" } else { "ASIAFAR" })
    });
    assert_eq!(bench.profile("far").await, Ok(roles_keys("ASIAFAR")));
    let sent = bench.sent();
    assert_eq!(sent.len(), 2);
    assert!(header(&sent[0], "authorization").contains("Credential=AKIDEXAMPLE/"));
    assert!(header(&sent[1], "authorization").contains("Credential=ASIANEAR/"));
    assert_eq!(header(&sent[1], "x-amz-security-token"), "roles-token==");
    let second = String::from_utf8(sent[1].body.to_vec()).unwrap();
    assert!(second.contains("999999999999") && second.contains("RoleSessionName=posthaste"), "{second}");
}

#[tokio::test]
async fn the_accounts_region_is_asked_before_the_machines() {
    let machine =
        FakeMachine::new().variable("AWS_REGION", "ap-south-1").config(CONFIG).credentials(CREDENTIALS);
    let bench = bench(machine, |_| sts("AssumeRole", "ASIAROLE"));
    bench.profile("night").await.unwrap();
    for region in ["us-west-2", "cn-north-1"] {
        bench.ask(AwsAsk { profile: Some("night"), region: Some(region) }).await.unwrap();
    }
    let hosts: Vec<_> = bench.sent().iter().map(|sent| sent.uri.host().unwrap().to_owned()).collect();
    assert_eq!(
        hosts,
        ["sts.ap-south-1.amazonaws.com", "sts.us-west-2.amazonaws.com", "sts.cn-north-1.amazonaws.com.cn"]
    );
    let evil = bench.ask(AwsAsk { profile: Some("night"), region: Some("evil.example/") }).await.unwrap_err();
    assert!(matches!(evil, AwsChainError::Unfit { .. }), "{evil}");
}

#[tokio::test]
async fn a_profile_may_assume_a_role_with_its_own_keys_or_those_of_the_environment() {
    let machine = FakeMachine::new()
        .variable("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
        .variable("AWS_SECRET_ACCESS_KEY", "s")
        .config(
            "[profile own]\nrole_arn = r\nsource_profile = own\naws_access_key_id = AKIAOWN\naws_secret_access_key = s\n\
             [profile env]\nrole_arn = r\ncredential_source = Environment\n",
        );
    let bench = bench(machine, |_| sts("AssumeRole", "ASIAROLE"));
    for (profile, id) in [("own", "AKIAOWN"), ("env", "AKIAENVIRONMENT")] {
        bench.profile(profile).await.unwrap();
        let sent = bench.sent();
        let last = sent.last().unwrap();
        assert!(header(last, "authorization").contains(&format!("Credential={id}/")), "{profile}");
    }
}

#[tokio::test]
async fn a_web_identity_is_exchanged_without_a_signature() {
    let machine = FakeMachine::new()
        .variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/token")
        .variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
        .variable("AWS_REGION", "eu-central-1")
        .file("/var/run/secrets/token", "eyJdummy.e30.x\n");
    let bench = bench(machine, |_| sts("AssumeRoleWithWebIdentity", "ASIAPOD"));
    assert_eq!(bench.keys().await, Ok(roles_keys("ASIAPOD")));
    let sent = &bench.sent()[0];
    assert_eq!(sent.uri, "https://sts.eu-central-1.amazonaws.com/");
    assert_eq!(
        sent.body,
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpod&RoleSessionName=posthaste&WebIdentityToken=eyJdummy.e30.x"
    );
    assert_eq!(sent.headers.len(), 1, "{:?}", sent.headers);
}

#[tokio::test]
async fn a_profile_may_name_a_web_identity() {
    let config = "[profile pod]\nrole_arn = r\nweb_identity_token_file = ~/token\nrole_session_name = pod\n";
    let machine = FakeMachine::new().config(config).file("/home/relay/token", "eyJdummy");
    let bench = bench(machine, |_| sts("AssumeRoleWithWebIdentity", "ASIAPOD"));
    assert_eq!(bench.profile("pod").await, Ok(roles_keys("ASIAPOD")));
    assert_eq!(bench.sent()[0].uri, "https://sts.us-east-1.amazonaws.com/");
}

#[tokio::test]
async fn half_a_web_identity_is_told() {
    let without_role = FakeMachine::new().variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/t");
    let error = crate::support::offline(without_role).keys().await.unwrap_err();
    assert!(error.to_string().contains("AWS_ROLE_ARN"), "{error}");
    let without_file =
        FakeMachine::new().variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/t").variable("AWS_ROLE_ARN", "r");
    let error = crate::support::offline(without_file).keys().await.unwrap_err();
    assert!(error.to_string().contains("/t cannot be read"), "{error}");
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors>
#[tokio::test]
async fn what_the_token_service_refuses_is_told_without_the_keys() {
    let refusal = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                   <Code>AccessDenied</Code><Message>User is not authorized to perform: sts:AssumeRole</Message></Error>\
                   </ErrorResponse>";
    let machine = || FakeMachine::new().config(CONFIG).credentials(CREDENTIALS);
    let refused = bench(machine(), move |_| text(403, refusal)).profile("night").await.unwrap_err();
    let told = refused.to_string();
    assert!(
        told.contains("sts.eu-west-1.amazonaws.com") && told.contains("AccessDenied: User is not"),
        "{told}"
    );
    assert!(refused.needs_operator() && !told.contains("wJalr"));

    let failing = bench(machine(), |_| text(503, "busy")).profile("night").await.unwrap_err();
    assert!(matches!(failing, AwsChainError::Unreachable { .. }) && !failing.needs_operator(), "{failing}");
    let down = bench(machine(), |_| {
        Reply::failure(TransportError::Connect { host: "sts".into(), source: "refused".into() })
    });
    let down = down.profile("night").await.unwrap_err();
    assert!(down.to_string().contains("could not connect to sts: refused"), "{down}");
    let odd = bench(machine(), |_| text(200, "<AssumeRoleResponse/>")).profile("night").await.unwrap_err();
    assert!(odd.to_string().contains("holds no keys"), "{odd}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_token_service_is_not_waited_for() {
    let machine = FakeMachine::new().config(CONFIG).credentials(CREDENTIALS);
    let error = bench(machine, |_| Reply::never()).profile("night").await.unwrap_err();
    assert!(matches!(error, AwsChainError::Unreachable { .. }), "{error}");
}

#[test]
fn keys_are_not_shown() {
    let shown = format!("{:?}", keys("AKIDEXAMPLE", "canary-secret", Some("canary-token")));
    assert!(!shown.contains("canary"), "{shown}");
}
