//! G2: a key or an account is disabled or removed while its requests are under way.

use posthaste_core::AttemptOutcome;
use posthaste_testkit::{Gate, Received, Script, ScriptedUpstream, anthropic_sse};
use tokio::time::{Instant, sleep};

use crate::support::{Answer, Bench, PATIENCE, Server, USAGE, serving, streamed, whole};

const TEXTS: [&str; 3] = ["a", "b", "c"];

/// Streams stand still in their middle until the gate is open.
async fn gated(gate: &Gate) -> ScriptedUpstream {
    let gate = gate.clone();
    ScriptedUpstream::start(move |request: &Received| {
        if request.json()["stream"] != true {
            return serving(request);
        }
        let frames = anthropic_sse(&TEXTS, USAGE);
        Script::sse(&frames[..4]).gate(&gate).chunks(frames[4..].iter().cloned())
    })
    .await
}

async fn begun(server: &Server, key: &str) -> (Vec<u8>, Answer) {
    let mut answer = server.post(key, &streamed()).await.unwrap();
    assert_eq!(answer.status, 200);
    let first = answer.piece().await.unwrap().unwrap().to_vec();
    (first, answer)
}

async fn assert_whole((first, rest): (Vec<u8>, Answer)) {
    let text = rest.text().await.unwrap();
    assert_eq!([&first[..], text.as_bytes()].concat(), anthropic_sse(&TEXTS, USAGE).concat());
}

async fn status(server: &Server, key: &str) -> u16 {
    let answer = server.post(key, &whole()).await.unwrap();
    let status = answer.status;
    answer.text().await.unwrap();
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_a_key_that_goes_amid_a_request_opens_no_other_one() {
    for change in ["keys update team --enabled false", "keys revoke team --yes", "keys delete team"] {
        let (bench, gate) = (Bench::new().with("POSTHASTE_SERVER__KEEP_ALIVE_AFTER", "10m"), Gate::default());
        let upstream = gated(&gate).await;
        bench.add_account("one", &upstream);
        let (key, other) = (bench.create_key("team"), bench.create_key("other"));
        let server = bench.serve();
        let stream = begun(&server, &key).await;
        bench.cli(change);
        let since = Instant::now();
        while status(&server, &key).await == 200 {
            assert!(since.elapsed() < PATIENCE, "{change}");
            sleep(std::time::Duration::from_millis(5)).await;
        }
        println!("{change}: refused {:?} after the command's end", since.elapsed());
        assert_eq!(status(&server, &other).await, 200);
        gate.open();
        assert_whole(stream).await;
        server.stop().await;
        let rows = bench.rows().await;
        assert!(rows.iter().all(|row| row.outcome == AttemptOutcome::Complete), "{rows:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g2_an_account_that_goes_amid_a_request_ends_that_and_gets_no_other_one() {
    for change in ["accounts disable one", "accounts delete one --yes"] {
        let (bench, gate) = (Bench::new().with("POSTHASTE_SERVER__KEEP_ALIVE_AFTER", "10m"), Gate::default());
        let (first, second) = (gated(&gate).await, gated(&gate).await);
        bench.add_account("one", &first);
        bench.cli("accounts update one --priority 1");
        bench.add_account("two", &second);
        let key = bench.create_key("team");
        let server = bench.serve();
        let stream = begun(&server, &key).await;
        bench.cli(change);
        let since = Instant::now();
        while second.received().is_empty() {
            assert_eq!(status(&server, &key).await, 200, "{change}: another account serves");
            assert!(since.elapsed() < PATIENCE, "{change}");
        }
        let asked = first.received().len();
        for _ in 0..10 {
            assert_eq!(status(&server, &key).await, 200);
        }
        assert_eq!(first.received().len(), asked, "{change}: it is asked no more");
        gate.open();
        assert_whole(stream).await;
        server.stop().await;
        let rows = bench.rows().await;
        assert_eq!(rows.len(), asked + second.received().len());
        assert!(
            rows.iter().all(|row| row.outcome == AttemptOutcome::Complete && row.usage == USAGE),
            "{rows:?}"
        );
    }
}
