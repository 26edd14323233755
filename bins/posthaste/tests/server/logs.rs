//! What a relay has logged, for operators who are not at its console.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Bench, eventually, furnished, whole};

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_told_and_followed_and_its_filter_changes() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let made = bench.cli("tokens create t --scope system:read --scope settings:write");
    let token = made["token"].as_str().unwrap().to_owned();
    let server = bench.serve();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
    let attempt = eventually("the attempt is logged", || {
        let lines = bench.cli("logs --level info --search attempt");
        lines.as_array().unwrap().iter().find(|line| line["message"] == "attempt").cloned()
    })
    .await;
    assert_eq!(attempt["level"], "info");
    assert_eq!(attempt["target"], "posthaste_gateway::settle");
    assert_eq!(attempt["fields"]["outcome"], "complete", "{attempt}");
    assert!(!attempt.to_string().contains(&key));

    // Whoever waits is told of the next line.
    let page = server.ask(Method::GET, "/admin/logs?limit=1", Some(&token), &Value::Null).await.json().await;
    let path = format!("/admin/logs?after={}&search=attempt&wait_seconds=30", page["data"]["next"]);
    let waited = async { server.ask(Method::GET, &path, Some(&token), &Value::Null).await.json().await };
    let (client, body) = (server.client(), whole());
    let (waited, answer) = tokio::join!(waited, client.post(&key, &body));
    assert_eq!(answer.unwrap().status, 200);
    let lines = waited["data"]["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "{waited}");
    assert!(lines[0]["number"].as_u64() > page["data"]["next"].as_u64());

    let put = async |filter: &str| {
        let body = json!({ "filter": filter });
        server.ask(Method::PUT, "/admin/logs/filter", Some(&token), &body).await
    };
    assert_eq!(put("error").await.status, 200);
    assert_eq!(bench.cli("logs filter"), json!({ "filter": "error" }));
    let before = bench.cli("logs --limit 1000").as_array().unwrap().len();
    assert_eq!(server.post(&key, &whole()).await.unwrap().status, 200);
    assert_eq!(bench.cli("logs --limit 1000").as_array().unwrap().len(), before, "only errors are logged");
    let refused = put("posthaste=loud").await;
    assert_eq!(refused.status, 400);
    let why = refused.text().await.unwrap();
    assert!(why.contains("filter") && why.contains("loud"), "{why}");
    assert_eq!(
        bench.cli("logs filter info,posthaste_gateway=debug")["filter"],
        "info,posthaste_gateway=debug"
    );

    let refused = server.ask(Method::GET, "/admin/logs?wait_seconds=3", Some(&token), &Value::Null).await;
    assert_eq!(refused.status, 400, "without a place to wait behind");
    let audit = bench.cli("audit list").to_string();
    assert!(audit.contains("logs.filter"), "{audit}");
    server.stop().await;
}

#[test]
fn without_a_relay_there_is_no_log() {
    let bench = Bench::new();
    bench.cli("init");
    let output = bench.command("logs").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("a relay that runs"), "{output:?}");
}
