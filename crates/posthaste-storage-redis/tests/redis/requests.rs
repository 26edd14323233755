//! Records of requests on a real server: what nobody forgets, the server does.

use std::time::Duration;

use posthaste_core::Sealed;
use posthaste_storage::{KeptRequest, contract::requests::record_of_now};

use crate::support::Server;

#[tokio::test]
async fn whatever_is_kept_of_requests_ends_by_itself() {
    let server = Server::start();
    let redis = server.stores().await;
    let stores = redis.stores();
    let kept = KeptRequest { record: record_of_now(), bodies: None };
    stores.requests.put(std::slice::from_ref(&kept), Duration::from_secs(600)).await.unwrap();
    let names = server.command("KEYS *");
    let names: Vec<_> = names.lines().map(str::trim).filter(|line| line.starts_with("test")).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for name in names {
        let left = server.command(&format!("PTTL {name}"));
        let left: i64 = left.lines().next().unwrap().trim().trim_start_matches(':').parse().unwrap();
        assert!((1..=600_000).contains(&left), "{name}: {left}");
    }
    assert_eq!(stores.requests.find(kept.record.id).await.unwrap(), Some(kept));
}

#[tokio::test]
async fn a_record_that_an_earlier_release_kept_as_json_is_read() {
    let server = Server::start();
    let redis = server.stores().await;
    let requests = redis.stores().requests;
    let keep = Duration::from_secs(600);
    let record = record_of_now();
    let bodies = Some(Sealed::from_text("c2VhbGVk"));
    let kept = KeptRequest { record, bodies };
    requests.put(std::slice::from_ref(&kept), keep).await.unwrap();
    let names = server.command("KEYS *");
    let id = kept.record.id.to_string();
    let name = names.lines().map(str::trim).find(|name| name.contains(&id)).unwrap();
    let json = serde_json::json!({ "record": kept.record, "bodies": "c2VhbGVk" });
    let quoted = json.to_string().replace('\'', "\\'");
    assert!(server.command(&format!("SET {name} '{quoted}'")).contains("OK"));
    assert_eq!(requests.find(kept.record.id).await.unwrap(), Some(kept.clone()));
    assert_eq!(requests.latest(None, 10).await.unwrap(), [kept.record]);
}
