//! What operators get wrong, and what the world does to them: each has a state of its own and says what to do, in
//! `accounts test` and where clients are served meanwhile.

use std::net::TcpListener;

use posthaste_testkit::{Received, Script, ScriptedUpstream, TestProxy, anthropic_error};
use serde_json::{Value, json};

use crate::support::{Bench, MODEL, furnished, serving, whole};

const ACCESS_KEY: &str = "--aws-access-key-id AKIAIOSFODNN7EXAMPLE --aws-secret-access-key dummy-secret";

/// What `accounts test` says of an account that does not serve.
struct Report {
    state: String,
    problem: String,
    advice: String,
    steps: Value,
}

fn test(bench: &Bench, account: &str, model: &str) -> Report {
    let line = format!("accounts test {account} --model {model} --json");
    let output = bench.command(&line).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["ok"], false, "{report}");
    let text = |name: &str| report[name].as_str().unwrap_or_else(|| panic!("{name}: {report}")).to_owned();
    // The failure on standard error tells the same.
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((&error["error"]["state"], &error["error"]["hint"]), (&report["state"], &report["advice"]));
    Report {
        state: text("state"),
        problem: text("problem"),
        advice: text("advice"),
        steps: report["steps"].clone(),
    }
}

/// A command that is refused: the exit code, and what is said.
fn refused(bench: &Bench, line: &str) -> (i32, String) {
    let output = bench.command(line).output().unwrap();
    assert!(!output.status.success(), "{line}");
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn add(bench: &Bench, name: &str, upstream: &ScriptedUpstream, more: &str) {
    let url = upstream.base_url();
    bench.cli(&format!(
        "accounts add --preset anthropic-compatible --name {name} --base-url {url} --api-key sk-dummy --priority 1 {more}"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key() {
    let (bench, _other, key) = furnished(Bench::new()).await;
    let upstream = ScriptedUpstream::start(|_| {
        Script::json(401, &anthropic_error("authentication_error", "invalid x-api-key"))
    })
    .await;
    add(&bench, "wrong", &upstream, "");
    let report = test(&bench, "wrong", MODEL);
    assert_eq!(report.state, "wrong_key");
    assert!(report.advice.contains("--api-key -"), "{}", report.advice);
    assert!(report.steps["head_us"].is_u64(), "{}", report.steps);
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "the other account serves");
    assert_eq!(bench.cli("accounts show wrong")["health"]["reason"], "unauthorised");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_base_url() {
    let (bench, _other, key) = furnished(Bench::new()).await;
    let upstream = ScriptedUpstream::start(|_| Script::new().status(404)).await;
    add(&bench, "wrong", &upstream, "");
    let report = test(&bench, "wrong", MODEL);
    assert_eq!(report.state, "not_the_api");
    assert!(report.advice.contains("what stands before /v1/messages"), "{}", report.advice);
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "the other account serves");
    assert_eq!(bench.cli("accounts show wrong")["health"]["state"], "parked");
    server.stop().await;
}

#[test]
fn malformed_aws_keys() {
    let bench = Bench::new();
    let add = "accounts add --preset bedrock --name aws --region us-east-1 --json";
    let cases = [
        (
            "--aws-access-key-id dummy-secret --aws-secret-access-key AKIAIOSFODNN7EXAMPLE",
            "aws-access-key-id",
        ),
        (
            "--aws-access-key-id AKIAIOSFODNN7EXAMPLE --aws-secret-access-key ASIAIOSFODNN7EXAMPLE",
            "aws-secret-access-key",
        ),
        (
            "--aws-access-key-id ASIAIOSFODNN7EXAMPLE --aws-secret-access-key dummy-secret",
            "aws-session-token",
        ),
        ("--aws-access-key-id AKIAIOSFODNN7EXAMPLE", "--aws-secret-access-key"),
        ("--auth aws-keys", "aws-access-key-id"),
        ("--auth bearer", "api-key"),
    ];
    for (keys, field) in cases {
        let (code, said) = refused(&bench, &format!("{add} {keys}"));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(field) && !said.contains("dummy-secret"), "{keys}: {said}");
    }
    let (code, said) =
        refused(&bench, &format!("{add} {ACCESS_KEY} --region nowhere").replace("--region us-east-1 ", ""));
    assert!(code == 2 && said.contains("region"), "{said}");
    assert!(!bench.data().exists(), "what is refused makes nothing");
}

/// Bedrock, as it answers those whose clock is off.
fn off_the_clock(_: &Received) -> Script {
    let message = "Signature expired: 20261126T110000Z is now earlier than 20261126T113000Z (20261126T113500Z - 5 min.)";
    Script::json(403, &json!({ "message": message })).header("x-amzn-errortype", "InvalidSignatureException")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_and_keys_that_aws_does_not_take() {
    let bench = Bench::new();
    for (name, status, kind, message, state, advice) in [
        (
            "skew",
            403,
            "InvalidSignatureException",
            "Signature expired: 20261126T110000Z is now earlier than …",
            "clock_skew",
            "NTP",
        ),
        (
            "keys",
            403,
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            "wrong_key",
            "--aws-access-key-id",
        ),
    ] {
        let upstream = ScriptedUpstream::start(move |_| {
            Script::json(status, &json!({ "message": message })).header("x-amzn-errortype", kind)
        })
        .await;
        let url = upstream.base_url();
        bench.cli(&format!(
            "accounts add --preset bedrock --name {name} --region us-east-1 --base-url {url} {ACCESS_KEY}"
        ));
        let report = test(&bench, name, "us.amazon.nova-micro-v1:0");
        assert_eq!(report.state, state, "{}", report.problem);
        assert!(report.advice.contains(advice), "{}", report.advice);
        let signed = &upstream.received()[0];
        assert!(
            signed
                .header("authorization")
                .unwrap()
                .starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_rests_the_account_with_its_reason() {
    let (bench, _other, key) = furnished(Bench::new()).await;
    let upstream = ScriptedUpstream::start(off_the_clock).await;
    let url = upstream.base_url();
    bench.cli(&format!(
        "accounts add --preset bedrock --name aws --region us-east-1 --base-url {url} --priority 1 {ACCESS_KEY}"
    ));
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "the other account serves");
    let health = &bench.cli("accounts show aws")["health"];
    assert!(health["why"].as_str().unwrap().contains("clock"), "{health}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_down_or_refuses_the_login() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let down = nobody.local_addr().unwrap();
    drop(nobody);
    let proxy = TestProxy::http(Some(("me", "right"))).await;
    let proxy_at = proxy.proxy().address();
    add(&bench, "down", &upstream, &format!("--proxy http://me:dummy-password@{down}"));
    add(&bench, "login", &upstream, &format!("--proxy http://me:dummy-password@{proxy_at}"));
    for (name, state, advice) in
        [("down", "proxy_down", "that it runs"), ("login", "proxy_login", "--proxy -")]
    {
        let report = test(&bench, name, MODEL);
        assert_eq!(report.state, state, "{}", report.problem);
        assert!(report.advice.contains(advice), "{}", report.advice);
        assert!(!report.problem.contains("dummy-password"), "{}", report.problem);
    }
    assert!(upstream.received().is_empty(), "nothing goes straight");
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200, "the other account serves");
    server.stop().await;

    // The right login puts it right, and the time through the proxy is told.
    let mut update = bench.command("accounts update login --proxy - --json");
    update.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = update.spawn().unwrap();
    std::io::Write::write_all(
        child.stdin.as_mut().unwrap(),
        format!("http://me:right@{proxy_at}\n").as_bytes(),
    )
    .unwrap();
    assert!(child.wait_with_output().unwrap().status.success());
    let report = bench.cli(&format!("accounts test login --model {MODEL}"));
    assert_eq!(report["ok"], true, "{report}");
    assert!(report["steps"]["connect_us"].is_u64() && report["steps"].get("lookup_us").unwrap().is_null());
    assert_eq!(proxy.targets(), [upstream.base_url().trim_start_matches("http://")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_a_good_test_are_told_to_people_too() {
    let bench = Bench::new();
    let upstream = ScriptedUpstream::start(serving).await;
    bench.add_account("one", &upstream);
    let output = bench.command(&format!("accounts test one --model {MODEL}")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for step in ["account `one` serves", "credential", "connect", "head", "first event", "end"] {
        assert!(said.contains(step), "{step}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_machines_own_aws_keys_and_none() {
    let upstream = ScriptedUpstream::start(off_the_clock).await;
    let add = format!(
        "accounts add --preset bedrock --name machine --region us-east-1 --auth aws-chain --base-url {}",
        upstream.base_url()
    );
    let nowhere = |bench: Bench| {
        let home = bench.folder.path().to_str().unwrap().to_owned();
        bench.with("HOME", &home).with("AWS_EC2_METADATA_DISABLED", "true")
    };
    let none = nowhere(Bench::new());
    none.cli(&add);
    let report = test(&none, "machine", "us.amazon.nova-micro-v1:0");
    assert_eq!(report.state, "no_aws_keys", "{}", report.problem);
    assert!(report.advice.contains("aws sts get-caller-identity"), "{}", report.advice);
    assert!(upstream.received().is_empty());

    let some = nowhere(Bench::new())
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7MACHINE")
        .with("AWS_SECRET_ACCESS_KEY", "dummy-secret");
    some.cli(&add);
    assert_eq!(test(&some, "machine", "us.amazon.nova-micro-v1:0").state, "clock_skew");
    let signed = &upstream.received()[0];
    assert!(signed.header("authorization").unwrap().contains("Credential=AKIAIOSFODNN7MACHINE/"));
}
