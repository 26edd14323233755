//! The device flow.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use posthaste_core::TransportError;
use posthaste_testkit::Reply;
use posthaste_vault::oauth::{DevicePoll, OAuthError};
use serde_json::json;

use crate::support::{Bench, bench, direct, failure, form, tokens};

/// A vendor that gives a device code and then these answers.
async fn vendor(polls: Vec<Reply>) -> Bench {
    let polls = Arc::new(Mutex::new(VecDeque::from(polls)));
    bench(move |sent| {
        if sent.uri.path().ends_with("/device/code") {
            return Reply::json(
                200,
                &json!({"device_code": "dc-1", "user_code": "ABCD-1234", "verification_uri": "https://chat.qwen.ai/activate",
                    "verification_uri_complete": "https://chat.qwen.ai/activate?user_code=ABCD-1234", "expires_in": 300}),
            );
        }
        polls.lock().pop_front().expect("the test tells an answer for each poll")
    })
    .await
}

fn pending() -> Reply {
    failure(400, "authorization_pending")
}

#[tokio::test(start_paused = true)]
async fn a_person_takes_their_time() {
    let done = json!({"access_token": "at", "refresh_token": "rt", "expires_in": 3600, "token_type": "Bearer",
        "resource_url": "portal.qwen.ai"});
    let bench = vendor(vec![pending(), failure(429, "slow_down"), pending(), Reply::json(200, &done)]).await;
    let start = bench.flows.start_device("qwen", &direct()).await.unwrap();
    assert_eq!(start.user_code, "ABCD-1234");
    assert_eq!(start.interval, Duration::from_secs(5));
    let begun = tokio::time::Instant::now();
    let token = bench.flows.wait_device(&start, &direct()).await.unwrap();
    // 5 s before each poll; 5 s more after the reproof, for good (RFC 8628 §3.5).
    assert_eq!(begun.elapsed(), Duration::from_secs(5 + 5 + 10 + 10));
    assert_eq!(token.facts.base_url.as_deref(), Some("https://portal.qwen.ai/v1"));
    let sent = bench.transport.sent();
    let asked = form(&sent[0]);
    assert_eq!(asked["scope"], "openid profile email model.completion");
    assert_eq!(asked["code_challenge_method"], "S256");
    let polled = form(&sent[4]);
    assert_eq!(polled["grant_type"], "urn:ietf:params:oauth:grant-type:device_code");
    assert_eq!(polled["device_code"], "dc-1");
    assert_eq!(polled["client_id"], "dummy-client");
    assert!(polled.contains_key("code_verifier"));
}

#[tokio::test]
async fn each_answer_is_a_state_of_its_own() {
    let broken = Reply::failure(TransportError::Broken("the test broke it".into()));
    let polls = vec![pending(), failure(400, "slow_down"), broken, failure(400, "access_denied")];
    let bench = vendor(polls).await;
    let start = bench.flows.start_device("qwen", &direct()).await.unwrap();
    let poll = async |ticket| bench.flows.poll_device(&ticket, &direct()).await;
    let DevicePoll::Pending { ticket, wait } = poll(start.ticket).await.unwrap() else { panic!("pending") };
    assert_eq!(wait, Duration::from_secs(5));
    let DevicePoll::SlowDown { ticket, wait } = poll(ticket).await.unwrap() else { panic!("slow down") };
    assert_eq!(wait, Duration::from_secs(10));
    let DevicePoll::Unanswered { ticket, wait, error } = poll(ticket).await.unwrap() else {
        panic!("unanswered")
    };
    assert_eq!(wait, Duration::from_secs(20));
    assert!(matches!(error, OAuthError::Unreachable { unsent: false, .. }), "{error:?}");
    assert_eq!(poll(ticket).await.unwrap_err(), OAuthError::Denied { provider: "qwen" });
}

#[tokio::test]
async fn a_code_ends_by_the_vendors_word_or_by_the_clock() {
    let bench = vendor(vec![failure(400, "expired_token")]).await;
    let start = bench.flows.start_device("qwen", &direct()).await.unwrap();
    let expired = OAuthError::ExpiredCode { provider: "qwen" };
    assert_eq!(bench.flows.poll_device(&start.ticket, &direct()).await.unwrap_err(), expired);
    bench.clock.advance(Duration::from_secs(300));
    assert_eq!(bench.flows.poll_device(&start.ticket, &direct()).await.unwrap_err(), expired);
    assert_eq!(bench.transport.sent().len(), 2);
}

#[tokio::test]
async fn a_ticket_opens_for_its_own_flow_only() {
    let bench = vendor(vec![Reply::json(200, &tokens("at", "rt"))]).await;
    let device = bench.flows.start_device("qwen", &direct()).await.unwrap();
    let code = bench.flows.start_code("claude", None).unwrap();
    assert_eq!(
        bench.flows.finish_code(&device.ticket, "c", &direct()).await.unwrap_err(),
        OAuthError::BadTicket
    );
    assert_eq!(bench.flows.poll_device(&code.ticket, &direct()).await.unwrap_err(), OAuthError::BadTicket);
    assert!(matches!(
        bench.flows.start_device("claude", &direct()).await,
        Err(OAuthError::NotOffered { .. })
    ));
}
