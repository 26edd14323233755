//! C9: everybody comes back at once after a restart.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
    task::JoinSet,
};

use super::head;
use crate::support::{Bench, Server, furnished, whole};

/// Each client comes on a connection of its own and asks once; gives how many were served.
async fn rush(server: &Server, key: &str, clients: usize, at_once: usize) -> usize {
    let body = whole().to_string();
    let more = format!("Connection: close\r\nContent-Length: {}\r\n", body.len());
    let request: Arc<str> = (head(key, &more) + &body).into();
    let places = Arc::new(Semaphore::new(at_once));
    let mut asking = JoinSet::new();
    for _ in 0..clients {
        let (request, places) = (Arc::clone(&request), Arc::clone(&places));
        let address = server.address().to_owned();
        asking.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        });
    }
    let mut served = 0;
    while let Some(ended) = asking.join_next().await {
        ended.unwrap();
        served += 1;
    }
    served
}

async fn restarted(clients: usize, at_once: usize) {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let first = bench.serve();
    assert_eq!(rush(&first, &key, 16, 16).await, 16);
    first.stop().await;
    let asked = upstream.received().len();
    let second = bench.serve();
    assert_eq!(rush(&second, &key, clients, at_once).await, clients);
    assert_eq!(upstream.received().len() - asked, clients, "each was asked for once");
    second.stop().await;
    assert_eq!(bench.rows().await.len(), asked + clients);
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_a_thousand_clients_come_back_to_a_relay_that_was_started_again() {
    restarted(1_000, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: twenty thousand clients, four thousand at a time"]
async fn c9_twenty_thousand_clients_come_back_to_a_relay_that_was_started_again() {
    restarted(20_000, 4_000).await;
}
