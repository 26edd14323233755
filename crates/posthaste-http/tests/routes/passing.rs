//! What passes the relay, and what must not.

use http::{HeaderMap, StatusCode};
use posthaste_testkit::{Reply, Sent};

use crate::support::{MODEL, Rig, UPSTREAM_KEY, answer, good, post, streamed, whole};

#[tokio::test]
async fn a_whole_answer_with_the_relays_own_headers() {
    let rig = Rig::answering(chatty).await;
    for (dialect, path) in [("anthropic", "/api/v1/messages"), ("openai", "/openai/v1/chat/completions")] {
        let read = rig.post(path, whole()).await;
        assert!(read.header("x-posthaste-overhead-us").unwrap().parse::<u64>().is_ok());
        let id = read.header("x-posthaste-request-id").unwrap();
        assert!(rig.rows().await.iter().any(|row| row.request_id.to_string() == id), "{id}");
        // A translated answer carries the time of its making.
        let shown = read.shown();
        if dialect == "anthropic" {
            insta::assert_snapshot!("whole_anthropic", shown);
        } else {
            let (head, _) = shown.split_once("\n\n").unwrap();
            insta::assert_snapshot!("whole_openai_head", head);
        }
    }
}

#[tokio::test]
async fn a_streamed_answer_passes_byte_for_byte() {
    let rig = Rig::answering(chatty).await;
    let read = rig.post("/api/v1/messages", streamed()).await;
    insta::assert_snapshot!("streamed_anthropic", read.shown());
    let rows = rig.rows().await;
    assert_eq!((rows.len(), rows[0].usage.input, rows[0].usage.output), (1, 12, 34));
}

/// An upstream that says a lot about its account.
fn chatty(sent: &Sent) -> Reply {
    let mut reply = answer(sent);
    for (name, value) in ABOUT_THE_ACCOUNT {
        reply = reply.header(name, value);
    }
    reply
}

const ABOUT_THE_ACCOUNT: [(&str, &str); 14] = [
    ("anthropic-ratelimit-requests-limit", "50"),
    ("anthropic-ratelimit-tokens-remaining", "7"),
    ("anthropic-ratelimit-unified-5h-status", "allowed"),
    ("anthropic-organization-id", "00000000-0000-0000-0000-000000000000"),
    ("x-ratelimit-remaining-requests", "7"),
    ("retry-after", "7"),
    ("retry-after-ms", "7000"),
    ("x-should-retry", "true"),
    ("set-cookie", "session=dummy"),
    ("server", "cloudflare"),
    ("via", "1.1 upstream"),
    ("cf-ray", "0"),
    ("x-api-key", "sk-ant-dummy"),
    ("x-posthaste-attempts", "99"),
];

#[tokio::test]
async fn what_an_upstream_says_of_its_account_stays_inside() {
    let rig = Rig::answering(chatty).await;
    for path in ["/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions"] {
        for body in [whole(), streamed()] {
            let read = rig.post(path, body).await;
            assert_eq!(read.status, StatusCode::OK, "{}", read.text());
            for (name, value) in ABOUT_THE_ACCOUNT {
                assert_ne!(read.header(name), Some(value), "{path}: {name}");
            }
            assert_eq!(read.header("x-posthaste-attempts"), Some("1"));
        }
    }
}

#[tokio::test]
async fn the_client_key_never_reaches_the_upstream() {
    let rig = Rig::new().await;
    let key = good();
    for path in ["/v1/messages", "/v1/messages/count_tokens", "/v1/chat/completions"] {
        for (name, value) in [
            ("authorization", format!("Bearer {key}")),
            ("x-api-key", key.clone()),
            ("x-goog-api-key", key.clone()),
            ("api-key", key.clone()),
        ] {
            let request = http::Request::post(path).header(name, value).body(whole().into()).unwrap();
            assert_eq!(rig.send(request).await.status, StatusCode::OK, "{path} {name}");
        }
        for query in [format!("key={key}"), format!("beta=true&key={key}"), format!("key={key}&beta=true")] {
            let request = http::Request::post(format!("{path}?{query}")).body(whole().into()).unwrap();
            assert_eq!(rig.send(request).await.status, StatusCode::OK, "{path}?{query}");
        }
        // All at once, with company that must stay behind as well.
        let everywhere = http::Request::post(format!("{path}?key={key}"))
            .header("authorization", format!("Bearer {key}"))
            .header("x-api-key", &key)
            .header("x-goog-api-key", &key)
            .header("api-key", &key)
            .header("cookie", format!("key={key}"))
            .header("proxy-authorization", format!("Basic {key}"))
            .header("x-forwarded-for", "203.0.113.7")
            .header("referer", format!("http://relay/?key={key}"));
        assert_eq!(rig.send(everywhere.body(whole().into()).unwrap()).await.status, StatusCode::OK);
    }
    let sent = rig.transport.sent();
    assert_eq!(sent.len(), 3 * 8);
    for sent in sent {
        let seen = format!("{} {:?} {:?}", sent.uri, sent.headers, sent.body);
        assert!(!seen.contains(&key[3..]), "{seen}");
        for name in
            ["cookie", "proxy-authorization", "x-forwarded-for", "referer", "x-goog-api-key", "api-key"]
        {
            assert!(!sent.headers.contains_key(name), "{name}: {seen}");
        }
        assert_eq!(sent.headers["x-api-key"], UPSTREAM_KEY);
    }
}

#[tokio::test]
async fn what_a_client_says_of_itself_and_its_wishes_travels() {
    let rig = Rig::new().await;
    let request = post("/api/v1/messages?beta=true")
        .header("user-agent", "claude-cli/2.1.197 (external, sdk-cli)")
        .header("anthropic-version", "2026-10-21")
        .header("anthropic-beta", "effort-2025-11-24,some-beta-of-tomorrow")
        .header("anthropic-beta", "second-line")
        .header("x-app", "cli")
        .header("x-stainless-lang", "js")
        .header("x-claude-code-session-id", "00000000-0000-0000-0000-000000000000")
        .header("x-unknown", "stays")
        .body(whole().into());
    assert_eq!(rig.send(request.unwrap()).await.status, StatusCode::OK);
    let sent = &rig.transport.sent()[0];
    insta::assert_snapshot!("sent_headers", lines(&sent.headers));
    assert_eq!(sent.uri, "http://127.0.0.1:9/v1/messages?beta=true");
    assert_eq!(sent.body, whole(), "the body is the client's, byte for byte");
}

fn lines(headers: &HeaderMap) -> String {
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort_unstable();
    lines.join("\n")
}

#[tokio::test]
async fn a_count_of_a_body_that_asks_for_a_stream_is_a_whole_answer() {
    let rig = Rig::new().await;
    let read = rig.post("/v1/messages/count_tokens", streamed()).await;
    assert_eq!((read.status, read.json()["input_tokens"].as_u64()), (StatusCode::OK, Some(12)));
    // The account does not rest for it: the next request is served.
    assert_eq!(rig.post("/v1/messages", whole()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn fields_that_nobody_knows_pass_in_the_same_dialect() {
    let rig = Rig::new().await;
    let body = format!(
        "{{ \"max_tokens\":1,\t\"model\" : \"{MODEL}\", \"of_tomorrow\":{{\"a\":[1e400,\"\\ud800\",-0.0]}}, \"messages\":[] }}"
    );
    assert_eq!(rig.post("/v1/messages", body.clone()).await.status, StatusCode::OK);
    assert_eq!(rig.transport.sent()[0].body, body);
}
