//! C2: thousands of clients that leave at once.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use http::{Request, Response};
use posthaste_core::{
    AttemptOutcome, AttemptPhase, AttemptRow, Egress, Payload, RelayBody, Transport, TransportError,
};
use posthaste_gateway::RelayOptions;
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, Script, ScriptedUpstream, account, anthropic_json, anthropic_sse,
};

use crate::{
    books::{assert_settled, counted, counts, limits},
    held::{Held, Says},
    recording::Recording,
    side::{CLIENTS, MESSAGES},
    support::{
        Rig, USAGE,
        asking::{MODEL, question},
        at, next_piece, streamed, whole,
    },
};

/// Two upstreams: one holds its clients, the other one serves.
struct Two {
    held: Arc<Held>,
    well: MemoryTransport,
}

#[async_trait]
impl Transport for Two {
    async fn send(
        &self,
        request: Request<Payload>,
        egress: &Egress,
    ) -> Result<Response<RelayBody>, TransportError> {
        match request.uri().host() {
            Some("held.example") => self.held.send(request, egress).await,
            _ => self.well.send(request, egress).await,
        }
    }
}

/// So many streams, of clients of every kind, every other one with content already, are dropped at once.
async fn storm(streams: usize) {
    let recording = Recording::of(&MESSAGES, MODEL, "hello").await;
    let content_type = recording.content_type.clone();
    let held = Arc::new(Held::new(move |number| {
        let end = if number % 2 == 0 { recording.content_end } else { recording.content_end - 5 };
        Says::Pieces(content_type.clone(), recording.beginning(end))
    }));
    let well = MemoryTransport::new(|_| Reply::json(200, &anthropic_json("hi", USAGE)));
    let others = account("well").with_base_url("http://well.example").with_models(&["claude-*"]);
    let accounts = vec![counted(MESSAGES.priced("held", 1)), others];
    let transport = Arc::new(Two { held: Arc::clone(&held), well });
    let rig = Arc::new(Rig::over(accounts, RelayOptions::default(), transport).await);
    rig.with_key(|key| key.policy.limits = limits()).await;

    let begun = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..streams)
        .map(|number| {
            let (rig, begun) = (Arc::clone(&rig), Arc::clone(&begun));
            let client = CLIENTS[number % CLIENTS.len()];
            tokio::spawn(async move {
                let body = question(client, "hello", true);
                let answer = rig.ask_on(client, &body, true).await.unwrap();
                let mut body = answer.response.into_body();
                next_piece(&mut body).await.unwrap();
                begun.fetch_add(1, Ordering::SeqCst);
                std::future::pending::<()>().await;
            })
        })
        .collect();
    held.until_open(streams).await;
    while begun.load(Ordering::SeqCst) < streams / 2 {
        tokio::task::yield_now().await;
    }
    let all = i64::try_from(streams).unwrap();
    assert_eq!(counts(&rig, "held").await.map(|count| count.slots), [all, all]);

    let stop = Arc::new(AtomicBool::new(false));
    let others = {
        let (rig, stop) = (Arc::clone(&rig), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut served = 0;
            while !stop.load(Ordering::SeqCst) || served < 10 {
                assert_eq!(rig.read(&whole()).await.unwrap().status, 200);
                served += 1;
            }
            served
        })
    };
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    for client in clients {
        assert!(client.await.unwrap_err().is_cancelled());
    }
    assert_eq!(held.open(), 0);
    stop.store(true, Ordering::SeqCst);
    let served: usize = others.await.unwrap();

    let rows = rig.rows().await;
    let (left, other): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.account_id == account("held").id);
    assert_eq!((left.len(), other.len()), (streams, served));
    let requests: HashSet<_> = rows.iter().map(|row| row.request_id).collect();
    assert_eq!(requests.len(), rows.len(), "every request has one row");
    assert!(left.iter().all(|row| row.outcome == AttemptOutcome::Cancelled));
    let delivering = |row: &&&AttemptRow| row.phase == AttemptPhase::Delivering;
    assert_eq!(left.iter().filter(delivering).count(), streams / 2);
    assert!(other.iter().all(|row| row.outcome == AttemptOutcome::Complete), "others are served meanwhile");
    drop_others_from_books(&rig, &rows).await;
}

/// The client key has paid for both accounts; of the one that held its clients nothing is held any more.
async fn drop_others_from_books(rig: &Rig, rows: &[AttemptRow]) {
    for _ in 0..2_000 {
        if counts(rig, "held").await.iter().all(|count| count.slots == 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let sum = |rows: &mut dyn Iterator<Item = &AttemptRow>| {
        rows.map(|row| i64::try_from(row.usage.total()).unwrap()).sum::<i64>()
    };
    let [key, seat] = counts(rig, "held").await;
    assert_eq!((key.slots, key.tokens), (0, sum(&mut rows.iter())));
    let mut own = rows.iter().filter(|row| row.account_id == account("held").id);
    assert_eq!((seat.slots, seat.tokens), (0, sum(&mut own)));
    assert_eq!(rig.relay.in_flight(), 0);
    assert_eq!(rig.scheduler.in_flight(account("held").id), 0);
    assert_eq!(rig.ledger.free_slots(), posthaste_storage::LedgerOptions::default().queue);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_ten_thousand_streams_are_dropped_at_once() {
    storm(10_000).await;
}

/// Each connection is a descriptor on this side as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c2_no_connection_is_left_behind() {
    let frames = anthropic_sse(&["a", "b"], USAGE)[..4].to_vec();
    let upstream = ScriptedUpstream::start(move |_| Script::sse(&frames).stall()).await;
    let rig = Arc::new(Rig::new(vec![counted(at("only", upstream.base_url(), 1))]).await);
    rig.with_key(|key| key.policy.limits = limits()).await;
    let clients: Vec<_> = (0..200)
        .map(|_| {
            let rig = Arc::clone(&rig);
            tokio::spawn(async move {
                let mut body = rig.ask(&streamed()).await.unwrap().response.into_body();
                while next_piece(&mut body).await.is_some() {}
            })
        })
        .collect();
    upstream.wait_received(200).await;
    while rig.relay.in_flight() < 200 {
        tokio::task::yield_now().await;
    }
    assert_eq!(upstream.open_connections(), 200);
    clients.iter().for_each(tokio::task::JoinHandle::abort);
    for client in clients {
        client.await.unwrap_err();
    }
    upstream.wait_aborted(200).await;
    for _ in 0..2_000 {
        if upstream.open_connections() == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert_eq!(upstream.open_connections(), 0);
    assert_settled(&rig, "only").await;
}
