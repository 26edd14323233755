//! C7: floods of wrong keys.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::neighbours::Neighbours;
use crate::support::{Bench, Client, furnished, whole};

/// Asks with so many different wrong keys, sixteen at the same time; all are refused.
async fn flood(client: &Client, keys: usize) {
    let refused = AtomicUsize::new(0);
    stream::iter(0..keys)
        .for_each_concurrent(16, async |number| {
            let key = format!("cr_{number:032}");
            let answer = client.post(&key, &whole()).await.unwrap();
            assert_eq!(answer.status, 401, "{key}");
            answer.text().await.unwrap();
            refused.fetch_add(1, Ordering::SeqCst);
        })
        .await;
    assert_eq!(refused.load(Ordering::SeqCst), keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_whoever_knocks_with_many_wrong_keys_waits_and_others_at_the_same_address_do_not() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    // A key that nobody has presented before: it opens all the same.
    let fresh = bench.create_key("fresh");
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    let begun = Instant::now();
    let client = server.client();
    let flooding = flood(&client, 128);
    let meanwhile = async {
        neighbours.are_served().await;
        assert_eq!(server.post(&fresh, &whole()).await.unwrap().status, 200);
        neighbours.are_served().await;
    };
    tokio::join!(flooding, meanwhile);
    // Ten are free; after a few more each of the sixteen that wait at the same time waits a second.
    assert!(begun.elapsed() > Duration::from_secs(5), "{:?}", begun.elapsed());
    let served = neighbours.leave().await;
    assert_eq!(upstream.received().len(), served + 1, "no wrong key reached an upstream");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_each_address_behind_a_trusted_proxy_is_counted_for_itself() {
    let bench = Bench::new().with("POSTHASTE_SERVER__TRUSTED_PROXIES", "127.0.0.1");
    let (bench, _upstream, key) = furnished(bench).await;
    let server = bench.serve();
    let client = server.client();
    let ask = async |address: String, key: &str| {
        let request = http::Request::post(format!("{}/v1/messages", client.base()))
            .header("x-api-key", key)
            .header("x-forwarded-for", address)
            .body(posthaste_core::Payload::from(bytes::Bytes::from(whole().to_string())));
        let answer = client.send(request.unwrap()).await.unwrap();
        let status = answer.status;
        answer.text().await.unwrap();
        status
    };
    // Of each address one key, and of each key another beginning: nobody waits.
    let begun = Instant::now();
    for number in 0..500 {
        let address = format!("198.51.{}.{}", number / 250, number % 250 + 1);
        assert_eq!(ask(address, &format!("{number:08}-dummy-key")).await, 401);
    }
    let alone = begun.elapsed();
    // The same from one address; a few of them take as long as all of those.
    let begun = Instant::now();
    for number in 0..20 {
        assert_eq!(ask("203.0.113.7".to_owned(), &format!("{number:08}-dummy-other")).await, 401);
    }
    assert!(
        begun.elapsed() > Duration::from_secs(6),
        "{alone:?} for all of them, {:?} for these",
        begun.elapsed()
    );
    assert_eq!(ask("203.0.113.7".to_owned(), &key).await, 200);
    server.stop().await;
}
