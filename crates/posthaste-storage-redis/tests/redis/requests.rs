//! Records of requests on a real server: what nobody forgets, the server does.

use std::time::Duration;

use posthaste_core::{ClientKeyId, RequestId, RequestRecord, Sealed, Timestamp};
use posthaste_storage::{KeptRequest, contract::requests::record_of_now};
use uuid::Uuid;

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
    assert_eq!(names.len(), 2, "{names:?}");
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

/// Several answers' worth, in several hours, of two client keys in turn.
#[tokio::test]
async fn the_latest_requests_are_found_past_the_first_answer_and_hour() {
    let server = Server::start();
    let redis = server.stores().await;
    let requests = redis.stores().requests;
    let keys = [ClientKeyId::generate(), ClientKeyId::generate()];
    let kept: Vec<_> = (0..1_200).map(|number| record_at(number * 5, keys[number as usize % 2])).collect();
    requests.put(&kept, Duration::from_secs(600)).await.unwrap();
    let hours = server.command("KEYS *:records");
    assert_eq!(hours.lines().filter(|line| line.starts_with("test")).count(), 2, "{hours}");
    let newest: Vec<_> = kept.iter().rev().map(|kept| kept.record.clone()).collect();
    assert_eq!(requests.latest(None, 1_000).await.unwrap(), newest[..1_000]);
    assert_eq!(requests.latest(None, usize::MAX).await.unwrap(), newest);
    let own: Vec<_> = newest.into_iter().filter(|record| record.key_id == keys[0]).collect();
    for limit in [1, 199, 200, 201, 450, 600, 700] {
        let found = requests.latest(Some(keys[0]), limit).await.unwrap();
        assert_eq!(found, own[..limit.min(600)], "{limit}");
    }
}

#[tokio::test]
async fn bodies_are_forgotten_with_their_record_and_hours_with_theirs() {
    let server = Server::start();
    let redis = server.stores().await;
    let requests = redis.stores().requests;
    let mut kept: Vec<_> = (0..3).map(|hour| record_at(hour * 3_600, ClientKeyId::generate())).collect();
    kept[0].bodies = Some(Sealed::from_text("c2VhbGVk"));
    requests.put(&kept, Duration::from_secs(600)).await.unwrap();
    assert_eq!(requests.find(kept[0].record.id).await.unwrap(), Some(kept[0].clone()));
    assert_eq!(requests.trim(Timestamp::EPOCH, 2).await.unwrap(), 1);
    assert_eq!(requests.find(kept[0].record.id).await.unwrap(), None);
    assert!(!server.command("KEYS *").contains("{request:"));
    assert_eq!(requests.trim(Timestamp::EPOCH, 2).await.unwrap(), 0);
    assert_eq!(requests.latest(None, 9).await.unwrap().len(), 2);
    let names = server.command("KEYS *:hours");
    let hours = names.lines().map(str::trim).find(|line| line.starts_with("test")).unwrap();
    assert!(server.command(&format!("ZCARD {hours}")).contains(":2"));
}

#[tokio::test]
async fn a_server_that_lost_everything_lists_what_comes_then() {
    let server = Server::start();
    let redis = server.stores().await;
    let requests = redis.stores().requests;
    let [first, second] = [0, 1].map(|second| record_at(second, ClientKeyId::generate()));
    requests.put(&[first], Duration::from_secs(600)).await.unwrap();
    server.command("FLUSHALL");
    requests.put(std::slice::from_ref(&second), Duration::from_secs(600)).await.unwrap();
    assert_eq!(requests.latest(None, 9).await.unwrap(), [second.record]);
}

/// A request that came some seconds after a moment.
fn record_at(second: u64, key_id: ClientKeyId) -> KeptRequest {
    let moment = Timestamp::from_secs(1_790_000_000).plus(Duration::from_secs(second));
    let least = RequestId::least_at(moment).uuid().as_u128();
    let random = Uuid::now_v7().as_u128() & u128::from(u64::MAX);
    let id = RequestId::from_uuid(Uuid::from_u128(least | random));
    KeptRequest { record: RequestRecord { id, key_id, ..record_of_now() }, bodies: None }
}
