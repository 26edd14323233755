//! What helps whoever has to find out what is wrong: health, a key's test, the file for those who help.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Bench, UPSTREAM_KEY, eventually, furnished, whole};

#[tokio::test(flavor = "multi_thread")]
async fn health_tells_whether_a_relay_is_ready() {
    let (bench, upstream, _) = furnished(Bench::new()).await;
    let server = bench.serve();
    let told = bench.cli(&format!("health --url {}", server.base));
    assert_eq!(told["status"], "ok");
    assert_eq!(told["parts"]["accounts"]["ready"], 1);
    let refused = bench.command(&format!("health --url {}", upstream.base_url())).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no relay"), "{refused:?}");
    let base = server.base.clone();
    server.stop().await;
    let refused = bench.command(&format!("health --url {base}")).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no relay answers"), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_key_is_tried_out_as_a_client_uses_it() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let file = bench.folder.path().join("key");
    std::fs::write(&file, format!("{key}\n")).unwrap();
    let line =
        format!("keys test --key-file {} --url {} --model claude-sonnet-4-5", file.display(), server.base);
    let told = bench.cli(&line);
    assert_eq!((&told["ok"], &told["text"]), (&Value::Bool(true), &Value::from("hello")), "{told}");
    assert!(bench.cli(&format!("explain {}", told["request_id"].as_str().unwrap())).is_object());
    assert_eq!(upstream.received().len(), 1);
    for wrong in ["cr_dummy", "no key at all"] {
        std::fs::write(&file, wrong).unwrap();
        let refused = bench.command(&line).output().unwrap();
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let why = String::from_utf8_lossy(&refused.stderr);
        assert!(why.contains("status 401") && !why.contains(wrong), "{why}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_for_those_who_help_holds_no_secret() {
    let (bench, _upstream, key) =
        furnished(Bench::new().with("POSTHASTE_SERVER__METRICS_TOKEN", "dummy-CANARY")).await;
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
    let file = bench.folder.path().join("help.json");
    bench.cli(&format!("debug --to {}", file.display()));
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    for secret in [key.as_str(), UPSTREAM_KEY, "CANARY", "hello"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let bundle: Value = serde_json::from_str(&text).unwrap();
    let relay = &bundle["relay"];
    assert_eq!(relay["accounts"][0]["name"], "one");
    assert!(relay["system"]["process"].is_object() && relay["settings"].is_array());
    assert!(!relay["logs"]["lines"].as_array().unwrap().is_empty());
    let again = bench.command(&format!("debug --to {}", file.display())).output().unwrap();
    assert_eq!(again.status.code(), Some(4), "it is never written over: {again:?}");
    server.stop().await;
    // Without a relay it tells what it can, and what it cannot.
    let told = bench.cli("debug --to -");
    assert!(told["relay"]["logs"]["failed"].as_str().unwrap().contains("a relay that runs"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_watched_is_shown_again_as_it_changes() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    for line in ["requests list --watch --json", "status --watch --json"] {
        let watching = bench.spawn(line);
        let before = watching.log().lines().count();
        assert_eq!(before, 1, "{}", watching.log());
        assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
        let grown = || (watching.log().lines().count() > before).then(|| watching.log());
        let log = eventually("it is shown again", grown).await;
        for line in log.lines() {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
        }
    }
    server.stop().await;
}
