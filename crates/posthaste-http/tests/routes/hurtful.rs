//! C6: bodies that are made to hurt whoever reads them, in every dialect and on the way to another one.

use bytes::Bytes;
use http::StatusCode;
use posthaste_testkit::{AccountSetters, Sent, account};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use crate::support::{GEMINI, GPT, MODEL, Rig, Setup, every_answer};

/// A question in the words of a path, as text up to its closing brace, and with a place for a text and for a number.
struct Asking {
    path: String,
    question: Value,
    /// Where a number stands that has to be one.
    number: &'static str,
}

/// Each dialect, to an account of its own dialect and to one of another.
fn askings() -> Vec<Asking> {
    let said = "TEXT";
    let messages = json!([{ "role": "user", "content": said }]);
    let parts = json!([{ "role": "user", "parts": [{ "text": said }] }]);
    let blocks = json!([{ "role": "user", "content": [{ "text": said }] }]);
    let mut askings = Vec::new();
    for model in [MODEL, GPT, GEMINI] {
        let named = |more: Value| {
            let mut question = json!({ "model": model });
            question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            question
        };
        let temperature = "\"temperature\":";
        askings.extend([
            Asking {
                path: "/v1/messages".into(),
                question: named(json!({ "max_tokens": 9, "messages": messages })),
                number: temperature,
            },
            Asking {
                path: "/v1/chat/completions".into(),
                question: named(json!({ "messages": messages })),
                number: temperature,
            },
            Asking {
                path: "/v1/responses".into(),
                question: named(json!({ "input": messages })),
                number: temperature,
            },
            Asking {
                path: format!("/v1beta/models/{model}:generateContent"),
                question: json!({ "contents": parts }),
                number: "\"generationConfig\":{\"temperature\":",
            },
            Asking {
                path: format!("/bedrock/model/{model}/converse"),
                question: json!({ "messages": blocks }),
                number: "\"inferenceConfig\":{\"temperature\":",
            },
        ]);
    }
    askings
}

impl Asking {
    /// With more members at the end.
    fn with(&self, members: &str) -> String {
        let question = self.question.to_string();
        format!("{},{members}}}", &question[..question.len() - 1])
    }

    /// With a number, spelled so.
    fn number(&self, spelled: &str) -> String {
        let closing = "}".repeat(self.number.matches('{').count());
        self.with(&format!("{}{spelled}{closing}", self.number))
    }

    /// With a text, spelled so.
    fn text(&self, spelled: &str) -> String {
        self.question.to_string().replacen("\"TEXT\"", spelled, 1)
    }
}

async fn rig() -> Rig {
    // Upstreams that answer whatever they are asked: numbers that no float holds are theirs to refuse.
    let answer = |sent: &Sent| every_answer(&Sent { body: Bytes::from_static(b"{}"), ..sent.clone() });
    Rig::with(Setup { answer: Box::new(answer), ..Setup::every_dialect() }).await
}

/// Refused as the client's fault, in the words of its dialect.
fn check_refusal(path: &str, status: StatusCode, body: &Value, what: &str) {
    assert_eq!(status, StatusCode::BAD_REQUEST, "{what} {path}: {body}");
    let is_told = match path {
        "/v1/messages" => body["type"] == "error" && body["error"]["type"] == "invalid_request_error",
        "/v1/chat/completions" | "/v1/responses" => body["error"]["type"] == "invalid_request_error",
        path if path.starts_with("/v1beta") => body["error"]["status"] == "INVALID_ARGUMENT",
        _ => body["message"].is_string(),
    };
    assert!(is_told, "{what} {path}: {body}");
}

#[tokio::test]
async fn c6_what_nests_too_deep_is_refused_in_every_dialect() {
    let rig = rig().await;
    for asking in askings() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":[", "]}]")] {
            let deep = format!("\"x\":{}1{}", open.repeat(100_000), close.repeat(100_000));
            let unclosed = format!("\"x\":{}", open.repeat(100_000));
            for members in [deep, unclosed] {
                let read = rig.post(&asking.path, asking.with(&members)).await;
                check_refusal(&asking.path, read.status, &read.json(), "deep");
            }
        }
    }
    assert!(rig.transport.sent().is_empty());
}

/// What is valid JSON and no harm to the relay is either served or refused; nothing but JSON leaves, and what passes unread stays
/// as it is.
#[tokio::test]
async fn c6_odd_json_is_served_or_refused_and_never_fails_the_relay() {
    let rig = rig().await;
    let many = keys(20_000);
    for asking in askings() {
        for (what, body) in [
            ("many keys", asking.with(&format!("\"x\":{{{many}}}"))),
            ("many members", asking.with(&many)),
            ("a doubled member", asking.with("\"x\":1,\"x\":2")),
            ("doubled messages", asking.with("\"messages\":[],\"contents\":[],\"input\":[]")),
            ("1e999", asking.number("1e999")),
            ("-1e999", asking.number("-1e999")),
            ("a long number", asking.number(&"9".repeat(10_000))),
            ("a number of digits", asking.number(&format!("0.{}", "1".repeat(10_000)))),
            ("half a pair", asking.text(r#""a\ud800b""#)),
            ("the other half", asking.text(r#""\udc00""#)),
            ("a pair the wrong way round", asking.text(r#""\udc00\ud800""#)),
            ("a NUL", asking.text(r#""\u0000""#)),
            ("a text of a megabyte", asking.text(&format!("\"{}\"", "\\u0061".repeat(200_000)))),
        ] {
            let asked = rig.transport.sent().len();
            let read = rig.post(&asking.path, body).await;
            if read.status == StatusCode::OK {
                let sent = rig.transport.sent().pop().unwrap();
                assert!(serde_json::from_slice::<IgnoredAny>(&sent.body).is_ok(), "{what} {}", asking.path);
            } else {
                check_refusal(&asking.path, read.status, &read.json(), what);
                assert_eq!(rig.transport.sent().len(), asked, "{what} {}", asking.path);
            }
        }
    }
}

fn keys(count: usize) -> String {
    (0..count).map(|number| format!("\"k{number}\":0")).collect::<Vec<_>>().join(",")
}

#[tokio::test]
async fn c6_a_million_keys_are_no_harm_whether_they_pass_or_are_translated() {
    let rig = rig().await;
    let members = keys(1_000_000);
    for model in [MODEL, GPT] {
        let body =
            json!({ "model": model, "max_tokens": 9, "messages": [{ "role": "user", "content": "hello" }] });
        let body = body.to_string().replacen('{', &format!("{{{members},"), 1);
        assert_eq!(rig.post("/v1/messages", body).await.status, StatusCode::OK, "{model}");
    }
}

/// Where two readers could take a doubled member for another one, and the relay decides by it.
#[tokio::test]
async fn c6_a_doubled_model_or_wish_for_a_stream_is_refused() {
    let rig =
        Rig::with(Setup { accounts: vec![account("one").with_models(&[MODEL])], ..Setup::default() }).await;
    for asking in askings() {
        if !asking.question["model"].is_string() {
            continue;
        }
        for twice in ["\"model\":\"other\"", "\"mo\\u0064el\":\"other\"", "\"stream\":true,\"stream\":false"]
        {
            let read = rig.post(&asking.path, asking.with(twice)).await;
            check_refusal(&asking.path, read.status, &read.json(), twice);
        }
    }
    assert!(rig.transport.sent().is_empty());
}

/// What is no JSON at all.
#[tokio::test]
async fn c6_what_is_no_json_is_refused_in_every_dialect() {
    let rig = rig().await;
    for asking in askings() {
        for body in [
            asking.number("NaN"),
            asking.number("Infinity"),
            asking.number("01"),
            asking.number("+1"),
            asking.number("0x1"),
            asking.number("1."),
            asking.text("'TEXT'"),
            asking.text("\"a\nb\""),
            asking.text(r#""\x41""#),
            asking.with("\"x\":1,"),
            asking.with("x:1"),
            format!("{}//", asking.question),
            format!("{}{}", asking.question, asking.question),
            format!("\u{feff}{}", asking.question),
        ] {
            let read = rig.post(&asking.path, body.clone()).await;
            check_refusal(&asking.path, read.status, &read.json(), &body);
        }
    }
    assert!(rig.transport.sent().is_empty());
}
