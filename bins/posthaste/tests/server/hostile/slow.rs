//! C3: heads and bodies that do not come to their end.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::{connect, descriptors, head, neighbours::Neighbours};
use crate::support::{Bench, PATIENCE, Server, eventually, furnished};

/// Drips bytes until the relay closes; gives what it said.
async fn drip(mut stream: TcpStream, beginning: String, pause: Duration, patience: Duration) -> String {
    stream.write_all(beginning.as_bytes()).await.unwrap();
    let (begun, mut said, mut piece) = (Instant::now(), Vec::new(), [0; 4096]);
    loop {
        match timeout(pause, stream.read(&mut piece)).await {
            Ok(Ok(0) | Err(_)) => return String::from_utf8(said).unwrap(),
            Ok(Ok(read)) => said.extend_from_slice(&piece[..read]),
            // A write that fails shows up as an end at the next reading.
            Err(_) => drop(stream.write_all(b"x").await),
        }
        assert!(begun.elapsed() < patience, "it is listened to for ever");
    }
}

/// Opens so many connections that drip heads, and as many that drip bodies; waits until all are closed.
async fn besiege(server: &Server, key: &str, each: usize, pause: Duration, patience: Duration) -> [usize; 2] {
    let mut dripping = JoinSet::new();
    for number in 0..each * 2 {
        let stream = connect(server).await;
        let is_head = number % 2 == 0;
        let beginning = if is_head {
            format!("POST /v1/messages HTTP/1.1\r\nHost: relay\r\nx-number: {number}")
        } else {
            head(key, "Content-Length: 100000\r\n")
        };
        dripping.spawn(async move { (is_head, drip(stream, beginning, pause, patience).await) });
    }
    let mut closed = [0; 2];
    while let Some(ended) = dripping.join_next().await {
        let (is_head, said) = ended.unwrap();
        let is_told = if is_head {
            said.is_empty() || said.starts_with("HTTP/1.1 408 ")
        } else {
            said.starts_with("HTTP/1.1 504 ") && said.contains("did not arrive in time")
        };
        assert!(is_told, "{said}");
        closed[usize::from(!is_head)] += 1;
    }
    closed
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_dripping_heads_and_bodies_are_given_up_and_others_are_served() {
    let bench = Bench::new().with("POSTHASTE_SERVER__HEADER_READ_TIMEOUT", "1s");
    let (bench, upstream, key) = furnished(bench).await;
    let server = bench.serve();
    let before = descriptors(&server);
    let neighbours = Neighbours::of(&server, &key);
    // A body has thirty seconds before its pace counts.
    let siege = besiege(&server, &key, 100, Duration::from_millis(500), Duration::from_secs(90));
    let (closed, ()) = tokio::join!(siege, neighbours.are_served());
    assert_eq!(closed, [100, 100]);
    let served = neighbours.leave().await;
    assert_eq!(upstream.received().len(), served, "none of them reached an upstream");
    eventually("no descriptor is left behind", || (descriptors(&server) <= before + 16).then_some(())).await;
    server.stop().await;
    assert_eq!(bench.rows().await.len(), served);
}

/// 9,000 sockets, since the test itself has but so many.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "long: a minute, and nine thousand sockets"]
async fn c3_nine_thousand_dripping_sockets() {
    let (bench, upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    let neighbours = Neighbours::of(&server, &key);
    let siege = besiege(&server, &key, 4_500, Duration::from_secs(10), Duration::from_secs(300));
    let during = async {
        for _ in 0..10 {
            neighbours.are_served().await;
            sleep(Duration::from_secs(3)).await;
        }
    };
    let (closed, ()) = tokio::join!(siege, during);
    assert_eq!(closed, [4_500, 4_500]);
    let served = neighbours.leave().await;
    assert_eq!(upstream.received().len(), served);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_whoever_takes_a_minute_for_a_log_in_is_given_up_as_well() {
    let (bench, _upstream, key) = furnished(Bench::new()).await;
    let server = bench.serve();
    // The log-in is open to everybody.
    let beginning = "POST /web/auth/login HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    let pause = Duration::from_secs(2);
    let said = drip(connect(&server).await, beginning.to_owned(), pause, Duration::from_secs(90)).await;
    assert!(said.starts_with("HTTP/1.1 400 ") && said.contains("cut off"), "{said}");
    assert_eq!(
        timeout(PATIENCE, server.post(&key, &crate::support::whole())).await.unwrap().unwrap().status,
        200
    );
    server.stop().await;
}
