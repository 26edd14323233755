//! How what is told reaches the receiver, and what happens when it does not.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, HeaderValue, StatusCode, header};
use metrics_exporter_prometheus::PrometheusBuilder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use posthaste_core::{
    RequestId, SystemClock, Telemetry, TraceContext, TraceId, TracedRequest, Transport, TransportError,
    full_body,
};
use posthaste_storage::contract::requests::record_of_now;
use posthaste_telemetry::{MetricsOptions, Otlp, OtlpOptions, ServiceFacts, TraceOptions};
use posthaste_testkit::{MemoryTransport, Reply, Sent};
use prost::Message;
use tokio::time::{Instant, sleep};

fn options() -> OtlpOptions {
    OtlpOptions {
        endpoint: "https://otlp.example/base".parse().unwrap(),
        headers: HeaderMap::new(),
        allow_private: false,
        timeout: Duration::from_secs(10),
        service: ServiceFacts { name: "relay".into(), version: "1.2.3".into(), host: "here".into() },
        traces: Some(TraceOptions { per_million: 1_000_000, follow_clients: true, tell_upstreams: false }),
        metrics: None,
    }
}

fn started(transport: &MemoryTransport, options: &OtlpOptions) -> Otlp {
    let transport: Arc<dyn Transport> = Arc::new(transport.clone());
    let scrape = Box::new(|| "# TYPE a_total counter\na_total 1\n".to_owned());
    Otlp::start(options, &transport, Arc::new(SystemClock), scrape).unwrap()
}

fn reply(status: u16) -> Reply {
    let mut response = http::Response::new(full_body(""));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.into()
}

fn tell(otlp: &Otlp, requests: usize) {
    for _ in 0..requests {
        let id = RequestId::generate();
        let context =
            TraceContext { trace: TraceId::of(id), parent: None, sampled: true, told_upstream: false };
        let record = posthaste_core::RequestRecord { id, ..record_of_now() };
        let request = TracedRequest { context, route: None, status: Some(200), record, attempts: Vec::new() };
        otlp.end(Box::new(request));
    }
}

fn spans(sent: &[Sent]) -> Vec<usize> {
    let count = |sent: &Sent| {
        let told = ExportTraceServiceRequest::decode(sent.body.clone()).unwrap();
        told.resource_spans[0].scope_spans[0].spans.len()
    };
    sent.iter().map(count).collect()
}

#[tokio::test(start_paused = true)]
async fn requests_that_end_together_are_delivered_together() {
    let transport = MemoryTransport::new(|_| reply(200));
    let otlp = started(&transport, &options());
    tell(&otlp, 3);
    sleep(Duration::from_millis(100)).await;
    tell(&otlp, 2);
    assert!(transport.sent().is_empty());
    sleep(Duration::from_secs(3)).await;
    assert_eq!(spans(&transport.sent()), [5]);
    assert_eq!(transport.sent()[0].uri, "https://otlp.example/base/v1/traces");
    assert!(!transport.sent()[0].egress.allow_private);
    let told = ExportTraceServiceRequest::decode(transport.sent()[0].body.clone()).unwrap();
    let resource = told.resource_spans[0].resource.as_ref().unwrap();
    let names: Vec<_> = resource.attributes.iter().map(|pair| pair.key.as_str()).collect();
    assert_eq!(names, ["service.name", "service.version", "host.name"]);
    // Large heaps go in parts.
    tell(&otlp, 600);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(spans(&transport.sent()[1..]), [256, 256, 88]);
}

#[tokio::test(start_paused = true)]
async fn a_busy_receiver_is_asked_again_and_a_refusal_is_taken() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let transport = MemoryTransport::new(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let mut busy = http::Response::new(full_body(""));
            *busy.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            busy.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("7"));
            busy.into()
        }
        1 => Reply::failure(TransportError::Broken("cut".into())),
        2 => reply(200),
        _ => reply(400),
    });
    let otlp = started(&transport, &options());
    tell(&otlp, 1);
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(transport.sent().len(), 1);
    sleep(Duration::from_secs(6)).await;
    assert_eq!(transport.sent().len(), 1, "it asked for seven seconds");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(transport.sent().len(), 3);
    // What is refused for what it is would be refused again.
    tell(&otlp, 1);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(transport.sent().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_a_silent_receiver_does_not_take_is_bounded_and_counted() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counting = metrics::set_default_local_recorder(&recorder);
    let transport = MemoryTransport::new(|_| Reply::never());
    let otlp = started(&transport, &options());
    let before = Instant::now();
    tell(&otlp, 10_000);
    assert_eq!(before.elapsed(), Duration::ZERO, "nobody waits");
    let lost = || {
        let text = recorder.handle().render();
        let line = text
            .lines()
            .find(|line| line.starts_with("posthaste_otlp_traces_lost_total "))
            .unwrap()
            .to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(lost(), 10_000 - 2_048);
    // Four tries of ten seconds, and pauses of one, two and four.
    sleep(Duration::from_secs(60)).await;
    assert_eq!(lost(), 10_000 - 2_048 + 256);
    let before = Instant::now();
    otlp.stop(Duration::from_secs(5)).await;
    assert_eq!(before.elapsed(), Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn the_end_delivers_what_waits_and_does_not_wait_for_pauses() {
    let transport =
        MemoryTransport::new(|sent| reply(if sent.uri.path().ends_with("traces") { 503 } else { 200 }));
    let metrics = Some(MetricsOptions { every: Duration::from_secs(3_600) });
    let otlp = started(&transport, &OtlpOptions { metrics, ..options() });
    tell(&otlp, 300);
    let before = Instant::now();
    otlp.stop(Duration::from_secs(5)).await;
    assert_eq!(before.elapsed(), Duration::ZERO);
    let traces: Vec<_> =
        transport.sent().into_iter().filter(|sent| sent.uri.path().ends_with("traces")).collect();
    assert_eq!(spans(&traces), [256, 44]);
    assert_eq!(transport.sent().len(), 3, "metrics go out a last time");
    // Later words are lost, and nothing else happens.
    tell(&otlp, 1);
    otlp.stop(Duration::from_secs(5)).await;
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn metrics_go_out_at_their_own_pace() {
    let transport = MemoryTransport::new(|_| reply(200));
    let metrics = Some(MetricsOptions { every: Duration::from_secs(60) });
    let otlp = started(&transport, &OtlpOptions { metrics, traces: None, ..options() });
    assert!(!otlp.traces() && otlp.begin(RequestId::generate(), None).is_none());
    sleep(Duration::from_secs(185)).await;
    assert_eq!(transport.sent().len(), 3);
}

#[tokio::test]
async fn an_endpoint_on_a_strange_network_without_tls_is_refused() {
    let transport: Arc<dyn Transport> = Arc::new(MemoryTransport::new(|_| reply(200)));
    let options = OtlpOptions { endpoint: "http://otlp.example".parse().unwrap(), ..options() };
    let refused = Otlp::start(&options, &transport, Arc::new(SystemClock), Box::new(String::new));
    assert!(refused.unwrap_err().to_string().contains("has no TLS"));
}
