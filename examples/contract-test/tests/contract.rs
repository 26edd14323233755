//! What the service and the API have agreed on, seen from both sides: the API is scripted, and what was sent is looked at.

#![expect(clippy::unwrap_used, reason = "a failed setup is a failed test")]

use std::time::Duration;

use posthaste_core::Usage;
use posthaste_example_contract_test::{Answer, Assistant, Error};
use posthaste_testkit::{Script, ScriptedUpstream, anthropic_error, anthropic_json, anthropic_sse};
use serde_json::json;
use tokio::sync::mpsc;

fn assistant(upstream: &ScriptedUpstream) -> Assistant {
    Assistant::new(&upstream.base_url(), "cr_dummy", "claude-sonnet-5").unwrap()
}

fn usage() -> Usage {
    Usage { input: 12, output: 3, ..Usage::default() }
}

fn four() -> Answer {
    Answer { text: "Four.".to_owned(), output_tokens: 3 }
}

#[tokio::test]
async fn a_question_is_sent_as_agreed_and_its_answer_read() {
    let upstream = ScriptedUpstream::queued().await;
    upstream.enqueue(Script::json(200, &anthropic_json("Four.", usage())));
    assert_eq!(assistant(&upstream).ask("Two and two?").await.unwrap(), four());

    let received = upstream.received();
    assert_eq!(received.len(), 1);
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", "/v1/messages"));
    assert_eq!(received[0].header("x-api-key"), Some("cr_dummy"));
    assert_eq!(received[0].header("anthropic-version"), Some("2023-06-01"));
    let agreed = json!({
        "model": "claude-sonnet-5",
        "max_tokens": 1024,
        "messages": [{"role": "user", "content": "Two and two?"}],
    });
    assert_eq!(received[0].json(), agreed);
}

#[tokio::test]
async fn a_stream_is_heard_piece_by_piece_however_it_is_cut() {
    let upstream = ScriptedUpstream::queued().await;
    upstream.enqueue(Script::sse(&anthropic_sse(&["Fo", "ur", "."], usage())).sliced(7));
    let mut heard = Vec::new();
    let answer = assistant(&upstream).listen("Two and two?", |piece| heard.push(piece.to_owned())).await;
    assert_eq!((answer.unwrap(), heard.join("|")), (four(), "Fo|ur|.".to_owned()));
    assert_eq!(upstream.received()[0].json()["stream"], true);
}

#[tokio::test]
async fn a_limit_is_told_with_its_time_and_nobody_asks_again_before() {
    let upstream = ScriptedUpstream::queued().await;
    let limited = Script::json(429, &anthropic_error("rate_limit_error", "slow down"));
    upstream.enqueue(limited.header("retry-after", "7"));
    let error = assistant(&upstream).ask("Two and two?").await.unwrap_err();
    assert!(
        matches!(error, Error::Busy { after: Some(after) } if after == Duration::from_secs(7)),
        "{error:?}"
    );
    assert_eq!(upstream.received().len(), 1);
}

#[tokio::test]
async fn a_refusal_keeps_the_api_s_own_words() {
    let upstream = ScriptedUpstream::queued().await;
    upstream.enqueue(Script::json(401, &anthropic_error("authentication_error", "no such key")));
    let error = assistant(&upstream).ask("Two and two?").await.unwrap_err();
    assert_eq!(error.to_string(), "authentication_error: no such key");
}

#[tokio::test]
async fn a_stream_that_breaks_is_no_answer() {
    let upstream = ScriptedUpstream::queued().await;
    let frames = anthropic_sse(&["Fo", "ur."], usage());
    // The text is all there, yet nothing says that the answer is over.
    let open = Script::sse(&frames[..frames.len() - 1]);
    let overloaded =
        format!("event: error\ndata: {}\n\n", anthropic_error("overloaded_error", "too much to do"));
    for broken in [open.clone().cut(), open.clone().end(), open.chunk(overloaded)] {
        upstream.enqueue(broken);
        let error = assistant(&upstream).listen("Two and two?", |_| {}).await.unwrap_err();
        assert!(matches!(&error, Error::BrokenOff { heard, .. } if heard == "Four."), "{error:?}");
    }
}

#[tokio::test]
async fn whoever_stops_listening_stops_the_answer() {
    let upstream = ScriptedUpstream::queued().await;
    let frames = anthropic_sse(&["Fo", "ur."], usage());
    upstream.enqueue(Script::sse(&frames[..4]).stall());
    let (told, mut heard) = mpsc::unbounded_channel();
    let assistant = assistant(&upstream);
    let listening = assistant.listen("Two and two?", |piece| told.send(piece.to_owned()).unwrap());
    tokio::select! {
        ended = listening => panic!("nothing ends it: {ended:?}"),
        piece = heard.recv() => assert_eq!(piece.as_deref(), Some("Fo")),
    }
    assert_eq!(upstream.wait_aborted(1).await[0].path, "/v1/messages");
}
