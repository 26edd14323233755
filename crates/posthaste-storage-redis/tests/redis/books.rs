//! What the ledger promises beyond the contract: identities across client keys, which lie in other slots.

use posthaste_core::{AttemptRow, ClientKeyId};
use posthaste_storage::contract::row;

use crate::support::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_identity_is_booked_once_over_all_client_keys() {
    let server = Server::start();
    let redis = server.stores().await;
    let ledger = redis.stores().ledger;
    let first = row();
    let other = AttemptRow { key_id: ClientKeyId::generate(), ..first.clone() };
    ledger.append(std::slice::from_ref(&first)).await.unwrap();
    ledger.append(&[other.clone(), row()]).await.unwrap();
    assert_eq!(ledger.attempts(first.request_id).await.unwrap(), [first]);
    assert_eq!(ledger.recent(Some(other.key_id), 9).await.unwrap(), []);
    assert_eq!(ledger.count().await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_rows_are_found_past_the_first_answer() {
    let server = Server::start();
    let redis = server.stores().await;
    let ledger = redis.stores().ledger;
    let mut rows: Vec<_> = (0..450).map(|_| row()).collect();
    ledger.append(&rows).await.unwrap();
    rows.sort_by_key(|row| std::cmp::Reverse(row.request_id));
    assert_eq!(ledger.recent(None, 420).await.unwrap(), rows[..420]);
    assert_eq!(ledger.recent(None, usize::MAX).await.unwrap().len(), 450);
}
