//! What is counted on a request's way, as Prometheus sees it.

#![expect(clippy::unwrap_used, reason = "a test may fail anywhere")]

mod support;

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use posthaste_core::{Account, ClientKey, Limit, LimitUnit, LimitWindow};
use posthaste_gateway::RelayOptions;
use posthaste_storage::Repository;
use posthaste_testkit::{
    AccountSetters, MemoryTransport, Reply, Sent, account, anthropic_error, anthropic_json, anthropic_sse,
    client_key,
};
use serde_json::{Value, json};
use support::{MODEL, Read, Rig, USAGE};

fn question(streamed: bool) -> Value {
    json!({"model": MODEL, "max_tokens": 64, "stream": streamed, "messages": [{"role": "user", "content": "hello"}]})
}

fn at(name: &str) -> Account {
    account(name).with_base_url(format!("https://{name}.example"))
}

async fn counted(
    accounts: Vec<Account>,
    answer: impl Fn(&Sent) -> Reply + Send + Sync + 'static,
) -> (Rig, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().set_buckets(&[1.0, 5.0, 60.0]).unwrap().build_recorder();
    let handle = recorder.handle();
    // Handles are made with the relay.
    let _counting = metrics::set_default_local_recorder(&recorder);
    let rig = Rig::over(accounts, RelayOptions::default(), Arc::new(MemoryTransport::new(answer))).await;
    (rig, handle)
}

/// The number behind a name with its labels.
fn told(metrics: &PrometheusHandle, name: &str) -> f64 {
    let (text, line) = (metrics.render(), format!("{name} "));
    let value = text.lines().find_map(|text| text.strip_prefix(&line));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[tokio::test]
async fn turns_are_counted_by_what_came_of_them() {
    let (rig, metrics) = counted(vec![at("bad").with_priority(1), at("good").with_priority(2)], |sent| {
        match sent.uri.host() {
            Some("bad.example") => Reply::json(500, &anthropic_error("api_error", "broken")),
            _ => Reply::json(200, &anthropic_json("hello", USAGE)),
        }
    })
    .await;
    // The bad one is asked first, and rests then.
    for _ in 0..10 {
        assert_eq!(rig.read(&question(false)).await.unwrap().status, 200);
    }
    assert_eq!(told(&metrics, "posthaste_verdicts_total{verdict=\"delivered\"}"), 10.0);
    assert!(told(&metrics, "posthaste_verdicts_total{verdict=\"next\"}") >= 1.0);
    assert_eq!(told(&metrics, "posthaste_verdicts_total{verdict=\"final\"}"), 0.0);
}

#[tokio::test]
async fn a_lease_is_counted_while_it_is_held_and_a_refused_one_never() {
    let answer = anthropic_sse(&["hel", "lo"], USAGE);
    let (rig, metrics) = counted(vec![at("one")], move |_| Reply::sse(answer.clone())).await;
    let keys: Repository<ClientKey> = Repository::new(Arc::clone(&rig.stores.config));
    let found = keys.client_key(client_key("tester").id).await.unwrap().unwrap();
    let mut key = found.value;
    key.policy.limits = vec![Limit {
        name: "at once".to_owned(),
        unit: LimitUnit::Concurrency,
        window: LimitWindow::Rolling { seconds: 3_600 },
        amount: 1,
        models: Vec::new(),
        shadow: false,
        on_loss: Default::default(),
    }];
    keys.replace(key, found.version).await.unwrap();
    let leases = || told(&metrics, "posthaste_leases{half=\"caller\"}");
    let claims = |outcome| {
        told(&metrics, &format!("posthaste_lease_claims_total{{half=\"caller\",outcome=\"{outcome}\"}}"))
    };
    let first = rig.ask(&question(true)).await.unwrap();
    assert_eq!((leases(), claims("granted"), claims("refused")), (1.0, 1.0, 0.0));
    rig.ask(&question(true)).await.unwrap_err();
    assert_eq!((leases(), claims("granted"), claims("refused")), (1.0, 1.0, 1.0));
    Read::from(first).await;
    assert_eq!((leases(), claims("failed")), (0.0, 0.0));
}

#[tokio::test(start_paused = true)]
async fn a_streams_longest_silence_is_counted_once_and_whole_answers_have_none() {
    let frames = anthropic_sse(&["hel", "lo"], USAGE);
    let (rig, metrics) = counted(vec![at("one")], move |sent| {
        if sent.json()["stream"] == true {
            Reply::sse_then_silence(frames[..4].to_vec())
        } else {
            Reply::json(200, &anthropic_json("hello", USAGE))
        }
    })
    .await;
    rig.read(&question(false)).await.unwrap();
    assert!(!metrics.render().contains("posthaste_longest_gap_seconds_count 1"));
    let gap = rig.relay.options().gap_timeout;
    let read = rig.read(&question(true)).await.unwrap();
    assert!(String::from_utf8_lossy(&read.body).contains("fell silent"), "{read:?}");
    assert_eq!(told(&metrics, "posthaste_longest_gap_seconds_count"), 1.0);
    let longest = told(&metrics, "posthaste_longest_gap_seconds_sum");
    assert!(
        longest >= gap.as_secs_f64() && longest < (gap + Duration::from_secs(5)).as_secs_f64(),
        "{longest}"
    );
}
