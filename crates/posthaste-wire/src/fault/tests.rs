use std::fmt::Write as _;

use posthaste_core::Origin;
use rstest::rstest;

use super::*;

fn request_id() -> RequestId {
    "0190c0de-0000-7000-8000-000000000001".parse().unwrap()
}

fn fault(kind: FaultKind) -> Fault {
    Fault::new(kind, Origin::Relay, "say \"what\" to do")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Head and body as they stand on the wire.
fn shown(rendered: &RenderedFault) -> String {
    let mut shown = format!("{}\n", rendered.status.as_u16());
    for (name, value) in &rendered.headers {
        writeln!(shown, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    format!("{shown}\n{}\n", text(&rendered.body))
}

#[test]
fn every_kind_has_an_answer_in_every_dialect() {
    for dialect in Dialect::ALL {
        let all: Vec<String> = FaultKind::ALL
            .into_iter()
            .map(|kind| format!("== {kind}\n{}", shown(&render(dialect, &fault(kind), request_id()))))
            .collect();
        insta::assert_snapshot!(dialect.as_str(), all.join("\n"));
    }
}

#[rstest]
#[case::none(None, None, None)]
#[case::sub_second(Some(Duration::from_millis(250)), Some("1"), Some("250"))]
#[case::tiny(Some(Duration::from_micros(3)), Some("1"), Some("1"))]
#[case::zero(Some(Duration::ZERO), Some("1"), None)]
#[case::whole(Some(Duration::from_secs(7)), Some("7"), None)]
#[case::rounded_up(Some(Duration::from_millis(7_001)), Some("8"), None)]
#[case::endless(Some(Duration::MAX), Some("18446744073709551615"), None)]
fn waits_are_told_in_whole_seconds(
    #[case] wait: Option<Duration>,
    #[case] seconds: Option<&str>,
    #[case] millis: Option<&str>,
) {
    let fault = Fault { retry_after: wait, ..fault(FaultKind::RateLimited) };
    for dialect in Dialect::ALL {
        let headers = render(dialect, &fault, request_id()).headers;
        let told = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(told("retry-after").as_deref(), seconds);
        assert_eq!(told("retry-after-ms").as_deref(), millis);
    }
}

#[test]
fn a_fault_in_a_stream_is_its_last_event() {
    let event = |dialect| render_event(dialect, &fault(FaultKind::Overloaded), request_id());
    insta::assert_snapshot!(text(&event(Dialect::AnthropicMessages)));
    insta::assert_snapshot!(text(&event(Dialect::OpenAiChat)));
    insta::assert_snapshot!(text(&event(Dialect::GeminiGenerate)), @r#"data: {"error":{"code":503,"message":"say \"what\" to do","status":"UNAVAILABLE"}}"#);
    insta::assert_snapshot!(text(&event(Dialect::BedrockConverse)), @r#"
    event: serviceUnavailableException
    data: {"message":"say \"what\" to do"}
    "#);
    insta::assert_snapshot!(text(&event(Dialect::OpenAiResponses)));
}

#[test]
fn what_the_relay_writes_its_own_readers_understand() {
    for dialect in Dialect::ALL {
        for kind in FaultKind::ALL {
            let fault = fault(kind);
            let rendered = render(dialect, &fault, request_id());
            let error = crate::read_error_answer(dialect, &rendered.headers, &rendered.body).unwrap();
            assert_eq!(error.message, fault.message);
            let mut tap = crate::StreamTap::new(dialect);
            let progress = tap.push(&render_event(dialect, &fault, request_id())).unwrap();
            assert_eq!(progress, crate::Progress::Failed);
            // Converse's streams have fewer kinds than its answers.
            let kind = tap.error().unwrap().kind.clone();
            assert!(kind == error.kind || dialect == Dialect::BedrockConverse, "{kind}");
            assert_eq!(tap.error(), Some(&crate::UpstreamError { kind, ..error }));
            assert!(tap.at_boundary());
        }
    }
}

#[test]
fn keep_alives_are_no_content() {
    for dialect in Dialect::ALL {
        let mut tap = crate::StreamTap::new(dialect);
        assert_eq!(tap.push(&keep_alive(Surface::plain(dialect))).unwrap(), crate::Progress::Opening);
        assert!(tap.at_boundary());
    }
}
