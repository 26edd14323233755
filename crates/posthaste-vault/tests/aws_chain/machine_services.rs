//! Keys of containers and instances, from link-local services.

use posthaste_core::{Egress, TransportError};
use posthaste_testkit::{Reply, Sent};
use posthaste_vault::aws_chain::AwsChainError;
use rstest::rstest;

use crate::support::{FakeMachine, bench, keys, offline, text};

const ANSWER: &str = r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIAMACHINE","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-26T18:00:00Z"}"#;

fn answered() -> posthaste_core::AwsKeys {
    posthaste_core::AwsKeys {
        expires_at: "2026-11-26T18:00:00Z".parse().ok(),
        ..keys("ASIAMACHINE", "s", Some("t"))
    }
}

fn addresses(sent: &[Sent]) -> Vec<String> {
    sent.iter().map(|sent| format!("{} {}", sent.method, sent.uri)).collect()
}

#[tokio::test]
async fn a_containers_role_is_asked_for_at_its_own_service() {
    let machine =
        FakeMachine::new().variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/dummy");
    let bench = bench(machine, |_| text(200, ANSWER));
    assert_eq!(bench.keys().await, Ok(answered()));
    let sent = bench.sent();
    assert_eq!(addresses(&sent), ["GET http://169.254.170.2/v2/credentials/dummy"]);
    assert_eq!(
        sent[0].egress,
        Egress::direct(true),
        "straight, and to an address that accounts may not call"
    );
    assert!(sent[0].headers.is_empty(), "{:?}", sent[0].headers);
}

#[tokio::test]
async fn a_pods_role_is_asked_for_with_its_token() {
    let machine = FakeMachine::new()
        .variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials")
        .variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/var/run/token")
        .file("/var/run/token", "pods-token\n");
    let bench = bench(machine, |_| text(200, ANSWER));
    assert_eq!(bench.keys().await, Ok(answered()));
    let sent = bench.sent();
    assert_eq!(addresses(&sent), ["GET http://169.254.170.23/v1/credentials"]);
    assert_eq!(sent[0].headers["authorization"], "pods-token");
    assert!(sent[0].headers["authorization"].is_sensitive());
}

#[rstest]
#[case("http://localhost:8080/keys", true)]
#[case("http://127.0.0.2/keys", true)]
#[case("http://[::1]:80/keys", true)]
#[case("http://[fd00:ec2::23]/v1/credentials", true)]
#[case("https://keys.example.com/", true)]
#[case("http://keys.example.com/", false)]
#[case("http://10.0.0.1/", false)]
#[case("http://169.254.169.254/", false)]
#[case("file:///etc/passwd", false)]
#[case("not an address", false)]
#[tokio::test]
async fn only_awss_own_services_are_asked_without_encryption(#[case] address: &str, #[case] asked: bool) {
    let machine = FakeMachine::new().variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", address);
    let bench = bench(machine, |_| text(200, ANSWER));
    let found = bench.keys().await;
    assert_eq!((found.is_ok(), bench.sent().len()), (asked, usize::from(asked)), "{found:?}");
    if let Err(error) = found {
        assert!(matches!(error, AwsChainError::Unfit { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_container_service_that_fails_is_told() {
    let machine = || FakeMachine::new().variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x");
    let refused = bench(machine(), |_| text(403, "no")).keys().await.unwrap_err();
    assert!(matches!(refused, AwsChainError::Refused { .. }), "{refused}");
    let failing = bench(machine(), |_| text(500, "no")).keys().await.unwrap_err();
    assert!(!failing.needs_operator(), "{failing}");
    let odd = bench(machine(), |_| text(200, "{}")).keys().await.unwrap_err();
    assert!(odd.to_string().contains("holds no keys"), "{odd}");
}

/// An EC2 instance with the role `relay`.
fn instance(sent: &Sent) -> Reply {
    let token = sent.headers.get("x-aws-ec2-metadata-token").map(|token| token.to_str().unwrap().to_owned());
    match (sent.method.as_str(), sent.uri.path(), token.as_deref()) {
        ("PUT", "/latest/api/token", None) => text(200, "metadata-token"),
        ("GET", "/latest/meta-data/iam/security-credentials/", Some("metadata-token")) => {
            text(200, "relay\n")
        }
        ("GET", "/latest/meta-data/iam/security-credentials/relay", Some("metadata-token")) => {
            text(200, ANSWER)
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_instances_role_is_asked_for_with_a_token_first() {
    let bench = bench(FakeMachine::new(), instance);
    assert_eq!(bench.keys().await, Ok(answered()));
    let sent = bench.sent();
    assert_eq!(
        addresses(&sent),
        [
            "PUT http://169.254.169.254/latest/api/token",
            "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/",
            "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/relay",
        ]
    );
    assert_eq!(sent[0].headers["x-aws-ec2-metadata-token-ttl-seconds"], "60");
    assert!(sent.iter().all(|sent| sent.egress == Egress::direct(true)));
}

#[tokio::test]
async fn the_instances_service_may_stand_elsewhere() {
    let ipv6 = FakeMachine::new().variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
    let bench_of_ipv6 = bench(ipv6, instance);
    bench_of_ipv6.keys().await.unwrap();
    assert_eq!(bench_of_ipv6.sent()[0].uri, "http://[fd00:ec2::254]/latest/api/token");
    let named = FakeMachine::new().variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/");
    let bench_of_named = bench(named, instance);
    bench_of_named.keys().await.unwrap();
    assert_eq!(bench_of_named.sent()[0].uri, "http://127.0.0.1:1338/latest/api/token");
}

#[tokio::test]
async fn a_machine_without_keys_says_where_they_were_looked_for() {
    let nowhere = bench(FakeMachine::new(), |_| {
        Reply::failure(TransportError::Connect { host: "169.254.169.254".into(), source: "no route".into() })
    });
    let error = nowhere.keys().await.unwrap_err();
    let told = error.to_string();
    for place in [
        "AWS_ACCESS_KEY_ID",
        "profile `default`",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "container",
        "no EC2 instance",
    ] {
        assert!(told.contains(place), "{told}");
    }
    assert!(error.needs_operator());

    let disabled = FakeMachine::new().variable("AWS_EC2_METADATA_DISABLED", "TRUE");
    let told = offline(disabled).keys().await.unwrap_err().to_string();
    assert!(told.contains("AWS_EC2_METADATA_DISABLED is set"), "{told}");

    let roleless = bench(FakeMachine::new(), |sent| match sent.method.as_str() {
        "PUT" => text(200, "metadata-token"),
        _ => text(404, "not found"),
    });
    let told = roleless.keys().await.unwrap_err().to_string();
    assert!(told.contains("the EC2 instance has no role"), "{told}");

    // The first version of the service, which anybody who can make a program fetch an address could read, is not asked.
    let old = bench(FakeMachine::new(), |sent| match sent.method.as_str() {
        "PUT" => text(405, "no"),
        other => panic!("{other}"),
    });
    assert!(matches!(old.keys().await, Err(AwsChainError::NoKeys { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_silent_address_is_not_waited_for() {
    let error = bench(FakeMachine::new(), |_| Reply::never()).keys().await.unwrap_err();
    assert!(error.to_string().contains("time-out after 1s"), "{error}");
}

#[tokio::test]
async fn a_profile_may_take_its_keys_from_the_instance() {
    let config = "[profile p]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n";
    let bench = bench(FakeMachine::new().config(config), |sent| match sent.uri.host() {
        Some("169.254.169.254") => instance(sent),
        _ => crate::support::sts("AssumeRole", "ASIAROLE"),
    });
    assert_eq!(bench.profile("p").await.unwrap().access_key_id, "ASIAROLE");
    let sent = bench.sent();
    let signed = sent.last().unwrap().headers["authorization"].to_str().unwrap().to_owned();
    assert!(signed.contains("Credential=ASIAMACHINE/"), "{signed}");
}
