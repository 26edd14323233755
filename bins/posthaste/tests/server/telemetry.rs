//! What a receiver of OpenTelemetry's protocol is told.

use std::collections::BTreeMap;

use bytes::Bytes;
use opentelemetry_proto::tonic::{
    collector::{metrics::v1::ExportMetricsServiceRequest, trace::v1::ExportTraceServiceRequest},
    common::v1::{KeyValue, any_value::Value as Any},
    metrics::v1::{Metric, metric::Data, number_data_point},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use posthaste_core::Payload;
use posthaste_testkit::{Received, Script, ScriptedUpstream, anthropic_error};
use prost::Message;
use serde_json::{Value, json};

use crate::support::{
    Bench, MODEL, Server, UPSTREAM_KEY, USAGE, eventually, furnished, serving, streamed, whole,
};

const PROMPT: &str = "CANARY-what-was-asked";
const TOKEN: &str = "CANARY-of-the-receiver";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A receiver that takes everything, and a bench whose relay tells it.
async fn told(script: impl Fn(&Received) -> Script + Send + Sync + 'static) -> (Bench, ScriptedUpstream) {
    let receiver = ScriptedUpstream::start(script).await;
    let bench = Bench::new()
        .with("POSTHASTE_TELEMETRY__ENDPOINT", &receiver.base_url())
        .with("POSTHASTE_TELEMETRY__HEADERS", &format!("authorization=Bearer%20{TOKEN}"));
    (bench, receiver)
}

fn takes(_: &Received) -> Script {
    Script::new().sized()
}

/// Every span that was told.
fn spans(receiver: &ScriptedUpstream) -> Vec<Span> {
    let received = receiver.received();
    let traces = received.iter().filter(|request| request.path == "/v1/traces");
    let told = traces.map(|request| ExportTraceServiceRequest::decode(request.body.clone()).unwrap());
    let resources = told.flat_map(|told| told.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// The metrics that were told last.
fn last_metrics(receiver: &ScriptedUpstream) -> Vec<Metric> {
    let received = receiver.received();
    let last = received.iter().rfind(|request| request.path == "/v1/metrics").expect("metrics were told");
    let told = ExportMetricsServiceRequest::decode(last.body.clone()).unwrap();
    let resources = told.resource_metrics.into_iter();
    resources.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics).collect()
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<&str, Value> {
    fn value(any: &Any) -> Value {
        match any {
            Any::StringValue(text) => json!(text),
            Any::IntValue(number) => json!(number),
            Any::BoolValue(truth) => json!(truth),
            Any::ArrayValue(list) => {
                list.values.iter().map(|one| value(one.value.as_ref().unwrap())).collect()
            }
            other => panic!("{other:?}"),
        }
    }
    let told = |pair: &KeyValue| value(pair.value.as_ref().unwrap().value.as_ref().unwrap());
    pairs.iter().map(|pair| (pair.key.as_str(), told(pair))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == i32::from(StatusCode::Error))
}

/// Asks as a client that traces, and reads the answer.
async fn ask_traced(server: &Server, key: &str, body: &Value) -> String {
    let request = http::Request::post(format!("{}/v1/messages", server.base))
        .header("content-type", "application/json")
        .header("x-api-key", key)
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("tracestate", "vendor=CANARY-state")
        .body(Payload::from(Bytes::from(body.to_string())));
    let answer = server.client().send(request.unwrap()).await.unwrap();
    assert_eq!(answer.status, 200, "{}", server.log());
    let id = answer.header("x-posthaste-request-id").to_owned();
    answer.text().await.unwrap();
    id
}

fn prompted(mut body: Value) -> Value {
    body["messages"][0]["content"] = json!(PROMPT);
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_a_span_and_each_of_its_attempts_one_below_it() {
    let (bench, receiver) = told(takes).await;
    let broken =
        ScriptedUpstream::start(|_| Script::json(500, &anthropic_error("api_error", "broken"))).await;
    let sound = ScriptedUpstream::start(serving).await;
    bench.add_account("sound", &sound);
    bench.add_account("broken", &broken);
    bench.cli("accounts update broken --priority 1");
    bench.cli("accounts update sound --priority 2");
    let key = bench.create_key("team");
    let server = bench.serve();
    let id = ask_traced(&server, &key, &prompted(streamed())).await;
    server.stop().await;

    let spans = spans(&receiver);
    let [request, first, second] = &spans[..] else { panic!("{spans:#?}") };
    for span in &spans {
        assert_eq!(hex(&span.trace_id), TRACE);
        assert!(
            span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano,
            "{span:?}"
        );
        assert_eq!(attributes(&span.attributes)["posthaste.request_id"], json!(id));
    }
    assert_eq!((request.name.as_str(), request.kind), ("POST /v1/messages", SpanKind::Server.into()));
    assert_eq!(hex(&request.parent_span_id), PARENT);
    let told = attributes(&request.attributes);
    assert_eq!(told["http.request.method"], "POST");
    assert_eq!(told["http.route"], "/v1/messages");
    assert_eq!(told["http.response.status_code"], 200);
    assert_eq!((&told["posthaste.attempts"], &told["posthaste.model"]), (&json!(2), &json!(MODEL)));
    assert!(!failed(request) && !told.keys().any(|key| key.starts_with("gen_ai.")), "{told:?}");
    assert!(request.events.iter().any(|event| event.name == "posthaste.planned"), "{request:?}");

    for (span, upstream) in [(first, &broken), (second, &sound)] {
        assert_eq!((&span.name, span.kind), (&format!("chat {MODEL}"), SpanKind::Client.into()));
        assert_eq!(span.parent_span_id, request.span_id);
        assert!(span.start_time_unix_nano >= request.start_time_unix_nano);
        let told = attributes(&span.attributes);
        assert_eq!(told["gen_ai.operation.name"], "chat");
        assert_eq!(told["gen_ai.provider.name"], "anthropic-compatible");
        assert_eq!(told["gen_ai.request.model"], MODEL);
        assert_eq!(told["server.address"], "127.0.0.1");
        assert_eq!(told["server.port"], upstream.address().port());
    }
    assert_ne!(first.span_id, second.span_id);
    let told = attributes(&first.attributes);
    assert_eq!(
        (&told["http.response.status_code"], &told["error.type"]),
        (&json!(500), &json!("upstream_failed"))
    );
    assert_eq!((&told["posthaste.outcome"], &told["posthaste.verdict"]), (&json!("failed"), &json!("next")));
    assert!(failed(first) && !told.contains_key("gen_ai.response.model"));
    let told = attributes(&second.attributes);
    assert_eq!(told["gen_ai.response.model"], "claude-testkit");
    assert_eq!(told["gen_ai.response.finish_reasons"], json!(["end_turn"]));
    assert_eq!(told["gen_ai.usage.input_tokens"], USAGE.input);
    assert_eq!(told["gen_ai.usage.output_tokens"], USAGE.output);
    assert_eq!(told["posthaste.outcome"], "complete");
    assert!(told["posthaste.cost.nano_usd"].as_i64().unwrap() > 0 && !failed(second));
    assert!(second.events.iter().any(|event| event.name == "posthaste.first_content"), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_told_holds_a_prompt_a_key_or_a_header() {
    let (bench, receiver) = told(takes).await;
    let (bench, upstream, key) = furnished(bench).await;
    let server = bench.serve();
    ask_traced(&server, &key, &prompted(whole())).await;
    // One that is refused, whose fault would like to quote it.
    let misfit = json!({"model": MODEL, "max_tokens": PROMPT, "messages": PROMPT});
    let refused = server.post(&key, &misfit).await.unwrap();
    refused.text().await.unwrap();
    let log = server.log();
    server.stop().await;

    let received = receiver.received();
    assert!(received.iter().any(|request| request.path == "/v1/traces"), "{received:?}");
    assert!(received.iter().any(|request| request.path == "/v1/metrics"), "{received:?}");
    for request in &received {
        assert_eq!(request.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        let text = String::from_utf8_lossy(&request.body);
        for secret in ["CANARY", UPSTREAM_KEY, key.as_str(), "hello"] {
            assert!(!text.contains(secret), "{} holds {secret}: {text}", request.path);
        }
    }
    assert!(!log.contains("CANARY"), "{log}");
    // Nor is an upstream told of the trace, unless that is wanted.
    for request in upstream.received() {
        assert_eq!((request.header("traceparent"), request.header("tracestate")), (None, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_are_told_the_attempts_span_where_that_is_wanted() {
    let (bench, receiver) = told(takes).await;
    let (bench, upstream, key) = furnished(bench.with("POSTHASTE_TELEMETRY__TELL_UPSTREAMS", "true")).await;
    let server = bench.serve();
    ask_traced(&server, &key, &whole()).await;
    eventually("the log's line tells the trace", || server.log().contains(TRACE).then_some(())).await;
    server.stop().await;
    let spans = spans(&receiver);
    let attempt = spans.iter().find(|span| span.kind == i32::from(SpanKind::Client)).unwrap();
    let asked = upstream.received().remove(0);
    let expected = format!("00-{TRACE}-{}-01", hex(&attempt.span_id));
    assert_eq!((asked.header("traceparent"), asked.header("tracestate")), (Some(expected.as_str()), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_of_the_relays_own_is_found_by_the_request_id() {
    let (bench, receiver) = told(takes).await;
    let (bench, _upstream, key) = furnished(bench).await;
    let server = bench.serve();
    let answer = server.post(&key, &whole()).await.unwrap();
    let id = answer.header("x-posthaste-request-id").replace('-', "");
    answer.text().await.unwrap();
    server.stop().await;
    let spans = spans(&receiver);
    assert_eq!(spans.len(), 2);
    assert!(
        spans.iter().all(|span| hex(&span.trace_id) == id) && spans[0].parent_span_id.is_empty(),
        "{spans:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_traced_though_no_records_are_kept_and_not_where_the_share_is_none() {
    let (bench, receiver) = told(takes).await;
    let (bench, _upstream, key) = furnished(bench.with("POSTHASTE_RECORDS__ENABLED", "false")).await;
    let server = bench.serve();
    server.post(&key, &whole()).await.unwrap().text().await.unwrap();
    server.stop().await;
    assert_eq!(spans(&receiver).len(), 2);

    let (bench, receiver) = told(takes).await;
    let (bench, _upstream, key) = furnished(bench.with("POSTHASTE_TELEMETRY__SAMPLE", "0")).await;
    let server = bench.serve();
    server.post(&key, &whole()).await.unwrap().text().await.unwrap();
    // Its client's word is taken.
    ask_traced(&server, &key, &whole()).await;
    server.stop().await;
    assert!(spans(&receiver).iter().all(|span| hex(&span.trace_id) == TRACE));
    assert_eq!(spans(&receiver).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_serves_is_an_error_with_its_kind() {
    let (bench, receiver) = told(takes).await;
    let (bench, upstream, key) = furnished(bench).await;
    upstream.kill().await;
    let server = bench.serve();
    let answer = server.post(&key, &whole()).await.unwrap();
    let status = answer.status;
    assert!(status >= 500, "{status}");
    answer.text().await.unwrap();
    server.stop().await;
    let spans = spans(&receiver);
    let told = attributes(&spans[0].attributes);
    assert_eq!(told["http.response.status_code"], status);
    assert!(failed(&spans[0]) && told.contains_key("error.type"), "{told:?}");
    assert!(failed(&spans[1]), "{spans:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_those_of_prometheus_and_the_conventions_own() {
    let (bench, receiver) = told(takes).await;
    let (bench, _upstream, key) = furnished(bench).await;
    let server = bench.serve();
    for body in [whole(), streamed(), whole()] {
        server.post(&key, &body).await.unwrap().text().await.unwrap();
    }
    server.stop().await;
    let metrics = last_metrics(&receiver);
    let find =
        |name: &str| metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.data.clone());
    let Some(Data::Sum(attempts)) = find("posthaste_attempts_total") else { panic!("{metrics:?}") };
    let complete = attempts.data_points.iter().find(|point| {
        let told = attributes(&point.attributes);
        told["provider"] == "anthropic-compatible" && told["outcome"] == "complete"
    });
    assert_eq!(complete.unwrap().value, Some(number_data_point::Value::AsDouble(3.0)));
    let Some(Data::Histogram(overhead)) = find("posthaste_overhead_seconds") else { panic!("{metrics:?}") };
    let [point] = &overhead.data_points[..] else { panic!("{overhead:?}") };
    assert_eq!((point.count, point.bucket_counts.iter().sum::<u64>()), (3, 3));
    assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
    let Some(Data::Histogram(tokens)) = find("gen_ai.client.token.usage") else { panic!("{metrics:?}") };
    let output = tokens
        .data_points
        .iter()
        .find(|point| attributes(&point.attributes)["gen_ai.token.type"] == "output");
    assert_eq!(output.unwrap().sum, Some(3.0 * USAGE.output as f64));
    let Some(Data::Histogram(first)) = find("gen_ai.server.time_to_first_token") else {
        panic!("{metrics:?}")
    };
    assert_eq!(first.data_points[0].count, 1, "streams alone have a first token");
    assert!(find("gen_ai.client.operation.duration").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_away_silent_or_broken_harms_no_request_and_no_end() {
    for (name, script) in [
        ("silent", Script::never()),
        ("broken", Script::text(500, "CANARY-of-the-answer")),
        ("busy", Script::text(503, "later").header("retry-after", "600")),
        ("hanging up", Script::hang_up()),
    ] {
        let (bench, _receiver) = told(move |_| script.clone()).await;
        let (bench, _upstream, key) = furnished(bench).await;
        let server = bench.serve();
        for _ in 0..20 {
            let answer = server.post(&key, &whole()).await.unwrap();
            assert_eq!(answer.status, 200, "{name}");
            answer.text().await.unwrap();
        }
        let log = server.log();
        server.stop().await;
        assert_eq!(bench.rows().await.len(), 20, "{name}");
        assert!(!log.contains("CANARY"), "{name}: {log}");
    }
}
