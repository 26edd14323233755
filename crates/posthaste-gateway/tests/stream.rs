//! Streams after the commit point: byte for byte, or ended with the dialect's error event.

mod support;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use posthaste_core::{
    AttemptOutcome, AttemptPhase, AttemptRow, ClientKeyId, CostBasis, FaultKind, RequestId, Timestamp, Usage,
    UsageSource,
};
use posthaste_gateway::RelayOptions;
use posthaste_storage::{
    Correction, Dimension, GroupSums, LedgerStore, RollupPeriod, RollupRow, StorageError, UsageQuery,
};
use posthaste_testkit::{
    MemoryTransport, Reply, Script, ScriptedUpstream, account, anthropic_error, anthropic_json, anthropic_sse,
};
use serde_json::Value;
use support::{Rig, USAGE, at, next_piece, streamed, whole};

async fn over(script: impl Fn() -> Script + Send + Sync + 'static) -> (ScriptedUpstream, Rig) {
    let upstream = ScriptedUpstream::start(move |_| script()).await;
    let rig = Rig::new(vec![at("only", upstream.base_url(), 1)]).await;
    (upstream, rig)
}

#[tokio::test]
async fn a_stream_passes_byte_for_byte_however_it_is_cut_into_packets() {
    let frames = anthropic_sse(&["Grüße, ", "世界 ", "🎉"], USAGE);
    let expected = frames.concat();
    for size in [1, 7, 100_000] {
        let frames = frames.clone();
        let (_upstream, rig) = over(move || Script::sse(&frames).sliced(size)).await;
        let answer = rig.read(&streamed()).await.unwrap();
        assert_eq!(answer.body, expected, "in packets of {size}");
        let rows = rig.rows().await;
        assert_eq!((rows[0].usage, rows[0].usage_source), (USAGE, UsageSource::Reported));
        assert_eq!(rows[0].cost_basis, CostBasis::Priced);
        assert!(rows[0].cost.as_nanos() > 0);
        assert_eq!((rows[0].outcome, rows[0].phase), (AttemptOutcome::Complete, AttemptPhase::Finished));
    }
}

#[tokio::test]
async fn a_cut_after_content_ends_in_the_error_event_and_never_in_a_clean_stop() {
    let frames = anthropic_sse(&["a", "b", "c"], USAGE);
    let content = frames.len() - 3;
    for kept in 4..=content {
        for whole_frames in [true, false] {
            let mut sent = frames[..kept].to_vec();
            if !whole_frames {
                let last = sent.pop().unwrap();
                sent.push(last.slice(..last.len() / 2));
            }
            if !whole_frames && kept == 4 {
                continue;
            }
            let script = sent.clone();
            let (_upstream, rig) = over(move || Script::sse(&script).cut()).await;
            let answer = rig.read(&streamed()).await.unwrap();
            let events = events(answer.text());
            assert_eq!(events.last().unwrap()["type"], "error", "kept {kept}: {}", answer.text());
            assert!(events.iter().all(|event| event["type"] != "message_stop"), "kept {kept}");
            let rows = rig.rows().await;
            assert_eq!((rows.len(), rows[0].outcome), (1, AttemptOutcome::Cut));
            assert_eq!(rows[0].usage_source, UsageSource::Estimated);
            assert_eq!(rows[0].usage.input, USAGE.input);
            assert_eq!(rows[0].cost_basis, CostBasis::Estimated);
        }
    }
}

/// What an SDK makes of a stream: every event whole, every event's data JSON.
fn events(text: &str) -> Vec<Value> {
    let frames = text.split_terminator("\n\n");
    frames
        .map(|frame| {
            let data = frame.lines().find_map(|line| line.strip_prefix("data: ")).expect("an event has data");
            serde_json::from_str(data).expect("an event's data is JSON")
        })
        .collect()
}

#[tokio::test]
async fn a_missing_terminator_after_the_stop_reason_is_mended() {
    let mut frames = anthropic_sse(&["a"], USAGE);
    let expected = frames.concat();
    frames.pop();
    let (_upstream, rig) = over(move || Script::sse(&frames)).await;
    let answer = rig.read(&streamed()).await.unwrap();
    assert!(
        answer.text().ends_with(str::from_utf8(&expected[expected.len() - 20..]).unwrap()),
        "{}",
        answer.text()
    );
    assert_eq!(rig.rows().await[0].outcome, AttemptOutcome::Complete);
}

#[tokio::test]
async fn what_follows_the_terminator_is_left_out() {
    let mut frames = anthropic_sse(&["a"], USAGE);
    let expected = frames.concat();
    frames.push(frames.last().unwrap().clone());
    let (_upstream, rig) = over(move || Script::sse(&frames)).await;
    assert_eq!(rig.read(&streamed()).await.unwrap().body, expected);
}

#[tokio::test]
async fn an_error_event_in_the_middle_passes_and_is_booked_as_a_failure() {
    let mut frames = anthropic_sse(&["a", "b"], USAGE);
    frames.truncate(4);
    frames.push(format!("event: error\ndata: {}\n\n", anthropic_error("overloaded_error", "busy")).into());
    let expected = frames.concat();
    let (_upstream, rig) = over(move || Script::sse(&frames)).await;
    assert_eq!(rig.read(&streamed()).await.unwrap().body, expected);
    let rows = rig.rows().await;
    assert_eq!(rows[0].outcome, AttemptOutcome::Failed(FaultKind::UpstreamFailed));
}

#[tokio::test]
async fn a_stream_without_usage_is_estimated_and_costs_something() {
    let frames: Vec<Bytes> = anthropic_sse(&["some ", "words ", "to count"], Usage::default());
    let stripped: Vec<Bytes> = frames
        .iter()
        .map(|frame| str::from_utf8(frame).unwrap().replace("\"usage\"", "\"no_usage\"").into())
        .collect();
    let (_upstream, rig) = over(move || Script::sse(&stripped)).await;
    rig.read(&streamed()).await.unwrap();
    let rows = rig.rows().await;
    assert_eq!((rows[0].usage_source, rows[0].cost_basis), (UsageSource::Estimated, CostBasis::Estimated));
    assert!(rows[0].usage.input > 0 && rows[0].usage.output > 0 && rows[0].cost.as_nanos() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_is_kept_alive_and_then_given_up() {
    let frames = anthropic_sse(&["a", "b"], USAGE)[..4].to_vec();
    let transport = MemoryTransport::new(move |_| Reply::sse_then_silence(frames.clone()));
    let rig = Rig::over(vec![account("only")], RelayOptions::default(), Arc::new(transport)).await;
    let start = tokio::time::Instant::now();
    let answer = rig.read(&streamed()).await.unwrap();
    let pings = answer.text().matches("event: ping").count();
    assert_eq!(pings, 1 + 29, "one from the upstream, then one every 10 s until the gap of 300 s");
    assert!(answer.text().contains("event: error\n"));
    assert_eq!(start.elapsed().as_secs(), 300);
    assert_eq!(rig.rows().await[0].outcome, AttemptOutcome::Cut);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_gets_the_head_and_pings_while_others_are_asked() {
    let slow = MemoryTransport::new(|sent| match sent.uri.host() {
        Some("a.example") => Reply::never(),
        _ => Reply::sse(anthropic_sse(&["Hello"], USAGE)).after(Duration::from_secs(25)),
    });
    let named = |name: &str, priority| {
        let mut account = account(name);
        account.base_url = format!("http://{name}.example");
        account.priority = priority;
        account
    };
    let rig = Rig::over(vec![named("a", 1), named("b", 2)], RelayOptions::default(), Arc::new(slow)).await;
    let start = tokio::time::Instant::now();
    let answer = rig.ask(&streamed()).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 10, "the head goes out after ten seconds");
    assert_eq!(answer.response.status(), 200);
    let mut body = answer.response.into_body();
    assert_eq!(next_piece(&mut body).await.unwrap(), "event: ping\ndata: {\"type\": \"ping\"}\n\n");
    let rest = support::Read::from_body(body).await;
    assert!(rest.contains("Hello") && rest.contains("message_stop"), "{rest}");
    assert_eq!(start.elapsed().as_secs(), 85, "60 s for the first account, 25 s for the second");
}

#[tokio::test(start_paused = true)]
async fn a_failure_after_the_head_went_out_is_the_error_event() {
    let never = MemoryTransport::new(|_| Reply::never());
    let rig = Rig::over(vec![account("only")], RelayOptions::default(), Arc::new(never)).await;
    let answer = rig.read(&streamed()).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer.text().ends_with("\n\n") && answer.text().contains("overloaded_error"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_and_is_booked_with_its_phase() {
    let frames = anthropic_sse(&["a", "b"], USAGE)[..4].to_vec();
    let (upstream, rig) = over(move || Script::sse(&frames).stall()).await;
    let mut body = rig.ask(&streamed()).await.unwrap().response.into_body();
    next_piece(&mut body).await.unwrap();
    drop(body);
    upstream.wait_aborted(1).await;
    let rows = rig.rows().await;
    assert_eq!((rows[0].outcome, rows[0].phase), (AttemptOutcome::Cancelled, AttemptPhase::Delivering));
    assert_eq!(rows[0].usage.input, USAGE.input, "what was counted so far is booked");
    assert!(rows[0].usage.output > 1, "the answer so far is estimated: {:?}", rows[0].usage);
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_cancels_the_upstream() {
    let (upstream, rig) = over(Script::never).await;
    {
        let body = streamed();
        let asking = rig.ask(&body);
        tokio::pin!(asking);
        tokio::select! {
            _ = &mut asking => panic!("nothing answers"),
            _ = upstream.wait_received(1) => {}
        }
    }
    upstream.wait_aborted(1).await;
    let rows = rig.rows().await;
    assert_eq!((rows[0].outcome, rows[0].phase), (AttemptOutcome::Cancelled, AttemptPhase::AwaitingHead));
}

#[tokio::test]
async fn under_strict_accounting_the_row_is_there_before_the_last_bytes() {
    let frames = anthropic_sse(&["a"], USAGE);
    let upstream = ScriptedUpstream::start(move |_| Script::sse(&frames)).await;
    let options = RelayOptions { strict_accounting: true, ..RelayOptions::default() };
    let rig = Rig::with(vec![at("only", upstream.base_url(), 1)], options).await;
    let mut body = rig.ask(&streamed()).await.unwrap().response.into_body();
    while let Some(piece) = next_piece(&mut body).await {
        if str::from_utf8(&piece).unwrap().contains("message_stop") {
            assert_eq!(rig.stores.ledger.count().await.unwrap(), 1);
        }
    }
}

/// A ledger on a full disk.
struct FullDisk;

#[async_trait]
impl LedgerStore for FullDisk {
    async fn append(&self, _: &[AttemptRow]) -> Result<(), StorageError> {
        Err(StorageError::unavailable("appending", "no space left on device"))
    }

    async fn attempts(&self, _: RequestId) -> Result<Vec<AttemptRow>, StorageError> {
        Ok(Vec::new())
    }

    async fn recent(&self, _: Option<ClientKeyId>, _: usize) -> Result<Vec<AttemptRow>, StorageError> {
        Ok(Vec::new())
    }

    async fn usage(&self, _: &UsageQuery) -> Result<Vec<RollupRow>, StorageError> {
        Ok(Vec::new())
    }

    async fn carry_over(&self, _: &[RollupRow]) -> Result<(), StorageError> {
        Ok(())
    }

    async fn correct(&self, _: &[Correction]) -> Result<Vec<(RequestId, u16)>, StorageError> {
        Ok(Vec::new())
    }

    async fn count(&self) -> Result<u64, StorageError> {
        Ok(0)
    }

    async fn sums(&self, _: &UsageQuery, _: &[Dimension]) -> Result<Vec<GroupSums>, StorageError> {
        Ok(Vec::new())
    }

    async fn forget_rows(&self, _: Timestamp, _: usize) -> Result<usize, StorageError> {
        Ok(0)
    }

    async fn forget_rollups(&self, _: RollupPeriod, _: Timestamp, _: usize) -> Result<usize, StorageError> {
        Ok(0)
    }
}

#[tokio::test(start_paused = true)]
async fn under_strict_accounting_no_answer_ends_well_that_is_not_in_the_books() {
    let transport = MemoryTransport::new(|sent| {
        if sent.json()["stream"] == Value::Bool(true) {
            Reply::sse(anthropic_sse(&["Hello"], USAGE))
        } else {
            Reply::json(200, &anthropic_json("Hello", USAGE))
        }
    });
    let options = RelayOptions { strict_accounting: true, ..RelayOptions::default() };
    let rig = Rig::booking(vec![account("only")], options, Arc::new(transport), Arc::new(FullDisk)).await;
    let answer = rig.read(&streamed()).await.unwrap();
    let events = events(answer.text());
    assert_eq!(events.last().unwrap()["type"], "error");
    assert!(events.iter().all(|event| event["type"] != "message_stop"));
    assert_eq!(rig.ask(&whole()).await.unwrap_err().kind, FaultKind::Internal);
}
