//! Keys that stand in the environment and in the shared files.

use posthaste_vault::aws_chain::AwsChainError;
use rstest::rstest;

use crate::support::{FakeMachine, SECRET, keys, offline};

const CREDENTIALS: &str = "\
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = defaults-secret
[team]
aws_access_key_id = ASIATEAM
aws_secret_access_key = teams-secret
aws_session_token = teams-token
";

#[tokio::test]
async fn the_environment_goes_before_the_files() {
    let machine = FakeMachine::new()
        .variable("AWS_ACCESS_KEY_ID", "ASIAENVIRONMENT")
        .variable("AWS_SECRET_ACCESS_KEY", SECRET)
        .variable("AWS_SESSION_TOKEN", "token")
        .credentials(CREDENTIALS);
    assert_eq!(offline(machine).keys().await, Ok(keys("ASIAENVIRONMENT", SECRET, Some("token"))));
}

#[tokio::test]
async fn an_empty_variable_is_none() {
    let machine = FakeMachine::new()
        .variable("AWS_ACCESS_KEY_ID", "")
        .variable("AWS_SECRET_ACCESS_KEY", " ")
        .credentials(CREDENTIALS);
    assert_eq!(offline(machine).keys().await, Ok(keys("AKIADEFAULT", "defaults-secret", None)));
}

#[rstest]
#[case("AWS_ACCESS_KEY_ID", "without AWS_SECRET_ACCESS_KEY")]
#[case("AWS_SECRET_ACCESS_KEY", "without AWS_ACCESS_KEY_ID")]
#[tokio::test]
async fn half_a_pair_is_told(#[case] variable: &'static str, #[case] hint: &str) {
    let error = offline(FakeMachine::new().variable(variable, SECRET)).keys().await.unwrap_err();
    assert!(error.to_string().contains(hint), "{error}");
    assert!(!error.to_string().contains(SECRET) && error.needs_operator());
}

#[tokio::test]
async fn a_variable_may_name_the_profile_and_the_files() {
    let machine = FakeMachine::new().variable("AWS_PROFILE", "team").credentials(CREDENTIALS);
    assert_eq!(offline(machine).keys().await, Ok(keys("ASIATEAM", "teams-secret", Some("teams-token"))));
    let machine = FakeMachine::new()
        .variable("AWS_SHARED_CREDENTIALS_FILE", "~/elsewhere")
        .file("/home/relay/elsewhere", CREDENTIALS);
    assert_eq!(offline(machine).keys().await, Ok(keys("AKIADEFAULT", "defaults-secret", None)));
}

#[tokio::test]
async fn a_named_profile_is_the_only_one_that_counts() {
    let machine = || {
        FakeMachine::new()
            .variable("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
            .variable("AWS_SECRET_ACCESS_KEY", SECRET)
            .credentials(CREDENTIALS)
            .config("[profile empty]\nregion = eu-west-1\n")
    };
    let team = keys("ASIATEAM", "teams-secret", Some("teams-token"));
    assert_eq!(offline(machine()).profile("team").await, Ok(team));
    let missing = offline(machine()).profile("nobody").await;
    assert_eq!(missing, Err(AwsChainError::NoProfile { name: "nobody".to_owned() }));
    let empty = offline(machine()).profile("empty").await.unwrap_err();
    assert!(empty.to_string().contains("holds no keys"), "{empty}");
}

#[tokio::test]
async fn a_command_may_print_the_keys() {
    let machine = FakeMachine::new()
        .config("[profile p]\ncredential_process = /opt/keys --for relay\n")
        .command(
            "/opt/keys --for relay",
            r#"{"Version":1,"AccessKeyId":"ASIAPROCESS","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-11-26T18:00:00Z"}"#,
        );
    let found = offline(machine).profile("p").await.unwrap();
    assert_eq!(found.access_key_id, "ASIAPROCESS");
    assert_eq!(found.expires_at, "2026-11-26T18:00:00Z".parse().ok());
}

#[rstest]
#[case("[profile p]\ncredential_process = fails\n", "exit status")]
#[case("[profile p]\ncredential_process = prints words\n", "does not print keys")]
#[case(
    "[profile p]\nsso_session = corp\nsso_account_id = 1\n",
    "aws configure export-credentials --profile p"
)]
#[case("[profile p]\naws_access_key_id = AKIAHALF\n", "only one of")]
#[case("[profile p]\nrole_arn = arn:aws:iam::1:role/R\n", "no source_profile")]
#[case("[profile p]\nrole_arn = r\ncredential_source = Moon\n", "none of Environment")]
#[case(
    "[profile p]\nrole_arn = r\nsource_profile = p2\n[profile p2]\nrole_arn = r\nsource_profile = p\n",
    "in a circle"
)]
#[case("[profile p]\nrole_arn = r\nsource_profile = q\n", "no AWS profile `q`")]
#[case(
    "[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\nregion = eu-west-1\n",
    "`q` holds no keys"
)]
#[case(
    "[profile p]\nrole_arn = r\nsource_profile = default\nmfa_serial = arn:aws:iam::1:mfa/me\n",
    "second factor"
)]
#[case(
    "[profile p]\nrole_arn = r\ncredential_source = Environment\n",
    "from the environment, where none are"
)]
#[tokio::test]
async fn a_profile_that_cannot_be_used_says_why(#[case] config: &str, #[case] hint: &str) {
    let machine = FakeMachine::new().config(config).command("prints words", "no keys today");
    let error = offline(machine).profile("p").await.unwrap_err();
    assert!(error.to_string().contains(hint), "{error}");
    assert!(error.needs_operator());
}
