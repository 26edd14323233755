//! What the doctor finds.

use std::os::unix::fs::PermissionsExt;

use posthaste_testkit::{Received, Script, ScriptedUpstream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Bench, furnished, serving};

/// What it finds, and whether it is content.
fn doctor(bench: &Bench, line: &str) -> (bool, Vec<Value>) {
    let output = bench.command(&format!("doctor --json {line}")).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(told["ok"].as_bool().unwrap(), output.status.success(), "{output:?}");
    (output.status.success(), told["findings"].as_array().unwrap().clone())
}

fn find<'a>(found: &'a [Value], what: &str) -> &'a Value {
    found.iter().find(|finding| finding["what"] == what).unwrap_or_else(|| panic!("{what}: {found:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_relay_is_found_sound_and_each_account_tried() {
    let (bench, upstream, _) = furnished(Bench::new()).await;
    let server = bench.serve();
    let (content, found) = doctor(&bench, &format!("--url {}", server.base));
    assert!(content, "{found:?}");
    for what in
        ["configuration", "data folder", "master key", "store", "relay", "account `one`", "the way there"]
    {
        assert_eq!(find(&found, what)["state"], "good", "{found:?}");
    }
    assert_eq!(find(&found, "large requests")["state"], "good", "{found:?}");
    assert_eq!(upstream.received().len(), 1, "the account's own try");
    let (_, found) = doctor(&bench, "--offline");
    assert_eq!(find(&found, "account `one`")["state"], "skipped");
    assert_eq!(upstream.received().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_what_to_do() {
    let (bench, _upstream, _) = furnished(Bench::new()).await;
    let refusing = ScriptedUpstream::start(|_: &Received| {
        let error = json!({ "type": "error", "error": { "type": "authentication_error", "message": "invalid x-api-key" } });
        Script::json(401, &error)
    })
    .await;
    bench.add_account("locked", &refusing);
    let (content, found) = doctor(&bench, "");
    assert!(!content);
    assert_eq!(find(&found, "account `one`")["state"], "good");
    let locked = find(&found, "account `locked`");
    assert_eq!(locked["state"], "bad");
    assert!(locked["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{locked}");
    assert_eq!(find(&found, "relay")["state"], "odd", "it does not run");
    let (content, found) = doctor(&bench, "--account one");
    assert!(content, "{found:?}");
    let (content, found) = doctor(&bench, "--account nobody");
    assert!(!content && find(&found, "account `nobody`")["state"] == "bad");

    std::fs::set_permissions(bench.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (_, found) = doctor(&bench, "--offline");
    assert!(find(&found, "data folder")["fix"].as_str().unwrap().contains("chmod 700"), "{found:?}");
    std::fs::set_permissions(bench.data(), std::fs::Permissions::from_mode(0o700)).unwrap();
    std::fs::rename(bench.data().join("master.key"), bench.folder.path().join("elsewhere")).unwrap();
    let (content, found) = doctor(&bench, "");
    assert!(!content);
    assert_eq!(find(&found, "master key")["state"], "bad");
    assert_eq!(find(&found, "accounts")["state"], "skipped");

    std::fs::write(bench.folder.path().join("posthaste.toml"), "[relay]\nattempts = 0\n").unwrap();
    let (content, found) = doctor(&bench, "");
    assert!(!content && found.len() == 1, "{found:?}");
    assert!(found[0]["seen"].as_str().unwrap().contains("relay.attempts"), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_way_to_a_relay_is_looked_at() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let bench = Bench::new().with("POSTHASTE_SERVER__LISTEN", &address);
    bench.cli("init");
    let (content, found) = doctor(&bench, "--offline");
    assert!(!content);
    assert!(find(&found, "relay")["seen"].as_str().unwrap().contains("cannot be listened on"), "{found:?}");
    drop(taken);
    // A proxy that takes small bodies only.
    let narrow = ScriptedUpstream::start(|request: &Received| match request.body.len() {
        0..1_000 => Script::json(200, &json!({ "parts": {} })),
        _ => Script::json(413, &json!({})),
    })
    .await;
    let (content, found) = doctor(&bench, &format!("--offline --url {}", narrow.base_url()));
    assert!(!content);
    let large = find(&found, "large requests");
    assert!(large["fix"].as_str().unwrap().contains("client_max_body_size"), "{large}");
    let other = ScriptedUpstream::start(serving).await;
    let (_, found) = doctor(&bench, &format!("--offline --url {}", other.base_url()));
    assert_eq!(find(&found, "the way there")["state"], "bad", "{found:?}");
    let output =
        bench.command("doctor --offline --client claude-code --url http://127.0.0.1:1/").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("env.ANTHROPIC_BASE_URL = http://127.0.0.1:1/api"), "{text}");
}
